"""How far one chip's weights miss: layer by layer, and weight by weight."""

from math import ceil

import pandas as pd
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from neft import columns
from neft.chips.deployed import ChipLaw, drawn_chip, draws_from
from neft.chips.misses import layer_misses
from neft.chips.sampling import rms
from neft.errors import unknown_name
from neft.evaluation.deviations import USUAL_SIGMA_D
from neft.inspection.chip_report import ErrorMap, Unit
from neft.networks.device_layers import device_weights, layer_name


def layer_errors(
    network: nn.Module, law: ChipLaw, *, seed: int, instance: int, sigma_d: float = USUAL_SIGMA_D
) -> pd.DataFrame:
    """How far one chip's weights miss, layer by layer, over sigma_d w_max, beside what the device model asks.

    The device variation counts only for chips that are drawn device by device (`neft.chips.misses`).

    Returns:
        layer, num_weights, w_max, rms_weight, realised_std (of this chip), closed_form_std; from the input down.
    """
    weights = _weights(network)
    deployment = law.deploy(weights)
    draws = deployment.draw(draws_from(seed, "chip", instance))
    rows: list[dict[str, float | int | str]] = []
    for name, weight in weights.items():
        maximum = float(weight.abs().amax())
        found = layer_misses(deployment, draws, name, maximum=maximum, sigma_d=sigma_d or USUAL_SIGMA_D)
        rows.append(
            {
                columns.LAYER: layer_name(name),
                columns.NUM_WEIGHTS: weight.numel(),
                columns.W_MAX: maximum,
                columns.RMS_WEIGHT: rms([weight]),
                columns.REALISED_STD: rms([found.realised]),
                columns.CLOSED_FORM_STD: rms([found.asked]),
            }
        )
    return pd.DataFrame(rows)


def error_map(
    network: nn.Module,
    law: ChipLaw,
    *,
    layer: str,
    seed: int,
    instance: int,
    sigma_d: float,
    unit: Unit = "w_max",
    max_cells: tuple[int, int] = (64, 256),
) -> ErrorMap:
    """W_p - W_d of one layer of one chip ([Qin2025], Eq. 5), as an image.

    Args:
        network: as it was trained, BatchNorm and all.
        law: how chips are made.
        layer: as `layer_errors` names it.
        seed: where chips come from.
        instance: the chip.
        sigma_d: device variation, std over maximal conductance.
        unit: deviations over the layer's w_max, or over its RMS weight (1 = as large as a typical weight).
        max_cells: the most rows and columns of the image; larger layers are summed up block by block.

    Raises:
        ConfigError: no such layer.
    """
    weights = _weights(network)
    names = {layer_name(name): name for name in weights}
    if layer not in names:
        error = unknown_name("layer", layer, names)
        raise error
    name = names[layer]
    weight = weights[name]
    deployment = law.deploy(weights)
    missed = (
        drawn_chip(deployment, draws_from(seed, "chip", instance), sigma_d=sigma_d)[name] - deployment.targets[name]
    )
    over = float(weight.abs().amax()) if unit == "w_max" else rms([weight])
    deviation = (missed / (over or 1.0)).flatten(1)
    rows, inputs = (ceil(size / most) for size, most in zip(deviation.shape, max_cells, strict=True))
    cells = deviation.numpy() if (rows, inputs) == (1, 1) else block_rms(deviation, rows=rows, inputs=inputs).numpy()
    frame = pd.DataFrame(cells)
    frame.index, frame.columns = rows * frame.index, inputs * frame.columns
    return ErrorMap(cells=frame, block=(rows, inputs))


def block_rms(
    matrix: Float[Tensor, "outputs inputs"], *, rows: int, inputs: int
) -> Float[Tensor, "blocks_of_outputs blocks_of_inputs"]:
    """Root mean square of each block of so many rows and inputs; the last ones take what is left."""
    squares = matrix.double().square()[None, None]
    # with ceil_mode a window that reaches over the edge is a mean of what lies within
    return avg_pool2d(squares, (rows, inputs), ceil_mode=True)[0, 0].sqrt().to(matrix)


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: weight.detach() for name, weight in device_weights(network).items()}
