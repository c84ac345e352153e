"""What every metric must obey."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neft.metrics import METRICS, Metric, Predictions
from neft.seeding import generator


@pytest.fixture(scope="session", params=sorted(METRICS))
def metric(request: pytest.FixtureRequest) -> Metric:
    return METRICS[request.param]


def random_predictions(seed: int, order: torch.Tensor | None = None) -> Predictions:
    rng = generator(seed)
    logits = 3 * torch.randn(40, 5, generator=rng)
    labels = torch.randint(5, (40,), generator=rng)
    return (
        Predictions.from_logits(logits, labels)
        if order is None
        else Predictions.from_logits(logits[order], labels[order])
    )


@given(seed=st.integers(0, 10_000))
def test_one_number_within_its_range(metric: Metric, seed: int) -> None:
    value = metric.compute(random_predictions(seed))

    assert value.shape == ()
    assert 0 <= float(value) <= (1 if metric.unit == "fraction" else torch.inf)


@given(seed=st.integers(0, 10_000))
def test_order_of_images_does_not_matter(metric: Metric, seed: int) -> None:
    order = torch.randperm(40, generator=generator(seed, "order"))

    shuffled = metric.compute(random_predictions(seed, order))

    torch.testing.assert_close(shuffled, metric.compute(random_predictions(seed)))


def test_metric_says_what_it_is(metric: Metric) -> None:
    assert metric.label
    assert metric.unit
    assert metric.description.endswith(".")
