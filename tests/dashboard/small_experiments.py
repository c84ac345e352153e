"""The experiments at a size of seconds: a plan of some of them, and what a store of it should show."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from neft import tables
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets.digits import Digits
from neft.experiments.planning import PlannedRun, Scale, Stored, merge
from neft.experiments.presets import PLANS
from neft.experiments.questions import series_words, setting_tick, setting_words
from neft.networks.backbones import Mlp
from neft.runs.plans import PlanRecord, save_plan
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from neft.sweeps.sweep import SweepSettings, plan_record, sweep

PLAN = "a_few"
"""The small store's only plan."""
HELD = ("accuracy", "feedback_terms", "classifier_noise", "beta", "convergence", "flat_weights", "temperature")
"""Its experiments; the others it knows nothing of."""
OTHER_WIDTH = 12


def a_scale(*, hidden_units: int = 16, num_seeds: int = 2, sigma_ds: tuple[float, ...] = (0.1, 0.2)) -> Scale:
    """A narrow MLP, one epoch, three chips."""
    base = RunConfig.make(
        dataset=Digits(max_train=100),
        backbone=Mlp(hidden_layers=3, hidden_units=hidden_units),
        training=TrainingConfig(epochs=1, batch_size=50, learning_rate=0.03, validation_instances=1),
        evaluation=EvaluationConfig(sigma_ds=(0.0, 0.1, 0.2), num_instances=3, max_test=50),
    )
    return Scale(base=base, sigma_ds=sigma_ds, num_seeds=num_seeds)


def planned(names: Sequence[str], scale: Scale, stored: Stored = lambda _run_id: None) -> list[PlannedRun]:
    """Every run of some experiments, each once."""
    return merge(one for name in names for one in PLANS[name](scale, stored))


def a_plan(*names: str, name: str = PLAN, **scale: Any) -> PlanRecord:
    """The plan of some experiments; a scale's seeds and σ_d may be changed."""
    size = a_scale(**scale)
    made = plan_record(
        planned(names, size),
        name=name,
        preset=name,
        command=f"neft sweep {name}",
        fixed_seeds=dict.fromkeys(names, size.num_seeds),
    )
    assert made is not None
    return made


def run_all(folder: Path, *names: str, plan: str, **scale: Any) -> RunStore:
    """A store of some experiments in whole, its plan beside it."""
    settings = SweepSettings(
        store_root=folder / "runs", num_workers=1, unfinished_root=folder / "unfinished", counts_shipped=False
    )
    ends = sweep(lambda stored: planned(names, a_scale(**scale), stored), settings)
    assert not [end.error for end in ends if end.error]
    save_plan(settings.store_root, a_plan(*names, name=plan, **scale))
    return RunStore(settings.store_root)


def without(plan: PlanRecord, *, seed: int) -> PlanRecord:
    """The plan without the runs of a seed."""
    return plan.model_copy(update={"entries": tuple(entry for entry in plan.entries if entry.seed != seed)})


def renamed(plan: PlanRecord, name: str) -> PlanRecord:
    """The plan under another name."""
    return plan.model_copy(update={"name": name, "command": f"neft sweep {name}"})


def runs_of(store: RunStore) -> dict[str, tuple[RunRecord, pd.DataFrame]]:
    """Records and chips of all its runs."""
    return {record.id: (record, store.instances(record)) for record in store.list().records}


def chips_of(store: RunStore, plan: PlanRecord, experiment: str) -> pd.DataFrame:
    """An experiment's chips."""
    return tables.experiment_chips(plan.entries, runs_of(store), experiment)


def in_words(rows: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """The rows with their methods and settings in words, as pages show them."""
    words = {"label": [series_words(str(series)) for series in rows["variant"]]}
    if "setting" in rows:
        words["setting_label"] = [setting_words(experiment, str(setting)) for setting in rows["setting"]]
    if "setting" in rows and "position" in rows:
        told = zip(rows["setting"], rows["position"], words["setting_label"], strict=True)
        words["setting_tick"] = [setting_tick(experiment, str(key), float(at), label) for key, at, label in told]
    return rows.assign(**words)
