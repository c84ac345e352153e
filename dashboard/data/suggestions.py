"""Runs worth comparing, found among those that are stored."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.data import stored
from dashboard.data.caches import kept
from dashboard.data.stored import RunRecord
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
    """What to start with: the control beside the same method without its temperature, and beside all methods.

    Each is of one seed and the same chips.
    """
    records = stored.listing().records
    group = _control_and_plain([record for record in records if stored.is_curve(record)])
    if len(group) < 2:
        return _any_two(records)
    control, *others = group
    found = [_suggestion("All methods against the control", group)]
    pair = [record for record in others if record.facts.method == control.facts.method]
    if pair:
        found.insert(0, _suggestion(f"{pair[0].facts.label} against its temperature control", [control, pair[0]]))
    return found


def _control_and_plain(records: Sequence[RunRecord]) -> list[RunRecord]:
    """A run of the control, and one of each plain variant that differs from it in its method alone.

    Of the controls that with the most others beside it; of those the one from where the most curves are.
    """
    curves_there = Counter(_place(record) for record in records)
    anchors = sorted(
        (record for record in records if record.facts.is_control),
        key=lambda one: (
            -curves_there[_place(one)],
            abs(one.facts.train_sigma_d - USUAL_SIGMA_D),
            one.facts.seed,
            one.id,
        ),
    )
    plain = {record.facts.variant: record.facts for record in records if not record.facts.departure}
    variants = [facts.variant for facts in sorted(plain.values(), key=stored.shown_place) if not facts.is_control]
    groups: list[list[RunRecord]] = []
    for anchor in anchors:
        partners = (_partner(anchor, variant, records) for variant in variants)
        groups.append([anchor, *(partner for partner in partners if partner is not None)])
    return max(groups, key=len, default=[])


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
    without_noise = not record.facts.uses_noise
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
