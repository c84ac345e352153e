"""Where leaderboards are stored, and with what budget their rows were made."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from neft.runs.plans import PlanEntry, PlanRecord
from neft.runs.records import RunRecord
from neft.sigma_d import rounded_sigma_d
from neft.tables.runs import data_key, flat_config

Runs = Mapping[str, tuple[RunRecord, pd.DataFrame]]
"""Record and chips of stored runs, by id."""

LEADERBOARD = "leaderboard"
"""The experiment, as plans name it."""


@dataclass(frozen=True)
class Place:
    """What a leaderboard was run on: a plan's data set and backbone."""

    plan: str
    """By name."""
    dataset: str
    data_key: str
    dataset_label: str
    backbone: str
    backbone_label: str
    device_label: str
    sigma_ds: tuple[float, ...]
    """Those with a run, ascending: a ranking each."""
    command: str
    """What makes missing runs."""
    has_schemes: bool = False
    """Whether its trainings stand under several mappings and programmings, a row each."""

    @property
    def key(self) -> str:
        """Of the data and the network: `digits8_vgg8w8`; of one with schemes `digits8_vgg8w8_schemes`."""
        return f"{self.data_key}_{self.backbone}{'_schemes' if self.has_schemes else ''}"

    @property
    def words(self) -> str:
        """`Digits 8×8, VGG-8, width 1/8, RRAM1`."""
        ground = f"{self.dataset_label}, {self.backbone_label}, {self.device_label}"
        return f"{ground}, under every mapping and programming" if self.has_schemes else ground


def board_places(plans: Iterable[PlanRecord], records: Mapping[str, RunRecord]) -> list[Place]:
    """Where there are leaderboards, in the order of the plans.

    Args:
        plans: stored ones.
        records: of the stored runs, by id.
    """
    found: list[Place] = []
    for plan in plans:
        entries = board_entries(plan, records)
        # by what is planned: at first no other scheme may be stored
        has_schemes = any(entry.is_of_a_scheme for entry in plan.entries if entry.experiment == LEADERBOARD)
        for key in dict.fromkeys(_ground(records[entry.run_id]) for entry in entries):
            there = [entry for entry in entries if _ground(records[entry.run_id]) == key]
            facts = records[there[0].run_id].facts
            found.append(
                Place(
                    plan=plan.name,
                    dataset=facts.dataset,
                    data_key=key[0],
                    dataset_label=facts.dataset_label,
                    backbone=facts.backbone,
                    backbone_label=facts.backbone_label,
                    device_label=facts.device_label,
                    sigma_ds=tuple(sorted({rounded_sigma_d(entry.sigma_d) for entry in there})),
                    command=plan.command,
                    has_schemes=has_schemes,
                )
            )
    return found


def board_entries(plan: PlanRecord, stored: Iterable[str]) -> list[PlanEntry]:
    """The entries of a plan's leaderboards whose runs are stored."""
    known = set(stored)
    return [entry for entry in plan.entries if entry.experiment == LEADERBOARD and entry.run_id in known]


def entries_of(place: Place, plan: PlanRecord, records: Mapping[str, RunRecord]) -> list[PlanEntry]:
    """The entries of a plan's leaderboards on one place, at every sigma_d."""
    wanted = (place.data_key, place.backbone)
    return [entry for entry in board_entries(plan, records) if _ground(records[entry.run_id]) == wanted]


def budget_words(records: Sequence[RunRecord], *, num_trials: int, has_schemes: bool = False) -> str:
    """With what the rows of a leaderboard were made, in a sentence; a range where it is not the same for all.

    Args:
        records: of its runs at one sigma_d.
        num_trials: of settings, for each row; nothing is tuned where trainings stand under several schemes.
        has_schemes: whether they do.
    """
    if not records:
        return ""
    configs = [flat_config(record) for record in records]
    epochs = _range([record.summary.num_epochs for record in records])
    sizes = [int(str(config[BATCH_SIZE])) for config in configs if BATCH_SIZE in config]
    batches = f" in batches of {_range(sizes)}" if sizes else ""
    by_row = Counter((record.facts.variant, record.facts.chips) for record in records)
    seeds = _range(list(by_row.values()))
    chips = _range([record.facts.num_instances for record in records])
    chosen = (
        "each training is one, whatever its mapping, programming and σ_d of the test"
        if has_schemes
        else f"its settings are the best of {_counted(str(num_trials), 'trial')} on validation data"
    )
    return (
        f"Every row: {_counted(epochs, 'epoch')} of {_images(configs)}{batches}, {_counted(seeds, 'seed')} × "
        f"{_counted(chips, 'chip')}; {chosen}. {_computed(records)}"
    )


BATCH_SIZE, MAX_TRAIN = "training.batch_size", "dataset.max_train"


def _images(configs: Sequence[Mapping[str, object]]) -> str:
    counts = [config.get(MAX_TRAIN) for config in configs]
    known = [int(str(count)) for count in counts if count is not None]
    if len(known) < len(counts):
        return "all training images"
    return f"{_range(known)} training images"


def _computed(records: Sequence[RunRecord]) -> str:
    """Where the rows were trained: seconds of one place are not those of another."""
    places = {(one.provenance.torch_device, one.provenance.threads) for one in records}
    said = [f"{device} ({_counted(str(threads), 'thread')})" for device, threads in sorted(places)]
    if len(said) == 1:
        return f"Trained on {said[0]}."
    return f"Trained on {', '.join(said[:-1])} and {said[-1]}: compare training seconds with care."


def _range(counts: Sequence[int]) -> str:
    """`60`, or `30–60`."""
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def _counted(count: str, noun: str) -> str:
    return f"{count} {noun}{'' if count == '1' else 's'}"


def _ground(record: RunRecord) -> tuple[str, str]:
    return data_key(record), record.facts.backbone
