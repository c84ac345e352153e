"""A part of the shipped runs to read pages' numbers back from: their files are read here with pandas and json alone."""

import json
import math
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from streamlit.testing.v1 import AppTest

from neft.runs.places import CACHED_RUNS
from tests.dashboard.driver import traces

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

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """By id."""
        return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in self.root.glob("*/run.json")}

    def chips(self, run_id: str, sigma_d: float, metric: str = "accuracy") -> list[float]:
        """A run's values at one device variation, chip by chip; NaN where it has none."""
        table = pd.read_parquet(self.root / run_id / "instances.parquet")
        there = table[(table["sigma_d"] - sigma_d).abs() < 1e-9].sort_values("instance")
        return [float(value) for value in there[metric]]

    def csv(self, run_id: str, name: str) -> pd.DataFrame:
        """One of its tables."""
        return pd.read_csv(self.root / run_id / name)

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


# ---------------------------------------------------------------- what a page shows
def points(app: AppTest, alt: str, name: str, *, index: int = 0) -> dict[float, tuple[float, float]]:
    """Of a chart's series by x: y and the upper half of its interval, NaN where it has none.

    An interval is drawn as a bar, or for a whole curve as a band whose polygon runs along its upper side first.
    """
    found: dict[float, tuple[float, float]] = {}
    band: dict[str, Any] = {}
    for trace in traces(app, alt, index=index):
        if trace.get("fill") in ("toself", "tozeroy", "tonexty") or trace.get("mode") == "lines":
            band = trace
        if trace.get("name") != name or "markers" not in str(trace.get("mode")) or trace["x"][:1] in ([], [None]):
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
    return [float(found) for found in re.findall(r"[+-]?\d+(?:\.\d+)?", text.replace("−", "-").replace(",", ""))]


def table_with(app: AppTest, column: str) -> pd.DataFrame:
    """The page's table that has this column."""
    return next(one.value for one in app.dataframe if column in one.value)


def rows_by(frame: pd.DataFrame, column: str) -> dict[str, dict[str, Any]]:
    """The rows of a table by one of its columns."""
    return {str(row[column]): {str(name): value for name, value in row.items()} for row in frame.to_dict("records")}


def percent(values: Sequence[float]) -> list[float]:
    """Fractions as pages show them."""
    return [100 * value for value in values]
