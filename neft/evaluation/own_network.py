"""A network of one's own put on chips: made fast where that was seen to change nothing, else as it was given.

What is made fast (`neft.chips.deployed.DeployedNetwork`) is compared with the untouched network on the first batch,
without variation and on one chip. Where their outputs differ by more than rounding does, or something raises, the
untouched one is taken and a note says why.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neft.chips.deployed import DeployedNetwork, UntouchedNetwork, channels_last
from neft.errors import ConfigError
from neft.evaluation.own_batches import OwnBatches
from neft.evaluation.watching import Asked, Watched, alike, only_tensor, watch
from neft.networks.copying import in_a_line
from neft.networks.device_layers import unseen_layers
from neft.networks.weight_use import stored_as_used

WeightsAs = Literal["stored", "used"]


@dataclass(frozen=True)
class OnChips:
    """A network of one's own, ready to be tried."""

    deployed: DeployedNetwork | UntouchedNetwork
    batches: list[Any]
    """As its `logits` takes them."""
    chips_at_once: int
    watched: Watched
    notes: tuple[str, ...]


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
        network = _as_used(network, watched, asked)
        watched = watch(network, own, asked)
    notes = [*own.notes, *_on_weights(watched)]
    why, fast = _why_plain(watched, own), None
    if why is None:
        try:
            fast = _made_fast(network, watched, asked)
        except Exception as failure:  # noqa: BLE001 - whatever a user's network raises once it is changed
            why = f"made fast, it raises {in_a_line(failure)}"
        else:
            why = "made fast, it puts out other numbers" if fast is None else None
    if fast is None or why is not None:
        notes.append(f"Computed as the network was given, batch by batch: {why}. The numbers are its own, only slower.")
        watched.plain.renewed = watched.remembers
        return OnChips(watched.plain, list(own.inputs), 1, watched, (*notes, *_on_itself(watched)))
    if fast.note is not None:
        notes.append(fast.note)
    if chips_at_once > 1 and (slow := _why_one_by_one(fast, watched, asked)) is not None:
        notes.append(f"Chips are computed one by one: {slow}.")
        chips_at_once = 1
    batches = [channels_last(inputs.positional[0]) for inputs in own.inputs]
    return OnChips(fast, batches, chips_at_once, watched, tuple(notes))


def _as_used(network: nn.Module, watched: Watched, asked: Asked) -> nn.Module:
    """The network with layers that store their weights as they use them."""
    if watched.use is None:
        message = "weights='used': how the network uses its weights cannot be seen; take 'stored'."
        raise ConfigError(message)
    first, device = watched.first, asked.torch_device
    return stored_as_used(network, watched.changed, lambda copy: copy.to(device)(*first.positional, **first.named))


def own_module(network: object) -> nn.Module:
    """The network itself; of a compiled one, what was compiled.

    Raises:
        ConfigError: it is no `torch.nn.Module`.
    """
    network = getattr(network, "_orig_mod", network)  # what torch.compile keeps
    if isinstance(network, nn.Module):
        return network
    message = f"network must be a torch.nn.Module, whose weights can be reached; got {type(network).__name__}."
    raise ConfigError(message)


def _why_plain(watched: Watched, own: OwnBatches) -> str | None:
    """Why the network need not be made fast at all, if so."""
    tensors = [only_tensor(inputs) for inputs in own.inputs]
    few = len(watched.clean) < 2 and any(tensor is not None and len(tensor) > 1 for tensor in tensors)
    low = {
        str(weight.dtype).removeprefix("torch.")
        for weight in watched.plain.given.parameters()
        if weight.is_floating_point() and torch.finfo(weight.dtype).bits < 32
    }
    reasons = {
        "it is called with more than one tensor": any(tensor is None for tensor in tensors),
        f"it computes in {', '.join(sorted(low))}": bool(low),
        "it draws random numbers of its own": watched.draws,
        "it keeps something from one pass to the next": watched.remembers,
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
    if asked.sigma_d:
        fast.draw(asked.seed, 0)
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


def _on_weights(watched: Watched) -> list[str]:
    """What is to be said of how weights are used, and of those that no chip reaches."""
    notes = [f"Not in devices: {words}." for words in unseen_layers(watched.plain.given)]
    odd = [name for name, weight in watched.plain.given.named_parameters() if not bool(weight.isfinite().all())]
    if odd:
        notes.append(f"{', '.join(odd)} holds numbers that are not finite.")
    if watched.changed:
        notes.append(
            f"{', '.join(watched.changed)}: the layer changes its weight before it uses it (a quantiser, a "
            "standardisation, a mask). Deviations are put on the weight as it is stored, before that; "
            "weights='used' puts them on what the layer uses."
        )
    if watched.use is None:
        return notes
    plain = watched.plain
    beside = [
        name
        for name, parameter in plain.given.named_parameters()
        if name in watched.use.multiplied() - set(plain.in_devices) and parameter.dim() > 1
    ]
    if beside and plain.chosen_by_kind:
        notes.append(
            f"{', '.join(beside)}: multiplied with inputs as a layer's weights are, but of no layer that is known, and "
            "so digital; in_devices=[…] puts them in devices."
        )
    unread = [name for name in plain.in_devices if name in watched.use.unread()]
    if unread and torch.equal(plain.without(unread, watched.first), watched.clean):
        if len(unread) == len(plain.in_devices):
            message = (
                "No weight in devices reaches the outputs: the network's forward, or a hook, reads layers other than "
                "its own, as a function does that was made with another network in hand."
            )
            raise ConfigError(message)
        notes.append(f"{', '.join(unread)}: nothing reads this weight while the network runs; its deviations are lost.")
    return notes


def _on_itself(watched: Watched) -> list[str]:
    """What is to be said of chance and memory."""
    notes: list[str] = []
    if watched.draws:
        notes.append("The network draws random numbers while it runs; every chip meets the same ones, from the seed.")
    if watched.remembers:
        notes.append("What the network keeps is put back for each batch of each chip: as it was when it was given.")
    return notes
