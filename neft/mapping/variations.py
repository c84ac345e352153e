"""The mappings that a comparison tries: a mapping as it is, then with one part after another chosen otherwise."""

from collections.abc import Iterator
from typing import Any

from neft.component import build
from neft.errors import ConfigError
from neft.mapping.stack import Mapping

CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"scale": "channel"},
    {"scale": "channel", "rotation": "hadamard"},
    {"significance_base": 1},
    {"sign": "differential"},
    {"sign": "offset"},
    {"copies": 2},
)
"""What is chosen otherwise. Unipolar devices are left out: only networks that were trained for them can lie so."""
CHEAP_CHANGE: dict[str, Any] = {"scale": "channel"}
"""One digital factor a column and no further device: what other choices are tried together with."""


def variations(mapping: Mapping) -> tuple[Mapping, ...]:
    """The mapping, then those that differ from it in one part, each once; what cannot be is left out."""
    return tuple(dict.fromkeys(_changed(mapping)))


def cheaply_improved(mapping: Mapping) -> Mapping:
    """The mapping with the change that costs no device."""
    return build(Mapping, mapping.model_dump() | CHEAP_CHANGE)


def _changed(mapping: Mapping) -> Iterator[Mapping]:
    for change in CHANGES:
        try:
            yield build(Mapping, mapping.model_dump() | change)
        except ConfigError:  # so many bits do not go with it
            continue
