"""Groups of runs with known diffusivities: hops are counted by chance, everything else is exact."""

import numpy as np

from sample_runs import IDENTITY
from superionic.analysis import arrhenius
from superionic.analysis.units import BOLTZMANN_EV_PER_K
from superionic.documents import (
    Check,
    DiffusivityDocument,
    Estimate,
    MSDCurve,
    PotentialReference,
    Provenance,
    Quality,
)

TEMPERATURES_K = (700.0, 775.0, 850.0, 925.0, 1000.0)
FINE = Quality.from_checks([Check(name="hops per ion", passed=True, reason="enough")])
POOR = Quality.from_checks([Check(name="hops per ion", passed=False, reason="too few hops")])
MOLTEN = Quality.from_checks([Check(name="framework intact", passed=False, fatal=True, reason="the framework melted")])


def estimate(value, error):
    return Estimate(
        value=value, standard_error=error, interval_68=(value - error, value + error),
        interval_95=(value - 2 * error, value + 2 * error),
    )  # fmt: skip


def run(run_id, temperature_K, value, error, identity, quality=FINE, n_ions=24):
    isotropic = estimate(value, error)
    return DiffusivityDocument(
        run_id=run_id, identity=identity, temperature_K=temperature_K, mean_temperature_K=temperature_K,
        analysed_length_ps=200.0, n_frames=1000, n_mobile_ions=n_ions, volume_A3=1600.0,
        diffusivity_cm2_per_s=isotropic, diffusivity_tensor_cm2_per_s=(np.eye(3) * value).tolist(),
        diffusivity_along_cell_cm2_per_s=dict.fromkeys("abc", isotropic),
        conductivity_mS_per_cm=estimate(value * 1e7, error * 1e7), fit_lag_range_ps=(1, 10),
        msd=MSDCurve(lag_ps=[1.0], msd_A2=[1.0]), framework_msd_A2=0.1, hops_per_ion=10,
        relative_error_by_hop_count=0.1, framework_state="intact",
        principal_diffusivities_cm2_per_s=(value,) * 3, principal_axes=np.eye(3).tolist(), quality=quality,
        provenance=Provenance(),
    )  # fmt: skip


def identity_of(label="O", model="0.3.0", **other):
    potential = PotentialReference(family="CHGNet", model=model, origin=other.pop("origin", "pretrained"))
    return IDENTITY.model_copy(update={"label": label, "potential": potential, "host": "crystal", **other})


def true_diffusivity(temperature_K, energy_eV=0.3, prefactor=1e-3):
    return prefactor * np.exp(-energy_eV / BOLTZMANN_EV_PER_K / temperature_K)


def group(
    identity, rng, *, energy_eV=0.3, prefactor=1e-3, hops=100, temperatures_K=TEMPERATURES_K, repeats=1, qualities=None
):
    """Fit and runs of one group; D is a Poisson count of hops over what `hops` of them are on average."""
    runs = []
    for temperature in temperatures_K:
        for repeat in range(repeats):
            counted = max(int(rng.poisson(hops)), 1)
            value = true_diffusivity(temperature, energy_eV, prefactor) * counted / hops
            quality = (qualities or {}).get(temperature, FINE)
            name = f"{identity.label} {identity.potential.model} {temperature:g} {repeat}"
            runs.append(run(name, temperature, value, value / np.sqrt(counted), identity, quality))
    key = f"{identity.label} / {identity.formula} / {identity.engine} / {identity.potential.model} / {identity.study}"
    return arrhenius(runs, group=key), runs
