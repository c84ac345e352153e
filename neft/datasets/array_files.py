"""Reading a .npz file of inputs and labels: looked at before anything is unpacked, never unpickled."""

import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from neft.datasets.found_images import named
from neft.errors import ConfigError, DataMissingError

OWNER = "OwnArrays"
INPUTS, LABELS, SPLITS = "x", "y", "split"
MAX_VALUES = 2**28
"""Numbers in x: a gigabyte as 32-bit floats."""
MAX_VALUES_EACH = 2**18
"""Numbers in one input: 256 × 256 pixels of four channels."""
ALLOWED = (
    "Allowed: features [n, features], series [n, channels, steps], images [n, channels, height, width] or [n, height, "
    "width]."
)


@dataclass(frozen=True)
class Arrays:
    """What a file holds."""

    file: Path
    inputs: np.ndarray
    """[n, …], 32-bit floats, all finite."""
    labels: tuple[str, ...]
    """A word an input."""
    splits: tuple[str, ...]
    """A word or number an input; empty words where none are given."""
    notes: tuple[str, ...]


def read_arrays(file: Path) -> Arrays:
    """The arrays x, y and split.

    Raises:
        DataMissingError: it cannot be read as .npz without unpickling.
        ConfigError: an array is missing, too large, of another length, or not of numbers; says what is allowed.
    """
    try:
        with np.load(file, allow_pickle=False) as loaded, zipfile.ZipFile(file) as archive:
            shapes = {name: _shape(archive, f"{name}.npy") for name in loaded.files}
            _check_shapes(shapes, file)
            given = {name: loaded[name] for name in (INPUTS, LABELS, SPLITS) if name in shapes}
    except (OSError, ValueError, EOFError, KeyError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        message = f"The arrays in {file} cannot be read ({error}). Arrays of Python objects are never unpickled."
        raise DataMissingError(message) from None
    inputs = _as_floats(given[INPUTS])
    labels = _words(given[LABELS], LABELS)
    splits = _words(given[SPLITS], SPLITS) if SPLITS in given else ("",) * len(labels)
    others = sorted(shapes.keys() - {INPUTS, LABELS, SPLITS})
    return Arrays(file, inputs, labels, splits, (f"Arrays that are not read: {named(others)}.",) if others else ())


def _shape(archive: zipfile.ZipFile, member: str) -> tuple[int, ...]:
    """The shape in an array's header: what it would take is known before it is unpacked."""
    with archive.open(member) as file:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(file)
    if dtype.hasobject:
        message = f"{member} holds Python objects"
        raise ValueError(message)
    return shape


def _check_shapes(shapes: Mapping[str, tuple[int, ...]], file: Path) -> None:
    """Raise a `ConfigError` unless x and y are there, fit each other and can be held."""
    for name in (INPUTS, LABELS):
        if name not in shapes:
            message = f"{OWNER}: {file} must hold the arrays x and y (and may hold split); it holds {named(shapes)}."
            raise ConfigError(message)
    shape = shapes[INPUTS]
    if len(shape) not in (2, 3, 4) or 0 in shape:
        message = f"{OWNER}: x has the shape {shape}. {ALLOWED}"
        raise ConfigError(message)
    if math.prod(shape) > MAX_VALUES or math.prod(shape[1:]) > MAX_VALUES_EACH:
        message = (
            f"{OWNER}: x of the shape {shape} is too large; at most {MAX_VALUES_EACH:,} numbers an input and "
            f"{MAX_VALUES:,} in all are allowed."
        )
        raise ConfigError(message)
    for name in (LABELS, SPLITS):
        if name in shapes and shapes[name] not in ((shape[0],), (shape[0], 1)):
            wrong = shapes[name]
            message = f"{OWNER}: {name} must hold one entry for each of the {shape[0]:,} inputs; got the shape {wrong}."
            raise ConfigError(message)


def _as_floats(inputs: np.ndarray) -> np.ndarray:
    if inputs.dtype.kind not in "buif":
        message = f"{OWNER}: x must hold numbers; got {inputs.dtype}."
        raise ConfigError(message)
    with np.errstate(over="ignore"):  # what is too large for 32 bits is refused below
        floats = np.ascontiguousarray(inputs, dtype=np.float32)
    if not np.isfinite(floats).all():
        places = np.unique(np.nonzero(~np.isfinite(floats))[0])
        message = (
            f"{OWNER}: x must hold finite numbers of 32 bits; {len(places):,} of {len(floats):,} inputs hold NaN, "
            f"infinity or more, the first at {places[0]}."
        )
        raise ConfigError(message)
    return floats


def _words(column: np.ndarray, name: str) -> tuple[str, ...]:
    """A word an input: of whole numbers or words."""
    flat = column.reshape(-1)
    if flat.dtype.kind == "f" and np.isfinite(flat).all() and (flat == np.rint(flat)).all():
        flat = flat.astype(np.int64)
    if flat.dtype.kind == "b":
        flat = flat.astype(np.int64)
    if flat.dtype.kind not in "iuU":
        kind = "fractions or NaN" if flat.dtype.kind == "f" else str(flat.dtype)
        message = f"{OWNER}: {name} must hold whole numbers or words; got {kind}."
        raise ConfigError(message)
    return tuple(str(one) for one in flat.tolist())
