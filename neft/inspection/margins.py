"""How far each image is from being wrong, beside how far chips move it; and what training could still get from it."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import log_softmax

from neft.errors import ConfigError, StoppedError
from neft.inspection.margin_tables import Margins, image_table, pull_table
from neft.inspection.opened_chips import OpenedChips
from neft.methods.perturbations import margins


def image_margins(
    chips: OpenedChips,
    *,
    sigma_d: float,
    num_chips: int,
    temperatures: Sequence[float] = (1.0,),
    on_chip: Callable[[int, int], None] = lambda _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Margins:
    """The margins of all test images on the first chips of a network, and how hard training would pull at them.

    The pull is 1 - p_y with p = softmax(O / T): the gradient of CE(O / T, y) with respect to the label's output is
    -(1 - p_y) / T. It is near 1 for an image that is wrong by many T, near 0 for one that is right by many.

    The noise is a std over few chips: its reciprocal, and so margin_over_noise, comes out about 3 / (4 (C - 1)) of
    itself too large (4 % at C = 20), for every network alike.

    Args:
        chips: of a network on its data, by their law and seed.
        sigma_d: device variation, std over maximal conductance.
        num_chips: chips 0 … C - 1 are tried, the same ones for every network of equal shape.
        temperatures: T at which the pull is told; at least 1 each in training.
        on_chip: told after each chip how many are done, of how many.
        should_stop: asked after each chip.

    Raises:
        ConfigError: no variation, or fewer chips than a std needs.
        StoppedError: `should_stop` said so.
    """
    _check(sigma_d=sigma_d, num_chips=num_chips, temperatures=temperatures)
    labels = chips.labels
    clean = margins(chips.logits(0, sigma_ds=[0.0])[0], labels).double()
    found: list[Tensor] = []
    sums = torch.zeros(len(temperatures), 2, dtype=torch.float64)
    for instance, outputs in chips.each(range(num_chips), sigma_ds=[sigma_d]):
        of_chip = margins(outputs[0], labels).double()
        found.append(of_chip)
        sums += torch.stack([_pulls(outputs[0], labels, of_chip > 0, temperature) for temperature in temperatures])
        on_chip(instance + 1, num_chips)
        if should_stop():
            message = f"Stopped after {instance + 1} of {num_chips} chips."
            raise StoppedError(message, epoch=-1)
    each = torch.stack(found)
    num_right = int((each > 0).sum())
    return Margins(
        images=image_table(clean.numpy(), each.numpy(), labels.numpy()),
        pulls=pull_table(temperatures, sums.numpy(), num_right=num_right, num_wrong=each.numel() - num_right),
    )


def _check(*, sigma_d: float, num_chips: int, temperatures: Sequence[float]) -> None:
    if sigma_d <= 0:
        message = f"sigma_d (device variation) must be above 0 for margins to have noise; got {sigma_d}."
        raise ConfigError(message)
    if num_chips < 2:
        message = f"num_chips (chips) must be 2 or more for a std over chips; got {num_chips}."
        raise ConfigError(message)
    if not temperatures or min(temperatures) <= 0:
        message = f"temperatures (T) must be above 0, at least one; got {list(temperatures)}."
        raise ConfigError(message)


def _pulls(
    logits: Float[Tensor, "images classes"],
    labels: Int[Tensor, " images"],
    right: Bool[Tensor, " images"],
    temperature: float,
) -> Float[Tensor, " 2"]:
    """The sums of 1 - p_y over right answers and over wrong ones."""
    of_label = log_softmax(logits.double() / temperature, dim=1).gather(1, labels[:, None])[:, 0]
    pull = -torch.expm1(of_label)
    return torch.stack([pull[right].sum(), pull[~right].sum()])
