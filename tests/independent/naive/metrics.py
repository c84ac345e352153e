"""One number of one chip, from its logits, in plain loops."""

from collections.abc import Callable, Sequence
from math import exp, inf, isnan, log, nan

Logits = Sequence[Sequence[float]]
Labels = Sequence[int]


def log_probabilities(row: Sequence[float], temperature: float) -> list[float] | None:
    """Ln softmax(z / T); None where there are no probabilities: a NaN, +infinity, or nothing but -infinity."""
    values = [value / temperature for value in row]
    top = max(values)
    if any(isnan(value) for value in values) or top in (inf, -inf):
        return None
    total = log(sum(exp(value - top) for value in values))
    return [value - top - total for value in values]


def outcome(row: Sequence[float], label: int, temperature: float) -> tuple[bool, float, float]:
    """Whether it is right, how sure it is, and -ln p_y; what has no probabilities is wrong, each class as likely."""
    found = log_probabilities(row, temperature)
    if found is None:
        return False, 1 / len(row), log(len(row))
    predicted = found.index(max(found))
    return predicted == label, exp(max(found)), -found[label]


def _outcomes(logits: Logits, labels: Labels, temperature: float) -> list[tuple[bool, float, float]]:
    return [outcome(row, label, temperature) for row, label in zip(logits, labels, strict=True)]


def accuracy(logits: Logits, labels: Labels, temperature: float = 1.0) -> float:
    """The share that is right."""
    return sum(right for right, _, _ in _outcomes(logits, labels, temperature)) / len(labels)


def ekl(logits: Logits, labels: Labels, temperature: float = 1.0) -> float:
    """KL(one-hot || softmax) = -ln p_y, the mean over what is right (NeFT, section 4.2)."""
    known = [cost for right, _, cost in _outcomes(logits, labels, temperature) if right]
    return sum(known) / len(known) if known else nan


def mean_confidence(logits: Logits, labels: Labels, temperature: float = 1.0) -> float:
    """The mean of the largest probability."""
    return sum(sure for _, sure, _ in _outcomes(logits, labels, temperature)) / len(labels)


def calibration_error(logits: Logits, labels: Labels, temperature: float = 1.0) -> float:
    """Sum_b n_b / n |accuracy_b - confidence_b| over 15 equal bins (Guo et al. 2017, Eq. 5)."""
    total = 0.0
    found = _outcomes(logits, labels, temperature)
    for b in range(15):
        inside = [(right, sure) for right, sure, _ in found if min(int(sure * 15), 14) == b]
        if inside:
            right, sure = sum(r for r, _ in inside) / len(inside), sum(c for _, c in inside) / len(inside)
            total += len(inside) / len(found) * abs(right - sure)
    return total


def balanced_accuracy(logits: Logits, labels: Labels, temperature: float = 1.0) -> float:
    """The mean over classes, of those that have images, of the share that is right."""
    found = _outcomes(logits, labels, temperature)
    shares: list[float] = []
    for known in sorted(set(labels)):
        mine = [right for (right, _, _), label in zip(found, labels, strict=True) if label == known]
        shares.append(sum(mine) / len(mine))
    return sum(shares) / len(shares)


METRICS: dict[str, Callable[[Logits, Labels, float], float]] = {
    "accuracy": accuracy,
    "ekl": ekl,
    "mean_confidence": mean_confidence,
    "calibration_error": calibration_error,
    "calibrated_ekl": ekl,
    "balanced_accuracy": balanced_accuracy,
}
CALIBRATED = {"calibrated_ekl"}
"""Those of the logits over the calibration temperature."""


def best_temperature(logits: Logits, labels: Labels, lowest: float, highest: float) -> float:
    """The T that minimises the mean of -ln softmax(z / T)_y (Guo et al. 2017, section 4.2): thirds of ln T.

    Images whose -ln p_y is infinite, or is none, say nothing of T.
    """
    rows = [(row, label) for row, label in zip(logits, labels, strict=True) if outcome(row, label, 1.0)[2] < inf]

    def loss(log_temperature: float) -> float:
        return sum(outcome(row, label, exp(log_temperature))[2] for row, label in rows) / len(labels)

    low, high = log(lowest), log(highest)
    while high - low > 1e-6:
        one, two = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, two) if loss(one) <= loss(two) else (one, high)
    return exp((low + high) / 2)
