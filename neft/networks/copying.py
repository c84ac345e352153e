"""A copy of any network, which chips can be written into."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neft.errors import ConfigError


def copied(network: nn.Module) -> nn.Module:
    """A copy that shares nothing with the network; what it keeps of an earlier pass is kept as plain values.

    Raises:
        ConfigError: something in it cannot be copied.
    """
    kept: dict[int, Any] = {}
    for module in network.modules():
        for tensor in _tensors_in(vars(module)):
            if not tensor.is_leaf:  # which torch refuses to copy
                kept[id(tensor)] = tensor.detach().clone()
    try:
        with torch.no_grad():  # a scripted module's parameters would come out as results of a copy
            return copy.deepcopy(network, kept)
    except Exception as failure:
        message = (
            f"{type(network).__name__} cannot be copied, and chips are written into a copy ({in_a_line(failure)}); "
            "take out of it what copy.deepcopy cannot copy."
        )
        raise ConfigError(message) from failure


def in_a_line(failure: BaseException) -> str:
    """An exception's kind and the first line of what it says."""
    lines = str(failure).strip().splitlines()
    return f"{type(failure).__name__}: {lines[0]}" if lines else type(failure).__name__


def _tensors_in(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors_in(part)
