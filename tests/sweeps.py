"""Sweeps that are disturbed: what is watched, what is killed, and what must be left."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
import pytest

from neft.config import RunConfig
from neft.experiments.planning import PlannedRun
from neft.runs.store import RunStore

SECONDS = 90
"""Patience with a busy machine."""


def some_runs(config: RunConfig, count: int, *, epochs: int) -> list[PlannedRun]:
    """Trainings that differ in their seed."""
    trainings = [config.training.model_copy(update={"seed": seed, "epochs": epochs}) for seed in range(count)]
    return [PlannedRun(config.model_copy(update={"training": training})) for training in trainings]


def wait_until(happened: Callable[[], object], what: str) -> None:
    """Look often, until something is so."""
    deadline = time.monotonic() + SECONDS
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {SECONDS} seconds")
        time.sleep(0.02)


def worker_processes(parent: int | None = None) -> list[psutil.Process]:
    """The processes in which a process (this one if not given) has its runs done."""
    found: list[psutil.Process] = []
    for child in psutil.Process(os.getpid() if parent is None else parent).children():
        try:
            if "LokyProcess" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def begun(unfinished: Path) -> list[Path]:
    """States of trainings that are under way."""
    return sorted(unfinished.glob("*/state.safetensors"))


def numbers(root: Path) -> dict[str, tuple[pd.DataFrame, pd.DataFrame, str | None]]:
    """Of every run: its history but for the seconds, its chips, its weights; every file is checked against its sum."""
    store = RunStore(root)
    listing = store.list()
    assert not listing.problems
    found: dict[str, tuple[pd.DataFrame, pd.DataFrame, str | None]] = {}
    for record in listing.records:
        tables = store.tables(record)
        weights = record.files.get("weights.safetensors")
        found[record.id] = (tables.history.drop(columns="seconds"), tables.instances, weights and weights.sha256)
    return found


def assert_same_numbers(ours: Path, theirs: Path) -> None:
    """Bit for bit."""
    left, right = numbers(ours), numbers(theirs)
    assert left.keys() == right.keys()
    for run_id, (history, instances, weights) in left.items():
        pd.testing.assert_frame_equal(history, right[run_id][0], check_exact=True)
        pd.testing.assert_frame_equal(instances, right[run_id][1], check_exact=True)
        assert weights == right[run_id][2]
