"""The selected methods' numbers at the slice in a small table, which is the page's legend too."""

from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd
import streamlit as st

from dashboard.address import Selection
from dashboard.charts.frames import look_of
from dashboard.charts.swatch import swatch
from dashboard.charts.theme import palette, variant_style
from dashboard.data import stored
from dashboard.widgets.theme_mode import theme_mode
from dashboard.words import sentences, titles
from neft import columns

Numbers = Mapping[str, Mapping[str, str]]
"""By the words of a row, what it says of each variant."""
MAX_SIDE_BY_SIDE = 6
"""More methods than this stand below each other on a wide page too."""
STYLE = """
<style>
.numbers { border-collapse: collapse; font-size: 0.87rem; line-height: 1.35; margin: 0; }
.numbers th, .numbers td { text-align: left; padding: 0 0.6rem 0 0; border: 0;
  font-variant-numeric: tabular-nums; }
.numbers th { font-weight: 600; }
.numbers thead th, .numbers_note { font-weight: 400; color: MUTED; }
.numbers_note { margin: 2px 0 0; font-size: 0.87rem; }
.numbers img { display: inline; vertical-align: -2px; margin-right: 5px; }
@media (min-width: 1000px) {
  .numbers th, .numbers td { padding-right: 0.9rem; white-space: nowrap; }
  .numbers.beside { display: grid; grid-auto-flow: column; grid-template-rows: repeat(ROWS, auto); width: fit-content; }
  .numbers.beside thead, .numbers.beside tbody, .numbers.beside tr { display: contents; }
}
@media (min-width: 1400px) {
  .numbers th, .numbers td { padding-right: 1.4rem; }
}
</style>
"""


def finding_title(selection: Selection, rows: pd.DataFrame, otherwise: str) -> str:
    """The page's title, computed from the chips at the slice: what they say of feedback, or of who is foremost.

    Args:
        selection: what is looked at.
        rows: its chips at the slice.
        otherwise: the title where there are no chips.
    """
    if rows.empty:
        return otherwise
    feedback = _feedback(selection, rows)
    if feedback[columns.CI95].notna().any():
        return titles.against_control(feedback, selection.sigma_d)
    means = stored.means_at(selection.reading, selection.sigma_d, rows)
    best = str(means.nlargest(1, columns.MEAN)[columns.VARIANT].iloc[0])
    return titles.foremost(means, stored.differences(rows, best), selection.sigma_d)


def method_numbers(selection: Selection, rows: pd.DataFrame) -> str:
    """Draw the table; returns what a report says in its place."""
    with st.container(key="numbers"):
        st.html(numbers_html(selection, rows))
    means = stored.means_at(selection.reading, selection.sigma_d, rows)
    labels = dict(zip(means[columns.VARIANT], means[columns.LABEL], strict=True))
    return sentences.finding(selection, means, _feedback(selection, rows), labels.get(stored.control_of(rows)))


def _feedback(selection: Selection, rows: pd.DataFrame) -> pd.DataFrame:
    """The paired differences of feedback methods to the control at the slice."""
    found = stored.differences_at(selection.reading, selection.sigma_d, rows)
    return stored.fair_to_feedback(found, selection.run_ids)


def numbers_html(selection: Selection, rows: pd.DataFrame) -> str:
    """The table as HTML."""
    means = stored.means_at(selection.reading, selection.sigma_d, rows)
    control = stored.control_of(rows)
    numbers: dict[str, dict[str, str]] = {
        "images right": {
            row[columns.VARIANT]: sentences.with_interval(row[columns.MEAN], row[columns.CI95])
            for row in means.to_dict("records")
        }
    }
    if control:
        numbers["against the control"] = {control: "the control"} | {
            row[columns.VARIANT]: sentences.difference_words(row[columns.MEAN], row[columns.CI95])
            for row in stored.differences_at(selection.reading, selection.sigma_d, rows).to_dict("records")
        }
    caption = f"{sentences.spread_words(means)} · {selection.dataset_label} · {selection.backbone_label} · "
    return _table(means, numbers, caption=f"Mean and {caption}{selection.device_label}")


def numbers_table(means: pd.DataFrame, numbers: Numbers, *, caption: str) -> None:
    """Draw a row per method; on a wide page a column.

    Args:
        means: a row per variant, in order, with its label and look.
        numbers: what to say of each.
        caption: what stands below.
    """
    st.html(_table(means, numbers, caption=caption))


def _table(means: pd.DataFrame, numbers: Numbers, *, caption: str) -> str:
    beside = " beside" if len(means) <= MAX_SIDE_BY_SIDE else ""
    style = STYLE.replace("MUTED", palette(theme_mode()).muted).replace("ROWS", str(1 + len(numbers)))
    heads = _row(["method", *numbers], ["columnheader"] * (1 + len(numbers)))
    body = "".join(_method(rows, numbers) for _, rows in means.groupby(columns.VARIANT, sort=False, observed=True))
    return (
        f'{style}<table class="numbers{beside}" role="table">'
        f'<thead role="rowgroup">{heads}</thead><tbody role="rowgroup">{body}</tbody>'
        f'</table><p class="numbers_note">{escape(caption)}</p>'
    )


def _method(rows: pd.DataFrame, numbers: Numbers) -> str:
    variant, label = str(rows[columns.VARIANT].iloc[0]), escape(str(rows[columns.LABEL].iloc[0]))
    picture = swatch(variant_style(look_of(rows), mode=theme_mode()))
    cells = [f"{picture}{label}", *(escape(of.get(variant, "–")) for of in numbers.values())]
    return _row(cells, ["rowheader", *(["cell"] * len(numbers))])


def _row(cells: Sequence[str], roles: Sequence[str]) -> str:
    """The roles are said again: a browser drops them where a table is laid out as a grid."""
    parts = [
        f'<td role="{role}">{cell}</td>' if role == "cell" else f'<th role="{role}">{cell}</th>'
        for cell, role in zip(cells, roles, strict=True)
    ]
    return f'<tr role="row">{"".join(parts)}</tr>'
