"""CHGNet's weights, re-arranged for inference.

The first linear layer of a gated MLP acts on concatenated features of atoms, bonds and angles. Split into one
matrix per source, it is applied once per atom, bond or angle, and only the results are gathered. Core and gate
stand side by side: columns 0..63 are the core's, 64..127 the gate's.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from chgnet.model import CHGNet

__all__ = ["WIDTH", "AngleMlp", "AtomMlp", "ChgnetWeights", "reference_energies", "unsupported"]

WIDTH = 64
"""Features per atom, bond and angle."""


@dataclass(frozen=True)
class AtomMlp:
    """Messages along pairs: gated MLP of (centre, pair, neighbour), then the output layer."""

    centre_neighbour: Tensor  # (64, 256): of the atom as centre | as neighbour
    bond: Tensor  # (64, 128): of the bond features
    bias: Tensor  # (128,)
    second: Tensor  # (2, 64, 64): core, gate
    second_bias: Tensor  # (2, 1, 64)
    norm: Tensor  # (4, 64): scale and shift of the core, scale and shift of the gate
    out: Tensor  # (64, 64)


@dataclass(frozen=True)
class AngleMlp:
    """Messages along angles: gated MLP of (arm one, arm two, angle, centre). Angle updates have one layer only."""

    arms: Tensor  # (64, 256): of the bond as arm one | as arm two
    angle: Tensor  # (64, 128)
    centre: Tensor  # (64, 128)
    bias: Tensor  # (128,)
    norm: Tensor  # (4, 64)
    second: Tensor  # (2, 64, 64), empty for angle updates
    second_bias: Tensor  # (2, 1, 64), empty for angle updates
    out: Tensor  # (64, 64), empty for angle updates


@dataclass(frozen=True)
class ChgnetWeights:
    """All that energy, forces and stress need.

    `pair_basis` (n_radial, 64 + n_conv * 128) gives from the radial basis of a pair, in one product, its
    message weights and its share of the first layer of every atom convolution.
    """

    cutoff_A: float
    bond_cutoff_A: float
    envelope_power: int
    embedding: Tensor  # (94, 64)
    pair_frequencies: Tensor  # (n_radial,)
    bond_frequencies: Tensor  # (n_radial,)
    angle_frequencies: Tensor  # (n_angular,)
    bond_embedding: Tensor  # (n_radial, 64)
    bond_weights: Tensor  # (n_radial, 64)
    angle_embedding: Tensor  # (1 + 2 n_angular, 64), holds the Fourier basis' 1/sqrt(pi)
    pair_basis: Tensor
    pair_weights: Tensor  # (n_radial, 64): the first columns of pair_basis
    atom_mlps: tuple[AtomMlp, ...]
    bond_mlps: tuple[AngleMlp, ...]
    angle_mlps: tuple[AngleMlp, ...]
    readout_norm: Tensor  # (2, 64)
    readout: tuple[tuple[Tensor, Tensor], ...]

    @classmethod
    def from_model(
        cls, model: CHGNet, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
    ) -> ChgnetWeights:
        """Re-arrange a loaded model; see `unsupported` for which."""
        return cls._of({key: value.detach().to(device, dtype) for key, value in model.state_dict().items()}, model)

    @classmethod
    def trainable(cls, model: CHGNet, dtype: torch.dtype = torch.float32) -> ChgnetWeights:
        """Re-arrange a model so that gradients to the result go on to the model's own parameters."""
        state = {**model.state_dict(), **dict(model.named_parameters())}
        return cls._of({key: value.to(dtype) for key, value in state.items()}, model)

    def detached(self) -> ChgnetWeights:
        """The same numbers without a way back."""
        detached: ChgnetWeights = _detached(self)
        return detached

    @classmethod
    def _of(cls, state: dict[str, Tensor], model: CHGNet) -> ChgnetWeights:
        def matrix(key: str) -> Tensor:
            return state[f"{key}.weight"].T.contiguous()

        def side_by_side(prefix: str, layer: int) -> tuple[Tensor, Tensor]:
            parts = [f"{prefix}.{part}.layers.{layer}" for part in ("mlp_core", "mlp_gate")]
            return (
                torch.cat([matrix(part) for part in parts], 1),
                torch.cat([state[f"{part}.bias"] for part in parts]),
            )

        def norm(prefix: str) -> Tensor:
            return torch.stack(
                [state[f"{prefix}.{key}"] for key in ("bn1.weight", "bn1.bias", "bn2.weight", "bn2.bias")]
            )

        def second_layer(prefix: str) -> tuple[Tensor, Tensor]:
            weight, bias = side_by_side(prefix, 3)
            return weight.view(WIDTH, 2, WIDTH).transpose(0, 1).contiguous(), bias.view(2, 1, WIDTH)

        def atom_mlp(layer: int) -> AtomMlp:
            prefix = f"atom_conv_layers.{layer}"
            first, bias = side_by_side(f"{prefix}.twoBody_atom", 0)
            centre, bond, neighbour = first.split(WIDTH)
            return AtomMlp(
                torch.cat([centre, neighbour], 1),
                bond.contiguous(),
                bias,
                *second_layer(f"{prefix}.twoBody_atom"),
                norm(f"{prefix}.twoBody_atom"),
                matrix(f"{prefix}.mlp_out.layers.1"),
            )

        def angle_mlp(prefix: str, *, updates_bonds: bool) -> AngleMlp:
            first, bias = side_by_side(f"{prefix}.twoBody_bond", 0 if updates_bonds else 1)
            one, two, angle, centre = first.split(WIDTH)
            nothing = first.new_empty(0)
            return AngleMlp(
                torch.cat([one, two], 1),
                angle.contiguous(),
                centre.contiguous(),
                bias,
                norm(f"{prefix}.twoBody_bond"),
                *(second_layer(f"{prefix}.twoBody_bond") if updates_bonds else (nothing, nothing)),
                out=matrix(f"{prefix}.mlp_out.layers.1") if updates_bonds else nothing,
            )

        n_conv = model.n_conv
        atom_mlps = tuple(atom_mlp(layer) for layer in range(n_conv))
        bond_embedding, pair_weights = matrix("bond_embedding"), matrix("bond_weights_ag")
        layers = sorted({int(key.split(".")[2]) for key in state if key.startswith("mlp.layers")})
        return cls(
            cutoff_A=float(model.graph_converter.atom_graph_cutoff),
            bond_cutoff_A=float(model.graph_converter.bond_graph_cutoff),
            envelope_power=int(model.bond_basis_expansion.rbf_expansion_ag.smooth_cutoff.p),
            embedding=state["atom_embedding.embedding.weight"],
            pair_frequencies=state["bond_basis_expansion.rbf_expansion_ag.frequencies"],
            bond_frequencies=state["bond_basis_expansion.rbf_expansion_bg.frequencies"],
            angle_frequencies=state["angle_basis_expansion.fourier_expansion.frequencies"],
            bond_embedding=bond_embedding,
            bond_weights=matrix("bond_weights_bg"),
            angle_embedding=matrix("angle_embedding") / torch.pi**0.5,
            pair_basis=torch.cat([pair_weights, *(bond_embedding @ mlp.bond for mlp in atom_mlps)], 1),
            pair_weights=pair_weights,
            atom_mlps=atom_mlps,
            # the last angle update feeds nothing
            bond_mlps=tuple(angle_mlp(f"bond_conv_layers.{k}", updates_bonds=True) for k in range(n_conv - 1)),
            angle_mlps=tuple(angle_mlp(f"angle_layers.{k}", updates_bonds=False) for k in range(n_conv - 2)),
            readout_norm=torch.stack([state["readout_norm.weight"], state["readout_norm.bias"]]),
            readout=tuple((matrix(f"mlp.layers.{k}"), state[f"mlp.layers.{k}.bias"]) for k in layers),
        )


def _detached(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, tuple):
        return tuple(_detached(entry) for entry in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _detached(getattr(value, field.name)) for field in fields(value)})
    return value


def reference_energies(model: CHGNet) -> NDArray[np.float64]:
    """Energy of every element's atom (94,) in eV, which CHGNet adds to what its network says."""
    if model.composition_model is None:
        return np.zeros(94)
    energies: NDArray[np.float64] = (
        model.composition_model.fc.weight.detach().reshape(-1).to("cpu", torch.float64).numpy()
    )
    return energies


_ARCHITECTURE: dict[str, object] = {
    "num_radial": 31,
    "num_angular": 31,
    "atom_fea_dim": WIDTH,
    "bond_fea_dim": WIDTH,
    "angle_fea_dim": WIDTH,
    "atom_conv_hidden_dim": WIDTH,
    "bond_conv_hidden_dim": WIDTH,
    "angle_layer_hidden_dim": 0,
    "update_bond": True,
    "update_angle": True,
    "mlp_first": True,
    "non_linearity": "silu",
    "gMLP_norm": "layer",
    "readout_norm": "layer",
    "conv_norm": None,
    "mlp_out_bias": False,
    "final_mlp": "MLP",
}


def unsupported(model: CHGNet) -> str | None:
    """Why a model's architecture is not the one of CHGNet 0.3.0, which this re-arrangement knows; None if it is."""
    for name, expected in _ARCHITECTURE.items():
        value = model.model_args.get(name, expected)
        if value != expected:
            return f"{name}={value!r} instead of {expected!r}"
    if any("mlp_out" in key and key.endswith("bias") for key in model.state_dict()):
        return "mlp_out_bias=True instead of False"
    return None
