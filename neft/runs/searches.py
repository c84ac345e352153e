"""Searches for the signs of layers: what was searched and the trials so far, for pages and for whoever goes on.

`NEFT_HOME/searches/<key>.json`, written whole after every trial, beside the journal from which the search goes on.
Each trial is a stored run.
"""

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from neft.component import Component
from neft.errors import RunCorruptError, StoreError
from neft.moment import Moment
from neft.plain_words import Words
from neft.run_id import is_run_id
from neft.runs import files
from neft.runs.kept import read_kept
from neft.runs.places import neft_home
from neft.runs.records import RunFacts
from neft.sigma_d import SigmaD

VERSION = 1
FOLDER = "searches"
SUFFIX = ".json"


class SearchTrial(Component):
    """One network that was trained and judged."""

    signs: str = Field(pattern=r"^[+\-b]{1,4096}$")
    """Of every layer from the input to the output; `b` where it keeps both."""
    width: float = Field(gt=0, le=16, allow_inf_nan=False)
    """Factor on the width of the search's backbone."""
    validation_accuracy: float = Field(ge=0, le=1)
    area_share: float = Field(gt=0, allow_inf_nan=False)
    """Its devices over those of the same network at width 1 with both signs everywhere."""
    run_id: str = Field(max_length=200)

    def merit(self, area_weight: float) -> float:
        """Validation accuracy - mu * area share."""
        return self.validation_accuracy - area_weight * self.area_share


class SearchRecord(Component):
    """What is searched, and its trials in their order; the first is of both signs everywhere."""

    version: int = VERSION
    key: str = Field(pattern="^[0-9a-f]{8}$")
    dataset_label: Words
    backbone_label: Words
    label: Words
    """The training in words."""
    train_sigma_d: SigmaD = Field(ge=0, le=1)
    area_weight: float = Field(ge=0, le=10)
    """Mu."""
    max_drop: float = Field(ge=0, le=1)
    num_trials: int = Field(ge=2, le=10_000)
    """That were asked for, without those of the fallback."""
    trials: tuple[SearchTrial, ...] = Field(min_length=1, max_length=20_000)
    created: Moment
    """UTC, ISO 8601, of the last trial."""
    command: str = ""
    """One that makes the search again."""

    @property
    def name(self) -> str:
        """What is searched, in words."""
        return f"{self.dataset_label}, {self.backbone_label}, μ = {self.area_weight:g} ({self.key})"


@dataclass(frozen=True)
class SearchListing:
    """The searches that can be read, latest first, and why others cannot."""

    records: list[SearchRecord] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    """By file name."""


def journal(key: str) -> Path:
    """The file from which a search goes on."""
    return neft_home() / FOLDER / f"{key}.journal"


def save(
    key: str,
    facts: RunFacts,
    trials: Sequence[SearchTrial],
    *,
    area_weight: float,
    max_drop: float,
    num_trials: int,
    command: str = "",
) -> SearchRecord:
    """Keep the trials so far, in the place of what was kept before.

    Args:
        key: of the search.
        facts: of its first trial, which has both signs everywhere.
        trials: in their order.
        area_weight: mu.
        max_drop: how far the choice may lie below both signs everywhere.
        num_trials: that were asked for.
        command: one that makes the search again.

    Raises:
        StoreError: the folder cannot be written.
    """
    record = SearchRecord(
        key=key,
        dataset_label=facts.dataset_label,
        backbone_label=facts.backbone_label,
        label=facts.method_label,
        train_sigma_d=facts.train_sigma_d,
        area_weight=area_weight,
        max_drop=max_drop,
        num_trials=num_trials,
        command=command,
        trials=tuple(trials),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    path = neft_home() / FOLDER / f"{key}{SUFFIX}"
    files.write_whole(path, record.model_dump_json(indent=1) + "\n", what="The trials of a search")
    return record


def listed() -> SearchListing:
    """Every search, latest first; one that cannot be read is named with its reason."""
    listing = SearchListing()
    folder = neft_home() / FOLDER
    try:
        found = files.files_in(folder, SUFFIX)
    except StoreError as error:
        return SearchListing(problems={folder.name: str(error)})
    for path in found:
        try:
            listing.records.append(_read(path))
        except StoreError as error:
            listing.problems[path.name] = str(error)
    listing.records.sort(key=lambda record: (record.created, record.key), reverse=True)
    return listing


def _read(path: Path) -> SearchRecord:
    record = read_kept(
        lambda: json.loads(path.read_text(encoding="utf-8")),
        SearchRecord,
        newest=VERSION,
        noun="search",
        called=f"The search '{path.name}'",
        corrupt=lambda why: _corrupt(path, why),
    )
    if record.key != path.stem or not all(is_run_id(trial.run_id) for trial in record.trials):
        raise _corrupt(path, "it is that of something else")
    if len({len(trial.signs) for trial in record.trials}) > 1:
        raise _corrupt(path, "its trials are of different networks")
    return record


def _corrupt(path: Path, why: str) -> RunCorruptError:
    return RunCorruptError(
        f"The search '{path.name}' in NEFT_HOME/{FOLDER} cannot be used: {why}. "
        "The same command makes it again from its journal."
    )
