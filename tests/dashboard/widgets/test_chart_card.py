"""What a card's files hold."""

import pandas as pd

from dashboard.widgets.chart_card import as_csv
from neft import columns as c


def test_the_runs_of_a_row_are_joined_in_a_file():
    table = pd.DataFrame({c.MEAN: [0.5, 0.25], c.RUN_IDS: [("one", "two"), ("three",)]})
    assert as_csv(table).decode() == 'mean,run_ids\n0.5,"one, two"\n0.25,three\n'
    assert as_csv(table[[c.MEAN]]).decode() == "mean\n0.5\n0.25\n"
