"""What is said of files from outside, and what every reader of them gives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from superionic.datasets.candidates import Candidate
from superionic.documents.dataset import ExcludedFrame, LabelReference


@dataclass(frozen=True)
class Given:
    """What the user says of files.

    Attributes
    ----------
    reference
        What gave the labels, for formats that do not say.
    structure
        Label of the structure, None for what the file says, or the formula.
    temperature_K
        Of the run, for formats that do not say.
    stride
        Every how many frames of a run are taken.
    first
        First frame of a run that is taken, such as the one after its equilibration.
    dialect
        Whose keys an extended xyz file has; told by the keys if None.
    """

    reference: LabelReference | None = None
    structure: str | None = None
    temperature_K: float | None = None
    stride: int = 1
    first: int = 0
    dialect: str | None = None

    def takes(self, index: int) -> bool:
        """Whether a frame of a run is taken, by its number."""
        return index >= self.first and (index - self.first) % self.stride == 0


@dataclass
class Found:
    """What a file holds: frames that ask to be let in, and those of which nothing but their name could be read."""

    candidates: list[Candidate] = field(default_factory=list)
    excluded: list[ExcludedFrame] = field(default_factory=list)

    def extend(self, other: Found) -> None:
        """Take in what another file holds."""
        self.candidates += other.candidates
        self.excluded += other.excluded

    def thinned(self, given: Given) -> Found:
        """Every so many frames, with what the user says of their structure and temperature."""
        kept = []
        for candidate in self.candidates:
            origin = candidate.frame.origin
            if not given.takes(origin.index):
                continue
            said = {"structure": given.structure, "temperature_K": given.temperature_K}
            kept.append(candidate.of(origin.model_copy(update={k: v for k, v in said.items() if v is not None})))
        return replace(self, candidates=kept)
