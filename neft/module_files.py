"""Networks and arrays of one's own, read from files: code is run, tensors are read, nothing is unpickled."""

import importlib.util
import sys
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from neft.errors import ConfigError
from neft.networks.copying import in_a_line

TENSORS = ".safetensors"
PICKLED = (".pt", ".pth")
ARRAYS = ".npz"
NESTED = "state_dict"
"""Under which a checkpoint may hold its state dict."""


def load_module(target: str) -> nn.Module:
    """The network that a function makes, `net.py:make_model`; the file is run, and the function called.

    Raises:
        ConfigError: no such file or function; it fails, or makes no `torch.nn.Module`.
    """
    name, _, function = target.rpartition(":")
    path = Path(name)
    if path.suffix != ".py" or not function.isidentifier():
        message = f"A network is named by a Python file and a function in it, net.py:make_model; got '{target}'."
        raise ConfigError(message)
    if not path.is_file():
        message = f"There is no file '{path}'."
        raise ConfigError(message)
    made = _called(path, function)
    if isinstance(made, nn.Module):
        return made
    message = f"{target} must make a torch.nn.Module; got {type(made).__name__}."
    raise ConfigError(message)


def _called(path: Path, function: str) -> object:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(cast("ModuleSpec", spec))  # as of every .py file
    _ = sys.modules.setdefault(path.stem, module)  # where classes of the file look for themselves
    sys.path.insert(0, str(path.resolve().parent))  # as for a file that is run: what lies beside it can be imported
    try:
        cast("Loader", cast("ModuleSpec", spec).loader).exec_module(module)
        make = getattr(module, function, None)
        made = make() if callable(make) else None
    except (Exception, SystemExit) as failure:  # also of a script that ends itself
        message = f"{path}:{function} fails: {in_a_line(failure)}."
        raise ConfigError(message) from failure
    finally:
        sys.path.remove(str(path.resolve().parent))
    if callable(make):
        return made
    message = f"{path} has no function '{function}'."
    raise ConfigError(message)


def load_weights(network: nn.Module, path: Path) -> None:
    """Put a state dict into a network; all of it must fit.

    Raises:
        ConfigError: the file holds none, or more than tensors; or it does not fit the network.
    """
    state = _state_dict(path)
    try:
        _ = network.load_state_dict(state, strict=True)
    except RuntimeError as failure:
        reasons = [line.strip() for line in str(failure).splitlines()[1:]]
        message = f"The weights in '{path}' do not fit the network: {' '.join(reasons) or failure}"
        raise ConfigError(message) from None


def _state_dict(path: Path) -> dict[str, Tensor]:
    if path.suffix not in (TENSORS, *PICKLED):
        message = f"Weights are read from {', '.join((TENSORS, *PICKLED))}; got '{path.name}'."
        raise ConfigError(message)
    try:
        found: Any = load_file(path) if path.suffix == TENSORS else _tensors_alone(path)
    except Exception:  # noqa: BLE001 - torch and safetensors raise many kinds of what they cannot read
        message = f"'{path}' does not hold tensors alone, and nothing is unpickled: save network.state_dict()."
        raise ConfigError(message) from None
    if isinstance(found, Mapping) and isinstance(found.get(NESTED), Mapping):
        found = found[NESTED]
    if isinstance(found, Mapping) and all(isinstance(value, Tensor) for value in found.values()):
        return dict(found)
    message = f"'{path}' holds no state dict, names with tensors; got {type(found).__name__}."
    raise ConfigError(message)


def _tensors_alone(path: Path) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it then refuses
        return torch.load(path, "cpu", weights_only=True)


def load_arrays(path: Path) -> tuple[Tensor, Tensor]:
    """Inputs and labels from the arrays of these names in a file.

    Raises:
        ConfigError: no such file or arrays, or they are not equally many.
    """
    if path.suffix not in (TENSORS, ARRAYS) or not path.is_file():
        message = f"'{path}' is no data set, and no {ARRAYS} or {TENSORS} file with the arrays inputs and labels."
        raise ConfigError(message)
    try:
        arrays = load_file(path) if path.suffix == TENSORS else _numpy_arrays(path)
    except (SafetensorError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as failure:
        message = f"'{path}' cannot be read: {in_a_line(failure)}."
        raise ConfigError(message) from None
    missing = {"inputs", "labels"} - set(arrays)
    if missing:
        message = f"'{path}' has no array '{min(missing)}'; it holds {', '.join(sorted(arrays)) or 'none'}."
        raise ConfigError(message)
    inputs, labels = arrays["inputs"], arrays["labels"]
    if not inputs.dim() or not labels.dim() or len(inputs) != len(labels):
        message = f"'{path}' must hold a label for each input; got {list(labels.shape)} for {list(inputs.shape)}."
        raise ConfigError(message)
    return inputs.float() if inputs.dtype == torch.float64 else inputs, labels


def _numpy_arrays(path: Path) -> dict[str, Tensor]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: torch.as_tensor(arrays[name]) for name in arrays.files}
