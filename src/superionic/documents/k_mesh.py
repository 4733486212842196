"""A mesh of k-points, by its divisions along the three reciprocal vectors."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

__all__ = ["KMesh"]


def _no_empty_mesh(mesh: object) -> object:
    if isinstance(mesh, list | tuple) and any(isinstance(n, int) and n < 1 for n in mesh):
        raise ValueError(f"{list(mesh)} has no points: give at least one division along each vector")
    return tuple(mesh) if isinstance(mesh, list) else mesh  # a study file's list, which strict types refuse


_Divisions = Annotated[int, Field(ge=1, le=20)]
KMesh = Annotated[tuple[_Divisions, _Divisions, _Divisions], BeforeValidator(_no_empty_mesh)]
