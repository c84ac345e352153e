"""Every training method's losses of one batch, as functions of the noise-free weights.

Deviations, attacks and teachers are what they are at the batch's own weights and stay so: no gradient goes through
them. Gradients that a method needs are central differences of its loss.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, pi, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Weights = dict[str, Array]
Loss = Callable[[Weights], float]
STEP = 1e-6


@dataclass
class Batch:
    """What a method sees."""

    labels: Sequence[int]
    run: Callable[[Weights], Array]
    """Logits [images, classes] of these weights."""
    run_heads: Callable[[Weights], list[Array]]
    """Outputs of the snapshot heads, shallowest first."""
    weights: Weights
    """Noise-free, from the input to the output."""
    stds: Weights
    """std(W_p - W_d) / sigma_d of each weight."""
    chips: Iterator[Weights]
    """Standard normals of one chip after another."""
    uniforms: Weights
    """In [0, 1), for attacks that begin at a random point."""
    normal: float
    """For a sigma_d that is drawn."""
    progress: float
    """Of the whole training."""
    teacher: Array
    """The teacher's logits."""


# ---------------------------------------------------------------- what losses are made of
def log_softmax(logits: Array) -> Array:
    """ln p, row by row."""
    found = np.empty_like(logits)
    for row, values in enumerate(logits):
        top = max(values)
        total = top + np.log(sum(exp(value - top) for value in values))
        found[row] = [value - total for value in values]
    return found


def cross_entropy(logits: Array, labels: Sequence[int]) -> float:
    """The mean of -ln p_y."""
    logs = log_softmax(logits)
    return -sum(logs[row][label] for row, label in enumerate(labels)) / len(labels)


def divergence(ours: Array, theirs: Array, temperature: float) -> float:
    """KL(softmax(ours / T) || softmax(theirs / T)), the mean over images."""
    first, second = log_softmax(ours / temperature), log_softmax(theirs / temperature)
    return float((np.exp(first) * (first - second)).sum()) / len(ours)


def margin(logits: Array, labels: Sequence[int]) -> float:
    """Sum over images of max(z_y - max_{j != y} z_j, 0): Yan et al., ICCAD 2022."""
    total = 0.0
    for values, label in zip(logits, labels, strict=True):
        rival = max(value for j, value in enumerate(values) if j != label)
        total += max(values[label] - rival, 0.0)
    return total


def gradient(loss: Loss, weights: Weights) -> Weights:
    """Of a loss in every weight, by central differences."""
    found = {name: np.zeros_like(weight) for name, weight in weights.items()}
    for name, weight in weights.items():
        for place in np.ndindex(weight.shape):
            found[name][place] = slope(loss, weights, name, place)
    return found


def slope(loss: Loss, weights: Weights, name: str, place: tuple[int, ...]) -> float:
    """In one weight."""
    values: list[float] = []
    for side in (1, -1):
        moved = weights[name].copy()
        moved[place] += side * STEP
        values.append(loss(weights | {name: moved}))
    return (values[0] - values[1]) / (2 * STEP)


def plus(weights: Weights, *others: Weights) -> Weights:
    """Sums, layer by layer; a layer that another does not name stays."""
    found = dict(weights)
    for other in others:
        found |= {name: found[name] + values for name, values in other.items()}
    return found


def deviations(batch: Batch, sigma_d: float | Mapping[str, float], normals: Weights | None = None) -> Weights:
    """sigma_d std z of a fresh chip, or of the normals given."""
    drawn = next(batch.chips) if normals is None else normals
    return {
        name: (sigma_d[name] if isinstance(sigma_d, Mapping) else sigma_d) * batch.stds[name] * values
        for name, values in drawn.items()
    }


def censored_mean(limit: float) -> float:
    """E[min(z, t)] = t (1 - Phi(t)) - phi(t): TRICE (arXiv 2307.15853)."""
    return limit * (1 - NormalDist().cdf(limit)) - exp(-limit * limit / 2) / sqrt(2 * pi)


def largest(weight: Array) -> float:
    """w_max."""
    return max(abs(float(value)) for value in weight.ravel())


# ---------------------------------------------------------------- the methods
def _one_pass(batch: Batch, settings: Mapping[str, Any], deviation: Weights) -> Loss:
    temperature = settings["temperature"]
    return lambda weights: cross_entropy(batch.run(plus(weights, deviation)) / temperature, batch.labels)


def vanilla(batch: Batch, settings: Mapping[str, Any], _sigma_d: float) -> list[Loss]:
    """CE(O / T, y) without variation."""
    return [_one_pass(batch, settings, {})]


def noise_injection(batch: Batch, settings: Mapping[str, Any], sigma_d: float) -> list[Loss]:
    """CE(O / T, y) at W + dW."""
    return [_one_pass(batch, settings, deviations(batch, sigma_d))]


def gammas(settings: Mapping[str, Any], *, rising: bool) -> list[float]:
    """10^(n-N) of OVF, 10^(1-n) of IRS; reversed, or all 1 (NeFT, section 3)."""
    count, base = settings["num_feedback"], settings["decay_base"]
    if settings["decay"] == "constant":
        return [1.0] * count
    rises = rising if settings["decay"] == "paper" else not rising
    return [base ** (n - count if rises else 1 - n) for n in range(1, count + 1)]


def _fed_back(logits: Array, feedback: list[Array], gamma: list[float], settings: Mapping[str, Any]) -> Array:
    """(O - beta sum_n gamma_n Out_n) / (N + 1): NeFT, Eq. of section 3.1."""
    found = logits.copy()
    for factor, output in zip(gamma, feedback, strict=True):
        found -= settings["beta"] * factor * output
    return found / (settings["temperature"] or settings["num_feedback"] + 1)


def ovf(batch: Batch, settings: Mapping[str, Any], sigma_d: float) -> list[Loss]:
    """N more passes at sigma_d + n delta: NeFT, Algorithm 1."""
    names = list(batch.weights)
    chips = [deviations(batch, sigma_d)]
    for n in range(1, settings["num_feedback"] + 1):
        raised = max(0.0, sigma_d + n * settings["delta_sigma"])
        ends = names if settings["raised_layers"] == "all" else (names[0], names[-1])
        at = {name: raised if name in ends else sigma_d for name in names}
        # without any variation nothing is drawn
        quiet = settings["raised_layers"] == "all" and raised == 0
        chips.append({} if quiet else deviations(batch, at))
    gamma = gammas(settings, rising=True)

    def loss(weights: Weights) -> float:
        first, *others = (batch.run(plus(weights, chip)) for chip in chips)
        return cross_entropy(_fed_back(first, others, gamma, settings), batch.labels)

    return [loss]


def irs(batch: Batch, settings: Mapping[str, Any], sigma_d: float) -> list[Loss]:
    """Heads on intermediate features: NeFT, Algorithm 2."""
    drawn = next(batch.chips)
    if not settings["classifier_noise"]:
        drawn = {name: values for name, values in drawn.items() if not name.startswith("heads.")}
    chip = deviations(batch, sigma_d, drawn)
    gamma = gammas(settings, rising=False)

    def loss(weights: Weights) -> float:
        held = plus(weights, chip)
        return cross_entropy(_fed_back(batch.run(held), batch.run_heads(held), gamma, settings), batch.labels)

    return [loss]


def _squared_distance(matrix: Array, scale: float) -> float:
    """|W'W - k^2 I|^2, the Frobenius norm."""
    total = 0.0
    for i in range(matrix.shape[1]):
        for j in range(matrix.shape[1]):
            entry = sum(matrix[k, i] * matrix[k, j] for k in range(matrix.shape[0])) - scale**2 * (i == j)
            total += entry * entry
    return float(total)


def correctnet(batch: Batch, settings: Mapping[str, Any], sigma_d: float) -> list[Loss]:
    """CE + lambda sum |W'W - k^2 I|^2, k = 1 / (1 + 3 sigma_d): CorrectNet (arXiv 2211.14917), reconstructed."""
    plain, scale = _one_pass(batch, settings, deviations(batch, sigma_d)), 1 / (1 + 3 * sigma_d)

    def loss(weights: Weights) -> float:
        terms = (_squared_distance(weight.reshape(len(weight), -1), scale) for weight in weights.values())
        return plain(weights) + settings["strength"] * sum(terms)

    return [loss]


def orthogonality(batch: Batch, settings: Mapping[str, Any], sigma_d: float) -> list[Loss]:
    """CE + 5e-4 sum |W'W - I|^2 over a weight's last two dimensions: NeFT's released code."""
    plain = _one_pass(batch, settings, deviations(batch, sigma_d))

    def loss(weights: Weights) -> float:
        terms = (
            _squared_distance(matrix, 1.0)
            for weight in weights.values()
            for matrix in weight.reshape(-1, *weight.shape[-2:])
        )
        return plain(weights) + settings["strength"] * sum(terms)

    return [loss]


def _censored(batch: Batch, limit: float) -> Weights:
    return {name: np.minimum(values, limit) for name, values in next(batch.chips).items()}


def right_censored(batch: Batch, settings: Mapping[str, Any], sigma_d: float) -> list[Loss]:
    """CE(O / T, y) at W + sigma_d std min(z, t): TRICE (arXiv 2307.15853)."""
    return [_one_pass(batch, settings, deviations(batch, sigma_d, _censored(batch, settings["limit"])))]


def a_trice(batch: Batch, settings: Mapping[str, Any], sigma_d: float) -> list[Loss]:
    """Alpha CE where one sign-gradient step of f ends, from the mean deviation; then CE under censored noise.

    A-TRICE, IEEE TCAD 2024, doi 10.1109/tcad.2024.3365633; the size of the step is a reconstruction.
    """
    drawn = next(batch.chips)  # the shift is made of normals of which it uses none
    shift = {name: np.full_like(values, censored_mean(settings["limit"])) for name, values in drawn.items()}
    mean = deviations(batch, sigma_d, shift)
    found = gradient(lambda weights: margin(batch.run(plus(weights, mean)), batch.labels), batch.weights)
    step = {name: -settings["attack"] * largest(batch.weights[name]) * np.sign(g) for name, g in found.items()}
    there = _one_pass(batch, settings, plus(mean, step))
    second = right_censored(batch, settings, sigma_d)
    return [lambda weights: settings["strength"] * there(weights), *second]


def ramped(batch: Batch, settings: Mapping[str, Any], sigma_d: float) -> list[Loss]:
    """At k sigma_d times the share of the training that is done: arXiv 2602.07320, a straight ramp."""
    return [_one_pass(batch, settings, deviations(batch, settings["over"] * sigma_d * batch.progress))]


def random_sigma(batch: Batch, settings: Mapping[str, Any], sigma_d: float) -> list[Loss]:
    """At |N(sigma_d, theta)|: VANT (arXiv 2503.16183), reconstructed."""
    return [_one_pass(batch, settings, deviations(batch, abs(sigma_d + settings["theta"] * batch.normal)))]


def consistency(batch: Batch, settings: Mapping[str, Any], sigma_d: float) -> list[Loss]:
    """The mean CE of two chips, and lambda KL(p1 || p2): as in R-Drop."""
    chips = [deviations(batch, sigma_d), deviations(batch, sigma_d)]
    temperature = settings["temperature"]

    def loss(weights: Weights) -> float:
        one, two = (batch.run(plus(weights, chip)) for chip in chips)
        errors = (cross_entropy(one / temperature, batch.labels) + cross_entropy(two / temperature, batch.labels)) / 2
        return errors + settings["strength"] * divergence(one, two, temperature)

    return [loss]


def _uphill(batch: Batch, settings: Mapping[str, Any], sigma_d: float, sizes: Weights) -> list[Loss]:
    """CE at W + eps, eps = rho S^2 g / |S g|, the same chip in both passes."""
    chip = deviations(batch, sigma_d)
    here = _one_pass(batch, settings, chip)
    found = gradient(here, batch.weights)
    length = sqrt(sum(float(((sizes[name] * g) ** 2).sum()) for name, g in found.items()))
    step = {name: settings["rho"] * sizes[name] ** 2 * g / length for name, g in found.items()}
    return [_one_pass(batch, settings, plus(chip, step))]


def sam(batch: Batch, settings: Mapping[str, Any], sigma_d: float) -> list[Loss]:
    """S = 1 (Foret et al. 2021), or each layer's w_max (SAMSON, arXiv 2211.11561)."""
    return _uphill(
        batch,
        settings,
        sigma_d,
        {
            name: np.full_like(weight, largest(weight) if settings["relative"] else 1.0)
            for name, weight in batch.weights.items()
        },
    )


def asam(batch: Batch, settings: Mapping[str, Any], sigma_d: float) -> list[Loss]:
    """S = abs(W): Kwon et al. 2021."""
    return _uphill(batch, settings, sigma_d, {name: abs(weight) for name, weight in batch.weights.items()})


def distillation(batch: Batch, settings: Mapping[str, Any], sigma_d: float) -> list[Loss]:
    """(1 - lambda) CE + lambda tau^2 KL(softmax(O_teacher / tau) || softmax(O / tau)): arXiv 2001.04974."""
    chip = deviations(batch, sigma_d)
    share, softening = settings["teacher_share"], settings["softening"]

    def loss(weights: Weights) -> float:
        logits = batch.run(plus(weights, chip))
        right = cross_entropy(logits / settings["temperature"], batch.labels)
        return (1 - share) * right + share * softening**2 * divergence(batch.teacher, logits, softening)

    return [loss]


def adversarial_weights(batch: Batch, settings: Mapping[str, Any], sigma_d: float) -> list[Loss]:
    """CE + lambda KL(f(W) || f(W + eps)), eps sign-gradient steps in a box: Büchel et al., ICLR 2022."""
    chip, temperature = deviations(batch, sigma_d), settings["temperature"]
    plain = _one_pass(batch, settings, chip)
    limits = {name: settings["attack"] * largest(weight) for name, weight in batch.weights.items()}
    added = {name: limits[name] * (2 * batch.uniforms[name] - 1) for name in batch.weights}
    there = batch.run(plus(batch.weights, chip))
    for _ in range(settings["attack_steps"]):
        base = plus(chip, added)

        def harm(weights: Weights, base: Weights = base) -> float:
            return divergence(there, batch.run(plus(weights, base)), temperature)

        found = gradient(harm, batch.weights)
        for name, limit in limits.items():
            moved = added[name] + limit / settings["attack_steps"] * np.sign(found[name])
            added[name] = np.clip(moved, -limit, limit)
    end = plus(chip, added)

    def loss(weights: Weights) -> float:
        ours, theirs = batch.run(plus(weights, chip)), batch.run(plus(weights, end))
        return plain(weights) + settings["strength"] * divergence(ours, theirs, temperature)

    return [loss]


LOSSES: dict[str, Callable[[Batch, Mapping[str, Any], float], list[Loss]]] = {
    "vanilla": vanilla,
    "noise_injection": noise_injection,
    "ovf": ovf,
    "irs": irs,
    "correctnet": correctnet,
    "right_censored": right_censored,
    "a_trice": a_trice,
    "orthogonality": orthogonality,
    "ramped": ramped,
    "random_sigma": random_sigma,
    "consistency": consistency,
    "sam": sam,
    "asam": asam,
    "distillation": distillation,
    "adversarial_weights": adversarial_weights,
}


def deployed(name: str, settings: Mapping[str, Any], weight: float, std: float) -> float:
    """What is deployed: W, or W + m(t) sigma_d std (A-TRICE)."""
    return weight + censored_mean(settings["limit"]) * std if name == "a_trice" else weight
