"""How each study is to be analysed: recorded once a study, found by builders on any machine.

Every run carries the settings of the study that it was submitted with, in its segments, so that builders find them
wherever the run was made and whoever submitted it. A record in the collection `studies` stands above them: `superionic
run`, `submit` and `build STUDY.yaml` write it, the last to write decides, and the runs themselves stay as they are.
Records and runs are read by DiffusivityBuilder alone; fits and comparisons find the settings in the documents they
are built from. A study is known by its name, and the empty name stands for all runs that belong to none.
"""

from __future__ import annotations

from maggma.core import Store

from superionic.documents import AnalysisSettings, StudyDocument
from superionic.stores.reading import Unreadable, read_documents


def record_settings(studies: Store, study: str, analysis: AnalysisSettings) -> None:
    """Say how all runs of a study are to be analysed, from the next build on.

    Parameters
    ----------
    studies
        The collection `studies`, connected.
    study
        Name of the study; empty for all runs that belong to none.
    analysis
        The settings.
    """
    studies.update(StudyDocument(study=study, analysis=analysis).model_dump(mode="json"), key="study")


def recorded_settings(studies: Store) -> tuple[dict[str, AnalysisSettings], list[Unreadable]]:
    """Settings of every study that has a record, and the records that cannot be read."""
    records, unreadable = read_documents(studies, StudyDocument, "study")
    return {record.study: record.analysis for record in records}, unreadable
