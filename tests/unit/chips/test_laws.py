"""Laws of deviations: samples against the closed forms, and those against published numbers."""

from math import sqrt

import pytest
import torch

from neft.chips.laws import GAUSSIAN, Law, RightCensored, Shift, Truncated
from neft.seeding import generator

COUNT = 400_000
NORMALS = torch.randn(COUNT, generator=generator(0, "laws"))
LAWS = [GAUSSIAN, RightCensored(0.5), RightCensored(2.0), Truncated(0.25), Truncated(1.0), Truncated(3.0), Shift(-0.2)]


@pytest.mark.parametrize("law", LAWS, ids=repr)
def test_mean_and_std_of_samples_are_the_closed_form(law: Law) -> None:
    deviations = law.deviations(NORMALS).double()

    # five standard errors of a mean; of a std, at most 5 sqrt((kurtosis - 1) / 4n) stds, whose kurtosis is below 9 here
    assert abs(float(deviations.mean()) - law.mean) <= 5 * law.std / sqrt(COUNT) + 1e-7
    assert abs(float(deviations.std()) - law.std) <= 5 * law.std * sqrt(2 / COUNT) + 1e-7


@pytest.mark.parametrize(
    ("limit", "mean", "std"),
    [(0.5, -0.1978, 0.744), (0.7, -0.1429, 0.799), (1.0, -0.0833, 0.867), (2.0, -0.0085, 0.980)],
)
def test_right_censored_moments_are_those_published(limit: float, mean: float, std: float) -> None:
    """[Yan2023]."""
    law = RightCensored(limit)

    assert law.mean == pytest.approx(mean, abs=5e-5)
    assert law.std == pytest.approx(std, abs=5e-4)


@pytest.mark.parametrize(("sigma_d", "left"), [(0.1, 0.028), (0.4, 0.029)])
def test_truncated_std_is_what_write_verify_leaves(sigma_d: float, left: float) -> None:
    """At a tolerance of 0.05."""
    assert sigma_d * Truncated(0.05 / sigma_d).std == pytest.approx(left, abs=5e-4)


def test_gaussian_deviations_are_the_normals_themselves() -> None:
    assert GAUSSIAN.deviations(NORMALS) is NORMALS


def test_right_censored_deviations_are_the_normals_below_the_limit_and_the_limit_above() -> None:
    deviations = RightCensored(0.75).deviations(NORMALS)

    assert torch.equal(deviations[NORMALS < 0.75], NORMALS[NORMALS < 0.75])
    assert deviations[NORMALS >= 0.75].unique().tolist() == [0.75]


@pytest.mark.parametrize("limit", [0.1, 1.0, 4.0])
def test_truncated_deviations_keep_within_the_limit_and_in_the_normals_order(limit: float) -> None:
    ordered = Truncated(limit).deviations(NORMALS.sort().values)

    assert float(ordered.abs().amax()) <= limit
    assert bool((ordered.diff() >= -1e-6).all())


def test_truncated_law_far_out_is_the_normal_one() -> None:
    inside = NORMALS[NORMALS.abs() < 3]

    torch.testing.assert_close(Truncated(8.0).deviations(inside), inside, atol=1e-3, rtol=0)


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_truncation_at_nothing_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match=r"Truncated.limit \(t\) must be greater than 0; got"):
        _ = Truncated(limit)


def test_shifted_deviations_are_all_the_same() -> None:
    assert Shift(-0.25).deviations(NORMALS).unique().tolist() == [-0.25]
