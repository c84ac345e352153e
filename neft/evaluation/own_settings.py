"""What a network of one's own is asked to be tried with, checked before anything is computed."""

import operator
from collections.abc import Iterable
from math import inf
from numbers import Real
from typing import Any, Literal, cast, get_args

import torch

from neft.errors import ConfigError, unknown_name

WeightsAs = Literal["stored", "used"]
"""Whether deviations are put on weights as they are stored, or as layers use them."""


def one_or_more(sigma_ds: object) -> list[float]:
    """Device variations as numbers; a single one is taken, too.

    Raises:
        ConfigError: they are none, or not numbers.
    """
    try:
        given = [*cast("Iterable[float]", sigma_ds)]
    except TypeError:  # a single number, perhaps as an array or tensor, which call themselves iterable
        given = [cast("float", sigma_ds)]
    try:
        found = [] if isinstance(sigma_ds, str | bytes) else [_number(sigma_d) for sigma_d in given]
    except (TypeError, ValueError, RuntimeError):
        found = []
    if not found or not all(0 <= sigma_d < inf for sigma_d in found) or len(set(found)) < len(found):
        shown = found or sigma_ds
        message = f"sigma_ds (device variations) must be different numbers, at least one, none below 0; got {shown!r}."
        raise ConfigError(message)
    return found


def check_settings(
    *,
    num_instances: object,
    chips_at_once: object,
    cores: object,
    min_instances: object,
    ignore_index: object,
    precision: object,
    weights: object,
    logits: object,
    torch_device: object,
) -> None:
    """See that a trial can be asked for so.

    Raises:
        ConfigError: it cannot.
    """
    check_count("num_instances (chips)", num_instances, 1)
    check_count("chips_at_once", chips_at_once, 1)
    check_count("cores", cores, 1)
    if min_instances is not None:
        check_count("min_instances (fewest chips)", min_instances, 1)
    check_count("ignore_index", ignore_index, None)
    if precision is not None and (
        isinstance(precision, bool) or not isinstance(precision, Real) or not 0 < float(precision) < inf
    ):
        message = f"precision must be a number above 0, or None; got {precision!r}."
        raise ConfigError(message)
    if weights not in get_args(WeightsAs):
        error = unknown_name("weights", str(weights), get_args(WeightsAs))
        raise error
    if logits is not None and not callable(logits):
        message = f"logits must be a function of the network's outputs, or None; got {type(logits).__name__}."
        raise ConfigError(message)
    _check_torch_device(torch_device)


def check_count(name: str, count: Any, least: int | None) -> None:
    """See that it is a whole number, and at least so large, if anything.

    Raises:
        ConfigError: it is not.
    """
    try:
        whole = None if isinstance(count, bool) else operator.index(count)
    except TypeError:
        whole = None
    if whole is None:
        message = f"{name} must be a whole number; got {count!r}."
        raise ConfigError(message)
    if least is not None and whole < least:
        message = f"{name} must be at least {least}; got {count}."
        raise ConfigError(message)


def _check_torch_device(torch_device: object) -> None:
    try:
        _ = torch.zeros(1, device=cast("str", torch_device)).item()
    except (RuntimeError, AssertionError, NotImplementedError, TypeError):
        message = f"torch_device: torch cannot compute on {torch_device!r} here; 'cpu' always works."
        raise ConfigError(message) from None


def _number(value: Any) -> float:
    if isinstance(value, str | bytes | bool):
        raise TypeError
    return float(value)
