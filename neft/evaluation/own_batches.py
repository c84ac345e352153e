"""A user's own batches and a network's own outputs, brought to inputs, labels and a tensor of logits."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from neft.chips.deployed import Inputs
from neft.errors import ConfigError

LABELS = ("labels", "label", "targets", "target", "y")
"""What labels go by in a batch that is a dictionary."""
WHAT_BATCHES_ARE = (
    "Batches are pairs (inputs, labels) or dictionaries with labels by that name; inputs are a tensor, or a tuple or "
    "dictionary of arguments. A data set goes into a torch DataLoader first."
)


@dataclass(frozen=True)
class OwnBatches:
    """All batches that have inputs."""

    inputs: list[Inputs]
    labels: list[Tensor]
    notes: tuple[str, ...]


def read_batches(batches: Any, network: nn.Module, *, torch_device: str) -> OwnBatches:
    """Batches as data loaders give them, on torch's device.

    Raises:
        ConfigError: something that is no batch of inputs and labels; no inputs at all.
    """
    inputs: list[Inputs] = []
    labels: list[Tensor] = []
    notes: dict[str, None] = {}
    for batch in _one_by_one(batches):
        given, wanted, further = _taken_apart(batch)
        wanted = _labels(wanted)
        if further:
            notes[f"Of each batch, {further} beside inputs and labels was left aside."] = None
        if wanted.numel():
            call = _call(_moved(given, network, torch_device), network)
            unasked = [name for name in given if name not in call.named] if call.named else []
            if unasked:
                notes[f"Of each batch, {', '.join(unasked)} was left aside: the network takes no such input."] = None
            inputs.append(call)
            labels.append(wanted.to(torch_device))
    if not inputs:
        message = "batches are empty; at least one pair of inputs and labels is needed."
        raise ConfigError(message)
    return OwnBatches(inputs, labels, tuple(notes))


def _one_by_one(batches: Any) -> Iterable[Any]:
    """The batches; a single one that was given without a list around it is one."""
    alone = isinstance(batches, Mapping) or (
        isinstance(batches, list | tuple) and len(batches) > 1 and isinstance(batches[0], Tensor | np.ndarray)
    )
    if not alone and not isinstance(batches, Iterable):
        got = type(batches).__name__
        message = f"batches must be a list, or whatever gives batches one by one; got {got}. {WHAT_BATCHES_ARE}"
        raise ConfigError(message)
    return [batches] if alone else batches


def _taken_apart(batch: Any) -> tuple[Any, Any, str]:
    """Inputs, labels, and in words what else there was."""
    if isinstance(batch, Mapping):
        names = [name for name in batch if str(name).lower() in LABELS]
        rest = {str(name): value for name, value in batch.items() if name not in names}
        if len(names) == 1 and rest:
            return (next(iter(rest.values())) if len(rest) == 1 else rest), batch[names[0]], ""
        message = f"A batch has no labels, or several, among {sorted(map(str, batch))}. {WHAT_BATCHES_ARE}"
        raise ConfigError(message)
    if isinstance(batch, list | tuple) and len(batch) >= 2:
        further = len(batch) - 2
        return batch[0], batch[1], "" if not further else "a third item" if further == 1 else f"{further} more items"
    message = f"A batch is no pair of inputs and labels; got {type(batch).__name__}. {WHAT_BATCHES_ARE}"
    raise ConfigError(message)


def _labels(labels: Any) -> Tensor:
    try:
        found = labels if isinstance(labels, Tensor) else torch.as_tensor(np.asarray(labels))
    except (TypeError, ValueError, RuntimeError) as failure:
        message = f"labels must be numbers; got {type(labels).__name__} ({failure}). {WHAT_BATCHES_ARE}"
        raise ConfigError(message) from failure
    if found.dim() == 0:
        message = f"labels must be whole numbers, one for each input; got {found.item()} alone. {WHAT_BATCHES_ARE}"
        raise ConfigError(message)
    return found


def _moved(value: Any, network: nn.Module, torch_device: str) -> Any:
    """With every tensor in it on torch's device; NumPy's floating numbers in the network's own type."""
    if isinstance(value, np.ndarray):
        tensor = torch.as_tensor(value)
        own = next((weight.dtype for weight in network.parameters() if weight.is_floating_point()), tensor.dtype)
        return tensor.to(torch_device, own if tensor.is_floating_point() else tensor.dtype)
    if isinstance(value, Mapping):
        return {name: _moved(part, network, torch_device) for name, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_moved(part, network, torch_device) for part in value)
    return value.to(torch_device) if hasattr(value, "to") else value


def _call(inputs: Any, network: nn.Module) -> Inputs:
    """How the network is called with inputs: several are its arguments where its forward takes so many."""
    if isinstance(inputs, dict):
        named = cast("dict[str, Any]", inputs)
        for asked in (named, {name: value for name, value in named.items() if name in _names_taken(network)}):
            if asked and _takes(network, Inputs((), asked)):
                return Inputs((), asked)
    several = isinstance(inputs, list | tuple) and not isinstance(inputs, PackedSequence)
    if several and _takes(network, Inputs(tuple(cast("Sequence[Any]", inputs)))):
        return Inputs(tuple(cast("Sequence[Any]", inputs)))
    return Inputs((inputs,))


def _names_taken(network: nn.Module) -> Collection[str]:
    try:
        return inspect.signature(network.forward).parameters
    except (TypeError, ValueError):
        return ()


def _takes(network: nn.Module, inputs: Inputs) -> bool:
    try:
        _ = inspect.signature(network.forward).bind(*inputs.positional, **inputs.named)
    except (TypeError, ValueError):
        return False
    return True


def read_outputs(outputs: Any, logits: Callable[[Any], Any] | None) -> Tensor:
    """The logits among what a network puts out.

    Raises:
        ConfigError: there are none, or which they are cannot be told.
    """
    found = outputs if logits is None else logits(outputs)
    if logits is None and not isinstance(found, Tensor):
        found = outputs.get("logits") if isinstance(outputs, Mapping) else getattr(outputs, "logits", None)
    if isinstance(found, Tensor) and found.is_floating_point():
        return found
    got = type(outputs if found is None else found).__name__
    if isinstance(found, Tensor):
        got = f"{found.dtype} of shape {list(found.shape)}"
    message = (
        f"The network must put out logits of shape [inputs, classes]; got {got}. Say which they are by logits=, a "
        "function of the outputs: logits=lambda outputs: outputs[0]."
    )
    raise ConfigError(message)
