"""Diffusivity documents to Arrhenius documents, one an ordering, engine, potential and study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from maggma.core import Builder, Store

from superionic.analysis import arrhenius
from superionic.builders.gone import remove_gone
from superionic.builders.key import build_key
from superionic.documents import (
    AnalysisSettings,
    ArrheniusDocument,
    DiffusivityDocument,
    FailureDocument,
    MissingRun,
    Provenance,
    RunIdentity,
)
from superionic.documents.keys import readable_key
from superionic.errors import StoreError
from superionic.stores.reading import Unreadable, identity_of, read_documents


@dataclass
class Members:
    """All runs of one group.

    Attributes
    ----------
    group
        Key of the group.
    identity
        What they have in common.
    documents
        Their diffusivity documents.
    missing
        Runs that could not be analysed.
    unreadable
        Documents that cannot be read, so that no fit can be made of all.
    """

    group: str
    identity: RunIdentity
    documents: list[DiffusivityDocument] = field(default_factory=list)
    missing: list[MissingRun] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def key(self) -> str:
        """Digest of what the fit is built from."""
        members = [[d.run_id, d.build_key, d.settings.model_dump(mode="json")] for d in self.documents]
        sources = [source.model_dump() for document in self.documents for source in document.provenance.sources]
        missing = [run.model_dump() for run in self.missing]
        return build_key(ArrheniusDocument, members, sources, missing, self.unreadable)

    def settings(self) -> AnalysisSettings:
        """What all of them were asked for.

        Raises
        ------
        StoreError
            If that is not the same for all.
        """
        first, *others = self.documents
        for other in others:
            if other.settings != first.settings:
                raise StoreError(
                    f"runs {first.run_id} and {other.run_id} were stored with different settings of the analysis: say "
                    "which are meant (`superionic build STUDY.yaml`)"
                )
        return first.settings


class ArrheniusBuilder(Builder):
    """Builds one document a group of runs, again whenever the group or one of its documents has changed.

    Runs that could not be analysed are named in the fit; while a document of the group cannot be read there is no fit,
    but a record of why. Documents that cannot be read are named in `unreadable`.

    Parameters
    ----------
    diffusivity
        The store that DiffusivityBuilder fills.
    documents
        Where the documents go, keyed on ``group``.
    """

    def __init__(self, diffusivity: Store, documents: Store, **kwargs: Any) -> None:
        self.diffusivity = diffusivity
        self.documents = documents
        self.unreadable: list[Unreadable] = []
        super().__init__(sources=[diffusivity], targets=[documents], **kwargs)

    def get_items(self) -> Iterator[Members]:
        """Groups whose document is missing or made from something else; documents of groups without runs go."""
        groups = self._groups()
        fits, unreadable = read_documents(self.documents, ArrheniusDocument, "group")
        newer = [document for document in unreadable if document.newer]
        self.unreadable += newer
        for document in self.unreadable:
            self.logger.error("%s", document)
        remove_gone(self.documents, "group", {*groups, *(document.name for document in newer)})
        built = {fit.group: fit.build_key for fit in fits}
        for group, members in groups.items():
            members.documents.sort(key=lambda document: (document.temperature_K, document.run_id))
            if built.get(group) != members.key() and group not in {document.name for document in newer}:
                yield members

    def _groups(self) -> dict[str, Members]:
        """Groups with a document, readable or not; runs that could not be analysed make none of their own."""
        groups: dict[str, Members] = {}

        def group_of(identity: RunIdentity) -> Members:
            key = group_key(identity)
            return groups.setdefault(key, Members(key, identity))

        documents, self.unreadable = read_documents(self.diffusivity, DiffusivityDocument, "run_id")
        for document in documents:
            group_of(document.identity).documents.append(document)
        for broken in self.unreadable:
            if (identity := identity_of(broken.stored)) is not None:
                group_of(identity).unreadable.append(str(broken))
        failures, _ = read_documents(self.diffusivity, FailureDocument, "run_id", partly=True)
        for failed in sorted(failures, key=lambda failure: str(failure.run_id)):
            if failed.identity is not None and (members := groups.get(group_key(failed.identity))):
                members.missing.append(MissingRun(run_id=str(failed.run_id), reason=failed.reason))
        return groups

    def process_item(self, item: Members) -> dict[str, Any]:
        """Document of one group, or the record of why there is none."""
        sources = [source for member in item.documents for source in member.provenance.sources]
        try:
            if item.unreadable:
                raise StoreError("; ".join(item.unreadable))
            document = arrhenius(item.documents, item.settings(), missing=item.missing)
        except Exception as error:  # the reason is stored and logged whole
            self.logger.exception("group %s could not be fitted", item.group)
            failure = FailureDocument(
                group=item.group,
                identity=item.identity,
                reason=f"{type(error).__name__}: {error}",
                provenance=Provenance(sources=sources),
            )
            return failure.model_dump(mode="json", exclude_none=True)
        provenance = document.provenance.model_copy(
            update={"sources": sources, "potential": document.identity.potential}
        )
        made = document.model_copy(update={"group": item.group, "provenance": provenance, "build_key": item.key()})
        return made.model_dump(mode="json")

    def update_targets(self, items: list[dict[str, Any]]) -> None:
        """Replace the documents of the groups."""
        if items:
            self.documents.update(items, key="group")


def group_key(identity: RunIdentity) -> str:
    """What the runs of one Arrhenius fit share, readable and unique."""
    potential = identity.potential
    words = (identity.study, identity.label, identity.formula, identity.engine, potential.family, potential.model)
    return readable_key(words, identity.model_dump_json())
