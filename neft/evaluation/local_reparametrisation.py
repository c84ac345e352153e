"""A network that gives every image a chip of its own: layer by layer, with no chip drawn where none need be.

Deviations of different layers are independent, so a network is exact where its layers are, whatever lies between them:
sums of residual blocks, pooling, BatchNorm. How a layer's deviation is drawn is in `neft.evaluation.layer_noise`. Nor
is the last layer drawn: P(the true class has the largest output) is integrated over its noise.

Several conditions (device variations, or layers that vary) run in one batch on the same draws. What they share is
computed once: rows of the batch part where conditions first differ (`neft.evaluation.conditions`).
"""

import copy
from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from neft.chips.arithmetic import USUAL
from neft.chips.deployed import ChipLaw, DeployedNetwork
from neft.evaluation.conditions import Conditions
from neft.evaluation.layer_noise import (
    CONVOLUTIONS,
    LastLayer,
    LayerLaw,
    Noisy,
    NoisyLayer,
    NoisyLinear,
    layer_law,
    noisy_layer,
)
from neft.metrics.base import are_lost
from neft.networks.device_layers import layer_name
from neft.networks.folding import is_listened_to
from neft.networks.network import Network

QUADRATURE_NODES = 24


def refusal(network: Network, law: ChipLaw) -> str | None:
    """Why a chip of its own cannot be drawn for each image layer by layer, or None where it can."""
    if network.ranges is not None:
        return "The layers lie between converters, whose rounding leaves nothing Gaussian."
    return refused_law(law) or refused_layers(network, list(network.device_weights()))


def refused_law(law: ChipLaw) -> str | None:
    """Why no layer can be drawn by itself for these chips, or None."""
    if law.arithmetic != USUAL:
        return f"These chips are computed in {law.arithmetic}, which rounds what each layer puts out."
    if law.is_gaussian:
        return None
    return "These chips are drawn device by device, as their programming or effects are no Gaussian a weight."


def refused_layers(network: nn.Module, in_devices: list[str]) -> str | None:
    """Why a layer of the network cannot be given noise of its own, or None."""
    names = [name for name, _ in network.named_parameters(remove_duplicate=False)]
    tensors = dict(network.named_parameters(remove_duplicate=False))
    for name in in_devices:
        path, _, own = name.rpartition(".")
        module = network.get_submodule(path)
        if own != "weight" or type(module) not in (nn.Linear, *CONVOLUTIONS):
            kind = type(module).__name__
            return f"{layer_name(name)} is no weight of a plain linear or convolution layer, but of a {kind}."
        if is_listened_to(module):
            return f"Layer {layer_name(name)} has hooks, or a forward of its own."
        if sum(tensors[other] is tensors[name] for other in names) > 1:
            return f"Several layers share the weight {layer_name(name)}."
    return None


class NoisyNetwork:
    """A deployed network whose layers add the deviation that each image's own chip would.

    Args:
        deployed: BatchNorm folded; left alone.
        integrated: whether the last layer's outputs are the network's own, one a class, and it is not drawn.
    """

    def __init__(self, deployed: DeployedNetwork, *, integrated: bool) -> None:
        self._noisy = copy.deepcopy(deployed.network)
        self._state = Conditions()
        self._read = deployed.read
        names = list(deployed.targets)
        self.layers: list[NoisyLayer] = []
        """In the order of their names."""
        self.laws: dict[str, LayerLaw] = {}
        """By weight."""
        for index, name in enumerate(names):
            path = name.removesuffix(".weight")
            module = cast("Noisy", self._noisy.get_submodule(path))
            module.weight = nn.Parameter(deployed.targets[name], requires_grad=False)
            law = self.laws[name] = layer_law(module.weight, deployed.stds[name], deployed.turned.get(name))
            is_last = integrated and index == len(names) - 1
            layer = noisy_layer(module, self._state, index, law, is_last=is_last)
            parent, _, own = path.rpartition(".")
            if path:
                setattr(self._noisy.get_submodule(parent), own, layer)
            else:
                self._noisy = layer
            self.layers.append(layer)
        self._stages: list[_Stage] = []
        self._before: list[nn.Module] = []
        """What is run before the first layer."""
        for stage in _stages_of(self._noisy):
            before = self._stages[-1].end if self._stages else 0
            in_a_row = isinstance(self._noisy, Network) or isinstance(stage, NoisyLayer)
            made = _Stage(stage, before=before, in_a_row=in_a_row)
            if made.end:
                self._stages.append(made)
            else:
                self._before.append(stage)

    def probabilities(
        self,
        images: Float[Tensor, "images ..."],
        labels: Int[Tensor, " images"],
        scales: Float[Tensor, "conditions layers"],
        rng: torch.Generator,
        logits: Callable[[Tensor, Tensor], Tensor] = lambda outputs, _places: outputs,
    ) -> tuple[Float[Tensor, "conditions images"], Bool[Tensor, "conditions images"]]:
        """The chance that each image is predicted right, given the draws of all layers but an integrated last one.

        And whether its logits were lost (`neft.metrics.base.are_lost`), which counts as wrong.

        Args:
            images: normalised.
            labels: what they show.
            scales: every layer's device variation under every condition.
            rng: where the draws come from; conditions share them.
            logits: what makes logits over the classes of outputs, told of which images they are.
        """
        state = self._state
        state.begin(len(images), rng)
        for layer in self.layers:
            layer.sizes.clear()
        features = images
        for module in self._before:
            features = module(features)
        seen = torch.zeros(len(scales), dtype=torch.long)
        for stage in self._stages:
            # conditions that are alike up to this stage's end are one row of the batch
            distinct, now = torch.unique(scales[:, : stage.end], dim=0, return_inverse=True)
            first = torch.stack([(now == row).nonzero()[0, 0] for row in range(len(distinct))])
            state.sigma_ds, state.parents = distinct, seen[first]
            features = stage.run(features, state)
            seen = now
        outputs = self._read(features)
        outputs = outputs[state.rows(len(outputs), seen)]
        wanted = labels.repeat_interleave(len(scales))
        if isinstance(self.layers[-1], LastLayer):
            std = state.last_std.expand(len(state.last_std), outputs.shape[1])[state.rows(len(state.last_std), seen)]
            right = _chance_of_being_largest(outputs, std, wanted)
        else:
            outputs = logits(outputs, torch.arange(len(images)).repeat_interleave(len(scales)))
            right = is_right(outputs, wanted)
        lost = are_lost(outputs)
        return right.masked_fill(lost, 0.0).view(-1, len(scales)).T, lost.view(-1, len(scales)).T

    def seen_at_work(self, images: Float[Tensor, "images ..."], *, sigma_d: float) -> tuple[Tensor, bool]:
        """Outputs at this device variation, and whether the last layer put just them out, if it is not integrated.

        Afterwards each layer's `sizes` say how it was run.
        """
        state = self._state
        state.begin(len(images), torch.Generator())
        state.sigma_ds = torch.full((1, len(self.layers)), sigma_d)
        state.parents = torch.zeros(1, dtype=torch.long)
        for layer in self.layers:
            layer.sizes.clear()
        outputs = self._read(self._noisy(images))
        last = self.layers[-1]
        return outputs, isinstance(last, NoisyLinear) and last.put_out is outputs


def is_right(logits: Float[Tensor, "batch classes"], labels: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """1 where the label's logit is the largest, else 0, as where logits are lost (`neft.metrics.base.are_lost`)."""
    return ((logits.argmax(dim=1) == labels) & ~are_lost(logits)).double()


class _Stage:
    """One stage of the network, and how many layers lie before its end.

    Args:
        module: what it runs.
        before: layers before it.
        in_a_row: whether nothing leads around its layer, where it has a single one.
    """

    def __init__(self, module: nn.Module, *, before: int, in_a_row: bool) -> None:
        layers = sum(isinstance(part, NoisyLayer) for part in module.modules())
        self._module = module
        self._is_row = layers == 1 and in_a_row
        self.end = before + layers

    def run(self, features: Tensor, state: Conditions) -> Tensor:
        """Its output, on the rows of its end.

        A stage of one layer leaves it to that layer to spread its rows; within another they may meet others again.
        """
        return cast("Tensor", self._module(features if self._is_row else state.spread(features)))


def _stages_of(network: nn.Module) -> list[nn.Module]:
    """What a network runs one after another, as far as that is known."""
    if isinstance(network, Network):
        return [*network.backbone.stages, network.backbone.classifier]
    if type(network) is nn.Sequential and not is_listened_to(network):
        return [stage for part in network for stage in _stages_of(part)]
    return [network]


def _chance_of_being_largest(
    means: Float[Tensor, "batch classes"], stds: Float[Tensor, "batch classes"], labels: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """P(O_y > O_k for all k) for independent O_k ~ N(mean_k, std_k^2): the integral over O_y by Gauss-Hermite.

    A mean of -infinity is a class that cannot be.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE_NODES)
    t = torch.as_tensor(nodes, dtype=means.dtype)
    w = torch.as_tensor(weights / weights.sum(), dtype=means.dtype)
    scale = stds.clamp_min(1e-12)
    truth = means.gather(1, labels[:, None])
    gaps = (truth - means) / scale
    gaps = gaps.scatter(1, labels[:, None], float("inf"))  # the true class is no rival of itself
    moves = scale.gather(1, labels[:, None]) / scale
    below = torch.special.ndtr(gaps[:, :, None] + moves[:, :, None] * t).prod(dim=1)
    return (below * w).sum(dim=1).masked_fill(truth[:, 0].isneginf(), 0.0)
