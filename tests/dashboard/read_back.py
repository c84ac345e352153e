"""A part of the shipped runs to read pages' numbers back from: their files are read here with pandas and json alone."""

import json
import math
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from streamlit.testing.v1 import AppTest
from typing_extensions import override

from neft.runs.places import CACHED_RUNS
from tests.dashboard import driver

SIGMA_DS = (0.1, 0.2)
TRIED = "digits-vgg8w8-vanilla-s0.00-seed0-b149cc45"
"""A run that was evaluated under every usual scheme."""
OPENED = "digits-mlp4x128-irs-s0.10-seed0-577f0b3a"
"""A small run that is stored with its weights."""
BOARD = ("vanilla+none", "noise_injection+none", "noise_injection+clip", "ovf+none")
"""Rows of the leaderboard."""
Entry = dict[str, Any]


def take(folder: Path) -> None:
    """Fill a folder with some of the shipped runs, and their plans with the entries of just these."""
    (folder / "plans").mkdir()
    ids = {OPENED, *_evaluations(TRIED)}
    ids |= _planned(folder, "paper_digits", lambda one: one["experiment"] == "accuracy" and one["sigma_d"] in SIGMA_DS)
    ids |= _planned(folder, "leaderboard", lambda one: one["series"] in BOARD and one["sigma_d"] == 0.2)
    for run_id in ids:
        _ = shutil.copytree(CACHED_RUNS / run_id, folder / run_id)


def _planned(folder: Path, name: str, is_taken: Callable[[Entry], bool]) -> set[str]:
    plan = json.loads((CACHED_RUNS / "plans" / f"{name}.json").read_text(encoding="utf-8"))
    plan["entries"] = [entry for entry in plan["entries"] if is_taken(entry)]
    _ = (folder / "plans" / f"{name}.json").write_text(json.dumps(plan), encoding="utf-8")
    return {entry["run_id"] for entry in plan["entries"]}


def _evaluations(run_id: str) -> set[str]:
    """The runs that differ from this one in their evaluation alone."""
    own = _record(CACHED_RUNS / run_id)["config"]
    return {
        path.name
        for path in CACHED_RUNS.glob(f"{run_id[:-8]}*")
        if {**_record(path)["config"], "evaluation": None} == {**own, "evaluation": None}
    }


def _record(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


class Files:
    """The runs of a folder, as their files hold them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._chips: dict[str, pd.DataFrame] = {}

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """By id."""
        return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in self.root.glob("*/run.json")}

    def chips(self, run_id: str, sigma_d: float, metric: str = "accuracy") -> list[float]:
        """A run's values at one device variation, chip by chip; NaN where it has none."""
        if run_id not in self._chips:
            self._chips[run_id] = pd.read_parquet(self.root / run_id / "instances.parquet")
        table = self._chips[run_id]
        there = table[(table["sigma_d"] - sigma_d).abs() < 1e-9].sort_values("instance")
        return [float(value) for value in there[metric]]

    def csv(self, run_id: str, name: str) -> pd.DataFrame:
        """One of its tables."""
        return pd.read_csv(self.root / run_id / name)

    def weights(self, run_id: str) -> dict[str, np.ndarray[Any, Any]]:
        """A deployed network's numbers: its weights are stored as codes of 8 bits, signs as bits, and w_max."""
        stored = load_file(self.root / run_id / "weights.safetensors")
        found = {name: values.astype(np.float64) for name, values in stored.items()}
        for name in [one.removeprefix("codes.") for one in stored if one.startswith("codes.")]:
            codes = stored[f"codes.{name}"]
            is_negative = np.unpackbits(stored[f"signs.{name}"])[: codes.size].reshape(codes.shape)
            found[name] = np.where(is_negative, -1.0, 1.0) * codes / 255 * float(stored[f"w_max.{name}"])
        return found

    def plan(self, name: str) -> list[Entry]:
        """The entries of a plan."""
        return json.loads((self.root / "plans" / f"{name}.json").read_text(encoding="utf-8"))["entries"]

    def planned(self, name: str, series: str, sigma_d: float) -> list[str]:
        """The runs of a series at one device variation, by seed."""
        found = [one for one in self.plan(name) if one["series"] == series and abs(one["sigma_d"] - sigma_d) < 1e-9]
        return [one["run_id"] for one in sorted(found, key=lambda one: one["seed"])]

    def named(self, label: str, sigma_d: float, *, backbone: str) -> list[str]:
        """The runs that a page of results shows under a label: trained at this device variation or without any."""
        found = [
            (record["facts"]["seed"], run_id)
            for run_id, record in self.records.items()
            if record["facts"]["label"] == label
            and record["facts"]["backbone"] == backbone
            and record["facts"]["train_sigma_d"] in (0.0, sigma_d)
        ]
        return [run_id for _, run_id in sorted(found)]

    def table(self, run_ids: Iterable[str], sigma_d: float, metric: str = "accuracy") -> list[list[float]]:
        """Seeds x chips."""
        return [self.chips(run_id, sigma_d, metric) for run_id in run_ids]


# ---------------------------------------------------------------- what a page shows, and what of it was read
READ: dict[int, set[str]] = defaultdict(set)
"""By page (as opened) what was read of it: the names of traces and of columns."""
VALUES = {"x", "y", "z"}


class Noted(dict[str, Any]):
    """A trace, or a row of a table: what is taken of it by `[...]` counts as read, what is looked at by `get` does not.

    A trace is read where its values are; of a row each column by itself.
    """

    def __init__(self, values: dict[str, Any], note: Callable[[str], None]) -> None:
        super().__init__(values)
        self._note = note

    @override
    def __getitem__(self, key: str) -> Any:
        self._note(key)
        return super().__getitem__(key)


def _note_trace(app: AppTest, name: str, key: str) -> None:
    if key in VALUES:
        READ[id(app)].add(name)


def _note_column(page: int, table: str, column: str) -> None:
    READ[page].add(f"{table}: {column}")


def traces(app: AppTest, alt: str, *, index: int = 0) -> list[Noted]:
    """As `driver.traces`, each noted when its values are read."""
    number = [n for n, one in enumerate(driver.charts(app)) if one.startswith(alt)][index]
    drawn = driver.traces(app, alt, index=index)
    return [
        Noted(trace, partial(_note_trace, app, _trace_name(number, place, trace))) for place, trace in enumerate(drawn)
    ]


def every_trace(app: AppTest, alt: str) -> list[Noted]:
    """Of all charts whose alternative text begins so."""
    count = sum(one.startswith(alt) for one in driver.charts(app))
    return [trace for index in range(count) for trace in traces(app, alt, index=index)]


def named(app: AppTest, alt: str, name: str, *, index: int = 0) -> Noted:
    """A chart's only trace of this name that has values."""
    (found,) = [one for one in traces(app, alt, index=index) if one.get("name") == name and has_values(one)]
    return found


def _trace_name(number: int, place: int, trace: dict[str, Any]) -> str:
    return f"chart {number}, trace {place}: {trace.get('name') or trace.get('type')}"


def has_values(trace: dict[str, Any]) -> bool:
    """An entry of the legend alone has none."""
    return any(value is not None for value in (trace.get("z") or trace.get("y") or ()))


def unread(app: AppTest) -> list[str]:
    """What the page shows and nobody read: traces as 'chart: trace', columns that hold numbers as 'table: column'.

    Left out are the legend's own entries, labels, the band of a line, which `points` reads with it, and straight lines
    that stand for no result (nothing is told where the mouse is).
    """
    found: list[str] = []
    seen: dict[str, int] = defaultdict(int)
    for number, alt in enumerate(driver.charts(app)):
        for place, trace in enumerate(driver.traces(app, alt, index=seen[alt])):
            name = _trace_name(number, place, trace)
            silent = trace.get("hoverinfo") == "skip" and (len(trace["y"]) == 2 or "fill" in trace)
            is_label = trace.get("mode") == "text"
            if has_values(trace) and not is_label and not silent and name not in READ[id(app)]:
                found.append(f"{alt}: {trace.get('name') or trace.get('type')}")
        seen[alt] += 1
    for number, table in enumerate(app.dataframe):
        for column in table.value:
            cells = [str(cell) for cell in table.value[column] if str(cell) != "nan"]
            if any(re.search(r"\d", cell) for cell in cells) and f"table {number}: {column}" not in READ[id(app)]:
                found.append(f"{', '.join(map(str, table.value))[:40]} …: {column}")
    if any("<table" in part.proto.body for part in app.get("html")):
        found += [f"numbers: {name}" for name in driver.method_numbers(app) if f"numbers: {name}" not in READ[id(app)]]
    return found


def points(app: AppTest, alt: str, name: str, *, index: int = 0) -> dict[float, tuple[float, float]]:
    """Of a chart's series by x: y and the upper half of its interval, NaN where it has none.

    An interval is drawn as a bar, or for a whole curve as a band whose polygon runs along its upper side first.
    """
    found: dict[float, tuple[float, float]] = {}
    band: dict[str, Any] = {}
    for trace in traces(app, alt, index=index):
        if trace.get("fill") in ("toself", "tozeroy", "tonexty") or trace.get("mode") == "lines":
            band = trace
        if trace.get("name") != name or "markers" not in str(trace.get("mode")) or not has_values(trace):
            continue
        xs, ys = [float(x) for x in trace["x"]], [float(y) for y in trace["y"]]
        halves: list[float] = [math.nan] * len(xs)
        bars = trace.get("error_y", {}).get("array")
        if bars is not None:
            halves = [math.nan if bar is None else float(bar) for bar in bars]
        elif list(band.get("x") or [])[: len(xs)] == trace["x"]:
            halves = [float(top) - y for top, y in zip(band["y"], ys, strict=False)]
        found |= {x: (y, half) for x, y, half in zip(xs, ys, halves, strict=True)}
    return found


def numbers_in(text: str) -> list[float]:
    """All numbers that a text says, with their signs."""
    return [float(found) for found in NUMBER.findall(_plain(text))]


NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]\d+)?")


def _plain(text: str) -> str:
    return re.sub(r"(?<=\d),(?=\d{3})", "", re.sub(r"<[^>]*>", " ", text).replace("−", "-"))


def says(text: str, value: float) -> bool:
    """Whether one of a text's numbers is the value, rounded to the digits that are written."""
    for found in NUMBER.findall(_plain(text)):
        written, _, exponent = found.partition("e")
        last = 10.0 ** (int(exponent or 0) - len(written.partition(".")[2]))
        if abs(float(found) - value) <= 0.5000001 * last:
            return True
    return False


def assert_says(text: str, *values: float) -> None:
    """All of these, each rounded as it is written."""
    missing = [value for value in values if not says(text, value)]
    assert not missing, f"{missing} not said in {text!r}"


FORMS: tuple[Callable[[float], float], ...] = (
    float,
    lambda value: math.exp(min(value, 99.0)),
    lambda value: 1 + value / 100,
)
"""As it is drawn; of a ratio that is drawn by its logarithm, or by how far it is from 1 in per cent, the ratio."""


def silent_hovers(app: AppTest) -> list[str]:
    """Points whose words do not tell the value that is drawn: x or y, in one of its `FORMS`."""
    found: list[str] = []
    seen: dict[str, int] = defaultdict(int)
    for alt in driver.charts(app):
        for trace in driver.traces(app, alt, index=seen[alt]):
            told = trace.get("hovertext")
            is_in_template = "%{" in str(trace.get("hovertemplate"))
            is_out_of_scale = "text" in str(trace.get("mode"))  # and says so beside
            if not isinstance(told, list) or is_in_template or is_out_of_scale or trace.get("type") == "heatmap":
                continue
            for x, y, text in zip(trace["x"], trace["y"], told, strict=True):
                values = [value for value in (x, y) if isinstance(value, int | float)]
                is_drawn = all(math.isfinite(value) for value in values)
                if text and is_drawn and not any(says(str(text), form(value)) for value in values for form in FORMS):
                    found.append(f"{alt}: {trace.get('name')}: {x}, {y}: {text}")
        seen[alt] += 1
    return found


def near(value: float | list[float]) -> Any:
    """What is drawn, is drawn to all its digits."""
    return pytest.approx(value, rel=1e-6, abs=1e-9, nan_ok=True)


def table_with(app: AppTest, column: str) -> pd.DataFrame:
    """The page's table that has this column."""
    number, frame = next((n, one.value) for n, one in enumerate(app.dataframe) if column in one.value)
    frame.attrs["shown"] = (id(app), number)
    return frame


def tables_with(app: AppTest, column: str) -> list[pd.DataFrame]:
    """All of the page's that have it."""
    found: list[pd.DataFrame] = []
    for number, one in enumerate(app.dataframe):
        if column in one.value:
            frame = one.value
            frame.attrs["shown"] = (id(app), number)
            found.append(frame)
    return found


def rows_of(frame: pd.DataFrame) -> list[Noted]:
    """The rows of a table of `table_with`."""
    page, number = frame.attrs["shown"]
    note = partial(_note_column, page, f"table {number}")
    return [Noted({str(name): value for name, value in row.items()}, note) for row in frame.to_dict("records")]


def rows_by(frame: pd.DataFrame, column: str) -> dict[str, Noted]:
    """The same by one of its columns."""
    return {str(row[column]): row for row in rows_of(frame)}


def method_rows(app: AppTest) -> dict[str, Noted]:
    """The small table of the methods' numbers, by method."""
    table = driver.method_numbers(app)
    note = partial(_note_column, id(app), "numbers")
    return {
        str(label): Noted({str(name): value for name, value in row.items()}, note)
        for label, row in zip(table.index, table.to_dict("records"), strict=True)
    }


def percent(values: Sequence[float]) -> list[float]:
    """Fractions as pages show them."""
    return [100 * value for value in values]
