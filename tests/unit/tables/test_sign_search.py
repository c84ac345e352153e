"""Merit, front and choice of a search's trials: worked out by hand."""

import pytest

from neft import columns as c
from neft.runs.searches import SearchTrial
from neft.tables.sign_search import trials_table

RUN = "digits-mlp4x128-vanilla-s0-seed0-01234567"


def trial(signs: str, accuracy: float, area: float, *, width: float = 1.0) -> SearchTrial:
    return SearchTrial(signs=signs, width=width, validation_accuracy=accuracy, area_share=area, run_id=RUN)


TRIALS = (trial("bb", 0.9, 1.0), trial("++", 0.6, 0.5), trial("+b", 0.885, 0.7), trial("b+", 0.87, 0.8))


def test_merit_is_accuracy_less_mu_times_area() -> None:
    table = trials_table(TRIALS, area_weight=0.1, max_drop=0.02)

    assert table[c.TRIAL].tolist() == [1, 2, 3, 4]
    assert table[c.MERIT].tolist() == pytest.approx([0.8, 0.55, 0.815, 0.79])


def test_choice_has_the_best_merit_above_the_floor() -> None:
    """Where area counts for much one sign everywhere has the best merit, 0.6 - 0.5, but loses too much."""
    for area_weight, max_drop, chosen in ((0.1, 0.02, 3), (0.0, 0.02, 1), (1.0, 0.02, 3), (1.0, 1.0, 3), (2.0, 1.0, 2)):
        table = trials_table(TRIALS, area_weight=area_weight, max_drop=max_drop)
        assert table.loc[table[c.IS_CHOSEN], c.TRIAL].tolist() == [chosen]


def test_front_holds_what_nothing_is_smaller_and_better_than() -> None:
    table = trials_table(TRIALS, area_weight=0.1, max_drop=0.02)

    assert table.loc[table[c.ON_FRONT], c.TRIAL].tolist() == [1, 2, 3]
