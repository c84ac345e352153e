"""Where a picture's or a table's numbers come from, in words that stand alone in a paper."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from dashboard.data import plans, stored
from dashboard.data.caches import kept
from dashboard.data.stored import RunRecord
from neft import columns
from neft.sigma_d import sigma_d_text

MOST_NAMED = 3
"""Of more kinds, as of data sets, the first are named."""
MOST_IDS = 3
"""Of more runs a picture names the first."""
MOST_COMMANDS = 8
"""Of more runs that no plan holds, the first runs' commands are shown."""


@dataclass(frozen=True)
class Source:
    """What runs some numbers come from."""

    run_ids: tuple[str, ...]
    facts: dict[str, str]
    """Data, network, device, training σ_d, and seeds × chips; in words, by name."""

    @property
    def lines(self) -> list[str]:
        """As they stand below a picture: the facts, and the runs, the first of many by name."""
        more = f" and {len(self.run_ids) - MOST_IDS} more" if len(self.run_ids) > MOST_IDS else ""
        facts = " · ".join(f"{name}: {words}" for name, words in self.facts.items())
        return [facts, f"Runs: {', '.join(self.run_ids[:MOST_IDS])}{more}"]


def source_of(run_ids: Sequence[str]) -> Source | None:
    """What these runs are; None where none of them is stored."""
    records = stored.records(list(dict.fromkeys(run_ids)))
    if not records:
        return None
    facts = [record.facts for record in records]
    trained = sorted({each.train_sigma_d for each in facts if each.uses_noise})
    found = {
        "Data": _named(each.dataset_label for each in facts),
        "Network": _named(each.backbone_label for each in facts),
        "Device": _named(each.device_label for each in facts),
        "Trained at σ_d": ", ".join(map(sigma_d_text, trained)),
        "Size": _size(records),
    }
    return Source(tuple(record.id for record in records), {name: words for name, words in found.items() if words})


def runs_in(table: pd.DataFrame) -> tuple[str, ...]:
    """The runs that a table's rows name, each once."""
    found: list[str] = []
    if columns.RUN_IDS in table:
        found = [run_id for ids in table[columns.RUN_IDS] for run_id in ids]
    elif columns.RUN_ID in table:
        found = [str(run_id) for run_id in table[columns.RUN_ID].unique()]
    return tuple(dict.fromkeys(found))


def making(run_ids: Sequence[str]) -> list[str]:
    """The commands that make these runs again: of the smallest plan that holds them all, or of each run."""
    return list(_making(tuple(dict.fromkeys(run_ids)), plans.fingerprint()))


@kept(max_entries=256)
def _making(run_ids: tuple[str, ...], plans_stamp: str) -> tuple[str, ...]:
    del plans_stamp
    records = stored.records(run_ids)
    if len(records) > 1:
        held = _plan_command({record.id for record in records})
        if held:
            return (held,)
    known = list(dict.fromkeys(record.provenance.command for record in records if record.provenance.command))
    rest = len(known) - MOST_COMMANDS
    return tuple(known) if rest <= 0 else (*known[:MOST_COMMANDS], f"# and {rest} more: in a report of this page")


def _plan_command(wanted: set[str]) -> str:
    """The command of the smallest stored plan with all of these runs; empty where there is none."""
    known = plans.plans(plans.fingerprint()).values()
    holding = [plan for plan in known if wanted <= {entry.run_id for entry in plan.entries}]
    return min(holding, key=lambda plan: len(plan.entries)).command if holding else ""


def _named(words: Iterable[str]) -> str:
    """What there is, each once, the first of many by name."""
    each = list(dict.fromkeys(words))
    more = f" and {len(each) - MOST_NAMED} more" if len(each) > MOST_NAMED else ""
    return ", ".join(each[:MOST_NAMED]) + more


def _size(records: Sequence[RunRecord]) -> str:
    """`3 seeds × 200 chips`, or between which counts of chips."""
    seeds = len({record.facts.seed for record in records})
    chips = sorted({record.facts.num_instances for record in records})
    count = str(chips[0]) if len(chips) == 1 else f"{chips[0]} to {chips[-1]}"
    return f"{seeds} seed{'' if seeds == 1 else 's'} × {count} chip{'' if chips == [1] else 's'}"
