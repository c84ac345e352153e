"""A sequential stop keeps its promise, on made-up chips and on those of stored runs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2, t

from neft import columns
from neft.chips.counts import FLOOR, MISSED, decided_floor, fewest_chips, share_unseen
from neft.errors import ConfigError
from neft.evaluation.stopping import RunningMean, half_width
from neft.runs.places import CACHED_RUNS
from neft.runs.store import RunStore

Sampler = Callable[[np.random.Generator, tuple[int, int]], NDArray[Any]]
PROMISED = 0.95
ACCEPTED = 0.94
REPETITIONS = 4000
CEILING = 400
SHARES = (0.005, 0.01, 0.02, 0.03, 0.05)
"""Of chips that fail to chance."""


def covered(values: NDArray[Any], truth: float, *, precision: float, floor: int = FLOOR) -> NDArray[Any]:
    """Whether the mean at the stop lies within the precision of the truth, for every row that stops."""
    counts = np.arange(1, values.shape[1] + 1)
    means = values.cumsum(axis=1) / counts
    variances = np.maximum((values**2).cumsum(axis=1) / counts - means**2, 0) * counts / np.maximum(counts - 1, 1)
    unit = np.array([0.0 if count < floor else half_width(int(count), 1.0) for count in counts])
    stops = (np.sqrt(variances) * unit <= precision) & (counts >= floor)
    stopped = stops.any(axis=1)
    first = stops.argmax(axis=1)
    return (np.abs(means[np.arange(len(values)), first] - truth) <= precision)[stopped]


def test_the_half_width_is_student_s_at_the_variance_s_upper_limit() -> None:
    limit = 0.04 * 24 / chi2.ppf(0.1, 24)
    assert half_width(25, 0.04) == pytest.approx(t.ppf(0.975, 24) * np.sqrt(limit / 25))


def test_the_running_mean_stops_where_the_formula_says() -> None:
    values = np.random.default_rng(0).normal(0.8, 0.05, 500)
    running = RunningMean(precision=0.01, floor=10)
    count = 0
    while not running.suffices:
        running.add(values[count])
        count += 1

    widths = [half_width(n, float(values[:n].var(ddof=1))) for n in range(10, 500)]
    assert count == 10 + next(index for index, width in enumerate(widths) if width <= 0.01)


def test_no_fewer_than_the_floor() -> None:
    running = RunningMean(precision=0.5, floor=7)
    counts: list[bool] = []
    for _ in range(8):
        counts.append(running.suffices)
        running.add(0.9)
    assert counts == [False] * 7 + [True]
    with pytest.raises(ConfigError, match="min_instances"):
        RunningMean(precision=0.1, floor=1)


def normal(spread: float) -> Sampler:
    """Chips around 80 %."""
    return lambda rng, shape: rng.normal(0.8, spread, shape)


def skewed(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[Any]:
    """Chips around 90 % with a tail to the unlucky side."""
    return rng.beta(18, 2, shape)


@pytest.mark.parametrize(
    ("sample", "truth"), [(normal(0.03), 0.8), (normal(0.06), 0.8), (skewed, 0.9)], ids=["narrow", "wide", "skewed"]
)
def test_the_promise_holds_on_made_up_chips(sample: Sampler, truth: float) -> None:
    """At least 94 % of 4,000 stops lie within the precision where 95 % are promised."""
    values = sample(np.random.default_rng(1), (REPETITIONS, CEILING))
    inside = covered(values, truth, precision=0.01)
    assert len(inside) > 0.99 * REPETITIONS
    assert inside.mean() >= ACCEPTED


def test_the_promise_holds_on_the_chips_of_stored_runs() -> None:
    """Chips drawn from those that a stored run met; over all runs at least 94 % within the precision."""
    store = RunStore(CACHED_RUNS, read_only=True)
    rng = np.random.default_rng(2)
    shares: list[float] = []
    for run_id in store.ids()[::6]:
        chips = store.instances(store.record(run_id))
        for _, rows in chips[chips[columns.SIGMA_D] > 0].groupby(columns.SIGMA_D):
            seen = rows[columns.ACCURACY].to_numpy(dtype=float)
            if len(seen) >= 100:
                inside = covered(rng.choice(seen, (100, 600)), float(seen.mean()), precision=0.01)
                if len(inside):
                    shares.append(float(inside.mean()))
    assert len(shares) > 50
    assert np.mean(shares) >= PROMISED


def failing(share: float, shape: tuple[int, int]) -> NDArray[Any]:
    """Chips around 95 %, but for a share that fails to chance."""
    rng = np.random.default_rng(3)
    fails = rng.random(shape) < share
    return np.where(fails, 0.1, rng.normal(0.95, 0.01, shape))


@pytest.mark.parametrize("share", SHARES)
def test_the_promise_holds_where_few_chips_fail(share: float) -> None:
    """At least 94 % of 2,000 stops lie within the precision; from 30 chips on, of a share of 3 % 56 % did."""
    values = failing(share, (2000, 2400))
    inside = covered(values, 0.1 * share + 0.95 * (1 - share), precision=0.01, floor=fewest_chips(0.01))
    assert len(inside) > 0.99 * len(values)
    assert inside.mean() >= ACCEPTED


def test_thirty_chips_do_not_see_that_few_fail() -> None:
    """Why the floor depends on the precision: no failing chip is among 30 in 0.97^30 = 40 % of all cases."""
    inside = covered(failing(0.03, (1000, 1500)), 0.1 * 0.03 + 0.95 * 0.97, precision=0.01, floor=30)
    assert inside.mean() < 0.65


@pytest.mark.parametrize("precision", [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5])
def test_the_fewest_chips_show_every_failure_that_matters_to_the_precision(precision: float) -> None:
    fewest = fewest_chips(precision)

    assert (1 - precision) ** fewest <= MISSED
    assert fewest == FLOOR or (1 - precision) ** (fewest - 1) > MISSED
    assert share_unseen(fewest) < precision


@pytest.mark.parametrize("count", [1, 30, 59, 299])
def test_a_share_that_is_unseen_shows_no_chip_in_one_case_of_twenty(count: int) -> None:
    assert (1 - share_unseen(count)) ** count == pytest.approx(0.05)


def test_a_precision_that_nothing_could_stop_is_refused() -> None:
    assert decided_floor(0.01, num_instances=597) == 597
    with pytest.raises(ConfigError, match="at least 597; got 596"):
        decided_floor(0.01, num_instances=596)
