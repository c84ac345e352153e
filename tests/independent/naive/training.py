"""The optimiser's steps and the learning rate."""

from collections.abc import Mapping
from math import cos, pi, sqrt

from tests.independent.naive.losses import Array, Weights


def learning_rate(initial: float, epoch: int, epochs: int) -> float:
    """Half a cosine from the initial rate, constant within an epoch (from 1): NeFT, released code."""
    return initial * (1 + cos(pi * (epoch - 1) / epochs)) / 2


class Adam:
    """Kingma and Ba 2015, Algorithm 1: beta_1 = 0.9, beta_2 = 0.999, eps = 1e-8."""

    def __init__(self) -> None:
        self._steps = 0
        self._first: dict[str, Array] = {}
        self._second: dict[str, Array] = {}

    def step(self, values: Weights, gradients: Mapping[str, Array], rate: float) -> Weights:
        """The values after one step."""
        self._steps += 1
        found: Weights = {}
        for name, value in values.items():
            gradient = gradients[name]
            self._first[name] = 0.9 * self._first.get(name, 0.0 * value) + 0.1 * gradient
            self._second[name] = 0.999 * self._second.get(name, 0.0 * value) + 0.001 * gradient**2
            mean = self._first[name] / (1 - 0.9**self._steps)
            square = self._second[name] / (1 - 0.999**self._steps)
            found[name] = value - rate * mean / (square**0.5 + 1e-8)
        return found


def initial_std(fan_out: int) -> float:
    """Kaiming-normal, fan-out, for ReLU: sqrt(2 / fan_out) (He et al. 2015)."""
    return sqrt(2 / fan_out)
