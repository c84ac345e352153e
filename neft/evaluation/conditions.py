"""One batch for several conditions (device variations, or layers that vary): an image's rows, and what is drawn of it.

What conditions share is computed once: an image begins as one row of the batch, and its rows part where conditions
first differ. All of them meet the same draws.
"""

from collections.abc import Callable

import torch
from jaxtyping import Int
from torch import Tensor

Draw = Callable[[Tensor], Tensor]
"""Given rows of an image, a layer's deviations there at sigma_d = 1: [images, rows, ...]."""


class Conditions:
    """The draws and scales of the pass that runs.

    A batch holds an image's row k at image x rows + k.
    """

    def __init__(self) -> None:
        self.rng = torch.Generator()
        self.num_images = 0
        self.sigma_ds = torch.zeros(1, 0)
        """Every layer's device variation, by row of an image at the end of the stage that runs."""
        self.parents = torch.zeros(1, dtype=torch.long)
        """Which row of an image at the stage's start each of them comes from."""
        self.last_std = torch.zeros(1, 1)
        """Of the last layer's outputs, by row of the batch and class."""

    def begin(self, num_images: int, rng: torch.Generator) -> None:
        """A pass over so many images, whose draws come from there."""
        self.num_images, self.rng = num_images, rng

    def normals(self, *shape: int, dtype: torch.dtype, images: int | None = None) -> Tensor:
        """A draw for every image, or for so many; numbers of float32, whatever a network computes in."""
        return torch.randn(self.num_images if images is None else images, *shape, generator=self.rng).to(dtype)

    def rows(self, batch: int, chosen: Int[Tensor, " rows"]) -> Int[Tensor, " batch"]:
        """The chosen rows of every image, as rows of a batch of this size."""
        per_image = batch // self.num_images
        return (torch.arange(self.num_images)[:, None] * per_image + chosen).flatten()

    def chosen(self, features: Tensor, rows: Int[Tensor, " rows"]) -> Tensor:
        """These rows of every image, each once and in order."""
        return features if len(rows) * self.num_images == len(features) else features[self.rows(len(features), rows)]

    def spread(self, features: Tensor) -> Tensor:
        """The rows of the stage's end, copied from those of its start; nothing to do where they are there already."""
        if len(features) == self.num_images * len(self.parents):
            return features
        rows = self.rows(len(features), self.parents)
        if features.ndim != 4:
            return features[rows]
        return features.permute(0, 2, 3, 1)[rows].permute(0, 3, 1, 2)

    def add_noise(self, layer: int, means: Tensor, draw: Draw) -> Tensor:
        """The means + sigma_d x a draw, on the rows of the stage's end.

        Args:
            layer: which of them.
            means: on the rows of the layer's input, [images x rows, ...].
            draw: given rows of an image, their deviations at sigma_d = 1, [images, rows, ...].
        """
        sigma_d = self.sigma_ds[:, layer].to(means.dtype)
        count, end = len(means) // self.num_images, len(sigma_d)
        own = means.view(self.num_images, count, *means.shape[1:])
        shape = (-1, *[1] * (means.ndim - 1))
        noisy = sigma_d.nonzero()[:, 0]
        if len(noisy) == end and count in {1, end}:
            found = torch.addcmul(own, draw(torch.arange(count)), sigma_d.view(shape))
        else:
            parents = torch.arange(end) if count == end else self.parents
            found = own[:, parents]
            if len(noisy):
                needed, places = torch.unique(parents[noisy], return_inverse=True)
                found[:, noisy] += draw(needed)[:, places] * sigma_d[noisy].view(shape)
        return found.reshape(self.num_images * end, *means.shape[1:])
