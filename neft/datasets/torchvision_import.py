"""Importing torchvision beside any torch, the CPU-only one included.

torchvision from the package index is built against CUDA. Beside a CPU-only torch its operator library does not load,
and importing it ends in "operator torchvision::nms does not exist", because it then gives a shape rule to two operators
that nobody declared. With those two declared it imports; its data sets, transforms and models need neither of them.
"""

import importlib
import threading
from types import ModuleType

import torch

_LOCK = threading.Lock()
_DECLARED: list[torch.library.Library] = []
"""Keeps the declarations alive: they vanish with the object that made them."""


def import_torchvision() -> ModuleType:
    """The torchvision package, with its operators declared by us only where its own library cannot be loaded.

    torchvision is asked first. If that fails and its operator is still absent, its library did not load (loading it is
    the first thing it does), so a declaration of ours can clash with none of its own.
    """
    with _LOCK:
        try:
            return importlib.import_module("torchvision")
        except RuntimeError:
            if _DECLARED or hasattr(torch.ops.torchvision, "nms"):
                raise
        _DECLARED.append(_declare_operators())
        return importlib.import_module("torchvision")


def _declare_operators() -> torch.library.Library:
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        _ = library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library
