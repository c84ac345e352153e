"""Pages without a browser: fresh caches, a small store of every method, and no training left running."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil
import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner

from dashboard.computing import process
from dashboard.computing.work import previews, races, restored, schemes, waterfalls, worst_cases
from dashboard.jobs import files, jobs, processes
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets.digits import Digits
from neft.methods import BaseMethod, Irs, NoiseInjection, Ovf, Vanilla
from neft.networks.backbones import Mlp
from neft.pipeline import Settings, run
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import RunStore, Stores
from tests.dashboard.small_experiments import HELD, OTHER_WIDTH, PLAN, run_all
from tests.made_once import made_once

METHODS: tuple[BaseMethod, ...] = (
    Vanilla(),
    NoiseInjection(),
    NoiseInjection(temperature=4),
    Ovf(),
    Irs(),
)
SIGMA_DS = (0.0, 0.1, 0.2)


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    forget_everything()
    yield
    forget_everything()


def forget_everything() -> None:
    """What pages and the computing process keep."""
    st.cache_data.clear()
    st.cache_resource.clear()
    restored.forget()
    previews.forget()
    worst_cases.forget()
    waterfalls.forget()
    races.forget()
    schemes.forget()


@pytest.fixture(autouse=True, scope="session")
def _compute_here() -> Iterator[None]:
    """In the tests' own process, where what they put in place counts; the browser's tests have the real one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "ask", process.answer)
        patch.setattr(process, "warm_up", lambda: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def _look_for_components_once() -> Iterator[None]:
    """Streamlit reads what every installed package says of itself, with each page anew: half of a page's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def _no_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEFT_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(autouse=True)
def _no_training_left(_own_home: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nor one that is waited for: a page that is drawn here makes nothing ready."""
    monkeypatch.setattr(processes, "keep_ready", lambda: None)
    yield
    processes.READY.dismiss()
    for job in jobs.jobs():
        if job.is_active and pid_of(job.id) != os.getpid():
            end(job.id)


def end(job_id: str) -> None:
    """Kill a job's process."""
    pid = pid_of(job_id)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with suppress(psutil.Error):
        psutil.Process(pid).wait(timeout=20)


def pid_of(job_id: str) -> int:
    """A job's process."""
    facts = files.facts(job_id)
    assert facts is not None
    return int(facts["pid"])


@pytest.fixture(scope="session")
def every_method(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    """Two seeds of vanilla, noise injection, its control, OVF and IRS, tiny; copy it before changing anything."""

    def train_all(folder: Path) -> None:
        stores = Stores(own=RunStore(folder / "runs"), shipped=RunStore(folder / "none", read_only=True))
        settings = Settings(store=stores.own, pretrained_stores=stores, unfinished_root=folder / "unfinished")
        for method in METHODS:
            for seed in (0, 1):
                _ = run(tiny(method, seed=seed), settings)

    return RunStore(made_once(tmp_path_factory, "every_method", train_all) / "runs", read_only=True)


def tiny(method: BaseMethod, *, seed: int) -> RunConfig:
    """A run of a fraction of a second."""
    return RunConfig.make(
        dataset=Digits(max_train=200),
        backbone=Mlp(hidden_layers=3, hidden_units=16),
        method=method,
        training=TrainingConfig(epochs=2, validation_instances=2, seed=seed),
        evaluation=EvaluationConfig(sigma_ds=SIGMA_DS, num_instances=4),
    )


@pytest.fixture
def shipped(every_method: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """The small store in the place of the shipped one, to change at will."""
    root = Path(shutil.copytree(every_method.root, tmp_path / "shipped"))
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", root)
    return RunStore(root)


@pytest.fixture
def nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No run anywhere."""
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")


@pytest.fixture
def own_run(shipped: RunStore) -> RunRecord:
    """One of the small store's runs, among the user's own instead."""
    run_id = shipped.ids()[0]
    own = neft_home() / "runs"
    own.mkdir(parents=True)
    shutil.move(shipped.root / run_id, own / run_id)
    return RunStore(own).record(run_id)


# ---------------------------------------------------------------- experiments
@pytest.fixture(scope="session")
def some_experiments(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    """Most experiments, tiny, with their plan; copy it before changing anything."""
    folder = made_once(tmp_path_factory, "experiments", lambda folder: run_all(folder, *HELD, plan=PLAN))
    return RunStore(folder / "runs", read_only=True)


@pytest.fixture(scope="session")
def other_size(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    """The experiment of the noisy heads on another backbone, with a plan of its own."""

    def run_one(folder: Path) -> RunStore:
        return run_all(folder, "classifier_noise", plan="classifier_noise-0000abcd", hidden_units=OTHER_WIDTH)

    return RunStore(made_once(tmp_path_factory, "other_size", run_one) / "runs", read_only=True)


@pytest.fixture
def experiments_shipped(some_experiments: RunStore, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """The small experiments in the place of the shipped runs, to be read only."""
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", some_experiments.root)
    return some_experiments


@pytest.fixture
def experiments_copy(some_experiments: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """Likewise, to change at will."""
    root = Path(shutil.copytree(some_experiments.root, tmp_path / "shipped"))
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", root)
    return RunStore(root)


@pytest.fixture
def own_other_size(other_size: RunStore, experiments_shipped: RunStore) -> RunStore:
    """An experiment of another size among the user's own runs, beside the small ones that shipped."""
    return RunStore(Path(shutil.copytree(other_size.root, neft_home() / "runs")))
