"""Experiments as a store holds them, from numbers written down by hand: no training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from neft import columns
from neft.experiments.questions import CONTROL_BY_TERMS
from neft.metrics import METRICS
from neft.runs.plans import PlanEntry, PlanRecord, save_plan
from neft.runs.records import Provenance, RunFacts, RunRecord, RunSummary
from neft.runs.store import RunStore, RunTables
from neft.tables import summarise
from tests import variants

Runs = dict[str, tuple[RunRecord, pd.DataFrame]]
CLEAN = 0.999
"""What every metric is without variation, where no experiment here is read."""
SMALL_CONFIG: dict[str, dict[str, object]] = {
    **{part: {} for part in ("dataset", "backbone", "device", "mapping", "method", "training", "evaluation")},
    "dataset": {"image_size": 8},
    "training": {"batch_size": 128, "learning_rate": 0.001},
}
"""The parts that every run has, with the settings that tables read."""


@dataclass(frozen=True)
class Arm:
    """A series at a setting: by seed, a metric chip by chip."""

    series: str
    setting: str
    chips: Mapping[int, Sequence[float]]
    position: float = 0.0
    sigma_d: float = 0.1
    validation: Mapping[int, float] = field(default_factory=dict)
    """Validation accuracy by seed."""


def an_experiment(
    experiment: str, *arms: Arm, name: str = "a_plan", fixed_seeds: int | None = None
) -> tuple[PlanRecord, Runs]:
    """A plan with a run for each seed of each arm, and what is stored of it; so many seeds were fixed in advance."""
    entries: list[PlanEntry] = []
    runs: Runs = {}
    for arm in arms:
        for seed, values in arm.chips.items():
            run_id = f"digits-mlp4x128-x-seed{seed}-{len(runs):08x}"
            variant = variants.CONTROL if arm.series == CONTROL_BY_TERMS else arm.series
            record = a_record(run_id, variant, seed=seed, validation=arm.validation.get(seed, 0.5))
            runs[run_id] = (record, chips(arm, values))
            entries.append(
                PlanEntry(
                    experiment=experiment,
                    series=arm.series,
                    setting=arm.setting,
                    position=arm.position,
                    sigma_d=arm.sigma_d,
                    seed=seed,
                    run_id=run_id,
                )
            )
    fixed = len({entry.seed for entry in entries}) if fixed_seeds is None else fixed_seeds
    plan = PlanRecord(
        name=name,
        preset=experiment,
        command="neft sweep",
        fixed_seeds={experiment: fixed},
        entries=tuple(entries),
    )
    return plan, runs


def chips(arm: Arm, values: Sequence[float]) -> pd.DataFrame:
    """A run's chips: without variation and at the sigma_d at which the arm is read; all metrics alike."""
    frames = [
        pd.DataFrame({columns.SIGMA_D: sigma_d, columns.INSTANCE: range(len(values)), **dict.fromkeys(METRICS, read)})
        for sigma_d, read in ((0.0, CLEAN), (arm.sigma_d, values))
    ]
    return pd.concat(frames, ignore_index=True)


def a_record(run_id: str, variant: str = "ovf", *, seed: int = 0, validation: float = 0.5) -> RunRecord:
    """A run's record."""
    of = variants.facts(variant)
    facts = RunFacts(
        dataset="digits",
        dataset_label="Digits 8×8",
        num_classes=10,
        backbone="mlp4x128",
        backbone_label="MLP, 4 × 128",
        device="rram1",
        device_label="RRAM1",
        method=of[columns.METHOD],
        method_label=of[columns.METHOD].upper(),
        variant=variant,
        label=variant.upper(),
        temperature=4.0,
        beta=1e-3,
        num_feedback=3,
        decay="paper",
        uses_noise=of[columns.USES_NOISE],
        has_feedback=of[columns.HAS_FEEDBACK],
        is_control=of[columns.IS_CONTROL],
        num_passes=4,
        rank=of[columns.METHOD_RANK],
        constraint="none",
        constraint_name="none",
        constraint_label="",
        has_batchnorm=False,
        train_sigma_d=0.1,
        seed=seed,
        chip_seed=0,
        num_instances=2,
        sigma_ds=(0.0, 0.1),
    )
    provenance = Provenance(
        created="2026-01-01T00:00:00+00:00",
        versions={},
        machine="",
        torch_device="cpu",
        threads=1,
        training_seconds=1.0,
        evaluation_seconds=1.0,
    )
    summary = RunSummary(
        selected_epoch=1,
        num_epochs=1,
        validation_accuracy=validation,
        test=(),
        num_parameters=1,
        num_devices=1,
    )
    return RunRecord(id=run_id, facts=facts, config=SMALL_CONFIG, provenance=provenance, summary=summary)


def store_experiment(root: Path, plan: PlanRecord, runs: Runs) -> None:
    """Write an experiment below a store's root."""
    for record, instances in runs.values():
        _ = RunStore(root).save(_of_one_weight(of_chips(record, instances)), _tables(record, instances))
    save_plan(root, plan)


def of_chips(record: RunRecord, instances: pd.DataFrame) -> RunRecord:
    """The record with what these chips make of it."""
    effort = {row.sigma_d: row.effort for row in record.summary.test if row.effort is not None}
    test = summarise(instances, METRICS, effort=effort)
    told = {"num_instances": int(instances[columns.INSTANCE].max()) + 1, "sigma_ds": tuple(row.sigma_d for row in test)}
    summary = record.summary.model_copy(update={"test": test})
    return record.model_copy(update={"facts": record.facts.model_copy(update=told), "summary": summary})


def _of_one_weight(record: RunRecord) -> RunRecord:
    devices = record.summary.devices_a_weight or 1
    return record.model_copy(update={"summary": record.summary.model_copy(update={"num_devices": devices})})


def _tables(record: RunRecord, instances: pd.DataFrame) -> RunTables:
    """A history and a layer such as the record might have."""
    summary = record.summary
    epochs = range(1, summary.num_epochs + 1)
    accuracies = [columns.TRAIN_ACCURACY, columns.VALIDATION_ACCURACY, columns.VALIDATION_CLEAN_ACCURACY]
    layer, edges = {columns.LAYER: ["0"]}, {columns.BIN_LEFT: [-1.0], columns.BIN_RIGHT: [1.0]}
    weights = {columns.NUM_WEIGHTS: [1], columns.W_MAX: [1.0], columns.RMS_WEIGHT: [0.5], columns.MIDDLE_SHARE: [0.5]}
    stds = weights | {columns.REALISED_STD: [0.5], columns.CLOSED_FORM_STD: [0.5]}
    worst = [{columns.TH_G: row.th_g, columns.ACCURACY: row.accuracy} for row in summary.worst_case]
    return RunTables(
        history=pd.DataFrame(
            {columns.EPOCH: epochs, columns.LOSS: 0.5, **dict.fromkeys(accuracies, summary.validation_accuracy)}
        ),
        instances=instances,
        layers=pd.DataFrame(layer | stds),
        deviations=pd.DataFrame(layer | edges | {columns.DENSITY: [0.5], columns.CLOSED_FORM_DENSITY: [0.5]}),
        worst_case=pd.DataFrame(worst).assign(**{columns.FOUND_BY: "projected"}) if worst else None,
    )
