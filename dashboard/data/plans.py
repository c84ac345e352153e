"""Stored experiments and claims: plans, their runs, and the numbers that pages draw."""

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard.data import stored
from dashboard.data.foreign import foreign
from neft import columns, reference, tables
from neft.errors import StoreError
from neft.experiments import claims as decided
from neft.experiments.questions import (
    EXPERIMENTS,
    PLAIN,
    TRAINING_BUDGET,
    Experiment,
    series_words,
    setting_tick,
    setting_values,
    setting_words,
)
from neft.runs.plans import FOLDER, PlanEntry, PlanRecord, load_plans
from neft.runs.records import RunRecord
from neft.runs.store import Stores

__all__ = ["EXPERIMENTS", "PLAIN", "TRAINING_BUDGET", "Experiment", "Progress"]


@dataclass(frozen=True)
class Progress:
    """How much of an experiment is stored."""

    num_stored: int
    num_planned: int
    command: str
    """What makes the rest."""


def fingerprint() -> str:
    """Changes whenever a run or a plan is added or removed."""
    stores = Stores.default()
    folders = [root / FOLDER for root in (stores.own.root, stores.shipped.root)]
    told = [stored.fingerprint()]
    for path in (path for folder in folders for path in sorted(folder.glob("*.json"))):
        with suppress(OSError):  # it was removed meanwhile, or its folder is closed, which `problems` says
            told.append(f"{path.name}:{path.stat().st_mtime_ns}")
    return "/".join(told)


def plans(stamp: str) -> dict[str, PlanRecord]:
    """Every stored plan by name; the user's own win where both stores have one of a name."""
    return _plans(stamp)[0]


def problems(stamp: str) -> dict[str, str]:
    """Plans that cannot be read, and why."""
    return _plans(stamp)[1]


def sizes(stamp: str) -> dict[str, dict[str, str]]:
    """By experiment, the plans that hold it, with what each was run on in words that tell them apart."""
    found: dict[str, dict[str, str]] = {}
    for name, plan in plans(stamp).items():
        for experiment in plan.experiments:
            words = _size_words(name, experiment, stamp)
            if words:
                found.setdefault(experiment, {})[name] = words
    return {experiment: _unambiguous(known) for experiment, known in found.items()}


def size_and_training(plan_name: str, experiment: str, stamp: str) -> str:
    """What a plan's experiment was run on, and how long and at which learning rate its networks were trained."""
    trained = tables.trained_words(stored.records([entry.run_id for entry in _entries(plan_name, experiment, stamp)]))
    return ", ".join(words for words in (sizes(stamp)[experiment][plan_name], trained) if words)


def plan_of(experiment: str, run_ids: Collection[str], stamp: str) -> str | None:
    """The plan in which most of some runs stand in an experiment; of equal ones the smallest; None without one."""
    found: dict[str, tuple[int, int]] = {}
    for name in plans(stamp):
        entries = _entries(name, experiment, stamp)
        shared = len({entry.run_id for entry in entries}.intersection(run_ids))
        if shared:
            found[name] = (shared, -len(entries))
    return max(found, key=lambda name: found[name], default=None)


def progress(plan_name: str, experiment: str, stamp: str) -> Progress:
    """How many of an experiment's runs are stored."""
    plan = plans(stamp)[plan_name]
    wanted = {entry.run_id for entry in plan.entries if entry.experiment == experiment}
    there = {record.id for record in stored.records(sorted(wanted))}
    return Progress(num_stored=len(there), num_planned=len(wanted), command=plan.command)


def chance(plan_name: str, experiment: str, stamp: str) -> float:
    """Accuracy of guessing on an experiment's data."""
    found = stored.records([entry.run_id for entry in _entries(plan_name, experiment, stamp)])
    return 1 / found[0].facts.num_classes if found else 0.0


@st.cache_data(max_entries=64, show_spinner="Reading runs …")
def points(plan_name: str, experiment: str, metric: str, stamp: str) -> pd.DataFrame:
    """A row per arm: mean and interval of a metric."""
    rows = tables.setting_points(_chips(plan_name, experiment, stamp), metric)
    return _in_words(stored.in_shown_order(rows), plan_name, experiment, stamp)


@st.cache_data(max_entries=64, show_spinner=False)
def clean_points(plan_name: str, experiment: str, stamp: str) -> pd.DataFrame:
    """A row per arm: its mean accuracy without variation."""
    entries = [entry.model_copy(update={"sigma_d": 0.0}) for entry in _entries(plan_name, experiment, stamp)]
    runs = runs_of([entry.run_id for entry in entries])
    rows = tables.setting_points(tables.experiment_chips(entries, runs, experiment), columns.ACCURACY)
    return _in_words(stored.in_shown_order(rows), plan_name, experiment, stamp)


@st.cache_data(max_entries=64, show_spinner=False)
def differences(plan_name: str, experiment: str, series: str, setting: str | None, stamp: str) -> pd.DataFrame:
    """A row per other arm: its paired difference in accuracy to a series, at one setting or (None) at its own."""
    chips = _chips(plan_name, experiment, stamp)
    rows = (
        tables.differences_to_series(chips, series)
        if setting is None
        else tables.differences_to_arm(chips, (series, setting))
    )
    return _in_words(stored.in_shown_order(rows), plan_name, experiment, stamp)


@st.cache_data(max_entries=16, show_spinner=False)
def convergence(plan_name: str, stamp: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row per training, and a row per method with its count of failures."""
    seeds, means = tables.convergence(_chips(plan_name, "convergence", stamp))
    return _in_words(seeds, plan_name, "convergence", stamp), _in_words(means, plan_name, "convergence", stamp)


@st.cache_data(max_entries=16, show_spinner=False)
def validation_choice(plan_name: str, experiment: str, stamp: str) -> pd.DataFrame:
    """A row per arm: its validation accuracy, and whether validation chooses it."""
    entries = _entries(plan_name, experiment, stamp)
    records = {record.id: record for record in stored.records([entry.run_id for entry in entries])}
    rows = stored.in_shown_order(tables.validation_choice(entries, records, experiment))
    return _in_words(rows, plan_name, experiment, stamp)


@st.cache_data(max_entries=16, show_spinner=False)
def learning_rates(plan_name: str, experiment: str, stamp: str) -> list[float]:
    """Those of an experiment on the training budget that have a stored run, ascending."""
    return sorted({budget.learning_rate for budget in _budgets(plan_name, experiment, stamp).values()})


@st.cache_data(max_entries=64, show_spinner="Reading runs …")
def advantages(plan_name: str, experiment: str, learning_rate: float | None, stamp: str) -> pd.DataFrame:
    """A row per series and length of training: its accuracy, and its paired difference to plain noise injection.

    All at one learning rate, or (None) each at the one that the validation split chooses.
    """
    entries, budgets = _entries(plan_name, experiment, stamp), _budgets(plan_name, experiment, stamp)
    if learning_rate is None:
        records = {record.id: record for record in stored.records([entry.run_id for entry in entries])}
        taken = tables.taken_by_validation(entries, records, budgets)
    else:
        taken = tables.taken_at(learning_rate, entries, budgets)
    rows = tables.advantage_by_budget(_chips(plan_name, experiment, stamp), taken, budgets, reference=PLAIN)
    return _in_words(stored.in_shown_order(rows), plan_name, experiment, stamp)


def _budgets(plan_name: str, experiment: str, stamp: str) -> dict[str, tables.Budget]:
    """How an experiment's settings are trained, by key; of those that have a stored run."""
    entries = _entries(plan_name, experiment, stamp)
    records = {record.id: record for record in stored.records([entry.run_id for entry in entries])}
    found: dict[str, tables.Budget] = {}
    for entry in entries:
        values = setting_values(experiment, entry.setting)
        if values and entry.run_id in records:
            rate, epochs, images = values
            batch_size = int(records[entry.run_id].config["training"]["batch_size"])
            found[entry.setting] = tables.Budget(rate, int(epochs), int(images), batch_size)
    return found


@st.cache_data(max_entries=4, show_spinner="Deciding every claim from its stored runs …")
def claims(stamp: str, *, own: bool = False) -> pd.DataFrame:
    """A row per claim and plan, with where it was run (data, data_key) and the key that older addresses have (once).

    Where two plans judge one claim on the same data and network, what differs is said: sigma_d, or else the plan's
    name. Of the plans that ship, or of the user's own: each answers for itself, so a trial run changes no shipped
    verdict.
    """
    everywhere = plans(stamp)
    known = {name: plan for name, plan in everywhere.items() if is_own(name) == own}
    runs = runs_of(decided.claimed_runs(known.values()))
    found = decided.claims_table(list(known.values()), runs)
    found = found.assign(once=found["plan"] + "_" + found["data_key"])
    if own:
        is_shipped = found["data_key"].isin(set(claims(stamp)["data_key"]))
        return _told_apart(found, _is_judged_twice(found) | is_shipped, found["plan"])
    for told in ("sigma_ds", "plan"):
        found = _told_apart(found, _is_judged_twice(found), found[told])
    return found


def _is_judged_twice(found: pd.DataFrame) -> pd.Series:
    """Whether another plan judges a claim of a row's plan and experiment on the same data and network."""
    twice = found.groupby(["claim", "data_key"])["plan"].transform("nunique") > 1
    return twice.groupby([found["plan"], found["data_key"], found[columns.EXPERIMENT]]).transform("any")


def _told_apart(found: pd.DataFrame, where: pd.Series, words: pd.Series) -> pd.DataFrame:
    """Data and key with words behind them, at some rows."""
    return found.assign(
        data=found["data"].mask(where, found["data"] + ", " + words),
        data_key=found["data_key"].mask(where, found["data_key"] + "_" + words.str.replace("σ_d = ", "s")),
    )


def is_own(plan_name: str) -> bool:
    """Whether a plan is the user's own sweep, and not one that ships (also where it was run here again)."""
    return not (Stores.default().shipped.root / FOLDER / f"{plan_name}.json").is_file()


@st.cache_data(max_entries=64, show_spinner=False)
def claim_settings(claim: str, plan_name: str, experiment: str, stamp: str) -> pd.DataFrame:
    """A claim setting by setting; empty where it is no average over settings."""
    runs = runs_of([entry.run_id for entry in _entries(plan_name, experiment, stamp)])
    rows = decided.claim_settings(claim, plans(stamp)[plan_name], runs)
    return _in_words(rows, plan_name, experiment, stamp)


def published(experiment: str) -> pd.DataFrame:
    """Published accuracies of an experiment's settings; empty where there are none."""
    rows = reference.published_settings()
    rows = rows[rows[columns.EXPERIMENT] == experiment].reset_index(drop=True)
    words = [setting_words(experiment, key) for key in rows[columns.SETTING]]
    return _with_ticks(rows.assign(**{columns.SETTING_LABEL: words}), experiment)


def published_accuracy(variants: Sequence[str]) -> pd.DataFrame:
    """The nearest panel's published points of these variants, and of the methods that we do not have."""
    return stored.published_accuracy(reference.NEAREST_PANEL, variants)


def published_ekl(variants: Sequence[str]) -> pd.DataFrame:
    """The published EKL figure's points of some methods."""
    rows = reference.published_ekl()
    return rows[rows[columns.VARIANT].isin(variants)].reset_index(drop=True)


@st.cache_resource(max_entries=2, show_spinner=False)
def _plans(stamp: str) -> tuple[dict[str, PlanRecord], dict[str, str]]:
    del stamp
    stores = Stores.default()
    shipped, shipped_problems = load_plans(stores.shipped.root)
    own, own_problems = load_plans(stores.own.root)
    return shipped | own, shipped_problems | own_problems


@st.cache_data(max_entries=64, show_spinner=False)
def _size_words(plan_name: str, experiment: str, stamp: str) -> str:
    """On what an experiment was run: data, backbone and how many of its seeds; empty where nothing of it is stored."""
    entries = _entries(plan_name, experiment, stamp)
    seeds = len({entry.seed for entry in entries})
    facts = next((record.facts for entry in entries for record in stored.records([entry.run_id])), None)
    if facts is None:
        return ""
    return f"{facts.dataset_label}, {facts.backbone_label}, {seeds} seed{'' if seeds == 1 else 's'}"


def _unambiguous(words: dict[str, str]) -> dict[str, str]:
    """Words by plan; those that several plans share begin with the plan's name."""
    counts = Counter(words.values())
    return {name: text if counts[text] == 1 else f"{name}: {text}" for name, text in words.items()}


def _entries(plan_name: str, experiment: str, stamp: str) -> list[PlanEntry]:
    plan = plans(stamp).get(plan_name)
    return [] if plan is None else [entry for entry in plan.entries if entry.experiment == experiment]


def _in_words(rows: pd.DataFrame, plan_name: str, experiment: str, stamp: str) -> pd.DataFrame:
    """The rows with the words of their series and settings, each beside its key."""
    if rows.empty:
        return rows
    series, settings = _words(plan_name, experiment, stamp)
    if columns.VARIANT in rows:
        rows = rows.assign(**{columns.LABEL: [series[str(key)] for key in rows[columns.VARIANT]]})
    if columns.SETTING in rows:
        words = [settings[str(key)] for key in rows[columns.SETTING]]
        rows.insert(list(rows.columns).index(columns.SETTING) + 1, columns.SETTING_LABEL, words)
    return _with_ticks(rows, experiment)


def _with_ticks(rows: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """The rows with what an axis says of each setting, where they have positions on one."""
    if not {columns.SETTING_LABEL, columns.POSITION} <= set(rows.columns):
        return rows
    settings = zip(rows[columns.SETTING], rows[columns.POSITION], rows[columns.SETTING_LABEL], strict=True)
    ticks = [setting_tick(experiment, str(key), float(position), str(words)) for key, position, words in settings]
    return rows.assign(**{columns.SETTING_TICK: ticks})


@st.cache_data(max_entries=64, show_spinner=False)
def _words(plan_name: str, experiment: str, stamp: str) -> tuple[dict[str, str], dict[str, str]]:
    """An experiment's series and its settings in words, by key: an older plan's, the experiment's or its runs' own."""
    entries = _entries(plan_name, experiment, stamp)
    kept = plans(stamp)[plan_name].words if entries else {}
    facts = {record.id: record.facts for record in stored.records([entry.run_id for entry in entries])}
    series: dict[str, str] = {}
    settings: dict[str, str] = {}
    for entry in entries:
        known = facts.get(entry.run_id)
        for found, key, words in (
            (series, entry.series, series_words(entry.series, known)),
            (settings, entry.setting, setting_words(experiment, entry.setting, known)),
        ):
            # what one run does not say another may
            if found.get(key, key) == key:
                found[key] = kept.get(key, words)
    return series, settings


@st.cache_resource(max_entries=4, show_spinner=False)
def _chips(plan_name: str, experiment: str, stamp: str) -> pd.DataFrame:
    entries = _entries(plan_name, experiment, stamp)
    return tables.experiment_chips(entries, runs_of([entry.run_id for entry in entries]), experiment)


def runs_of(run_ids: Sequence[str]) -> dict[str, tuple[RunRecord, pd.DataFrame]]:
    """Record and chips of those of some runs that are stored and whole."""
    found: dict[str, tuple[RunRecord, pd.DataFrame]] = {}
    for record in stored.records(sorted(set(run_ids))):
        try:
            found[record.id] = (record, stored.instances(record))
        except StoreError as error:
            st.warning(f"Left out: {foreign(str(error))}", icon=":material/broken_image:")
    return found
