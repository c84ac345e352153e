"""Temperature calibration finds the temperature of maximal likelihood."""

from math import log, sqrt

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from neft.evaluation.calibration import HIGHEST, LOWEST, fit_temperature
from neft.seeding import generator


def sampled(temperature: float, num_images: int = 4000) -> tuple[Tensor, Tensor]:
    """Logits of ten classes, and labels drawn from their softmax at a temperature."""
    rng = generator(0, "calibration")
    logits = 3 * torch.randn(num_images, 10, generator=rng, dtype=torch.float64)
    labels = torch.multinomial(torch.softmax(logits / temperature, dim=1), 1, generator=rng)[:, 0]
    return logits, labels


def test_two_classes_are_fitted_exactly() -> None:
    # logits (2, 0) for all, the first class right for 8 of 10: 1/(1 + e^(-2/T)) = 0.8, so 2/T = ln(0.8/0.2) = ln 4
    logits = torch.tensor([[2.0, 0.0]]).expand(10, 2)
    labels = torch.tensor([0] * 8 + [1] * 2)

    assert fit_temperature(logits, labels) == pytest.approx(2 / log(4), rel=1e-4)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_temperature_of_the_labels_is_found_again(temperature: float) -> None:
    logits, labels = sampled(temperature)

    fitted = fit_temperature(logits, labels)

    # the log-likelihood's second derivative in 1/T is minus the sum of the logits' variances under the softmax (the
    # information): the fitted 1/T has a standard error of one over its root
    shares = torch.softmax(logits / temperature, dim=1)
    information = float(((shares * logits**2).sum(dim=1) - (shares * logits).sum(dim=1) ** 2).sum())
    assert abs(1 / fitted - 1 / temperature) < 5 / sqrt(information)


@given(factor=st.floats(0.05, 20))
def test_temperature_follows_the_scale_of_the_logits(factor: float) -> None:
    logits, labels = sampled(1.0, num_images=200)

    assert fit_temperature(factor * logits, labels) == pytest.approx(factor * fit_temperature(logits, labels), rel=1e-3)


@given(shift=st.floats(-100, 100))
def test_temperature_does_not_see_what_all_logits_share(shift: float) -> None:
    logits, labels = sampled(1.0, num_images=200)

    assert fit_temperature(logits + shift, labels) == pytest.approx(fit_temperature(logits, labels), rel=1e-3)


def test_where_all_are_right_the_temperature_falls_to_its_lowest() -> None:
    logits = 0.05 * torch.eye(4)

    assert fit_temperature(logits, torch.arange(4)) == pytest.approx(LOWEST, rel=1e-3)


def test_where_all_are_wrong_the_temperature_rises_to_its_highest() -> None:
    logits = 10 * torch.eye(4)

    assert fit_temperature(logits, torch.tensor([1, 2, 3, 0])) == pytest.approx(HIGHEST, rel=1e-3)
