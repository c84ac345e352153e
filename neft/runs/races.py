"""The unlucky chips of very many, raced after a run was stored, and kept.

`NEFT_HOME/races/<run id>/<key>.json`: whole or not at all. The key is that of the question, of the weights and of how
chips are made, so that the same question finds the same file. Some ship, in `cached_runs/races`; a user's own win.
"""

import datetime
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from pydantic import Field, model_validator

from neft.component import Component
from neft.errors import RunCorruptError, RunNotFoundError, RunTooNewError, StoreError
from neft.evaluation.race_result import RaceResult
from neft.moment import Moment
from neft.run_id import is_run_id
from neft.runs import files
from neft.runs.kept import read_kept
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import WEIGHTS, Stores
from neft.sigma_d import SigmaD, same_sigma_d

VERSION = 2
"""Of 2 on it is told how many chips met how many images; those of 1 are read as they are."""
FOLDER = "races"
SUFFIX = ".json"
NUM_INSTANCES = 10_000
"""Chips where no other number is asked for."""
PERCENTILE = 1
"""Where no other is asked for."""


@dataclass(frozen=True)
class RaceListing:
    """The races of a run that are kept."""

    records: list["RaceRecord"] = field(default_factory=list["RaceRecord"])
    problems: list[str] = field(default_factory=list[str])
    """Why others cannot be used."""


class RaceQuestion(Component):
    """What is asked of a run."""

    weights: str = Field(pattern="^[0-9a-f]{64}$")
    """Checksum of the run's weights."""
    chips: str = Field(pattern="^[0-9a-f]{16}$")
    """By which chips that are made alike, and try the same images, are known (`neft.runs.chips_key`)."""
    sigma_d: SigmaD = Field(ge=0, le=1)
    num_instances: int = Field(ge=2)
    percentile: int = Field(ge=1, le=50)

    @property
    def key(self) -> str:
        """Sixteen hex digits."""
        asked = self.model_dump(mode="json")
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


class RaceRecord(Component):
    """The lowest chips of a race."""

    version: int = VERSION
    run_id: str
    asked: RaceQuestion
    instances: tuple[int, ...] = Field(min_length=1)
    """The lowest chips, the worst first, of equal ones the lower number first."""
    accuracies: tuple[float, ...]
    """Theirs, on all images; fractions."""
    num_images: int = Field(ge=1)
    num_whole: int = Field(ge=1)
    """Chips that met all images at once; others came to the last one bit by bit, and were left out."""
    passes: int = Field(ge=1)
    """Images that chips met, all together."""
    still_in: tuple[tuple[int, int], ...] = ()
    """Images, ascending, and how many chips met at least so many; empty where that was not kept."""
    chance_of_error: float = Field(gt=0, lt=1)
    """How often, at most, a race's chips are not those of the whole evaluation."""
    created: Moment
    """UTC, ISO 8601."""
    seconds: float = Field(ge=0)
    is_own: bool | None = None
    """Whether these are chips of the run's own evaluation, and more of them; None where that was not kept."""

    @model_validator(mode="after")
    def _chips_stand_in_order(self) -> "RaceRecord":
        if len(self.instances) != len(self.accuracies):
            message = "a chip lacks its accuracy"
            raise ValueError(message)
        if not all(0 <= accuracy <= 1 for accuracy in self.accuracies):
            message = "every accuracy must lie in [0, 1]"
            raise ValueError(message)
        if not all(0 <= instance < self.asked.num_instances for instance in self.instances):
            message = "every chip must be one of those that were raced"
            raise ValueError(message)
        ranked = list(zip(self.accuracies, self.instances, strict=True))
        if ranked != sorted(ranked) or len(set(self.instances)) != len(self.instances):
            message = "its chips are not in their order"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _ever_fewer_chips_are_in(self) -> "RaceRecord":
        if not self.still_in:
            return self
        images, chips = zip(*self.still_in, strict=True)
        met_more = all(before < after for before, after in pairwise(images)) and images[0] >= 1
        ever_fewer = all(before > after for before, after in pairwise(chips))
        ends = (chips[0], images[-1]) == (self.asked.num_instances, self.num_images)
        if not (met_more and ever_fewer and ends and chips[-1] >= self.num_whole):
            message = "how many chips met how many images does not fit its other numbers"
            raise ValueError(message)
        return self

    @property
    def cost(self) -> float:
        """The images that chips met, over those of the whole evaluation."""
        return self.passes / (self.asked.num_instances * self.num_images)


def weights_of(run: RunRecord) -> str:
    """The checksum of a run's weights.

    Raises:
        RunNotFoundError: it was stored without them.
    """
    if WEIGHTS not in run.files:
        message = f"Run '{run.id}' was stored without its weights, so its chips cannot be raced."
        raise RunNotFoundError(message)
    return run.files[WEIGHTS].sha256


def find(run: RunRecord, asked: RaceQuestion) -> RaceRecord | None:
    """The stored answer to this very question, if there is one.

    Raises:
        RunNotFoundError: it is no run's id.
        StoreError: the folder cannot be read.
        RunCorruptError: the file is not what it should be.
        RunTooNewError: it was made by a newer version.
    """
    paths = _files(run.id).get(asked.key)
    return None if paths is None else _read(paths[0], run.id)


def listed(run: RunRecord) -> RaceListing:
    """Every kept race of a run's weights: of its own chips and of others, at any device variation."""
    if WEIGHTS not in run.files:
        return RaceListing()
    listing, weights = RaceListing(), weights_of(run)
    try:
        every = _files(run.id)
    except RunNotFoundError:
        raise
    except StoreError as error:
        return RaceListing(problems=[str(error)])
    for paths in every.values():
        for path in paths:
            try:
                record = _read(path, run.id)
            except (RunCorruptError, RunTooNewError) as error:
                listing.problems.append(str(error))
                continue
            if record.asked.weights == weights:
                listing.records.append(record)
            break
    return listing


def of_own_chips(
    run: RunRecord, *, sigma_d: float, percentile: int, is_own: Callable[[str], bool]
) -> dict[int, RaceRecord]:
    """The kept races of a run's own chips at one device variation, by how many chips they are of.

    Args:
        run: the run.
        sigma_d: device variation.
        percentile: that was raced for.
        is_own: whether chips of a key (`neft.runs.chips_key`) are the run's own; asked of races of before that was
            kept.
    """
    return {
        race.asked.num_instances: race
        for race in listed(run).records
        if race.asked.percentile == percentile
        and bool(same_sigma_d(race.asked.sigma_d, sigma_d))
        and (is_own(race.asked.chips) if race.is_own is None else race.is_own)
    }


def stamp() -> str:
    """Another one whenever a race is kept or removed."""
    roots = (neft_home() / FOLDER, Stores.default().shipped.root / FOLDER)
    told: list[str] = []
    for path in (path for root in roots for path in sorted(root.glob(f"*/*{SUFFIX}"))):
        with suppress(OSError):  # it was removed meanwhile, or its folder is closed, which `listed` says
            told.append(f"{path.parent.name}/{path.name}:{path.stat().st_mtime_ns}")
    return hashlib.sha256("/".join(told).encode()).hexdigest()[:16]


def save(
    run: RunRecord,
    asked: RaceQuestion,
    result: RaceResult,
    *,
    num_images: int,
    chance_of_error: float,
    seconds: float,
    is_own: bool,
) -> RaceRecord:
    """Keep what was found, in the place of the same question's last answer, whole or not at all.

    Args:
        run: whose chips were raced.
        asked: what was asked.
        result: the answer.
        num_images: that the run is tested on.
        chance_of_error: how often, at most, the answer is not that of the whole evaluation.
        seconds: of computing.
        is_own: whether these are chips of the run's own evaluation, and more of them.

    Raises:
        StoreError: the folder cannot be written.
    """
    record = RaceRecord(
        run_id=run.id,
        asked=asked,
        instances=tuple(chip.instance for chip in result.lowest),
        accuracies=tuple(chip.accuracy for chip in result.lowest),
        num_images=num_images,
        num_whole=result.num_whole,
        passes=result.passes,
        still_in=result.still_in,
        chance_of_error=chance_of_error,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        is_own=is_own,
    )
    path = _folder(run.id) / f"{asked.key}{SUFFIX}"
    files.write_whole(path, record.model_dump_json(indent=1) + "\n", what=f"The race of run '{run.id}'")
    return record


def _read(path: Path, run_id: str) -> RaceRecord:
    record = read_kept(
        lambda: json.loads(path.read_text(encoding="utf-8")),
        RaceRecord,
        newest=VERSION,
        noun="race",
        called=f"'{path.name}' of run '{run_id}'",
        corrupt=lambda why: _corrupt(path, run_id, why),
    )
    if record.run_id != run_id or record.asked.key != path.stem:
        raise _corrupt(path, run_id, "it is that of something else")
    return record


def _corrupt(path: Path, run_id: str, why: str) -> RunCorruptError:
    return RunCorruptError(
        f"The race of run '{run_id}' in NEFT_HOME/{FOLDER}, '{path.name}', cannot be used: {why}. "
        "Delete the file to race again."
    )


def _files(run_id: str) -> dict[str, list[Path]]:
    """By key; the user's own before what ships."""
    found: dict[str, list[Path]] = {}
    for folder in (_folder(run_id), Stores.default().shipped.root / FOLDER / run_id):
        for path in files.files_in(folder, SUFFIX):
            found.setdefault(path.stem, []).append(path)
    return found


def _folder(run_id: str) -> Path:
    if not is_run_id(run_id):
        message = f"'{run_id}' is not a run's id."
        raise RunNotFoundError(message)
    return neft_home() / FOLDER / run_id
