"""Which potential to use: what a user asks for; PotentialReference is what they got."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents.base import Document


class PotentialSettings(Document):
    """A CHGNet model and how to run it."""

    family: Literal["CHGNet"] = Field("CHGNet", description="Kind of potential")
    model: str = Field("0.3.0", description="'0.3.0', 'r2scan', '0.2.0', or the path of a fine-tuned checkpoint")
    device: str = Field("cpu", description="torch device, 'cpu' or 'cuda'")
    kernels: Literal["auto", "fused", "torch", "stock"] = Field(
        "auto", description="Implementation; 'auto' takes the fastest and the documents say which"
    )
    batch_runs: bool | None = Field(
        None,
        description="Whether runs side by side on one machine are evaluated in common batches by one process; "
        "None does so on a CUDA device only",
    )

    @property
    def in_batches(self) -> bool:
        """Whether runs side by side are evaluated together: on several cores, one process a run is faster."""
        return self.device.startswith("cuda") if self.batch_runs is None else self.batch_runs
