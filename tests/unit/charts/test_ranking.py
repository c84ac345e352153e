"""The ranking: what may be the best is filled, ranks stand beside the rows."""

from typing import Any

import pandas as pd
import pytest

from dashboard import charts
from dashboard.charts.ranking import PITCH
from neft import columns as c
from tests.chart_examples import EXAMPLES

ROWS = EXAMPLES["ranking"].frames["rows"]


def drawn(rows: pd.DataFrame = ROWS, **changed: Any) -> Any:
    options = {**EXAMPLES["ranking"].options, **changed}
    return charts.ranking(rows, **options, mode="light")


def marks(figure: Any) -> list[Any]:
    return [trace for trace in figure.data if trace.showlegend is False]


def legend(figure: Any) -> list[str]:
    return [trace.name for trace in figure.data if trace.showlegend is not False]


def ranks(figure: Any) -> dict[float, str]:
    return {note.y: note.text for note in figure.layout.annotations if note.yref != "paper"}


def test_rows_stand_in_their_order_from_the_top() -> None:
    figure = drawn()

    assert [trace.y[0] for trace in marks(figure)] == [0, 1, 2, 3]
    low, high = figure.layout.yaxis.range
    assert low > high
    assert [text.split(">")[1].split("<")[0] for text in figure.layout.yaxis.ticktext] == list(ROWS[c.LABEL])


def test_mapping_and_programming_stand_below_method_and_constraint() -> None:
    entries = ["Vanilla", "Noise injection, clipped weights", "OVF", "IRS, clipped weights"]
    chips = ["", "", "scale channel", "scale channel, write-verify"]
    rows = ROWS.assign(**{c.CHIPS_LABEL: chips, c.ENTRY_LABEL: entries})
    (vanilla, clipped, ovf, irs) = drawn(rows).layout.yaxis.ticktext

    assert "<br>" not in vanilla
    assert clipped.endswith("<br>Clipped weights")
    assert ovf.endswith("OVF</span><br>scale channel")
    assert irs.endswith("IRS, clipped weights</span><br>scale channel, write-verify")


def test_constraint_stands_on_a_line_of_its_own() -> None:
    assert [text.endswith("<br>Clipped weights") for text in drawn().layout.yaxis.ticktext] == [
        False,
        True,
        False,
        True,
    ]


def test_rows_that_may_be_the_best_are_filled() -> None:
    figure = drawn()

    assert [trace.marker.symbol.endswith("-open") for trace in marks(figure)] == [False, False, True, True]
    assert legend(figure) == ["not told from the best", "told to be worse", "Vanilla"]


def test_legend_explains_only_what_is_there() -> None:
    assert legend(drawn(ROWS.iloc[:1])) == ["not told from the best", "Vanilla"]
    assert legend(drawn(ROWS.iloc[2:])) == ["told to be worse"]


def test_every_row_has_its_ranks_beside_it() -> None:
    assert ranks(drawn()) == {0: "1–2", 1: "1–2", 2: "3", 3: "4"}


def test_reference_is_a_line_down_all_rows() -> None:
    (line,) = drawn().layout.shapes

    assert line.x0 == line.x1 == pytest.approx(100 * ROWS[c.MEAN].iloc[0])


def test_reference_of_differences_is_zero() -> None:
    figure = drawn(is_difference=True)

    (line,) = figure.layout.shapes
    assert line.x0 == 0
    assert "Vanilla (zero)" in legend(figure)
    assert figure.layout.xaxis.range[0] < 0 < figure.layout.xaxis.range[1]


def test_pointer_tells_value_interval_rank_and_counts() -> None:
    rows = ROWS.iloc[:1].assign(**{c.MEAN: 0.8, c.LOWER: 0.75, c.UPPER: 0.85})

    (mark,) = marks(drawn(rows))
    assert mark.hovertext == ("Vanilla<br><b>80.0 %</b> (75.0 to 85.0 %)<br>rank 1, 1–2<br>3 seeds × 200 chips",)
    (mark,) = marks(drawn(rows.assign(**{c.MEAN: -0.02, c.LOWER: -0.03, c.UPPER: 0.01}), is_difference=True))
    assert mark.hovertext[0].startswith("Vanilla<br><b>−2.0 points</b> (−3.0 to +1.0 points)")


def test_limit_that_is_not_known_leaves_its_side_without_a_bar() -> None:
    rows = ROWS.iloc[:1].assign(**{c.MEAN: 0.8, c.LOWER: float("nan"), c.UPPER: 0.85})

    (mark,) = marks(drawn(rows))
    assert (mark.error_x.arrayminus[0], mark.error_x.array[0]) == (0, pytest.approx(5))


def test_figure_grows_with_its_rows() -> None:
    assert drawn().layout.height - drawn(ROWS.iloc[:3]).layout.height == PITCH
