"""What a potential is can be said without loading one."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from superionic.errors import InputError
from superionic.potentials import Evaluation, PotentialError


@pytest.mark.parametrize("module", ["superionic.potentials.interface", "superionic.documents"])
def test_no_torch_is_loaded(module):
    code = f"import sys, {module}; print([m for m in ('torch', 'chgnet', 'ase', 'numba') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("broken", ["energy_eV", "forces_eV_per_A", "stress_eV_per_A3"])
def test_what_is_not_finite_is_refused_by_name(broken):
    values = {"energy_eV": -3.0, "forces_eV_per_A": np.zeros((2, 3)), "stress_eV_per_A3": np.zeros((3, 3))}
    assert Evaluation(**values).require_finite("LJ").energy_eV == -3.0
    with pytest.raises(PotentialError, match="LJ"):
        Evaluation(**{**values, broken: values[broken] * np.nan}).require_finite("LJ")


def test_a_stress_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="no stress"):
        Evaluation(-3.0, np.zeros((2, 3)), None).require_stress()
