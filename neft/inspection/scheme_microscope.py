"""One weight of a network under several schemes, on many chips: by how much it misses.

Its devices are drawn one by one as on any chip, with all that they share with others: the range of its layer or channel
and, where inputs are turned, the whole row. What happens after programming is left out.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import ndtr
from torch import Tensor

from neft import columns
from neft.chips.deployed import ChipLaw, draws_from
from neft.chips.device_by_device import DeviceByDevice
from neft.effects import Effects

NUM_CHIPS = 2000
NUM_BINS = 41
BIN_EDGE = 4.0
"""Histograms reach this many stds either side."""
SEED = 0
"""Where those chips come from: the microscope's own."""


def weight_deviations(
    weights: Mapping[str, Tensor], law: ChipLaw, *, layer: str, number: int, sigma_d: float, num_chips: int = NUM_CHIPS
) -> pd.DataFrame:
    """W_p - W_d of one weight over its layer's w_max: bin_left, bin_right, density, closed_form_density, std.

    The closed form is a Gaussian of the std and mean that it gives, which for one write a device is the whole law; NaN
    where only sampling tells. `std` is the sampled one, `closed_form_std` its expectation.

    Args:
        weights: of the network's layers, by the names of its parameters.
        law: how chips are made.
        layer: the weight's, by the name of its parameter.
        number: of the weight in its layer, output by output.
        sigma_d: device variation, > 0.
        num_chips: on which it is looked at.

    Raises:
        ConfigError: the layers cannot lie so.
    """
    held = {name: weight.detach() for name, weight in weights.items()}
    largest = float(held[layer].abs().amax()) or 1.0
    deployed = replace(law, device_by_device=True, effects=Effects()).deploy(held)
    if not isinstance(deployed, DeviceByDevice):
        message = "Chips must be drawn device by device here."
        raise TypeError(message)
    alone, column = _on_many_chips(deployed, layer, number, num_chips)
    draws = alone.draw(draws_from(SEED, "microscope"))
    missed = alone.layer(layer, draws, sigma_d=sigma_d) - alone.targets[layer]
    sampled = (missed[:, column].double() / largest).numpy()
    moments = alone.moments(layer, sigma_d=sigma_d)
    if moments is None:
        return _histogram(sampled, None)
    mean, variance = (float(one[0, column]) for one in moments)
    return _histogram(sampled, (mean / largest, variance**0.5 / largest))


def _on_many_chips(deployed: DeviceByDevice, layer: str, number: int, num_chips: int) -> tuple[DeviceByDevice, int]:
    """The weight's row, or the weight alone where it lies alone, as often as there are chips; and its place in it."""
    laid = deployed.laid[layer]
    inputs = laid.turned[0].numel()
    row, column = divmod(number, inputs)
    chosen = deployed.verified.get(layer)
    part = slice(None) if laid.rotation is not None else slice(column, column + 1)

    def repeated(tensor: Tensor) -> Tensor:
        kept = tensor.reshape(-1, inputs)[row : row + 1, part]
        return kept.expand(num_chips, -1).clone()

    maximum = laid.maximum.reshape(-1)[row] if laid.maximum.numel() > 1 else laid.maximum
    held = replace(laid, turned=repeated(laid.turned), maximum=maximum.reshape(()))
    alone = replace(
        deployed,
        laid={layer: held},
        targets={layer: held.target(quantise=True)},
        verified={} if chosen is None else {layer: repeated(chosen)},
    )
    return alone, column if laid.rotation is not None else 0


def _histogram(sampled: np.ndarray, closed_form: tuple[float, float] | None) -> pd.DataFrame:
    std = float(np.sqrt(np.mean((sampled - sampled.mean()) ** 2)))
    centre, reach = float(sampled.mean()), std
    if closed_form is not None:
        centre, reach = closed_form
    edges = centre + max(reach, 1e-9) * np.linspace(-BIN_EDGE, BIN_EDGE, NUM_BINS + 1)
    width = edges[1] - edges[0]
    counts, _ = np.histogram(sampled, bins=edges)
    expected = np.full(NUM_BINS, np.nan)
    if closed_form is not None and closed_form[1] > 0:
        expected = np.diff(ndtr((edges - closed_form[0]) / closed_form[1])) / width
    return pd.DataFrame(
        {
            columns.BIN_LEFT: edges[:-1],
            columns.BIN_RIGHT: edges[1:],
            columns.DENSITY: counts / (len(sampled) * width),
            columns.CLOSED_FORM_DENSITY: expected,
            columns.STD: std,
            columns.CLOSED_FORM_STD: float("nan") if closed_form is None else closed_form[1],
        }
    )
