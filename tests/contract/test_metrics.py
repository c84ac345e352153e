"""What every metric must obey."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neft.metrics import METRICS, Metric, Predictions
from neft.metrics.balanced_accuracy import BALANCED_ACCURACY
from neft.metrics.base import MOST_ACROSS
from neft.seeding import generator

EVERY = METRICS | {BALANCED_ACCURACY.name: BALANCED_ACCURACY}


@pytest.fixture(scope="session", params=sorted(EVERY))
def metric(request: pytest.FixtureRequest) -> Metric:
    return EVERY[request.param]


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


@pytest.mark.parametrize(("images", "classes"), [(1, 2), (7, 3), (397, 10), (397, 40), (1999, 17)])
def test_several_chips_at_once_have_the_numbers_that_each_has_alone(metric: Metric, images: int, classes: int) -> None:
    rng = generator(images, classes)
    logits = 4 * torch.randn(5, images, classes, generator=rng)
    logits[3, 0, 0] = torch.inf  # no probabilities
    labels = torch.randint(classes, (images,), generator=rng)
    temperatures = torch.tensor([1.0, 0.3, 7.0, 1.7, 1.0])

    at_once = metric.compute(Predictions.from_logits(logits, labels, temperature=temperatures))

    alone = [
        metric.compute(Predictions.from_logits(one, labels, temperature=float(at)))
        for one, at in zip(logits, temperatures, strict=True)
    ]
    torch.testing.assert_close(at_once, torch.stack(alone), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("classes", range(1, MOST_ACROSS + 3))
def test_logarithms_of_probabilities_are_those_of_torch_to_the_bit(classes: int) -> None:
    logits = 6 * torch.randn(300, classes, generator=generator(classes))

    found = Predictions.from_logits(logits, torch.zeros(300, dtype=torch.long)).log_probabilities

    torch.testing.assert_close(found, torch.log_softmax(logits, dim=1), rtol=0, atol=0)
