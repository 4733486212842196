"""A number with its error."""

from __future__ import annotations

from pydantic import Field

from superionic.documents.base import Document


class Estimate(Document):
    """A number with its error; the unit stands in the name or description of the field that holds it."""

    value: float = Field(description="Best estimate")
    standard_error: float = Field(ge=0, description="Standard error (1 sigma)")
    interval_68: tuple[float, float] = Field(description="Central 68 % interval")
    interval_95: tuple[float, float] = Field(description="Central 95 % interval")

    def scaled(self, factor: float) -> Estimate:
        """The same estimate in another unit."""
        return Estimate(
            value=self.value * factor,
            standard_error=self.standard_error * factor,
            interval_68=(self.interval_68[0] * factor, self.interval_68[1] * factor),
            interval_95=(self.interval_95[0] * factor, self.interval_95[1] * factor),
        )
