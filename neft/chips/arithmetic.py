"""In which floating type a chip's network is computed.

Chips themselves are made in float32. In bfloat16 a chip's weights, what layers put out and the images are rounded to 8
significant bits, and products are summed in float32 (processors with AVX512-BF16 or AMX, GPUs); a processor without
does it in software, slowly. TF32 is a GPU's: products of float32 numbers of which 11 significant bits are read.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Literal

import torch

from neft.errors import ConfigError

Arithmetic = Literal["float32", "bfloat16", "tf32"]
USUAL: Arithmetic = "float32"
ROUNDED: dict[Arithmetic, torch.dtype] = {"bfloat16": torch.bfloat16}
"""Where weights, images and what layers put out are held in another floating type: in which."""


def check_arithmetic(arithmetic: Arithmetic, torch_device: str) -> None:
    """Refuse what a torch device does not have.

    Raises:
        ConfigError: TF32 on the CPU.
    """
    if arithmetic == "tf32" and torch_device == "cpu":
        message = "arithmetic 'tf32' is a GPU's, and torch computes on the CPU; take 'float32' or 'bfloat16'."
        raise ConfigError(message)


@contextmanager
def products_in(arithmetic: Arithmetic, torch_device: str) -> Generator[None]:
    """On a GPU compute products and convolutions of float32 numbers in TF32 meanwhile, or in float32 in earnest."""
    if torch_device == "cpu":
        yield
        return
    # the older flags (`allow_tf32`) cannot be read once someone has set these
    products, convolutions = torch.backends.cuda.matmul, cudnn_convolutions()
    before = products.fp32_precision, convolutions.fp32_precision
    products.fp32_precision = convolutions.fp32_precision = "tf32" if arithmetic == "tf32" else "ieee"
    try:
        yield
    finally:
        products.fp32_precision, convolutions.fp32_precision = before


def cudnn_convolutions() -> Any:
    """Torch's settings of a GPU's convolutions."""
    return torch.backends.cudnn.conv  # pyright: ignore[reportAttributeAccessIssue] - a module's property
