"""The networks in evaluation mode, on arrays [images, channels, …], by the names of their parameters."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Numbers = Mapping[str, Array]


def relu(values: Array) -> Array:
    """max(v, 0)."""
    return np.where(values > 0, values, 0.0)


def conv(values: Array, weight: Array, *, stride: int = 1) -> Array:
    """A convolution without bias over one or two axes, half a kernel of zeros around, tap by tap."""
    axes = weight.ndim - 2
    kernel = weight.shape[2:]
    padded = np.pad(values, [(0, 0), (0, 0), *((size // 2, size // 2) for size in kernel)])
    sizes = [(padded.shape[2 + a] - kernel[a]) // stride + 1 for a in range(axes)]
    found = np.zeros((len(values), len(weight), *sizes))
    for tap in np.ndindex(*kernel):
        window = tuple(slice(t, t + stride * (size - 1) + 1, stride) for t, size in zip(tap, sizes, strict=True))
        part = padded[(slice(None), slice(None), *window)]
        found += np.einsum("nc...,oc->no...", part, weight[(slice(None), slice(None), *tap)])
    return found


def norm(values: Array, name: str, numbers: Numbers) -> Array:
    """BatchNorm of stored statistics: gamma (v - mean) / sqrt(var + 1e-5) + beta."""
    shape = (1, -1, *(1,) * (values.ndim - 2))
    mean, variance, gamma, beta = (
        numbers[f"{name}.{part}"].reshape(shape) for part in ("running_mean", "running_var", "weight", "bias")
    )
    return gamma * (values - mean) / np.sqrt(variance + 1e-5) + beta


def conv_norm(values: Array, name: str, numbers: Numbers, *, stride: int = 1) -> Array:
    """BatchNorm of a convolution."""
    return norm(conv(values, numbers[f"{name}.conv.weight"], stride=stride), f"{name}.norm", numbers)


def linear(values: Array, name: str, numbers: Numbers) -> Array:
    """W x + b."""
    return np.einsum("ni,oi->no", values, numbers[f"{name}.weight"]) + numbers[f"{name}.bias"]


def pool(values: Array) -> Array:
    """The largest of each 2 x 2; a last row or column without a partner is left out."""
    height, width = (size // 2 * 2 for size in values.shape[2:])
    corners = [values[:, :, i:height:2, j:width:2] for i in (0, 1) for j in (0, 1)]
    return np.max(np.stack(corners), axis=0)


def mlp(images: Array, numbers: Numbers) -> Array:
    """Linear layers with ReLU between; not in the papers."""
    values = images.reshape(len(images), -1)
    stage = 0
    while any(name.startswith(f"backbone.stages.{stage}.") for name in numbers):
        place = 1 if stage == 0 else 0
        values = relu(linear(values, f"backbone.stages.{stage}.{place}", numbers))
        stage += 1
    return linear(values, "backbone.classifier", numbers)


def vgg8(images: Array, numbers: Numbers) -> Array:
    """64-128-P-256-256-P-512-512-P, 1024, classes: NeFT, section 4."""
    values = images
    for stage in range(6):
        is_pooled = stage % 2 == 1
        name = f"backbone.stages.{stage}{'.0' if is_pooled else ''}"
        values = relu(conv_norm(values, name, numbers))
        values = pool(values) if is_pooled else values
    hidden = relu(linear(values.reshape(len(values), -1), "backbone.classifier.1", numbers))
    return linear(hidden, "backbone.classifier.3", numbers)


def resnet18(images: Array, numbers: Numbers) -> Array:
    """A 3 x 3 stem of stride 1, stages [2, 2, 2, 2], 1 x 1 projections where the shape changes: NeFT, section 4."""
    values = relu(conv_norm(images, "backbone.stages.0", numbers))
    for stage in range(1, 5):
        for block in (0, 1):
            name, stride = f"backbone.stages.{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            inner = relu(conv_norm(values, f"{name}.first", numbers, stride=stride))
            shortcut = values
            if f"{name}.shortcut.conv.weight" in numbers:
                shortcut = conv_norm(values, f"{name}.shortcut", numbers, stride=stride)
            values = relu(conv_norm(inner, f"{name}.second", numbers) + shortcut)
    return linear(values.mean(axis=(2, 3)), "backbone.classifier.2", numbers)


def cnn1d(images: Array, numbers: Numbers) -> Array:
    """Kernels of 8, 5 and 3, the mean over steps, the classes: the fully convolutional network of Wang et al. 2017."""
    values = images
    for stage in range(3):
        values = relu(conv_norm(values, f"backbone.stages.{stage}", numbers))
    return linear(values.mean(axis=2), "backbone.classifier.2", numbers)


NETWORKS: dict[str, Callable[[Array, Numbers], Array]] = {
    "mlp": mlp,
    "vgg8": vgg8,
    "resnet18": resnet18,
    "cnn1d": cnn1d,
}
