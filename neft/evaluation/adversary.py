"""Two ways to look for the bounded deviation that costs a network most of its right answers.

A deviation is kept layer by layer over the layer's largest weight, delta = (W_p - W) / w_max, so that one box,
abs(delta) <= th_g, bounds every layer. Both ways lower the surrogate f = sum_x max(z_y - max_{j != y} z_j, 0), z the
logits, by its gradient over all images at once ([Yan2022], [Yan2024]); f is 0 where no image is right.

Searches are generators that yield before every pass through the network, so that whoever runs one can show how far it
is, do something else meanwhile, or leave it; what they return is what they found.
"""

import copy
from collections.abc import Generator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call

from neft.chips.deployed import ChipLaw, channels_last
from neft.evaluation.spread import spread
from neft.methods import perturbations
from neft.networks.device_layers import device_weights
from neft.networks.folding import fold_batchnorm

Deviation = dict[str, Tensor]
"""delta by layer, each of its weight's shape."""

BATCH = 512
"""Images that are computed at once."""
PADDED_TO = 64
"""Images of which a gradient is taken come in multiples of this, so that few shapes have to be prepared for."""
MOSTLY_RIGHT = 0.75
"""Above this accuracy the gradient of all images takes no longer than finding those that are right, then theirs."""
SMOOTHING = 0.1
"""Temperature of the smooth maximum, over th_g."""
NUDGE = 10.0
"""By which c is multiplied or divided until it is bracketed."""
BETAS = (0.9, 0.999)
"""Adam's ([Kingma2015])."""


@dataclass(frozen=True)
class Found:
    """What the network does under a deviation."""

    deviation: Deviation
    accuracy: float
    surrogate: float
    """f, in logits."""


class Victim:
    """A network whose weights an adversary moves.

    Args:
        network: the deployed network; it is left alone.
        images: as the network takes them, [images, channels, height, width].
        labels: one an image.
        law: what the devices aim at.
        cores: over how many the batches of a pass are spread, on the CPU; it changes no number.
    """

    def __init__(
        self,
        network: nn.Module,
        images: Float[Tensor, "images ..."],
        labels: Int[Tensor, " images"],
        law: ChipLaw,
        *,
        cores: int = 1,
    ) -> None:
        device = images.device
        self._network = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        weights = {name: weight.detach().clone() for name, weight in device_weights(self._network).items()}
        self.targets = {name: target.to(device) for name, target in law.deploy_gaussian(weights).targets.items()}
        """W: what the devices aim at; the same codes wherever torch computes."""
        self.largest = {name: weight.abs().amax().to(device) for name, weight in weights.items()}
        """w_max by layer."""
        self._network = self._network.to(device)
        self._images, self._labels = channels_last(images), labels
        folded = copy.deepcopy(self._network)
        factors = fold_batchnorm(folded, among=weights).factors
        self._factors = {name: factors.get(name, torch.ones_like(self.largest[name])) for name in weights}
        for parameter in device_weights(folded, list(weights)).values():
            parameter.data = channels_last(parameter.data)
            parameter.requires_grad = True
        num_batches = -(-len(images) // BATCH)
        others = min(cores, num_batches) - 1 if device.type == "cpu" else 0
        self._team = [folded, *(copy.deepcopy(folded) for _ in range(others))]
        """The network with its BatchNorm folded, for each core."""
        self._parameters = [device_weights(one, list(weights)) for one in self._team]
        self._plain_team = [self._network, *(copy.deepcopy(self._network) for _ in range(others))]
        self._last_accuracy = 1.0

    def nothing(self) -> Deviation:
        """No deviation."""
        return {name: torch.zeros_like(target) for name, target in self.targets.items()}

    def uniform(self, rng: torch.Generator) -> Deviation:
        """A random deviation, uniform in the box of th_g = 1."""
        return {name: (2 * torch.rand(w.shape, generator=rng) - 1).to(w) for name, w in self.targets.items()}

    def normals(self, rng: torch.Generator) -> Deviation:
        """Standard normals."""
        return {name: torch.randn(w.shape, generator=rng).to(w) for name, w in self.targets.items()}

    def chip(self, deviation: Deviation) -> dict[str, Tensor]:
        """W + delta w_max."""
        return {name: target + deviation[name] * self.largest[name] for name, target in self.targets.items()}

    @torch.no_grad()
    def accuracy(self, deviation: Deviation) -> float:
        """The plain way: the network as it is, in evaluation mode, with the weights of `chip`."""
        chip = {name: channels_last(weight) for name, weight in self.chip(deviation).items()}

        def says(network: nn.Module, batch: Tensor) -> Tensor:
            return functional_call(network, chip, (batch,)).argmax(dim=1)

        said = list(spread(self._images.split(BATCH), says, self._plain_team))
        return float((torch.cat(said) == self._labels).float().mean())

    @torch.no_grad()
    def measure(self, deviation: Deviation) -> Found:
        """Accuracy and f of the network with its BatchNorm folded, which are the plain ones up to rounding."""
        self._place(deviation)
        return self._found(deviation, self._margins(self._images, self._labels))

    def gradient(self, deviation: Deviation) -> tuple[Found, Deviation]:
        """The same, and df / d delta."""
        self._place(deviation)
        if self._last_accuracy > MOSTLY_RIGHT:
            margins, gradient = self._differentiated(self._images, self._labels)
            return self._found(deviation, margins), gradient
        with torch.no_grad():
            margins = self._margins(self._images, self._labels)
        # an image that is wrong adds nothing to f, nor to its gradient: such ones only fill up the batch
        count = -(-max(int((margins > 0).sum()), 1) // PADDED_TO) * PADDED_TO
        taken = margins.argsort(descending=True)[:count]
        return self._found(deviation, margins), self._differentiated(self._images[taken], self._labels[taken])[1]

    @torch.no_grad()
    def _place(self, deviation: Deviation) -> None:
        for name, weight in self.chip(deviation).items():
            placed = weight * self._factors[name]
            for parameters in self._parameters:
                _ = parameters[name].copy_(placed)

    def _found(self, deviation: Deviation, margins: Float[Tensor, " images"]) -> Found:
        self._last_accuracy = float((margins > 0).float().mean())
        return Found(deviation, self._last_accuracy, float(margins.clamp_min(0).sum()))

    def _margins(self, images: Float[Tensor, "images ..."], labels: Int[Tensor, " images"]) -> Float[Tensor, " images"]:
        """z_y - max_{j != y} z_j."""
        outputs = spread(images.split(BATCH), lambda network, batch: network(batch), self._team)
        return perturbations.margins(torch.cat(list(outputs)), labels)

    def _differentiated(
        self, images: Float[Tensor, "images ..."], labels: Int[Tensor, " images"]
    ) -> tuple[Float[Tensor, " images"], Deviation]:
        """Every image's margin, and df / d delta."""

        def of_batch(network: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, list[Tensor]]:
            parameters = self._parameters[self._team.index(network)]
            with torch.inference_mode(mode=False), torch.enable_grad():
                margins = perturbations.margins(network(batch[0]), batch[1])
                gradients = torch.autograd.grad(margins.clamp_min(0).sum(), list(parameters.values()))
            return margins.detach(), list(gradients)

        found: list[Tensor] = []
        total = self.nothing()
        batches = zip(images.split(BATCH), labels.split(BATCH), strict=True)
        for margins, gradients in spread(batches, of_batch, self._team):
            for name, gradient in zip(total, gradients, strict=True):
                total[name] += gradient * (self._factors[name] * self.largest[name])
            found.append(margins)
        return torch.cat(found), total


Search = Generator[None, None, Found]
"""A search under way."""


def projected(victim: Victim, start: Deviation, *, th_g: float, num_steps: int, stride: float) -> Search:
    """Sign-gradient steps from a point of the box, each projected back into it; the worst point on the way.

    Args:
        victim: the network.
        start: where to begin.
        th_g: half the box's width.
        num_steps: gradients that are taken.
        stride: a step's length over th_g / num_steps.
    """
    length = stride * th_g / num_steps
    point = _into_box(start, th_g)
    yield
    found, gradient = victim.gradient(point)
    best = found
    for step in range(1, num_steps + 1):
        if best.surrogate == 0:
            break
        point = _into_box({name: delta - length * gradient[name].sign() for name, delta in point.items()}, th_g)
        yield
        found, gradient = (victim.measure(point), gradient) if step == num_steps else victim.gradient(point)
        best = min(best, found, key=_order)
    return best


def lagrangian(
    victim: Victim,
    start: Deviation,
    *,
    th_g: float,
    num_steps: int,
    num_multipliers: int,
    stride: float,
) -> Search:
    """Minimise c f + max(abs(delta)) by Adam, for the c whose result just fits into the box; the worst that fits.

    c is counted in 1 / sum(abs(df / d delta)) at the start: at c = 1 moving every weight by the same amount gains as
    much as it costs. It is multiplied or divided by 10 until one c ends inside the box and one outside, then bisected
    (its logarithm is). What ends outside is projected into the box and counts as well.

    Where we depart: gradients are of all images instead of a batch, steps fewer and longer, and the maximum is a smooth
    one, t log(sum(exp(abs(delta) / t))) with t = 0.1 th_g, because the plain maximum's gradient moves one weight a
    step, whatever c is.

    Args:
        victim: the network.
        start: where each descent begins.
        th_g: half the box's width.
        num_steps: Adam's steps for each c.
        num_multipliers: values of c.
        stride: Adam's learning rate over th_g / num_steps.
    """
    yield
    best = victim.measure(_into_box(start, th_g))
    factor, inside, outside = 1.0, None, None
    for _ in range(num_multipliers):
        if best.surrogate == 0:
            break
        rate = stride * th_g / num_steps
        end, met = yield from _descend(victim, start, factor=factor, th_g=th_g, num_steps=num_steps, rate=rate)
        fits = _largest(end) <= th_g
        yield
        best = min([best, *met, victim.measure(_into_box(end, th_g))], key=_order)
        inside, outside = (factor, outside) if fits else (inside, factor)
        if inside is None or outside is None:
            factor = factor * NUDGE if fits else factor / NUDGE
        else:
            factor = (inside * outside) ** 0.5
    return best


def _descend(
    victim: Victim, start: Deviation, *, factor: float, th_g: float, num_steps: int, rate: float
) -> Generator[None, None, tuple[Deviation, list[Found]]]:
    """Where Adam ends, and what it met on the way inside the box."""
    point, met = start, list[Found]()
    mean, square = victim.nothing(), victim.nothing()
    unit = 0.0
    for step in range(1, num_steps + 1):
        yield
        found, gradient = victim.gradient(point)
        if _largest(point) <= th_g:
            met.append(found)
        unit = unit or sum(float(g.abs().sum()) for g in gradient.values()) or 1.0
        slopes = _slopes(point, SMOOTHING * th_g)
        moved: Deviation = {}
        for name, delta in point.items():
            slope = gradient[name] * (factor / unit) + slopes[name]
            mean[name] = BETAS[0] * mean[name] + (1 - BETAS[0]) * slope
            square[name] = BETAS[1] * square[name] + (1 - BETAS[1]) * slope.square()
            spread = (square[name] / (1 - BETAS[1] ** step)).sqrt().clamp_min(torch.finfo(slope.dtype).tiny)
            moved[name] = delta - rate * mean[name] / (1 - BETAS[0] ** step) / spread
        point = moved
    return point, met


def _slopes(deviation: Deviation, temperature: float) -> Deviation:
    """The gradient of the smooth maximum of abs(delta) over all layers."""
    largest = _largest(deviation)
    weights = {name: ((delta.abs() - largest) / temperature).exp() for name, delta in deviation.items()}
    total = sum(float(weight.sum()) for weight in weights.values())
    return {name: weight * deviation[name].sign() / total for name, weight in weights.items()}


def _largest(deviation: Deviation) -> float:
    return max(float(delta.abs().amax()) for delta in deviation.values())


def _into_box(deviation: Deviation, th_g: float) -> Deviation:
    return {name: delta.clamp(-th_g, th_g) for name, delta in deviation.items()}


def _order(found: Found) -> tuple[float, float]:
    """By which deviations are compared, the worst first."""
    return found.accuracy, found.surrogate
