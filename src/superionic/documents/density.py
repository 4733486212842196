"""Where the mobile ions of one run were: a grid of counts, compressed."""

from __future__ import annotations

import base64
import zlib

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from superionic.documents.base import Document, Matrix3, Vector3
from superionic.errors import StoreError

_DTYPE = "<u4"


class DensityVolume(Document):
    """In how many frames an ion was in each voxel; `analysis.distributions.density.Density` makes arrays of it."""

    shape: tuple[int, int, int] = Field(description="Voxels along the three vectors of `cell_A`")
    cell_A: Matrix3 = Field(
        description="Vectors that the grid spans as rows in Å, in the axes of the stored cell: Niggli's reduced cell "
        "of the run's lattice"
    )
    origin_A: Vector3 = Field(
        description="Corner of voxel (0, 0, 0) in Å, within `cell_A`; voxel (i, j, k) is centred on the corner + "
        "((i + 1/2) / shape[0], (j + 1/2) / shape[1], (k + 1/2) / shape[2]) @ cell_A"
    )
    n_frames: int = Field(gt=0, description="Frames counted; density = count / (n_frames x volume of a voxel)")
    temperature_K: float = Field(gt=0, description="Target temperature of the run in K")
    counts: str = Field(
        description="Ions seen in each voxel, summed over the frames: base64 of zlib of uint32 in C order, the lowest "
        "bytes of all voxels first, then the next ones"
    )

    def to_array(self) -> NDArray[np.int64]:
        """Ions seen in each voxel, summed over the frames, shape ``self.shape``.

        Raises
        ------
        StoreError
            If `counts` is not what was stored.
        """
        try:
            raw = zlib.decompress(base64.b64decode(self.counts, validate=True))
            planes = np.frombuffer(raw, dtype=np.uint8).reshape(4, int(np.prod(self.shape)))
        except (ValueError, zlib.error) as error:
            raise StoreError(f"the density volume is corrupt ({error}): remove its document and build again") from error
        return np.ascontiguousarray(planes.T).view(_DTYPE).reshape(self.shape).astype(np.int64)

    @staticmethod
    def pack(counts: NDArray[np.int64]) -> str:
        """What `counts` holds for an array of them; bytes of one rank are alike and compress better together."""
        planes = np.ascontiguousarray(counts.astype(_DTYPE)).reshape(-1, 1).view(np.uint8).T
        return base64.b64encode(zlib.compress(planes.tobytes())).decode()
