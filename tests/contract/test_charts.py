"""What every chart keeps: it draws its numbers, in the page's mode, with a name for all that it draws."""

import inspect
import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io
import pytest
from pandas.testing import assert_frame_equal

from dashboard import charts
from dashboard.charts.theme import MIN_CONTRAST, PALETTES, Mode, contrast
from neft import columns as c
from tests.chart_examples import EXAMPLES, figure_of

MODES: tuple[Mode, ...] = ("light", "dark")
CHARTS = sorted(
    name for name in charts.__all__ if inspect.signature(getattr(charts, name)).return_annotation is go.Figure
)
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b|\brgba?\([^{]*?\)|\bhsl\(")
CLEAR = "rgba(0,0,0,0)"
NOT_A_NUMBER = re.compile(r"\bnan\b|\binf\b|<NA>|\bNone\b", re.IGNORECASE)


def frames_of(name: str) -> dict[str, pd.DataFrame]:
    """The frames of a chart's example, its own copies."""
    if name not in EXAMPLES:
        pytest.fail(f"No example of the chart {name!r} in tests/chart_examples.py: add frames for it to EXAMPLES.")
    return {argument: frame.copy() for argument, frame in EXAMPLES[name].frames.items()}


@cache
def full(name: str, mode: Mode) -> Any:
    """A chart of its example; it is looked at only."""
    return figure_of(name, frames_of(name), mode=mode)


def numbers_in(values: Any) -> np.ndarray:
    """The finite numbers of what plotly takes as data."""
    flat = pd.to_numeric(pd.Series(np.ravel(np.array([] if values is None else values, dtype=object))), errors="coerce")
    kept = flat.to_numpy(dtype=float, na_value=np.nan)
    return kept[np.isfinite(kept)]


def drawn_numbers(figure: Any) -> np.ndarray:
    """Every number that a place on the chart stands for: marks, cells, ends of bars and intervals, lines and bands."""

    def of_trace(trace: dict[str, Any]) -> Iterator[np.ndarray]:
        yield from (numbers_in(trace.get(axis)) for axis in ("x", "y", "z", "base"))
        for axis in ("x", "y"):
            ends = trace.get(f"error_{axis}", {})
            if "array" in ends:
                centre = np.asarray(trace[axis], dtype=float)
                yield numbers_in(centre + np.asarray(ends["array"], dtype=float))
                yield numbers_in(centre - np.asarray(ends["arrayminus"], dtype=float))
        if "base" in trace:
            lengths = trace["x" if trace["orientation"] == "h" else "y"]
            yield numbers_in(np.asarray(trace["base"], dtype=float) + np.asarray(lengths, dtype=float))

    of_shapes = (numbers_in([shape.x0, shape.x1, shape.y0, shape.y1]) for shape in figure.layout.shapes)
    traces = chain.from_iterable(of_trace(trace.to_plotly_json()) for trace in figure.data)
    return np.concatenate([*traces, *of_shapes, np.empty(0)])


def texts_of(figure: Any) -> Iterator[str]:
    """Everything that a reader may see in words: on the chart, its axes, its legend, under the pointer."""
    for trace in figure.data:
        for words in (trace.name, trace.hovertext, trace.text):
            yield from (str(word) for word in np.ravel(np.array([] if words is None else words, dtype=object)))
    yield from (str(note.text) for note in figure.layout.annotations)
    yield str(figure.layout.legend.title.text or "")
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        yield from map(str, axis.ticktext or ())
        yield str(axis.title.text or "")


def drawn_traces(figure: Any) -> set[str]:
    """The names of all traces that draw something."""

    def draws(trace: dict[str, Any]) -> bool:
        axes = "z" if trace["type"] == "heatmap" else "xy"
        return all(numbers_in(trace.get(axis)).size for axis in axes)

    return {str(trace.name) for trace in figure.data if draws(trace.to_plotly_json())}


def missing_intervals(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as it is where a mean has no interval, as of a single seed."""
    ends = [end for end in (c.LOWER, c.UPPER) if end in frame]
    return frame.assign(**dict.fromkeys(ends, np.nan))


def colours_of_words(figure: Any) -> Iterator[str]:
    """The colours of what is written on the page's ground."""
    layout, shared = figure.layout, figure.layout.template.layout
    yield layout.font.color
    for legend in (shared.legend, layout.legend):
        yield from (legend.font.color, legend.title.font.color)
    for axis in (shared.xaxis, shared.yaxis, *figure.select_xaxes(), *figure.select_yaxes()):
        yield from (axis.tickfont.color, axis.title.font.color)
    yield from (note.font.color for note in layout.annotations)
    for trace in figure.data:
        if trace.type == "scatter" and trace.mode is not None and "text" in trace.mode:
            yield from np.ravel(np.array(trace.textfont.color, dtype=object))


def colours_in(part: Any) -> set[str]:
    """Every colour in a figure, as it is written there."""
    return {found.replace(" ", "").lower() for found in COLOUR.findall(json.dumps(part))}


# ---------------------------------------------------------------- the table
def test_every_example_is_of_a_chart() -> None:
    assert set(EXAMPLES) <= set(CHARTS)


@pytest.mark.parametrize("name", CHARTS)
def test_an_example_has_every_frame_that_the_chart_takes(name: str) -> None:
    parameters = inspect.signature(getattr(charts, name)).parameters.values()
    taken = {parameter.name for parameter in parameters if "DataFrame" in str(parameter.annotation)}
    assert set(frames_of(name)) == set(EXAMPLES[name].drawn) == taken


# ---------------------------------------------------------------- numbers
@pytest.mark.parametrize("name", CHARTS)
def test_the_frames_numbers_are_drawn(name: str) -> None:
    frames, figure = frames_of(name), full(name, "light")
    drawn = drawn_numbers(figure)
    for argument, columns in EXAMPLES[name].drawn.items():
        for column, factor in columns.items():
            wanted = factor * frames[argument][column].to_numpy(dtype=float)
            found = np.isclose(wanted[:, None], drawn[None, :], rtol=1e-9, atol=1e-9).any(axis=1)
            assert found.all(), f"{argument}[{column!r}]: {wanted[~found]} not drawn"


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_leaves_its_frames_as_they_were(name: str) -> None:
    given = frames_of(name)
    _ = figure_of(name, given, mode="light")
    for argument, frame in given.items():
        assert_frame_equal(frame, EXAMPLES[name].frames[argument])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("columns", [True, False], ids=["no rows", "no columns"])
@pytest.mark.parametrize("name", CHARTS)
def test_nothing_to_draw_gives_axes_in_the_pages_colours_and_at_most_lines_of_reference(
    name: str, columns: bool, mode: Mode
) -> None:
    empty = {argument: frame.iloc[:0] if columns else pd.DataFrame() for argument, frame in frames_of(name).items()}
    figure: Any = figure_of(name, empty, mode=mode)
    assert drawn_traces(figure) <= set(EXAMPLES[name].stands)
    assert figure.layout.font.color == PALETTES[mode].text
    assert figure.layout.paper_bgcolor == PALETTES[mode].background


# ---------------------------------------------------------------- words
@pytest.mark.parametrize("name", CHARTS)
def test_all_that_a_legend_shows_has_a_name_and_all_that_a_pointer_finds_has_words(name: str) -> None:
    def words_of(trace: Any) -> bool:
        return trace.hovertext is not None or trace.hovertemplate is not None

    for trace in full(name, "light").data:
        assert trace.name or trace.showlegend is False or trace.type == "heatmap", trace
        assert trace.name or trace.hoverinfo == "skip" or words_of(trace), trace


@pytest.mark.parametrize("name", CHARTS)
def test_each_axis_says_what_it_counts_or_names_its_rows(name: str) -> None:
    figure: Any = full(name, "light")
    said_once = EXAMPLES[name].options.get("x_title") in set(texts_of(figure))
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        assert axis.title.text or axis.ticktext or axis.matches or axis.visible is False or said_once, axis


@pytest.mark.parametrize("name", CHARTS)
def test_the_words_that_a_chart_is_given_are_shown(name: str) -> None:
    given = {key: word for key, word in EXAMPLES[name].options.items() if key.endswith(("name", "title"))}
    shown = " ".join(texts_of(full(name, "light"))).replace("<br>", " ")
    assert not {key: word for key, word in given.items() if word not in shown}


@pytest.mark.parametrize("known", [True, False], ids=["intervals", "no intervals"])
@pytest.mark.parametrize("name", CHARTS)
def test_no_words_tell_of_a_missing_number(name: str, known: bool) -> None:
    frames = {argument: frame if known else missing_intervals(frame) for argument, frame in frames_of(name).items()}
    texts = list(texts_of(figure_of(name, frames, mode="light")))
    assert texts
    assert not [text for text in texts if NOT_A_NUMBER.search(text)]


# ---------------------------------------------------------------- colours
@pytest.mark.parametrize("path", sorted(Path(charts.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_no_colour_is_written_down_but_in_the_theme(path: Path) -> None:
    assert bool(COLOUR.search(path.read_text(encoding="utf-8"))) is (path.stem == "theme")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CHARTS)
def test_words_on_a_chart_can_be_read(name: str, mode: Mode) -> None:
    written = {colour for colour in colours_of_words(full(name, mode)) if colour}
    assert written
    assert {colour for colour in written if contrast(colour, PALETTES[mode].background) < MIN_CONTRAST} == set()


@pytest.mark.parametrize("name", CHARTS)
def test_no_colour_is_the_same_in_light_and_in_dark(name: str) -> None:
    light, dark = (colours_in(json.loads(full(name, mode).to_json())) for mode in MODES)
    assert light & dark == {CLEAR}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_stands_on_the_pages_ground_and_is_as_high_as_it_says(name: str, mode: Mode) -> None:
    layout: Any = full(name, mode).layout
    assert layout.paper_bgcolor == PALETTES[mode].background
    assert layout.template.layout.xaxis.gridcolor == layout.template.layout.yaxis.gridcolor == PALETTES[mode].grid
    assert layout.template.layout.uirevision == "keep"
    assert layout.height >= 100


# ---------------------------------------------------------------- files
@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_comes_back_from_its_json(name: str) -> None:
    figure: Any = full(name, "dark")
    text = figure.to_json()
    read: Any = plotly.io.from_json(text)
    assert json.loads(read.to_json()) == json.loads(text)


# ---------------------------------------------------------------- over device variation
OVER_SIGMA_D = [name for name in CHARTS if name.endswith("_vs_sigma_d") or name == "unlucky_chips"]


@pytest.mark.parametrize("name", OVER_SIGMA_D)
def test_marks_stand_at_their_sigma_d_and_share_one_box_there(name: str) -> None:
    figure = full(name, "light")
    known = np.concatenate([frame["sigma_d"].to_numpy(float) for frame in frames_of(name).values() if len(frame)])

    assert figure.layout.hovermode == "x unified"
    for trace in figure.data:
        if trace.hovertext is not None:
            assert np.isclose(numbers_in(trace.x)[:, None], known[None, :]).any(axis=1).all(), trace.name
