"""What a network of one's own does, seen on its first batch while it is computed untouched."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from neft.chips.deployed import ChipLaw, Inputs, UntouchedNetwork
from neft.errors import ConfigError, NeftError
from neft.evaluation.own_batches import WHAT_BATCHES_ARE, OwnBatches, read_outputs
from neft.networks.copying import in_a_line
from neft.networks.device_layers import weights_of_layers
from neft.networks.weight_use import WeightUse

MOST_COMPARED = 512
"""Inputs of the first batch that are looked at."""
TOLERANCE = 1e-4
"""How far outputs may part, over the largest of them: some hundred times what sums in another order do in float32."""
TF32_TOLERANCE = 1e-2
"""The same where a GPU's products keep 10 bits of their factors (TF32), as convolutions do by default."""


@dataclass(frozen=True)
class Asked:
    """What is asked of a network of one's own."""

    law: ChipLaw
    in_devices: Collection[str] | None
    """Names of the parameters that lie in devices, where not all weights of layers that multiply."""
    seed: int
    sigma_d: float
    """The largest device variation: ways of computing are compared there."""
    torch_device: str
    logits: Callable[[Any], Any] | None
    """What makes logits of the network's outputs."""


@dataclass(frozen=True)
class Watched:
    """What was seen."""

    plain: UntouchedNetwork
    first: Inputs
    """The first batch, or as much of it as was looked at."""
    labels: Tensor
    """Of these inputs."""
    clean: Tensor
    """Outputs without variation."""
    chip: Tensor
    """Outputs of chip 0."""
    use: WeightUse | None
    """How weights were used; None where that could not be seen."""
    after_sigmoid: bool
    """Whether the outputs are what a sigmoid gave."""
    draws: bool
    """Whether the network draws random numbers."""
    remembers: bool
    """Whether a batch leaves something behind that reaches the next one's outputs, or its buffers."""
    whole_batches: bool
    """Whether it takes no part of a batch."""

    @property
    def changed(self) -> list[str]:
        """Weights in devices that their layers change before they multiply them with inputs."""
        if self.use is None:
            return []
        of_layers = set(weights_of_layers(self.plain.given, self.plain.in_devices))
        return [name for name in self.plain.in_devices if name in of_layers - self.use.multiplied() - self.use.unread()]


def watch(network: nn.Module, own: OwnBatches, asked: Asked) -> Watched:
    """Run the network on its first batch: as it is, once more, and on a chip.

    Raises:
        ConfigError: it cannot take the batch, or what it puts out are no logits.
    """
    plain = UntouchedNetwork(
        network,
        asked.law,
        in_devices=asked.in_devices,
        torch_device=asked.torch_device,
        seed=asked.seed,
        read=partial(read_outputs, logits=asked.logits),
    )
    whole, labels = own.inputs[0], own.labels[0]
    first = _beginning(whole, labels)
    clean = _outputs(plain, first)
    if isinstance(clean, Exception) and first is not whole:
        first = whole
        clean = _outputs(plain, first)
    if isinstance(clean, NeftError):
        raise clean
    if isinstance(clean, Exception):
        message = f"The network cannot take the first batch ({in_a_line(clean)}). {WHAT_BATCHES_ARE}"
        raise ConfigError(message) from clean
    drawn = plain.random_state()
    plain.restart_chance()
    draws = any(not torch.equal(one, other) for one, other in zip(plain.random_state(), drawn, strict=True))
    again, use = _watched(plain, first)
    remembers = plain.has_changed() or again is None or not alike(again, clean)
    plain.place(plain.normals(asked.seed, "chip", 0))
    plain.program(sigma_d=asked.sigma_d)
    return Watched(
        plain=plain,
        first=first,
        labels=labels if first is whole else labels[:MOST_COMPARED],
        clean=clean,
        chip=plain.logits(first) if asked.sigma_d else clean,
        use=use,
        after_sigmoid=use is not None and again is not None and use.is_sigmoid(again),
        draws=draws,
        remembers=remembers,
        whole_batches=first is whole and _beginning(whole, labels) is not whole,
    )


def alike(found: Tensor, plain: Tensor) -> bool:
    """Whether outputs are the same but for rounding; what is no number must be none in both."""
    if found.shape != plain.shape or not torch.equal(found.isfinite(), plain.isfinite()):
        return False
    numbers = plain.isfinite()
    tolerance = TF32_TOLERANCE if found.is_cuda and torch.backends.cudnn.allow_tf32 else TOLERANCE
    allowed = (tolerance * _sizes(plain)).expand_as(plain)
    return bool(((found - plain).abs() <= allowed)[numbers].all())


def _sizes(outputs: Tensor) -> Tensor:
    """How large each output usually is, in a shape that broadcasts: what masks it, or a whole class, counts for itself.

    A value that many outputs share is a mask's, or no output's own.
    """
    values = outputs.detach().float()
    finite = values.isfinite()
    _, places, counts = values.nan_to_num().unique(return_inverse=True, return_counts=True)
    own = finite & (counts[places] == 1)
    sizes = values.abs().where(own if bool(own.any()) else finite, 0.0)
    if outputs.dim() < 2 or not len(outputs):
        return sizes.max() if sizes.numel() else sizes.new_zeros(())
    largest = sizes.amax(dim=0, keepdim=True)
    usual = largest.flatten().quantile(0.25, interpolation="lower") if largest.numel() else 0.0
    return largest.clamp_min(float(usual))


def only_tensor(inputs: Inputs) -> Tensor | None:
    """The tensor that is all the network is called with; None where it is called otherwise."""
    alone = len(inputs.positional) == 1 and not inputs.named
    return inputs.positional[0] if alone and isinstance(inputs.positional[0], Tensor) else None


def _beginning(whole: Inputs, labels: Tensor) -> Inputs:
    tensor = only_tensor(whole)
    if tensor is None or tensor.shape[:1] != labels.shape[:1] or len(tensor) <= MOST_COMPARED:
        return whole
    return Inputs((tensor[:MOST_COMPARED],))


def _outputs(plain: UntouchedNetwork, inputs: Inputs) -> Tensor | Exception:
    """Outputs without variation, or what was raised."""
    plain.program(sigma_d=0.0)
    try:
        return plain.logits(inputs)
    except Exception as failure:  # noqa: BLE001 - whatever a user's network raises
        return failure


def _watched(plain: UntouchedNetwork, inputs: Inputs) -> tuple[Tensor | None, WeightUse | None]:
    """Outputs of a second pass of the network, None where it bears none, and how weights were used."""
    named = dict(plain.network.named_parameters(remove_duplicate=False))
    use = WeightUse(named | {name: named[name] for name in plain.in_devices})
    try:
        with use:
            return plain.logits(inputs), use
    except Exception:  # noqa: BLE001 - of a network that does not bear to be looked at
        use = None
    try:
        return plain.logits(inputs), use
    except Exception:  # noqa: BLE001 - or to be run twice
        return None, use
