"""What a race tells: its percentile with limits, and its worst chips."""

import numpy as np
import pandas as pd

from neft import columns
from neft.runs.races import RaceRecord
from neft.tables.percentiles import Percentile, percentile_of_lowest


def race_percentile(record: RaceRecord) -> Percentile:
    """The percentile that was raced for, with its one-sided 95 % limits: as of the whole evaluation.

    Raises:
        ValueError: the record lacks chips that it takes.
    """
    asked = record.asked
    return percentile_of_lowest(np.array(record.accuracies), asked.num_instances, asked.percentile / 100)


def race_chips(record: RaceRecord) -> pd.DataFrame:
    """The worst chips, a row each, the worst first: rank, instance, accuracy.

    Those that are as good as the last are left out, as there may be others like them: none where all are alike.
    """
    table = pd.DataFrame(
        {
            columns.RANK: np.arange(1, len(record.instances) + 1),
            columns.INSTANCE: record.instances,
            columns.ACCURACY: record.accuracies,
        }
    )
    return table[table[columns.ACCURACY] < record.accuracies[-1]]
