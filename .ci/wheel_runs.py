"""Which cached runs a wheel takes, by one rule; `python .ci/wheel_runs.py` writes its list, which the build reads.

The build has no package but setuptools, so that it cannot ask the rule itself. A test holds the list against it.

The rule: what the landing page, the lessons and Claims need of the plans on data that needs no download.
- Of every claim the runs that it compares, from the first of those plans that decides it; a few are left out.
- Of the comparison that the lessons teach on every run of their methods, and what the landing page draws beside it: the
  decay factors of `first_look` on that network.
- Of each of those methods the first network near the lessons' sigma_d keeps its weights, so that chips can be opened.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from dashboard.lessons import comparison
from neft.experiments.claim import Claim
from neft.experiments.claim_list import CLAIMS
from neft.experiments.first_look import first_look
from neft.runs.plans import PlanEntry, PlanRecord, load_plans
from neft.runs.store import RunStore
from neft.sigma_d import same_sigma_d

ROOT = Path(__file__).resolve().parents[1]
LIST = Path(__file__).with_suffix(".json")
PLANS = ("paper_digits", "flat_weights", "uniform_unipolar")
"""On scikit-learn's digits; the first that holds a claim's experiment decides it."""
LEFT_OUT = (
    "first_pass_helps_ovf",
    "ovf_first_pass_beats_control",
    "higher_temperature_beats_irs",
    "tempered_vanilla_beats_noise_injection",
    "noise_helps_at_high_temperature",
    "bfloat16_costs",
    "uniform_costs_by_bits",
)
"""Claims on further arms of the largest experiment, whose runs would take 2.9 MB of the 10, on our evaluation, and on
one range for all layers at few bits, beside the claim that has it at 8 (0.2 MB). The last one's plan, `converter_bits`,
stays out too: the runs that it shares with others would decide a part of it."""


def wheel_runs(store: RunStore) -> dict[str, list[str]]:
    """What a wheel takes: `runs`, by id, `weights`, those of them that keep their weights, and the `plans`' names."""
    plans, problems = load_plans(store.root)
    if problems:
        sys.exit(f"Plans cannot be read: {problems}")
    runs: set[str] = set()
    for claim in CLAIMS:
        if claim.key not in LEFT_OUT:
            runs |= compared(claim, [plans[name] for name in PLANS])
    first = plans[PLANS[0]].entries
    taught = [entry for entry in first if entry.experiment == comparison.EXPERIMENT and entry.series in comparison.ALL]
    runs |= {entry.run_id for entry in taught}
    network = store.record(taught[0].run_id).facts.backbone
    runs |= {one.run_id for one in first_look() if store.record(one.run_id).facts.backbone == network}
    return {"plans": list(PLANS), "runs": sorted(runs), "weights": sorted(set(_networks(taught)))}


def compared(claim: Claim, plans: Iterable[PlanRecord]) -> set[str]:
    """The runs that a claim compares in the first of some plans that decides it; none where none does."""
    for plan in plans:
        entries = [entry for entry in plan.entries if entry.experiment == claim.experiment]
        arms = {(entry.series, entry.setting) for entry in entries}
        chosen = {arm for arm in arms if arm[0] in claim.failures} if claim.failures else set(claim.contrast(arms))
        if chosen:
            return {entry.run_id for entry in entries if (entry.series, entry.setting) in chosen}
    return set()


def _networks(taught: Sequence[PlanEntry]) -> Iterable[str]:
    """Of each method the lowest seed at the sigma_d that the lessons look at."""
    for entry in taught:
        seeds = [one.seed for one in taught if one.series == entry.series]
        if entry.seed == min(seeds) and same_sigma_d(entry.sigma_d, comparison.NEAR):
            yield entry.run_id


def main() -> None:
    """Write the list."""
    found = wheel_runs(RunStore(ROOT / "cached_runs", read_only=True))
    _ = LIST.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
