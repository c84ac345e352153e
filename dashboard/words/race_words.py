"""Races of very many chips in words: what is offered, how far one is, and what it found."""

import pandas as pd

from dashboard.data.races import RaceRecord
from dashboard.data.results import percentile_name
from dashboard.words.percentile_words import with_limits
from dashboard.words.sentences import percent
from neft import columns
from neft.input_kinds import IMAGE, Called
from neft.sigma_d import sigma_d_text

LONG = 120
"""Seconds that are said in minutes."""
EARLY = 0.05
"""Share of the chips before which nobody can say how long the rest takes."""


def count_title(count: int) -> str:
    """What the worst of so many chips is called where it is chosen.

    >>> count_title(10000)
    'Worst of 10,000'
    """
    return f"Worst of {count:,}"


def chip_titles(chips: pd.DataFrame) -> dict[str, str]:
    """By rank, each of a race's worst chips with its number and its accuracy: `1: chip 3662, 8.56 %`."""
    return {
        str(row[columns.RANK]): f"{row[columns.RANK]}: chip {row[columns.INSTANCE]}, "
        f"{percent(row[columns.ACCURACY], 2)} %"
        for row in chips.to_dict("records")
    }


def command(run_id: str, count: int, sigma_d: float) -> str:
    """What races the same chips from a command line."""
    return f"neft evaluate {run_id} --percentile 1 --num-instances {count} --test-sigma-d {sigma_d_text(sigma_d)}"


def progress(done: int, total: int, *, cost: float, seconds: float, called: Called = IMAGE) -> str:
    """How far a race is.

    >>> progress(5000, 10_000, cost=0.12, seconds=30)
    'Racing: 5,000 of 10,000 chips, on 12 % of all their images so far · about 30 s left'
    """
    share = done / total
    left = f" · about {_duration(seconds / share * (1 - share))} left" if share >= EARLY else ""
    return f"Racing: {done:,} of {total:,} chips, on {percent(cost, 0)} % of all their {called.many} so far{left}"


def finding(race: RaceRecord, percentiles: pd.DataFrame, called: Called = IMAGE) -> str:
    """The percentile of all that were raced, and how sure that is; the percentile in a row."""
    row = percentiles.iloc[0]
    said = with_limits(row[columns.VALUE], row[columns.LOWER], row[columns.UPPER])
    name = percentile_name(int(row[columns.PERCENTILE]))
    return (
        f"The {name} of these {race.asked.num_instances:,} chips is **{said}**, one-sided 95 % limits. Every accuracy "
        f"here is of all {race.num_images:,} test {called.many}; with a probability of at least "
        f"{percent(1 - race.chance_of_error, 0)} % no worse chip was missed."
    )


def alike(race: RaceRecord) -> str:
    """That no chip can be called the worst."""
    return (
        f"The {len(race.accuracies):,} lowest of these {race.asked.num_instances:,} chips are all alike, with "
        f"{percent(race.accuracies[0], 2)} % right: none is the worst."
    )


def cost_words(race: RaceRecord, called: Called = IMAGE) -> str:
    """What the race took beside trying every chip on everything."""
    return (
        f"Filled: what was computed, {percent(race.cost, 1)} % of trying every chip on every {called.one}. "
        f"{race.num_whole:,} of {race.asked.num_instances:,} chips met all {called.count(race.num_images)}; a few "
        f"{called.many} were met twice. Raced {race.created.partition('T')[0]} in {_duration(race.seconds)}."
    )


def _duration(seconds: float) -> str:
    return f"{max(seconds, 1):.0f} s" if seconds < LONG else f"{seconds / 60:.0f} min"
