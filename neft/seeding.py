"""One root seed; every use of randomness has a path of its own. No number depends on a global generator.

`generator(seed, "chip", 7)` is the same stream whether 10 or 1,000 chips are drawn, and in which order.
"""

import hashlib

import numpy as np
import torch


def derive_seed(seed: int, *path: str | int) -> int:
    """A 63-bit seed for one use, from the root seed and the use's path.

    >>> derive_seed(0, "chip", 7) == derive_seed(0, "chip", 7)
    True
    >>> derive_seed(0, "chip", 7) == derive_seed(0, "chip", "7")
    False
    """
    text = "/".join([repr(seed), *(repr(part) for part in path)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *path: str | int, torch_device: str = "cpu") -> torch.Generator:
    """A torch generator for one use; on the CPU unless told otherwise, so that draws do not depend on the machine."""
    return torch.Generator(torch_device).manual_seed(derive_seed(seed, *path))


def numpy_generator(seed: int, *path: str | int) -> np.random.Generator:
    """A NumPy generator for one use."""
    return np.random.default_rng(derive_seed(seed, *path))
