"""Statistics over chips, held against pandas and SciPy one metric at a time."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neft.chip_statistics import STATISTICS, chip_statistics


@pytest.mark.parametrize("num_chips", [1, 2, 5, 40, 333])
def test_each_metric_has_what_it_has_alone(num_chips: int) -> None:
    values = np.random.default_rng(0).random((6, num_chips))
    values[1, ::2] = np.nan
    values[2] = np.nan
    values[3, 1:] = np.nan
    values[4] = 0.25
    found = pd.DataFrame(chip_statistics(values), columns=list(STATISTICS))

    for row, said in zip(values, found.to_dict("records"), strict=True):
        known = pd.Series(row).dropna()
        several = len(known) > 1
        half = stats.sem(known) * stats.t.ppf(0.975, len(known) - 1) if several else np.nan
        expected = [len(known), known.mean(), known.std(), half, known.quantile(0.01), known.quantile(0.05)]
        assert list(said.values()) == pytest.approx(expected, rel=1e-12, abs=1e-15, nan_ok=True)


def test_no_metric_and_no_chip_are_no_error() -> None:
    assert chip_statistics(np.zeros((0, 4))).shape == (0, len(STATISTICS))
    assert chip_statistics(np.zeros((2, 0)))[:, 0].tolist() == [0, 0]
