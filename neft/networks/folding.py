"""BatchNorm folded into the convolution before it: one product less for every chip, and the same numbers."""

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass

from torch import Tensor, fx, nn, ones_like, sqrt, zeros_like

from neft.networks.backbones import ConvNorm

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class Folding:
    """What was folded."""

    factors: dict[str, Tensor]
    """By convolution weight, the factor per output channel, of shape [outputs, 1, 1, …], that its weight (and its
    deviation) must be multiplied by; the stored weights themselves are left alone."""
    note: str | None = None
    """Why BatchNorm could not be folded, where that is so."""


def fold_batchnorm(network: nn.Module, *, among: Container[str] | None = None) -> Folding:
    """Replace every BatchNorm (in evaluation mode) that follows a convolution by that convolution's bias, in point.

    Which BatchNorm follows which convolution is known of this package's backbones; another network is traced
    (`torch.fx`). Where it cannot be traced BatchNorm stays a step of its own, and the note says why.

    Args:
        network: any module.
        among: names of the convolution weights that may get a factor; all where None.
    """
    pairs = [
        (f"{path}.conv", f"{path}.norm")
        for path, module in network.named_modules()
        if isinstance(module, ConvNorm) and isinstance(module.norm, NORMS)
    ]
    note: str | None = None
    if not pairs and any(isinstance(module, NORMS) for module in network.modules()):
        pairs, note = _traced_pairs(network)
    factors: dict[str, Tensor] = {}
    names = _names_of_each(network)
    for convolution, norm in pairs:
        weight = f"{convolution}.weight"
        digital = (f"{convolution}.bias", f"{norm}.weight", f"{norm}.bias")
        if among is not None and (weight not in among or any(name in among for name in digital)):
            continue  # what lies in devices beside the weight must stay a parameter of its own
        factor = _fold(network, convolution, norm) if names[weight] == 1 else None
        if factor is not None:
            factors[weight] = factor
    return Folding(factors, note)


def is_listened_to(module: nn.Module) -> bool:
    """Whether hooks, or a forward of its own, see or change what the module takes in or gives out."""
    own = vars(module)  # torch has no public way to ask
    return bool(own["_forward_hooks"] or own["_forward_pre_hooks"] or "forward" in own)


def _names_of_each(network: nn.Module) -> dict[str, int]:
    """By parameter, under how many names its tensor goes: a factor on tied weights would reach every reader."""
    parameters = list(network.named_parameters(remove_duplicate=False))
    counts = Counter(id(parameter) for _, parameter in parameters)
    return {name: counts[id(parameter)] for name, parameter in parameters}


def _fold(network: nn.Module, convolution: str, norm: str) -> Tensor | None:
    conv, batchnorm = network.get_submodule(convolution), network.get_submodule(norm)
    if not isinstance(conv, CONVOLUTIONS) or not isinstance(batchnorm, NORMS):
        return None
    if type(conv) not in CONVOLUTIONS or type(batchnorm) not in NORMS:  # whose forward may do something else
        return None
    if is_listened_to(conv) or is_listened_to(batchnorm):
        return None
    mean, variance = batchnorm.running_mean, batchnorm.running_var
    if mean is None or variance is None:  # it takes each batch's own statistics
        return None
    scale: Tensor = batchnorm.weight.detach() if batchnorm.affine else ones_like(mean)
    shift: Tensor = batchnorm.bias.detach() if batchnorm.affine else zeros_like(mean)
    bias: Tensor = zeros_like(mean) if conv.bias is None else conv.bias.detach()
    factor = scale / sqrt(variance + batchnorm.eps)
    conv.bias = nn.Parameter(shift + (bias - mean) * factor, requires_grad=False)
    parent, _, own = norm.rpartition(".")
    setattr(network.get_submodule(parent), own, nn.Identity())
    return factor.view(-1, *(1,) * (conv.weight.dim() - 1))


def _traced_pairs(network: nn.Module) -> tuple[list[tuple[str, str]], str | None]:
    """Convolutions whose only reader is a BatchNorm, both used once."""
    try:
        nodes = list(fx.symbolic_trace(network).graph.nodes)
    except Exception as failure:  # noqa: BLE001 - whatever a network's own code raises when it meets a tracer
        reason = str(failure).strip().splitlines()
        return [], (
            f"BatchNorm stays a step of its own: {type(network).__name__} cannot be traced ("
            f"{reason[0] if reason else type(failure).__name__}). The numbers are the same, only slower."
        )
    calls = Counter(str(node.target) for node in nodes if node.op == "call_module")
    read = {str(node.target) for node in nodes if node.op == "get_attr"}
    pairs: list[tuple[str, str]] = []
    for node in nodes:
        if node.op != "call_module" or not node.args or not isinstance(node.args[0], fx.Node):
            continue
        source = node.args[0]
        if source.op != "call_module" or len(source.users) != 1 or f"{source.target}.weight" in read:
            continue
        if calls[str(node.target)] == calls[str(source.target)] == 1:
            pairs.append((str(source.target), str(node.target)))
    return pairs, None
