"""One chip of a small stored network, opened a second time: its weights from the stored file, in float64."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits

from neft.datasets.base import DataAccess, Split
from neft.datasets.digits import Digits
from tests.dashboard.read_back import Files
from tests.independent.naive.mapping import Plan
from tests.independent.naive.networks import mlp

Array = np.ndarray[Any, np.dtype[np.float64]]
CLASSES = 10


class OpenedChip:
    """Of an MLP on RRAM1, 8 bits on 2-bit devices: layers drawn one after the other from the seed."""

    def __init__(self, files: Files, run_id: str, *, sigma_d: float, instance: int) -> None:
        self._numbers: dict[str, Array] = files.weights(run_id)
        self.layers = [name for name in self._numbers if name.startswith("backbone.") and self._numbers[name].ndim == 2]
        self.layers.sort(key=lambda name: ("classifier" in name, name))
        self._sigma_d = sigma_d
        text = "/".join(repr(part) for part in (0, "chip", instance))
        self._rng = torch.Generator().manual_seed(
            int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
        )

    @cached_property
    def _split(self) -> Split:
        return Digits().load(DataAccess(data_dir=Path())).test

    @cached_property
    def images(self) -> Array:
        """The test images, as the network takes them; which they are is the data set's."""
        pixels = np.asarray(load_digits(return_X_y=True)[0])
        found = self._split.images.double().numpy()
        known = {tuple(one) for one in pixels.astype(float).tolist()}
        assert {tuple(image) for image in found.reshape(len(found), -1).tolist()} <= known
        return (found / 16 - 0.5) / 0.5

    @cached_property
    def labels(self) -> list[int]:
        """Of the test images."""
        return self._split.labels.tolist()

    @cached_property
    def aimed(self) -> dict[str, Array]:
        """W_d: NeFT, Eq. 4."""
        found = dict(self._numbers)
        for name in self.layers:
            top = abs(found[name]).max()
            found[name] = np.sign(found[name]) * np.rint(abs(found[name]) / top * 255) / 255 * top
        return found

    @cached_property
    def held(self) -> dict[str, Array]:
        """W_p: NeFT, Eq. 5."""
        found, factor = dict(self.aimed), Plan().factor
        for name in self.layers:
            normals = torch.randn(found[name].shape, generator=self._rng).double().numpy()
            found[name] = found[name] + self._sigma_d * factor * abs(self._numbers[name]).max() * normals
        return found

    def missed(self, name: str) -> Array:
        """W_p - W_d over w_max."""
        return (self.held[name] - self.aimed[name]) / abs(self._numbers[name]).max()

    @cached_property
    def said(self) -> list[int]:
        """What the chip says of each image."""
        return mlp(self.images, self.held).argmax(axis=1).tolist()

    @cached_property
    def said_clean(self) -> list[int]:
        """What the network without variation says."""
        return mlp(self.images, self.aimed).argmax(axis=1).tolist()

    def confusion_change(self) -> list[list[int]]:
        """By class and by what is said: images more than without variation."""
        found = [[0] * CLASSES for _ in range(CLASSES)]
        for label, one, clean in zip(self.labels, self.said, self.said_clean, strict=True):
            found[label][one] += 1
            found[label][clean] -= 1
        return found

    def num_flipped(self) -> int:
        """Images that are right without variation and wrong on the chip."""
        return sum(c == y != s for y, s, c in zip(self.labels, self.said, self.said_clean, strict=True))

    def num_mended(self) -> int:
        """The other way round."""
        return sum(s == y != c for y, s, c in zip(self.labels, self.said, self.said_clean, strict=True))
