"""One root seed; every use of randomness has a path of its own. No number depends on a global generator.

`generator(seed, "chip", 7)` is the same stream whether 10 or 1,000 chips are drawn, and in which order.
"""

import contextlib
import hashlib
import operator
from typing import SupportsIndex

import numpy as np
import torch

from neft.errors import ConfigError


def derive_seed(seed: SupportsIndex, *path: str | SupportsIndex) -> int:
    """A 63-bit seed for one use, from the root seed and the use's path.

    Numbers count by their value alone, be they Python's, NumPy's or torch's.

    Raises:
        ConfigError: a seed or a number of the path is no whole number; True and False are none.

    >>> derive_seed(0, "chip", 7) == derive_seed(0, "chip", 7)
    True
    >>> derive_seed(0, "chip", 7) == derive_seed(0, "chip", "7")
    False
    """
    text = "/".join([_number(seed), *(repr(str(part)) if isinstance(part, str) else _number(part) for part in path)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: SupportsIndex, *path: str | SupportsIndex, torch_device: str = "cpu") -> torch.Generator:
    """A torch generator for one use; on the CPU unless told otherwise, so that draws do not depend on the machine."""
    return torch.Generator(torch_device).manual_seed(derive_seed(seed, *path))


def numpy_generator(seed: SupportsIndex, *path: str | SupportsIndex) -> np.random.Generator:
    """A NumPy generator for one use."""
    return np.random.default_rng(derive_seed(seed, *path))


def _number(value: object) -> str:
    """A whole number as its key."""
    if isinstance(value, SupportsIndex) and not isinstance(value, bool | np.bool_):
        with contextlib.suppress(TypeError):
            return repr(operator.index(value))
    message = f"A seed, or the number of a chip, must be a whole number; got {value!r}."
    raise ConfigError(message)
