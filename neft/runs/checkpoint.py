"""Weights on disk: safetensors, loaded strictly, never unpickled.

Deployed weights may be stored as the M-bit codes that Eq. 4 programs anyway: magnitudes, signs as bits, and w_max.
Evaluating those gives the numbers that the real-valued weights give.
"""

import errno
import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save_file
from torch import Tensor

from neft.errors import RunCorruptError
from neft.mapping.bit_slicing import BitSlicing

CODES = "codes."
SIGNS = "signs."
MAXIMUM = "w_max."


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors as safetensors.

    Raises:
        OSError: they cannot be written, as on a full disk.
    """
    contiguous = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    try:
        save_file(contiguous, path, metadata=dict(metadata or {}))
    except SafetensorError as error:
        # it has the system's number in its words alone
        found = re.search(r"os error (\d+)", str(error))
        if found is None:
            raise OSError(errno.EIO, str(error)) from None
        number = int(found[1])
        raise OSError(number, os.strerror(number)) from None


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read safetensors, into memory of their own: Windows replaces no file in which tensors still lie.

    Raises:
        RunCorruptError: the file is not one.
    """
    try:
        return dict(sorted(load(path.read_bytes()).items()))
    except (SafetensorError, OSError, LookupError, ValueError, AssertionError) as error:  # some have no type of torch's
        message = f"'{path.name}' cannot be read as weights: {type(error).__name__}, {error}."
        raise RunCorruptError(message) from None


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 of tensors and their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def load_metadata(path: Path) -> dict[str, str]:
    """The text that was stored beside the tensors.

    Raises:
        RunCorruptError: the file is not safetensors.
    """
    try:
        with safe_open(path, framework="pt") as opened:
            return dict(opened.metadata() or {})
    except (SafetensorError, OSError) as error:
        message = f"'{path.name}' cannot be read as weights: {error}."
        raise RunCorruptError(message) from None


def encode(state: Mapping[str, Tensor], device_names: set[str], mapping: BitSlicing) -> dict[str, Tensor]:
    """Replace every layer that lies in devices by its codes; the rest stays as it is.

    Args:
        state: a network's state dict.
        device_names: which of its tensors lie in devices.
        mapping: the bit slicing; codes of at most 8 bits are stored as bytes.
    """
    encoded: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if name not in device_names:
            encoded[name] = tensor
            continue
        maximum = tensor.abs().amax()
        codes = mapping.quantise(tensor, maximum)
        encoded[CODES + name] = codes.to(torch.uint8) if mapping.weight_bits <= 8 else codes
        encoded[SIGNS + name] = torch.from_numpy(np.packbits((tensor < 0).flatten().cpu().numpy()))
        encoded[MAXIMUM + name] = maximum
    return encoded


def holds_codes(path: Path) -> bool:
    """Whether a file of weights holds codes, so that the real-valued weights are gone.

    Raises:
        RunCorruptError: the file is not safetensors.
    """
    try:
        with safe_open(path, framework="np") as opened:
            return any(name.startswith(CODES) for name in opened.keys())  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError) as error:
        message = f"'{path.name}' cannot be read as weights: {error}."
        raise RunCorruptError(message) from None


def decode(encoded: Mapping[str, Tensor], mapping: BitSlicing) -> dict[str, Tensor]:
    """Back to a state dict: W_d for every layer that was encoded."""
    state: dict[str, Tensor] = {}
    for name, tensor in encoded.items():
        if name.startswith(CODES):
            plain = name.removeprefix(CODES)
            bits = np.unpackbits(encoded[SIGNS + plain].numpy(), count=tensor.numel())
            sign = 1.0 - 2.0 * torch.from_numpy(bits.astype(np.float32)).view(tensor.shape)
            state[plain] = mapping.dequantise(tensor.to(torch.int32), sign, encoded[MAXIMUM + plain])
        elif not name.startswith((SIGNS, MAXIMUM)):
            state[name] = tensor
    return state
