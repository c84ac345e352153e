"""Runs worth comparing, found among those that are stored."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.data import stored
from dashboard.data.caches import kept
from dashboard.data.stored import RunRecord
from neft.experiments.questions import CONTROL
from neft.tables import other_images
from neft.tables.side_by_side import settings_side_by_side

USUAL_SIGMA_D = 0.1
"""The training sigma_d near which a first pair is looked for."""


@dataclass(frozen=True)
class Suggestion:
    """Runs worth comparing, computed from what is stored."""

    title: str
    run_ids: tuple[str, ...]


@kept(max_entries=2)
def suggestions() -> list[Suggestion]:
    """What to start with: noise injection against its control, and all methods, each of one seed and the same chips."""
    records = stored.listing().records
    found: list[Suggestion] = []
    for title, variants in (
        ("Noise injection against its temperature control", (CONTROL, "noise_injection")),
        ("All methods against the control", (CONTROL, *(one for one in stored.CANONICAL if one != CONTROL))),
    ):
        group = _one_of_each(variants, [record for record in records if stored.is_curve(record)])
        if group:
            found.append(_suggestion(title, group))
    return found or _any_two(records)


def _one_of_each(variants: Sequence[str], records: Sequence[RunRecord]) -> list[RunRecord]:
    """A run of each variant that differs from the first's in its method alone; from where the most curves are."""
    curves_there = Counter(_place(record) for record in records)
    anchors = sorted(
        (record for record in records if record.facts.variant == variants[0]),
        key=lambda one: (
            -curves_there[_place(one)],
            abs(one.facts.train_sigma_d - USUAL_SIGMA_D),
            one.facts.seed,
            one.id,
        ),
    )
    for anchor in anchors:
        group = [_partner(anchor, variant, records) for variant in variants]
        if None not in group:
            return [record for record in group if record is not None]
    return []


def _partner(anchor: RunRecord, variant: str, records: Sequence[RunRecord]) -> RunRecord | None:
    """A run of the variant that differs from the anchor in its method alone; without noise it has no sigma_d."""
    near = (
        record
        for record in records
        if (record.facts.variant, record.facts.seed) == (variant, anchor.facts.seed)
        and _place(record) == _place(anchor)
        and record.facts.train_sigma_d in (anchor.facts.train_sigma_d, 0.0)
    )
    return next((record for record in near if _differ_in_method_alone(record, anchor)), None)


def _differ_in_method_alone(record: RunRecord, other: RunRecord) -> bool:
    differing = settings_side_by_side([record, other], differences_only=True).index
    without_noise = record.facts.method == "vanilla"
    return all(str(name).startswith("method.") or (without_noise and name == "training.sigma_d") for name in differing)


def _any_two(records: Sequence[RunRecord]) -> list[Suggestion]:
    """Two runs that were tested on the same images, where nothing better is stored."""
    for first, second in itertools.combinations(records, 2):
        if not other_images(first, second) and set(first.facts.sigma_ds) & set(second.facts.sigma_ds):
            return [_suggestion("Two stored runs", [first, second])]
    return []


def _suggestion(title: str, group: Sequence[RunRecord]) -> Suggestion:
    facts = group[0].facts
    where = f"{facts.dataset_label}, {facts.backbone_label}, σ_d = {facts.train_sigma_d:g}, seed {facts.seed}"
    return Suggestion(f"{title}: {where}", tuple(record.id for record in group))


def _place(record: RunRecord) -> tuple[str, str, str]:
    return record.facts.dataset_label, record.facts.backbone, record.facts.device
