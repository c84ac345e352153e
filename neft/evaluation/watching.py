"""What a network of one's own does, seen while it is computed untouched: on its first batch, and on all of them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from neft.chips.arithmetic import cudnn_convolutions
from neft.chips.deployed import ChipLaw, Inputs, UntouchedNetwork
from neft.errors import MOST_SHOWN, ConfigError, NeftError, one_line
from neft.evaluation.own_batches import WHAT_BATCHES_ARE, OwnBatches, read_outputs
from neft.networks.copying import in_a_line
from neft.networks.device_layers import tensors_of
from neft.networks.fingerprint import state_of
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
    sigma_ds: tuple[float, ...]
    torch_device: str
    logits: Callable[[Any], Any] | None
    """What makes logits of the network's outputs."""

    @property
    def sigma_d(self) -> float:
        """The largest device variation: ways of computing are compared there."""
        return max(self.sigma_ds)

    @property
    def on_all(self) -> float:
        """The device variation at which they are compared on all batches: one that is computed on all anyway."""
        return 0.0 if 0.0 in self.sigma_ds and self.law.is_clean_at_zero else self.sigma_d


@dataclass
class Watched:
    """What was seen."""

    plain: UntouchedNetwork
    first: Inputs
    """The first batch, or as much of it as was looked at."""
    clean: Tensor
    """Its outputs without variation."""
    chip: Tensor
    """Its outputs of chip 0."""
    use: WeightUse | None
    """How weights were used; None where that could not be seen."""
    after_sigmoid: bool
    """Whether the outputs are what a sigmoid gave."""
    draws: bool
    """Whether the network draws random numbers."""
    remembers: bool
    """Whether a batch leaves something behind in the network."""
    outside: bool
    """Whether it leaves something behind elsewhere, or draws numbers that cannot be drawn again."""
    whole_batches: bool
    """Whether it takes no part of a batch."""
    outputs: list[Tensor] = field(default_factory=list)
    """Of all batches, at `Asked.on_all`."""

    @property
    def changed(self) -> list[str]:
        """Weights in devices that are changed before they are multiplied with inputs."""
        changed = set() if self.use is None else self.use.changed()
        return [name for name in self.plain.in_devices if name in changed]


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
    elsewhere = state_of(plain.given)
    plain.program(sigma_d=0.0)
    before = state_of(plain.network)
    clean = _outputs(plain, first)
    if isinstance(clean, Exception) and first is not whole:
        first = whole
        plain.program(sigma_d=0.0)
        clean = _outputs(plain, first)
    if isinstance(clean, Exception):
        raise _refused(clean, "the first batch")
    outside = state_of(plain.given) != elsewhere
    remembers = state_of(plain.network) != before
    draws = plain.has_drawn() and _is_moved(plain, first, clean)
    if remembers:
        plain.renew()
    again, use = _once_more(plain, first)
    after_sigmoid = use is not None and use.is_sigmoid(again)
    if not alike(again, clean):
        plain.program(sigma_d=0.0)
        outside |= remembers or not alike(plain.logits(first), clean)
        remembers = True
    plain.place(plain.normals(asked.seed, "chip", 0))
    plain.program(sigma_d=asked.sigma_d)
    return Watched(
        plain=plain,
        first=first,
        clean=clean,
        chip=plain.logits(first) if asked.sigma_d or not plain.is_clean_at_zero else clean,
        use=use,
        after_sigmoid=after_sigmoid,
        draws=draws,
        remembers=remembers,
        outside=outside,
        whole_batches=first is whole and _beginning(whole, labels) is not whole,
    )


def watch_all(watched: Watched, own: OwnBatches, asked: Asked) -> None:
    """Run the network on all batches, chip 0 or without variation, and see how they use its weights.

    Raises:
        ConfigError: it cannot take one of them.
    """
    plain = watched.plain
    elsewhere = state_of(plain.given)
    plain.program(sigma_d=asked.on_all)
    before = state_of(plain.network)
    found: list[Tensor] = []
    if watched.first is own.inputs[0] and not (watched.draws or watched.outside):  # seen already
        found.append(watched.chip if asked.on_all or not plain.is_clean_at_zero else watched.clean)
    for number, inputs in enumerate(own.inputs[len(found) :], len(found) + 1):
        if watched.remembers:
            plain.renew()
        try:
            outputs = _seen_by(watched.use, plain, inputs)
        except Exception as failure:
            raise _refused(failure, f"batch {number}") from failure
        found.append(outputs)
    watched.outputs = found
    watched.outside |= state_of(plain.given) != elsewhere
    watched.remembers |= state_of(plain.network) != before


def alike(found: Tensor, plain: Tensor) -> bool:
    """Whether outputs are the same but for rounding; what is no number must be none in both."""
    if torch.equal(found, plain):
        return True
    if found.shape != plain.shape or not torch.equal(found.isfinite(), plain.isfinite()):
        return False
    numbers = plain.isfinite()
    tolerance = TF32_TOLERANCE if found.is_cuda and cudnn_convolutions().fp32_precision == "tf32" else TOLERANCE
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
    """Outputs, or what was raised."""
    try:
        return plain.logits(inputs)
    except Exception as failure:  # noqa: BLE001 - whatever a user's network raises
        return failure


def _is_moved(plain: UntouchedNetwork, inputs: Inputs, clean: Tensor) -> bool:
    """Whether other random numbers make other outputs; the network stands afterwards as it was programmed."""
    plain.meet_other_chance()
    found = _outputs(plain, inputs)
    plain.renew()
    return isinstance(found, Exception) or not alike(found, clean)


def _refused(failure: Exception, batch: str) -> NeftError:
    """That the network cannot take a batch."""
    if isinstance(failure, NeftError):
        return failure
    why = one_line(in_a_line(failure), MOST_SHOWN)
    refused = ConfigError(f"The network cannot take {batch} ({why}). {WHAT_BATCHES_ARE}")
    refused.__cause__ = failure
    return refused


def _once_more(plain: UntouchedNetwork, inputs: Inputs) -> tuple[Tensor, WeightUse | None]:
    """Outputs of a second pass, and how weights were used; None of a network that does not bear to be looked at."""
    use = WeightUse(plain.in_devices)
    plain.restart_chance()
    try:
        return _seen_by(use, plain, inputs), use
    except Exception:  # noqa: BLE001 - whatever a user's network raises then
        plain.program(sigma_d=0.0)
    try:
        return plain.logits(inputs), None
    except Exception as failure:
        raise _refused(failure, "the first batch a second time") from failure


def _seen_by(use: WeightUse | None, plain: UntouchedNetwork, inputs: Inputs) -> Tensor:
    if use is None:
        return plain.logits(inputs)
    use.follow(tensors_of(plain.network), (inputs.positional, inputs.named))
    with torch.compiler.set_stance("force_eager"), use:  # compiled parts as they are written
        return plain.logits(inputs)
