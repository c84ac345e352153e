"""Forecasts of errors learn from chips that miss alike."""

import numpy as np

from neft.evaluation.forecast import SUREST, Forecaster
from neft.seeding import numpy_generator


def made_up(num_chips: int, num_images: int) -> np.ndarray:
    """Margins of chips that differ in three ways."""
    rng = numpy_generator(0, "forecast")
    difficulty = rng.normal(1, 2, num_images)
    return difficulty + rng.normal(size=(num_chips, 3)) @ rng.normal(size=(3, num_images))


def test_a_chip_without_images_is_forecast_as_known_chips_err() -> None:
    margins = np.array([[1.0, -1.0], [1.0, -1.0], [1.0, 1.0]])

    # errors of three chips, with half an error in one more
    assert Forecaster(margins, margins < 0).tell(np.empty(0, int), np.empty(0)).tolist() == [0.125, 0.625]


def test_the_more_images_a_chip_has_met_the_nearer_its_forecast() -> None:
    margins = made_up(60, 400)
    known, chip = Forecaster(margins[:50], margins[:50] < 0), margins[55]
    order = numpy_generator(1, "order").permutation(400)
    rest = order[200:]

    errors = [
        np.mean((known.tell(order[:count], chip[order[:count]])[rest] - (chip[rest] < 0)) ** 2)
        for count in (0, 10, 40, 200)
    ]

    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 3


def test_chips_that_are_all_alike_give_a_forecast_all_the_same() -> None:
    margins = np.tile(np.array([1.0, -2.0, 3.0, 0.5]), (4, 1))

    told = Forecaster(margins, margins < 0).tell(np.arange(2), margins[0, :2])

    assert told.tolist() == [SUREST, 1 - SUREST, SUREST, SUREST]
