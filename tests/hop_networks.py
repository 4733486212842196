"""Networks of hops: of exact rates, and of a run."""

import numpy as np

from superionic.analysis.motion import read_motion
from superionic.analysis.sites.on_sites import visit_sites
from superionic.analysis.spectral.hop_memory import HopNetwork


def exact_network(model, hops=1e6):
    """The network of so many hops at exactly the model's rates, each hop and its reverse in a class of their own."""
    flux = model.occupation[model.source] * model.rate_per_ps
    there = np.column_stack([model.source, model.target, model.displacement_A.round(6) + 0.0])
    back = np.column_stack([model.target, model.source, -model.displacement_A.round(6) + 0.0])
    pairs = [min(tuple(one), tuple(other)) for one, other in zip(there, back, strict=True)]
    _, hop_class = np.unique(pairs, axis=0, return_inverse=True)
    return HopNetwork(
        time_share=model.occupation,
        source=model.source,
        target=model.target,
        hop_class=hop_class,
        vector_A=model.displacement_A,
        counts=np.bincount(hop_class, flux) / flux.sum() * hops,
        ion_time_ps=hops / flux.sum(),
    )


def network_of(run, host):
    motion, _ = read_motion(run, 1e9)
    return visit_sites(host, motion).network(motion)
