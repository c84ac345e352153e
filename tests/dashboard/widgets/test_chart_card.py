"""What a card's files hold."""

import io

import pandas as pd

from dashboard.widgets.chart_card import as_csv
from neft import columns as c


def test_the_runs_of_a_row_are_joined_in_a_file():
    table = pd.DataFrame({c.MEAN: [0.5, 0.25], c.RUN_IDS: [("one", "two"), ("three",)]})
    assert as_csv(table).decode() == 'mean,run_ids\n0.5,"one, two"\n0.25,three\n'
    assert as_csv(table[[c.MEAN]]).decode() == "mean\n0.5\n0.25\n"


def test_a_file_says_above_its_rows_what_it_is_in_lines_that_a_reader_passes_over():
    table = pd.DataFrame({c.MEAN: [0.5]})
    file = as_csv(table, {"Title": "How fast?", "Size": "3 seeds\n× 200 chips"})
    assert file.decode().splitlines()[:2] == ["# Title: How fast?", "# Size: 3 seeds × 200 chips"]
    assert pd.read_csv(io.BytesIO(file), comment="#").equals(table)
