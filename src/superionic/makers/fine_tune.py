"""Fine-tuning as a job: a dataset in, a trained potential out."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobflow import CURRENT_JOB, Job, Maker, Response, job

from superionic.documents import DatasetDocument
from superionic.documents.fine_tuning import TrainingSettings
from superionic.documents.trained_potential import TrainedPotentialDocument
from superionic.dynamics.stopping import watching_sigterm


@dataclass
class FineTuneMaker(Maker):
    """Fine-tune CHGNet on a dataset.

    Attributes
    ----------
    potential
        Name of the potential that comes of it.
    base
        Model or checkpoint that training begins with.
    settings
        How it is trained.
    preset
        Preset that the settings began with.
    walltime_s
        Time that each job has in s; it ends in time for it and the next job, on this machine, goes on.
    name
        Name of the job.
    """

    potential: str
    base: str = "0.3.0"
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    preset: str | None = None
    walltime_s: float | None = None
    name: str = "fine-tune"

    def make(self, dataset: DatasetDocument) -> Job:
        """Job whose last output is the TrainedPotentialDocument.

        Parameters
        ----------
        dataset
            A split dataset, or a reference to it.
        """
        made = train(self, dataset)
        made.name = f"{self.name} {self.potential}"
        return made


@job(data=["payload"])
def train(maker: FineTuneMaker, dataset: DatasetDocument) -> TrainedPotentialDocument | Response:
    """Train to the end, or until told to end: then the next job goes on."""
    from superionic.training.fine_tune import fine_tune
    from superionic.training.progress import TrainingProgress

    with watching_sigterm(maker.walltime_s) as request:
        document = fine_tune(
            dataset,
            maker.base,
            maker.settings,
            maker.potential,
            maker.preset,
            request.reason,
            TrainingProgress(maker.potential, maker.settings.n_epochs).update,
        )
    if document is not None:
        return document
    rest = train(maker, dataset)
    rest.name = CURRENT_JOB.job.name
    return Response(replace=rest)
