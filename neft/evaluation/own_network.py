"""A network of one's own put on chips: made fast where that was seen to change nothing, else as it was given.

What is made fast (`neft.chips.deployed.DeployedNetwork`) is compared with the untouched network: on the first batch
without variation and on one chip, and on all batches at one device variation. Where their outputs differ by more than
rounding does, or something raises, the untouched one is taken and a note says why.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from neft.chips.deployed import DeployedNetwork, Inputs, UntouchedNetwork, channels_last
from neft.errors import ConfigError
from neft.evaluation.own_batches import OwnBatches
from neft.evaluation.own_settings import WeightsAs
from neft.evaluation.watching import Asked, Watched, alike, only_tensor, watch, watch_all
from neft.networks.copying import copied, in_a_line
from neft.networks.device_layers import check_values, tensors_of, unseen_layers
from neft.networks.weight_use import stored_as_used


@dataclass(frozen=True)
class OnChips:
    """A network of one's own, ready to be tried."""

    deployed: DeployedNetwork | UntouchedNetwork
    batches: list[Any]
    """As its `logits` takes them."""
    chips_at_once: int
    watched: Watched
    notes: tuple[str, ...]
    why_plain: str | None = None
    """Why it is computed as it was given; None where it was made fast."""
    known: dict[float, list[Tensor]] = field(default_factory=dict)
    """Outputs that were computed already, batch by batch, by device variation: of chip 0, or of all without any."""


def put_on_chips(
    network: nn.Module, own: OwnBatches, asked: Asked, *, chips_at_once: int, weights: WeightsAs
) -> OnChips:
    """The network as it is to be tried on these batches, with notes on what was found of it.

    Args:
        network: any module; it is left alone.
        own: the batches.
        asked: what is asked of it.
        chips_at_once: chips side by side, if the network can be computed so.
        weights: whether deviations are put on weights as they are stored or as layers use them.

    Raises:
        ConfigError: the network cannot take the first batch, or what it puts out are no logits.
    """
    watched = watch(network, own, asked)
    if weights == "used":
        network = _as_used(network, watched, own, asked)
        watched = watch(network, own, asked)
    watch_all(watched, own, asked)
    notes = [*own.notes, *_on_weights(watched, own)]
    fast, why = _fast_or_why(network, watched, own, asked)
    if fast is None:
        notes.append(f"Computed as the network was given, batch by batch: {why}. The numbers are its own, only slower.")
        watched.plain.renewed = watched.remembers
        return OnChips(watched.plain, list(own.inputs), 1, watched, (*notes, *_on_itself(watched)), why)
    if fast.deployed.note is not None:
        notes.append(fast.deployed.note)
    if chips_at_once > 1 and (slow := _why_one_by_one(fast.deployed, watched, asked)) is not None:
        notes.append(f"Chips are computed one by one: {slow}.")
        chips_at_once = 1
    known = {asked.on_all: fast.outputs}
    return OnChips(fast.deployed, fast.batches, chips_at_once, watched, tuple(notes), known=known)


@dataclass(frozen=True)
class _Fast:
    deployed: DeployedNetwork
    batches: list[Tensor]
    outputs: list[Tensor]


def _fast_or_why(
    network: nn.Module, watched: Watched, own: OwnBatches, asked: Asked
) -> tuple[_Fast | None, str | None]:
    """The network made fast, or why it is not."""
    why = _why_plain(watched, own)
    if why is not None:
        return None, why
    try:
        deployed = _made_fast(network, watched, asked)
        if deployed is None:
            return None, "made fast, it puts out other numbers"
        batches = [channels_last(inputs.positional[0]) for inputs in own.inputs]
        with torch.inference_mode():
            deployed.program(sigma_d=asked.on_all)
            outputs: list[Tensor] = []
            for number, (batch, right) in enumerate(zip(batches, watched.outputs, strict=True), 1):
                outputs.append(deployed.logits(batch))
                if not alike(outputs[-1], right):
                    return None, f"made fast, it puts out other numbers of batch {number}"
            if not _on_last(deployed, watched, own, asked):
                return None, "made fast, it puts out other numbers of the last batch"
    except Exception as failure:  # noqa: BLE001 - whatever a user's network raises once it is changed
        return None, f"made fast, it raises {in_a_line(failure)}"
    return _Fast(deployed, batches, outputs), None


def _on_last(deployed: DeployedNetwork, watched: Watched, own: OwnBatches, asked: Asked) -> bool:
    """Whether the network made fast computes chip 0 on the last batch, too, where it was on no other but the first."""
    if len(own.inputs) == 1 or asked.on_all or not asked.sigma_d:
        return True
    plain, last = watched.plain, own.inputs[-1]
    plain.program(sigma_d=asked.sigma_d)
    deployed.program(sigma_d=asked.sigma_d)
    return alike(deployed.logits(channels_last(last.positional[0])), plain.logits(last))


def _as_used(network: nn.Module, watched: Watched, own: OwnBatches, asked: Asked) -> nn.Module:
    """The network with layers that store their weights as they use them."""
    if watched.use is None:
        message = "weights='used': how the network uses its weights cannot be seen; take 'stored'."
        raise ConfigError(message)
    first, names, plain = watched.first, watched.changed, watched.plain
    over = sorted(watched.use.written_over())
    if over:
        message = f"weights='used': {', '.join(over)} is written over in every pass, chips and all; take 'stored'."
        raise ConfigError(message)

    def called(copy: nn.Module, inputs: Inputs) -> Tensor:
        return plain.read(copy(*inputs.positional, **inputs.named))

    used = stored_as_used(network, names, lambda copy: called(copy.to(asked.torch_device), first))
    if names and not _computes_the_same(used, network, own, watched, called):
        message = (
            f"weights='used': with what its layers use stored in their place ({', '.join(names)}), the network "
            "computes other numbers; take 'stored'."
        )
        raise ConfigError(message)
    return used


@torch.no_grad()
def _computes_the_same(
    used: nn.Module,
    network: nn.Module,
    own: OwnBatches,
    watched: Watched,
    called: Callable[[nn.Module, Inputs], Tensor],
) -> bool:
    """Whether two networks put out the same of all batches, before anything lies in devices."""
    found: list[list[Tensor]] = []
    for one in (used, network):
        watched.plain.restart_chance()
        copy = copied(one).eval().to(watched.plain.torch_device)
        found.append([called(copy, inputs) for inputs in own.inputs])
    return all(alike(*pair) for pair in zip(*found, strict=True))


def own_module(network: object) -> nn.Module:
    """The network itself; of a compiled one, what was compiled.

    Raises:
        ConfigError: it is no `torch.nn.Module`, or something in it has no values yet.
    """
    network = getattr(network, "_orig_mod", network)  # what torch.compile keeps
    if isinstance(network, nn.Module):
        check_values(network)
        return network
    message = f"network must be a torch.nn.Module, whose weights can be reached; got {type(network).__name__}."
    raise ConfigError(message)


def _why_plain(watched: Watched, own: OwnBatches) -> str | None:
    """Why the network need not be made fast at all, if so."""
    tensors = [only_tensor(inputs) for inputs in own.inputs]
    few = len(own.labels[0]) < 2 and any(tensor is not None and len(tensor) > 1 for tensor in tensors)
    low = {
        str(weight.dtype).removeprefix("torch.")
        for weight in watched.plain.given.parameters()
        if weight.is_floating_point() and torch.finfo(weight.dtype).bits < 32
    }
    reasons = {
        "it is called with more than one tensor": any(tensor is None for tensor in tensors),
        f"it computes in {', '.join(sorted(low))}": bool(low),
        "it draws random numbers of its own": watched.draws,
        "it keeps something from one pass to the next": watched.remembers or watched.outside,
        "it takes another way by numbers that it computed (an if, or .item())": watched.use is not None
        and watched.use.decides,
        "it takes no part of a batch": watched.whole_batches,
        "its first batch is a single input": few,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


@torch.inference_mode()
def _made_fast(network: nn.Module, watched: Watched, asked: Asked) -> DeployedNetwork | None:
    """The network made fast; None where it puts out other numbers than the untouched one."""
    fast = DeployedNetwork(
        network, asked.law, in_devices=asked.in_devices, torch_device=asked.torch_device, read=watched.plain.read
    )
    inputs = watched.first.positional[0]
    fast.program(sigma_d=0.0)  # before a chip is drawn: what devices aim at
    if not alike(_in_halves(fast, inputs), watched.clean):
        return None
    fast.draw(asked.seed, 0)
    if asked.sigma_d or not fast.is_clean_at_zero:
        fast.program(sigma_d=asked.sigma_d)
        if not alike(_in_halves(fast, inputs), watched.chip):
            return None
    return fast


def _in_halves(fast: DeployedNetwork, inputs: Tensor) -> Tensor:
    """Outputs of a batch that was cut, as larger ones will be."""
    return torch.cat([fast.logits(channels_last(half)) for half in inputs.chunk(2)])


@torch.inference_mode()
def _why_one_by_one(fast: DeployedNetwork, watched: Watched, asked: Asked) -> str | None:
    try:
        fast.place_many([fast.normals(asked.seed, "chip", chip) for chip in (0, 1)])
        found = fast.logits_of_many(watched.first.positional[0], sigma_d=asked.sigma_d)[0]
    except Exception as failure:  # noqa: BLE001 - whatever a user's network raises under torch.vmap
        return f"side by side, the network raises {in_a_line(failure)}"
    return None if alike(found, watched.chip) else "side by side, the network puts out other numbers"


def _on_weights(watched: Watched, own: OwnBatches) -> list[str]:
    """What is to be said of how weights are used, and of those that no chip reaches."""
    plain = watched.plain
    named = () if plain.chosen_by_kind else plain.in_devices
    notes = [f"Not in devices: {words}." for words in unseen_layers(plain.given, named)]
    odd = [name for name, weight in plain.given.named_parameters() if not bool(weight.isfinite().all())]
    if odd:
        notes.append(f"{', '.join(odd)} holds numbers that are not finite.")
    if watched.changed:
        notes.append(
            f"{', '.join(watched.changed)}: the layer changes its weight before it uses it (a quantiser, a "
            "standardisation, a mask). Deviations are put on the weight as it is stored, before that; "
            "weights='used' puts them on what the layer uses."
        )
    if watched.use is not None:
        notes += _on_others(watched, watched.use.beside()) + _on_unread(watched, own)
    return notes


def _on_others(watched: Watched, beside: list[str]) -> list[str]:
    """What is to be said of tensors that inputs are multiplied with, and that lie in no device."""
    plain, notes = watched.plain, list[str]()
    known = dict(plain.given.named_parameters(remove_duplicate=False))
    own = [name for name in beside if name in known and known[name].dim() > 1]
    if own and plain.chosen_by_kind:
        notes.append(
            f"{', '.join(own)}: multiplied with inputs as a layer's weights are, but of no layer that is known, and "
            "so digital; in_devices=[…] puts them in devices."
        )
    tensors = tensors_of(plain.given)
    others = [name for name in beside if name not in known and name in tensors and tensors[name].dim() > 1]
    if others:
        notes.append(
            f"Not in devices: {', '.join(others)} (multiplied with inputs, but no parameter of the network: a buffer, "
            "or kept in a plain attribute or list; only an nn.Parameter, as of an nn.ModuleList, can be)."
        )
    return notes


def _on_unread(watched: Watched, own: OwnBatches) -> list[str]:
    """What is to be said of weights in devices that no batch reads.

    Raises:
        ConfigError: none is read.
    """
    plain = watched.plain
    unread = [] if watched.use is None else [name for name in plain.in_devices if name in watched.use.unread()]
    if not unread:
        return []
    found: list[list[Tensor]] = []
    for names in ((), unread):
        plain.program_without(names)
        found.append([plain.logits(inputs) for inputs in own.inputs])
    if not all(alike(*pair) for pair in zip(*found, strict=True)):
        return []
    if len(unread) == len(plain.in_devices):
        message = (
            "No weight in devices reaches the outputs: the network's forward, or a hook, reads layers other than "
            "its own, as a function does that was made with another network in hand."
        )
        raise ConfigError(message)
    return [f"{', '.join(unread)}: nothing reads this weight while the network runs; its deviations are lost."]


def _on_itself(watched: Watched) -> list[str]:
    """What is to be said of chance and memory."""
    notes: list[str] = []
    if watched.draws:
        notes.append("The network draws random numbers while it runs; every chip meets the same ones, from the seed.")
    if watched.outside:
        notes.append(
            "The network keeps something outside of itself (in a global variable, a class, a function), or draws "
            "random numbers that no seed reaches: the same chip may fare otherwise when it is tried again."
        )
    elif watched.remembers:
        notes.append("What the network keeps is put back for each batch of each chip: as it was when it was given.")
    return notes
