"""By how much a layer's weights miss on one chip, and by how much they are asked to."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from neft.chips.device_by_device import DeviceByDevice, DeviceDraws
from neft.chips.sampling import Deployment, Weights


@dataclass(frozen=True)
class Misses:
    """W_p - W_d of one layer of one chip, over sigma_d w_max, weight by weight."""

    realised: Float[Tensor, " weights"]
    asked: Float[Tensor, " weights"]
    """Root mean square over chips, in closed form; NaN where there is none."""
    is_gaussian: bool = True
    """Whether every weight's law is a Gaussian of mean 0."""


def layer_misses(
    deployment: Deployment | DeviceByDevice,
    draws: Weights | DeviceDraws,
    name: str,
    *,
    maximum: float,
    sigma_d: float,
) -> Misses:
    """Of one layer.

    Args:
        deployment: the layers as they are to be programmed.
        draws: a chip's.
        name: the layer.
        maximum: its w_max.
        sigma_d: device variation, > 0; counts only for chips that are drawn device by device, as the deviations of
            others are proportional to it.
    """
    scale = maximum or 1.0  # a layer of zeros misses by nothing
    if isinstance(deployment, DeviceByDevice):
        return _device_by_device(deployment, draws, name, scale=scale, sigma_d=sigma_d)
    if isinstance(draws, DeviceDraws):
        message = "Draws of another way of making chips."
        raise TypeError(message)
    target = deployment.targets[name]
    asked = (deployment.stds[name] / scale).expand_as(target).flatten().double()
    if name in deployment.turned:
        return Misses((deployment.turned[name].deviation(draws[name]) / scale).flatten().double(), asked)
    return Misses(draws[name].flatten().double() * asked, asked)


def _device_by_device(
    deployment: DeviceByDevice, draws: Weights | DeviceDraws, name: str, *, scale: float, sigma_d: float
) -> Misses:
    if not isinstance(draws, DeviceDraws):
        message = "Draws of another way of making chips."
        raise TypeError(message)
    missed = deployment.layer(name, draws, sigma_d=sigma_d) - deployment.targets[name]
    moments = deployment.moments(name, sigma_d=sigma_d)
    asked = torch.full_like(missed, float("nan"))
    if moments is not None:
        asked = (moments[0].square() + moments[1]).sqrt()
    over = scale * sigma_d
    return Misses((missed / over).flatten().double(), (asked / over).flatten().double(), is_gaussian=False)
