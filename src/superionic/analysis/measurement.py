"""What a run says of the motion of its ions, before it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from superionic.analysis.conductivity import nernst_einstein_mS_per_cm
from superionic.analysis.equilibration import Settling, settled
from superionic.analysis.framework.integrity import FrameworkIntegrity, framework_integrity
from superionic.analysis.memory import default_memory_bytes
from superionic.analysis.motion import Motion, read_motion
from superionic.analysis.sites.on_sites import OnSites, SiteVisits, analyse_on_sites, visit_sites
from superionic.analysis.spectral.collective import CollectiveEstimate, estimate_collective
from superionic.analysis.spectral.diffusion import HOP_LENGTH_A, DiffusionEstimate, estimate_diffusion
from superionic.analysis.units import A2_PER_PS_TO_CM2_PER_S
from superionic.documents import Estimate
from superionic.errors import InputError
from superionic.structures.host import Host
from superionic.trajectories.trajectory import Trajectory


@dataclass(frozen=True)
class Measurement:
    """All that the verdict on a run rests on.

    Attributes
    ----------
    motion
        The run relative to its framework.
    settling
        When its energy settled; None if that is not known.
    hop_length_A
        Length of a hop that effective hops are counted in, in Å.
    estimate
        Diffusion tensor of the mobile ions.
    collective
        Transport of all species as wholes.
    framework
        What became of the framework.
    on_sites
        What the mobile ions did on the host's sites.
    others
        Diffusion tensor of each further mobile ion.
    """

    motion: Motion
    settling: Settling | None
    hop_length_A: float
    estimate: DiffusionEstimate
    collective: CollectiveEstimate
    framework: FrameworkIntegrity
    on_sites: OnSites
    others: dict[str, DiffusionEstimate]

    @cached_property
    def diffusivity_cm2_per_s(self) -> Estimate:
        """Trace of the tensor / 3 in cm^2/s."""
        return self.estimate.isotropic(A2_PER_PS_TO_CM2_PER_S)

    @property
    def hops_per_ion(self) -> float:
        """Effective hops per ion: mean squared displacement over the run / squared hop length."""
        return self.effective_hops(self.diffusivity_cm2_per_s)

    def effective_hops(self, diffusivity_cm2_per_s: Estimate) -> float:
        """Hops of an ion of that diffusivity."""
        six_d_A2_per_ps = 6 * diffusivity_cm2_per_s.value / A2_PER_PS_TO_CM2_PER_S
        return six_d_A2_per_ps * self.motion.length_ps / self.hop_length_A**2

    @property
    def relative_error_by_hop_count(self) -> float | None:
        """Relative standard deviation of D by the number of effective hops of all ions; None without hops.

        He, Zhu and Mo, npj Comput. Mater. 4, 18 (2018), from ab initio runs of many conductors.
        """
        hops = self.hops_per_ion * self.motion.n_mobile
        return 3.43 / float(np.sqrt(hops)) + 0.04 if hops > 0 else None

    @property
    def mean_temperature_K(self) -> float | None:
        """Mean kinetic temperature over the analysed frames in K, None if unknown."""
        temperatures_K = self.motion.trajectory.temperatures_K
        return None if temperatures_K is None else float(np.mean(temperatures_K[self.motion.first_frame :]))

    @property
    def conductivity_per_diffusivity(self) -> float:
        """Nernst-Einstein factor of the run in mS/cm per cm^2/s."""
        motion, run = self.motion, self.motion.trajectory
        return nernst_einstein_mS_per_cm(run.mobile_charge_e, motion.n_mobile, motion.volume_A3, run.temperature_K)


def measure(
    trajectory: Trajectory,
    host: Host | None = None,
    *,
    hop_length_A: float = HOP_LENGTH_A,
    radii_A: dict[str, float] | None = None,
    memory_GB: float | None = None,
) -> Measurement:
    """Measure one run.

    Parameters
    ----------
    trajectory, host, hop_length_A, radii_A, memory_GB
        As for :func:`superionic.analysis.diffusivity`.

    Raises
    ------
    InputError
        If the run cannot be analysed at all, or given radii overlap.
    """
    trajectory, settling = settled(trajectory)
    motion, species = read_motion(trajectory, default_memory_bytes() if memory_GB is None else 1e9 * memory_GB)
    visits, refused = _visits(host, motion, radii_A)
    network = visits.network(motion) if visits else None
    estimate = estimate_diffusion(motion.mobile_A, motion.interval_ps, hop_length_A=hop_length_A, hop_network=network)
    collective = estimate_collective(species, trajectory.mobile_charges_e, motion.interval_ps, estimate)
    del species
    names = np.asarray(trajectory.species)
    others = {
        ion: estimate_diffusion(motion.of(np.flatnonzero(names == ion)), motion.interval_ps, hop_length_A=hop_length_A)
        for ion in trajectory.other_mobile_charges_e
    }
    return Measurement(
        motion=motion,
        settling=settling,
        hop_length_A=hop_length_A,
        estimate=estimate,
        collective=collective,
        framework=framework_integrity(motion),
        on_sites=analyse_on_sites(visits, motion, estimate) if visits else OnSites(refused=refused),
        others=others,
    )


def _visits(
    host: Host | None, motion: Motion, radii_A: dict[str, float] | None
) -> tuple[SiteVisits | None, str | None]:
    """Where the ions were, or why that cannot be said; a run whose framework no longer fits its host keeps its D."""
    if host is None:
        return None, None
    try:
        return visit_sites(host, motion, radii_A), None
    except InputError as error:
        if radii_A is not None:
            raise
        return None, str(error)
