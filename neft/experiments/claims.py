"""Claims decided from stored chips, all by one rule (`neft.experiments.verdicts`).

Nothing here is a result: numbers come from a plan's stored runs and from `neft.reference`.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from neft import columns
from neft.experiments.claim import Claim, Published, Weights
from neft.experiments.claim_list import CLAIMS
from neft.experiments.claim_words import NO_RUNS
from neft.experiments.verdicts import Finding, judge, judge_failures
from neft.reference.citations import cite
from neft.runs.plans import PlanRecord
from neft.runs.records import RunRecord
from neft.sigma_d import sigma_d_text
from neft.tables.arms import ArmChips, contrast_values, convergence, experiment_chips
from neft.tables.budgets import trained_words
from neft.tables.curves import seeds_by_chips
from neft.tables.runs import data_key
from neft.tables.significance import holm

Runs = Mapping[str, tuple[RunRecord, pd.DataFrame]]
"""Record and chips of stored runs, by id."""


def claimed_runs(plans: Iterable[PlanRecord]) -> list[str]:
    """The runs that claims are decided from, by id, each once: of experiments that no claim asks, none."""
    asked = {claim.experiment for claim in CLAIMS}
    return list(dict.fromkeys(entry.run_id for plan in plans for entry in plan.entries if entry.experiment in asked))


def claims_table(plans: Sequence[PlanRecord], runs: Runs) -> pd.DataFrame:
    """A row per claim and plan that has runs for it; a claim without any has one row that says so.

    Args:
        plans: what sweeps set out to do.
        runs: record and chips of those of `claimed_runs` that are stored.

    Returns:
        claim, words, short, paper, source, experiment, plan, data, data_key, sigma_ds, ours_at (sigma_d and beta),
        trained (epochs and learning rate), unit; estimate, lower, upper, margin, published in display units (points,
        the other's EKL over ours, or trainings of a hundred) with published_at (network, data, sigma_d and beta, or why
        there is none); verdict ("no runs" where there are none), anytime (whether the interval holds at every number of
        seeds together), more_seeds, num_failed (trainings), median, median_lower, median_upper, median_confidence
        (where trainings failed), doubted (whether that median alone leaves it open), p, holm (whether the effect is
        told from zero with all rows' answers together), num_seeds, num_instances.
    """
    rows: list[dict[str, object]] = []
    chips_of = {
        (plan.name, experiment): ArmChips(experiment_chips(plan.entries, runs, experiment))
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
    table = pd.DataFrame(rows)
    p = table["p"].to_numpy(dtype=float)
    told = np.zeros(len(p), dtype=bool)
    told[~np.isnan(p)] = holm(p[~np.isnan(p)])
    return table.assign(holm=told)


def claim_settings(claim_key: str, plan: PlanRecord, runs: Runs) -> pd.DataFrame:
    """A comparison's claim setting by setting (sigma_d by sigma_d): setting, position and its finding's columns.

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
        by_arm = ArmChips(there)
        weights = claim.contrast(by_arm.arms)
        if weights and not claim.failures:
            finding = _finding(claim, plan, by_arm, weights)
            place = {str(name): value for name, value in setting.items()}
            rows.append(
                place | {"unit": claim.unit, "margin": _displayed(claim, claim.margin)} | _shown(claim, finding)
            )
    return pd.DataFrame(rows) if len(rows) > 1 else pd.DataFrame()


def _judged(claim: Claim, plan: PlanRecord, chips: ArmChips | None, runs: Runs) -> dict[str, object] | None:
    if chips is None or not chips.arms:
        return None
    if claim.failures:
        finding = _judged_failures(claim, plan, chips.chips, *claim.failures)
        compared = {arm for arm in chips.arms if arm[0] in claim.failures}
    else:
        weights = claim.contrast(chips.arms)
        if not weights:
            return None
        finding = _finding(claim, plan, chips, weights)
        compared = set(weights)
    if finding is None or finding.num_seeds == 0:
        return None
    run_ids = {str(run_id) for arm in compared for run_id in chips.rows(arm)[columns.RUN_ID].unique()}
    record = runs[min(run_ids)][0]
    facts = record.facts
    sigma_ds = sorted({float(value) for arm in compared for value in chips.rows(arm)[columns.SIGMA_D].unique()})
    published = claim.published(sigma_ds) if claim.published else None
    betas = sorted({beta for run_id in run_ids if (beta := runs[run_id][0].facts.beta) is not None})
    at = f"σ_d = {', '.join(sigma_d_text(sigma_d) for sigma_d in sigma_ds)}"
    return (
        _row(claim, published)
        | {
            "plan": plan.name,
            "data": f"{facts.dataset_label}, {facts.backbone_label}",
            "data_key": f"{data_key(record)}_{record.facts.backbone}",
            "sigma_ds": at,
            "trained": trained_words(runs[run_id][0] for run_id in run_ids),
            "ours_at": f"{at}, β = {', '.join(f'{beta:g}' for beta in betas)}" if betas else at,
        }
        | _shown(claim, finding)
    )


def _finding(claim: Claim, plan: PlanRecord, chips: ArmChips, weights: Weights) -> Finding:
    values = contrast_values(chips, weights, claim.metric, logarithmic=claim.unit == "ratio")
    return judge(
        values,
        margin=claim.margin,
        fixed=len(values) == plan.fixed_seeds.get(claim.experiment),
        num_failed=sum(chips.num_failed(arm) for arm in weights),
    )


def _judged_failures(claim: Claim, plan: PlanRecord, chips: pd.DataFrame, ours: str, theirs: str) -> Finding | None:
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
    return judge_failures(
        both[ours].to_numpy(),
        both[theirs].to_numpy(),
        num_instances=shared,
        margin=claim.margin,
        fixed=len(both) == plan.fixed_seeds.get(claim.experiment),
    )


def _row(claim: Claim, published: Published | None = None) -> dict[str, object]:
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
        "sigma_ds": "",
        "ours_at": "",
        "trained": "",
        "unit": claim.unit,
        "margin": _displayed(claim, claim.margin),
        "published": _displayed(claim, published.effect) if published else float("nan"),
        "published_at": published.where if published else "",
        **_shown(claim, Finding(float("nan"), float("nan"), float("nan"), 0, 0)),
        "verdict": NO_RUNS,
    }


def _shown(claim: Claim, finding: Finding) -> dict[str, object]:
    median = finding.median
    nothing = float("nan")
    return {
        "estimate": _displayed(claim, finding.estimate),
        columns.LOWER: _displayed(claim, finding.lower),
        columns.UPPER: _displayed(claim, finding.upper),
        "verdict": finding.verdict,
        "anytime": finding.anytime,
        "more_seeds": finding.more_seeds,
        "num_failed": finding.num_failed,
        "median": _displayed(claim, median.median) if median else nothing,
        "median_lower": _displayed(claim, median.lower) if median else nothing,
        "median_upper": _displayed(claim, median.upper) if median else nothing,
        "median_confidence": median.confidence if median else nothing,
        "doubted": finding.doubted,
        "p": finding.p,
        columns.NUM_SEEDS: finding.num_seeds,
        columns.NUM_INSTANCES: finding.num_instances,
    }


def _displayed(claim: Claim, value: float) -> float:
    """Points and trainings of a hundred; for EKL how many times the other's is ours."""
    return float(np.exp(value)) if claim.unit == "ratio" else 100 * value
