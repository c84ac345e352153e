"""Claims decided from stored chips, all by one rule (`neft.experiments.verdicts`).

Nothing here is a result: numbers come from a plan's stored runs and from `neft.reference`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from neft import columns
from neft.experiments.claim import Claim, Weights
from neft.experiments.claim_list import CLAIMS
from neft.experiments.verdicts import Finding, judge, judge_failures
from neft.reference.citations import cite
from neft.runs.plans import PlanRecord
from neft.runs.records import RunRecord
from neft.tables.arms import arms, contrast_values, convergence, experiment_chips
from neft.tables.curves import seeds_by_chips
from neft.tables.runs import data_key

Runs = Mapping[str, tuple[RunRecord, pd.DataFrame]]
"""Record and chips of stored runs, by id."""


def claims_table(plans: Sequence[PlanRecord], runs: Runs) -> pd.DataFrame:
    """A row per claim and plan that has runs for it; a claim without any has one row that says so.

    Args:
        plans: what sweeps set out to do.
        runs: record and chips of every stored run that a plan names.

    Returns:
        claim, words, short, paper, source, experiment, plan, data, unit; estimate, lower, upper, margin, published in
        display units (points, percent, or trainings of a hundred); verdict ("no runs" where there are none),
        more_seeds, num_seeds, num_instances.
    """
    rows: list[dict[str, object]] = []
    chips_of = {
        (plan.name, experiment): experiment_chips(plan.entries, runs, experiment)
        for plan in plans
        for experiment in plan.experiments
    }
    for claim in CLAIMS:
        found = [
            row
            for plan in plans
            if (row := _judged(claim, plan, chips_of.get((plan.name, claim.experiment)), runs)) is not None
        ]
        rows += found or [_row(claim)]
    return pd.DataFrame(rows)


def claim_settings(claim_key: str, plan: PlanRecord, runs: Runs) -> pd.DataFrame:
    """A comparison's claim setting by setting (sigma_d by sigma_d): setting, position, estimate, lower, upper, verdict.

    Empty for a claim that is not an average over settings.
    """
    claim = next(one for one in CLAIMS if one.key == claim_key)
    chips = experiment_chips(plan.entries, runs, claim.experiment)
    rows: list[dict[str, object]] = []
    settings = (
        chips[[columns.SETTING, columns.POSITION]].drop_duplicates().sort_values(columns.POSITION).to_dict("records")
        if not chips.empty
        else []
    )
    for setting in settings:
        there = chips[chips[columns.SETTING] == setting[columns.SETTING]]
        weights = claim.contrast(arms(there))
        if weights and not claim.failures:
            finding = judge(_values(claim, there, weights), margin=claim.margin)
            rows.append({str(name): value for name, value in setting.items()} | _shown(claim, finding))
    return pd.DataFrame(rows) if len(rows) > 1 else pd.DataFrame()


def _judged(
    claim: Claim,
    plan: PlanRecord,
    chips: pd.DataFrame | None,
    runs: Runs,
) -> dict[str, object] | None:
    if chips is None or chips.empty:
        return None
    if claim.failures:
        finding = _judged_failures(chips, *claim.failures, margin=claim.margin)
    else:
        weights = claim.contrast(arms(chips))
        if not weights:
            return None
        finding = judge(_values(claim, chips, weights), margin=claim.margin)
    if finding is None or finding.num_seeds == 0:
        return None
    record = runs[str(chips[columns.RUN_ID].iloc[0])][0]
    facts = record.facts
    return _row(claim) | {
        "plan": plan.name,
        "data": f"{facts.dataset_label}, {facts.backbone_label}",
        "data_key": f"{data_key(record)}_{record.facts.backbone}",
        **_shown(claim, finding),
    }


def _judged_failures(chips: pd.DataFrame, ours: str, theirs: str, *, margin: float) -> Finding | None:
    seeds, _ = convergence(chips)
    failed = seeds.pivot_table(index=columns.SEED, columns=columns.VARIANT, values="failed", aggfunc="first")
    if ours not in failed or theirs not in failed:
        return None
    both = failed[[ours, theirs]].dropna().astype(bool)
    tried = [
        seeds_by_chips(chips[chips[columns.VARIANT] == series], columns.ACCURACY).loc[both.index]
        for series in (ours, theirs)
    ]
    shared = int(pd.concat(tried).notna().all().sum())
    return judge_failures(both[ours].to_numpy(), both[theirs].to_numpy(), num_instances=shared, margin=margin)


def _values(claim: Claim, chips: pd.DataFrame, weights: Weights) -> np.ndarray:
    return contrast_values(chips, weights, claim.metric, logarithmic=claim.unit == "percent")


def _row(claim: Claim) -> dict[str, object]:
    published = claim.published() if claim.published else float("nan")
    return {
        "claim": claim.key,
        "words": claim.words,
        "short": claim.short,
        "paper": claim.paper,
        columns.SOURCE: cite(claim.source),
        columns.EXPERIMENT: claim.experiment,
        "plan": "",
        "data": "",
        "data_key": "",
        "unit": claim.unit,
        "estimate": float("nan"),
        columns.LOWER: float("nan"),
        columns.UPPER: float("nan"),
        "margin": _displayed(claim, claim.margin),
        "published": _displayed(claim, published),
        "verdict": "no runs",
        "more_seeds": None,
        columns.NUM_SEEDS: 0,
        columns.NUM_INSTANCES: 0,
    }


def _shown(claim: Claim, finding: Finding) -> dict[str, object]:
    return {
        "estimate": _displayed(claim, finding.estimate),
        columns.LOWER: _displayed(claim, finding.lower),
        columns.UPPER: _displayed(claim, finding.upper),
        "verdict": finding.verdict,
        "more_seeds": finding.more_seeds,
        columns.NUM_SEEDS: finding.num_seeds,
        columns.NUM_INSTANCES: finding.num_instances,
    }


def _displayed(claim: Claim, value: float) -> float:
    """Points and trainings of a hundred; for EKL by how many percent the reference's is larger."""
    return 100 * float(np.expm1(value)) if claim.unit == "percent" else 100 * value
