"""What a race tells: its percentile with limits, its worst chips, and how soon the others were left out."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from neft import columns
from neft.runs.races import RaceRecord
from neft.tables.percentiles import UNKNOWN, Percentile, percentile_of_lowest


def race_percentile(record: RaceRecord) -> Percentile:
    """The percentile that was raced for, with its one-sided 95 % limits: as of the whole evaluation.

    Raises:
        ValueError: the record lacks chips that it takes.
    """
    asked = record.asked
    return percentile_of_lowest(np.array(record.accuracies), asked.num_instances, asked.percentile / 100)


def race_percentile_row(record: RaceRecord) -> pd.DataFrame:
    """The same as a table of one row: percentile, value, lower, upper, num_instances.

    Raises:
        ValueError: the record lacks chips that it takes.
    """
    found = race_percentile(record)
    return pd.DataFrame(
        {
            columns.PERCENTILE: [record.asked.percentile],
            columns.VALUE: [found.value],
            columns.LOWER: [found.lower],
            columns.UPPER: [found.upper],
            columns.NUM_INSTANCES: [record.asked.num_instances],
        }
    )


def race_chips(record: RaceRecord) -> pd.DataFrame:
    """The worst chips, a row each, the worst first: rank, instance, accuracy, share (rank / N, of the chips so far).

    Those that are as good as the last are left out, as there may be others like them: none where all are alike.
    """
    rank = np.arange(1, len(record.instances) + 1)
    table = pd.DataFrame(
        {
            columns.RANK: rank,
            columns.INSTANCE: record.instances,
            columns.ACCURACY: record.accuracies,
            columns.SHARE: rank / record.asked.num_instances,
        }
    )
    return table[table[columns.ACCURACY] < record.accuracies[-1]]


def race_still_in(record: RaceRecord) -> pd.DataFrame:
    """How many chips met at least so many images, a row per number of images: num_images, num_instances.

    No rows of a race that was kept before this was.
    """
    images, chips = zip(*record.still_in, strict=True) if record.still_in else ((), ())
    return pd.DataFrame({columns.NUM_IMAGES: images, columns.NUM_INSTANCES: chips}, dtype=int)


def percentile_over_races(run_ids: Sequence[str], races: Mapping[str, RaceRecord]) -> Percentile:
    """The mean over trainings of each one's raced percentile, its limits the means of the trainings' limits.

    As `percentile_over_trainings` has it of whole evaluations; NaN where one training's chips were not raced.

    Args:
        run_ids: of the trainings.
        races: by run, of one percentile and as many chips each.
    """
    known = [race_percentile(races[run_id]) for run_id in run_ids if run_id in races]
    if not known or len(known) < len(run_ids):
        return UNKNOWN
    value, lower, upper = np.mean(known, axis=0)
    return Percentile(float(value), float(lower), float(upper))
