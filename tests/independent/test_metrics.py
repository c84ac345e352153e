"""Metrics of random logits and of those at the edge, and the temperature that some of them are calibrated by."""

from math import inf, isnan, nan

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neft.evaluation.calibration import HIGHEST, LOWEST, fit_temperature
from neft.metrics import METRICS, Predictions
from neft.metrics.balanced_accuracy import BALANCED_ACCURACY
from tests.independent.naive import metrics as naive

EVERY = METRICS | {BALANCED_ACCURACY.name: BALANCED_ACCURACY}
EDGES: dict[str, tuple[list[list[float]], list[int]]] = {
    "one image": ([[0.3, -0.2, 1.0]], [2]),
    "nothing right": ([[5.0, 0.0], [0.0, 4.0]], [1, 0]),
    "everything right": ([[5.0, 0.0], [0.0, 4.0]], [0, 1]),
    "certain": ([[1000.0, 0.0], [0.0, 1000.0], [900.0, 0.0]], [0, 1, 1]),
    "ties go to the first": ([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0], [2.0, 2.0, 2.0]], [0, 2, 0]),
    "one class": ([[3.0], [-1.0]], [0, 0]),
    "a class without images": ([[3.0, 1.0, 0.0], [0.0, 2.0, 1.0]], [0, 1]),
    "no number": ([[nan, 1.0, 2.0], [0.5, 3.0, 1.0]], [0, 1]),
    "infinite": ([[inf, 1.0, 2.0], [0.5, 3.0, 1.0]], [0, 1]),
    "a class that cannot be": ([[-inf, 1.0, 2.0], [0.5, 3.0, -inf]], [2, 1]),
    "a true class that cannot be": ([[-inf, 1.0, 2.0], [0.5, 3.0, 1.0]], [0, 1]),
    "no class can be": ([[-inf, -inf, -inf], [0.5, 3.0, 1.0]], [0, 1]),
}


def test_every_metric_has_an_independent_form() -> None:
    assert set(EVERY) == set(naive.METRICS), "write the new metric in tests/independent/naive/metrics.py"
    assert {name for name, metric in EVERY.items() if metric.calibrated} == naive.CALIBRATED


def measured(name: str, logits: list[list[float]], labels: list[int], temperature: float = 1.0) -> float:
    predictions = Predictions.from_logits(torch.tensor(logits), torch.tensor(labels), temperature=temperature)
    return float(EVERY[name].compute(predictions))


def agrees(name: str, logits: list[list[float]], labels: list[int], temperature: float = 1.0) -> None:
    expected = naive.METRICS[name](logits, labels, temperature)
    assert measured(name, logits, labels, temperature) == pytest.approx(expected, abs=2e-5, nan_ok=True)


@pytest.mark.parametrize("temperature", [1.0, 0.2, 7.0])
@pytest.mark.parametrize("name", sorted(EVERY))
def test_metric_of_random_logits(name: str, temperature: float) -> None:
    """NeFT, section 4.2 (EKL); Guo et al. 2017, Eq. 5 (calibration error)."""
    for seed, size in enumerate([(300, 10), (40, 2), (7, 3)]):
        rng = np.random.default_rng(seed)
        logits = (4 * rng.normal(size=size)).astype(np.float32).tolist()
        agrees(name, logits, rng.integers(size[1], size=size[0]).tolist(), temperature)


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("name", sorted(EVERY))
def test_metric_at_the_edge(name: str, edge: str) -> None:
    agrees(name, *EDGES[edge])


CHOICE = st.integers(2, 5).flatmap(
    lambda classes: st.lists(
        st.tuples(
            st.lists(st.integers(-40, 40), min_size=classes, max_size=classes, unique=True), st.integers(0, classes - 1)
        ),
        min_size=1,
        max_size=6,
    )
)


@given(rows=CHOICE)
def test_metrics_of_any_logits(rows: list[tuple[list[int], int]]) -> None:
    logits, labels = [[value / 4 for value in row] for row, _ in rows], [label for _, label in rows]
    # a confidence at the edge of a bin may round into either
    sure = [naive.outcome(row, 0, 1.0)[1] * 15 for row in logits]
    for name in EVERY:
        if name != "calibration_error" or all(abs(one - round(one)) > 1e-4 for one in sure):
            agrees(name, logits, labels)


def test_a_percent_would_be_seen() -> None:
    rng = np.random.default_rng(0)
    logits, labels = (3 * rng.normal(size=(50, 4))).tolist(), rng.integers(4, size=50).tolist()
    for name in sorted(EVERY):
        expected = naive.METRICS[name](logits, labels, 1.0)
        assert measured(name, logits, labels) != pytest.approx(1.01 * expected, abs=2e-5)


# ---------------------------------------------------------------- the calibration temperature
@pytest.mark.parametrize("scale", [0.3, 1.0, 12.0])
def test_temperature(scale: float) -> None:
    """Guo et al. 2017, section 4.2: that of the least mean -ln p_y."""
    rng = np.random.default_rng(1)
    labels = rng.integers(4, size=60).tolist()
    logits = scale * (rng.normal(size=(60, 4)) + 1.5 * np.eye(4)[labels])

    found = fit_temperature(torch.tensor(logits), torch.tensor(labels))

    assert found == pytest.approx(naive.best_temperature(logits.tolist(), labels, LOWEST, HIGHEST), rel=2e-3)


@pytest.mark.parametrize("lost", [[nan, 0.0, 1.0, 2.0], [inf, 0.0, 1.0, 2.0], [-inf, 0.0, 1.0, 2.0]], ids=str)
def test_temperature_beside_an_image_without_probabilities(lost: list[float]) -> None:
    """The others say what it is."""
    rng = np.random.default_rng(2)
    labels = rng.integers(4, size=40).tolist()
    logits = [*(6 * rng.normal(size=(40, 4)) + 9 * np.eye(4)[labels]).tolist(), lost]

    found = fit_temperature(torch.tensor(logits), torch.tensor([*labels, 0]))

    assert found == pytest.approx(naive.best_temperature(logits, [*labels, 0], LOWEST, HIGHEST), rel=2e-3)
    assert found == pytest.approx(fit_temperature(torch.tensor(logits[:-1]), torch.tensor(labels)))


def test_temperature_of_no_image_with_probabilities_is_none() -> None:
    """Logits stay as they are."""
    assert fit_temperature(torch.full((3, 2), nan), torch.tensor([0, 1, 0])) == 1


def test_temperature_where_all_are_right_lies_at_the_edge() -> None:
    logits = [[1.0, 0.0], [0.0, 2.0]]

    found = fit_temperature(torch.tensor(logits), torch.tensor([0, 1]))

    # the loss is flat there: what counts is that it is no larger than at any other temperature
    losses = [
        sum(naive.outcome(row, k, t)[2] for k, row in enumerate(logits)) for t in (found, LOWEST, 0.05, 1.0, 100.0)
    ]
    assert losses[0] == pytest.approx(min(losses), abs=1e-9)
    assert not isnan(found)
