"""Races in words: no number is said that is not known, and what is sure is told apart from what is not."""

import pytest

from dashboard.words import race_words
from neft.input_kinds import INPUT_KINDS
from neft.tables.races import race_chips, race_percentile_row
from tests.stored_races import a_race


def test_progress_tells_the_rest_only_once_it_can_be_told() -> None:
    early = race_words.progress(400, 10_000, cost=0.004, seconds=4)
    later = race_words.progress(2500, 10_000, cost=0.06, seconds=100)

    assert "left" not in early
    assert later == "Racing: 2,500 of 10,000 chips, on 6 % of all their images so far · about 5 min left"


def test_inputs_are_called_what_they_are() -> None:
    series = next(kind for kind in INPUT_KINDS.values() if kind.many == "series")

    assert "all their series" in race_words.progress(1, 10, cost=0.1, seconds=1, called=series)
    assert "met all 397 series" in race_words.cost_words(a_race(), series)


def test_finding_tells_the_percentile_its_limits_and_how_sure_it_is() -> None:
    race = a_race()

    said = race_words.finding(race, race_percentile_row(race))

    # the 100th of 10,000 chips lies at 99.99 from the lowest: 0.01 of the 100th, 0.99 of the 101st
    assert said.startswith("The 1st percentile of these 10,000 chips is **35.0 % (33.3 to 36.7)**, one-sided 95 %")
    assert "with a probability of at least 99 % no worse chip was missed" in said


def test_chips_are_told_by_rank_number_and_accuracy() -> None:
    titles = race_words.chip_titles(race_chips(a_race()))

    assert titles["1"] == "1: chip 0, 25.00 %"
    assert titles["3"] == "3: chip 2, 25.20 %"


def test_chips_that_are_all_alike_are_said_to_be() -> None:
    race = a_race(num_instances=300)
    alike = race.model_copy(update={"accuracies": (0.5,) * len(race.accuracies)})

    assert race_chips(alike).empty
    assert race_words.alike(alike) == (
        "The 7 lowest of these 300 chips are all alike, with 50.00 % right: none is the worst."
    )


@pytest.mark.parametrize(("count", "title"), [(1000, "Worst of 1,000"), (100_000, "Worst of 100,000")])
def test_a_count_is_told_with_its_thousands(count: int, title: str) -> None:
    assert race_words.count_title(count) == title


def test_command_races_the_same_chips() -> None:
    said = race_words.command("id", 1000, 0.1)

    assert said == "neft evaluate id --percentile 1 --num-instances 1000 --test-sigma-d 0.1"
