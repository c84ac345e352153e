"""Tables as text: what a page shows, in a note and in a paper."""

import pandas as pd
import streamlit as st

from dashboard.words.table_text import as_latex, as_markdown, as_shown

FRAME = pd.DataFrame({"a": [0.12345, float("nan")], "b": ["x_1 & σ_d", "−2 ± 1"], "c": [[1, 2], [3]]})
CONFIG = {
    "a": st.column_config.NumberColumn("Share", format="%.2f"),
    "c": st.column_config.LineChartColumn("Curve"),
}


def test_columns_stand_under_the_heads_and_in_the_forms_of_the_page():
    shown = as_shown(FRAME, CONFIG)
    assert shown.to_dict("list") == {"Share": ["0.12", "–"], "b": ["x_1 & σ_d", "−2 ± 1"]}


def test_only_the_columns_that_a_page_shows_are_in_a_file():
    assert list(as_shown(FRAME, CONFIG, ["b"]).columns) == ["b"]


def test_every_row_of_markdown_has_as_many_cells_as_the_head():
    lines = as_markdown(as_shown(FRAME, CONFIG)).splitlines()
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {3}


def test_latex_holds_no_sign_that_it_reads_otherwise():
    text = as_latex(as_shown(FRAME, CONFIG), "50 % of σ_d")
    assert r"x\_1 \& $\sigma_d$ \\" in text
    assert r"$-$2 $\pm$ 1 \\" in text
    assert r"\caption{50 \% of $\sigma_d$}" in text
    assert text.isascii() or "–" not in text
