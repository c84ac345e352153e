"""What a card's files hold."""

import io

import pandas as pd
import plotly.graph_objects as go

from dashboard.widgets.chart_card import Card, as_csv, made_card
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


def test_what_is_sent_is_a_whole_figure_and_the_given_one_keeps_its_legend() -> None:
    figure = go.Figure(
        [go.Scatter(x=[1.0, 2.0], y=[3.0, 4.0], name=name) for name in ("one", "two")]
        + [go.Scatter(x=[1.0], y=[3.0], name="mark", showlegend=False)],
        {"legend": {"title": {"text": "interval"}, "x": 0.5}},
    )
    table = pd.DataFrame({"a": [1]})

    sent = made_card(
        Card(key="a", question="?", caption="", definition="", alt=""), figure, table, without=["one"]
    ).sent

    shown = sent.to_dict()
    assert [trace["showlegend"] for trace in shown["data"]] == [False, True, False]
    assert (shown["layout"]["legend"], shown["layout"]["showlegend"]) == ({"title": {"text": ""}, "x": 0.5}, True)
    assert go.Figure(shown).to_dict() == shown, "Plotly finds nothing wrong with it"
    assert figure.layout.legend.title.text == "interval"
    assert [trace.showlegend for trace in figure.data] == [None, None, False]
