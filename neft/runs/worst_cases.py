"""Worst cases that were searched after a run was stored: table, settings and deviations in one file.

`NEFT_HOME/worst_cases/<run id>/<key>.safetensors`: the deviations as tensors, all else as JSON in the file's metadata,
which is read without torch. The key is that of the bounds, the settings and the weights, so that the same question
finds the same file. A file is there whole or not at all; nothing is unpickled.
"""

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from pydantic import Field, model_validator
from safetensors import safe_open

from neft import columns
from neft.component import Component
from neft.errors import RunCorruptError, RunNotFoundError, StoreError
from neft.evaluation.search_settings import SearchSettings
from neft.moment import Moment
from neft.run_id import is_run_id
from neft.runs import files
from neft.runs.kept import read_kept
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor  # for types alone: whoever only shows stored numbers never waits for torch

VERSION = 1
FOLDER = "worst_cases"
SUFFIX = ".safetensors"
RECORD = "record"
"""Under which the metadata holds the JSON."""
DEFAULTS = SearchSettings()
"""What is searched where nothing else is asked for."""
ROUNDING = 1e-6
"""By how much of th_g a stored deviation may exceed it."""


class WorstCaseRow(Component):
    """One th_g; named as the table's columns."""

    th_g: float = Field(ge=0, le=1)
    accuracy: float = Field(ge=0, le=1)
    found_by: Literal["none", "projected", "lagrangian"]
    projected_accuracy: float = Field(ge=0, le=1)
    lagrangian_accuracy: float | None = Field(ge=0, le=1)
    """None where the projected search had left nothing to find."""
    uniform_mean: float = Field(ge=0, le=1)
    uniform_min: float = Field(ge=0, le=1)
    gaussian_mean: float = Field(ge=0, le=1)
    gaussian_min: float = Field(ge=0, le=1)
    deviation: int = Field(ge=-1)
    """Which of the stored deviations it was found under: that of a smaller th_g may still be the worst; -1 for none."""


class WorstCaseRecord(Component):
    """What was searched, how, and what was found."""

    version: int = VERSION
    run_id: str
    weights: str = Field(pattern="^[0-9a-f]{64}$")
    """Checksum of the run's weights."""
    th_gs: tuple[float, ...] = Field(min_length=1)
    settings: SearchSettings
    rows: tuple[WorstCaseRow, ...]
    num_images: int = Field(ge=1)
    deviations: str = Field(pattern="^[0-9a-f]{64}$")
    """Checksum of the deviations."""
    created: Moment
    """UTC, ISO 8601."""
    seconds: float = Field(ge=0)
    """That the search took."""

    @model_validator(mode="after")
    def _rows_are_those_asked_for(self) -> "WorstCaseRecord":
        if tuple(row.th_g for row in self.rows) != self.th_gs:
            message = "its rows are not those of its th_g"
            raise ValueError(message)
        return self

    @property
    def key(self) -> str:
        """By which it is found."""
        return key_of(self.weights, self.th_gs, self.settings)

    @property
    def table(self) -> pd.DataFrame:
        """A row per th_g."""
        return pd.DataFrame([row.model_dump(exclude={"deviation"}) for row in self.rows])


@dataclass(frozen=True)
class WorstCaseListing:
    """The searches of a run that can be read, latest first, and why others cannot."""

    records: list[WorstCaseRecord] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    """By file name."""


def key_of(weights: str, th_gs: Sequence[float], settings: SearchSettings) -> str:
    """Sixteen hex digits of what was asked."""
    asked = {"weights": weights, "th_gs": list(th_gs), "settings": settings.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def weights_of(run: RunRecord) -> str:
    """The checksum of a run's weights.

    Raises:
        RunNotFoundError: it was stored without them.
    """
    if WEIGHTS not in run.files:
        message = f"Run '{run.id}' was stored without its weights, so its worst case cannot be searched."
        raise RunNotFoundError(message)
    return run.files[WEIGHTS].sha256


def find(run: RunRecord, th_gs: Sequence[float], settings: SearchSettings) -> WorstCaseRecord | None:
    """The stored result of this very search, if there is one.

    Raises:
        RunNotFoundError: the run was stored without its weights.
        RunCorruptError: the file is not what it should be.
        RunTooNewError: it was made by a newer version.
    """
    path = _path(run.id, key_of(weights_of(run), th_gs, settings))
    return _read(path, run.id) if files.is_file(path) else None


def listed(run: RunRecord) -> WorstCaseListing:
    """Every stored search of a run's weights, latest first; one that cannot be read is named with its reason."""
    listing = WorstCaseListing()
    folder = _folder(run.id)
    try:
        found = files.files_in(folder, SUFFIX)
    except StoreError as error:
        return WorstCaseListing(problems={folder.name: str(error)})
    for path in found:
        if path.name.startswith("."):
            continue
        try:
            record = _read(path, run.id)
        except StoreError as error:
            listing.problems[path.name] = str(error)
        else:
            if WEIGHTS in run.files and record.weights == run.files[WEIGHTS].sha256:
                listing.records.append(record)
    listing.records.sort(key=lambda record: record.created, reverse=True)
    return listing


def save(
    run: RunRecord,
    rows: Sequence[Mapping[str, float | str]],
    deviations: "Sequence[Mapping[str, Tensor]]",
    *,
    settings: SearchSettings,
    num_images: int,
    seconds: float,
) -> WorstCaseRecord:
    """Keep what a search found, in the place of the same search's last result, whole or not at all.

    Args:
        run: whose network it is.
        rows: the table, by ascending th_g.
        deviations: of each row, by layer; the same object where the same one was found; empty where none deviates.
        settings: of the search.
        num_images: test images.
        seconds: that it took.

    Raises:
        RunNotFoundError: the run was stored without its weights.
        StoreError: the folder cannot be written.
    """
    from neft.runs import checkpoint  # noqa: PLC0415 - imports torch

    each: list[Mapping[str, Tensor]] = []
    places: list[int] = []
    for deviation in deviations:
        if deviation and all(deviation is not other for other in each):
            each.append(deviation)
        places.append(next((place for place, other in enumerate(each) if other is deviation), -1))
    tensors = {f"{place}:{name}": tensor for place, deviation in enumerate(each) for name, tensor in deviation.items()}
    record = WorstCaseRecord(
        run_id=run.id,
        weights=weights_of(run),
        th_gs=tuple(float(row[columns.TH_G]) for row in rows),
        settings=settings,
        rows=tuple(
            WorstCaseRow.model_validate({**_without_nan(row), "deviation": place})
            for row, place in zip(rows, places, strict=True)
        ),
        num_images=num_images,
        deviations=_checksum(tensors),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
    )
    with files.whole_file(_path(run.id, record.key), what=f"The worst case of run '{run.id}'") as draft:
        checkpoint.save_tensors(draft, tensors, {RECORD: record.model_dump_json()})
    return record


def load_deviations(record: WorstCaseRecord) -> "list[dict[str, Tensor]]":
    """The deviation of each row, by layer: (W_p - W) / w_max; empty where nothing deviates.

    Raises:
        RunCorruptError: the file is not the one that was stored, or a deviation does not keep within its th_g.
    """
    from neft.runs import checkpoint  # noqa: PLC0415 - imports torch

    path = _path(record.run_id, record.key)
    tensors = checkpoint.load_tensors(path)
    if _checksum(tensors) != record.deviations:
        raise _corrupt(path, record.run_id, "its deviations are not those that were stored")
    found: list[dict[str, Tensor]] = []
    for row in record.rows:
        begins = f"{row.deviation}:"
        deviation = {name.removeprefix(begins): t for name, t in tensors.items() if name.startswith(begins)}
        if any(float(tensor.abs().max()) > row.th_g * (1 + ROUNDING) for tensor in deviation.values()):
            raise _corrupt(path, record.run_id, f"a weight deviates by more than th_g = {row.th_g:g}")
        found.append(deviation)
    return found


def _without_nan(row: Mapping[str, float | str]) -> dict[str, float | str | None]:
    return {name: None if isinstance(value, float) and isnan(value) else value for name, value in row.items()}


def _read(path: Path, run_id: str) -> WorstCaseRecord:
    record = read_kept(
        lambda: _metadata(path),
        WorstCaseRecord,
        newest=VERSION,
        noun="worst case",
        called=f"'{path.name}' of run '{run_id}'",
        corrupt=lambda why: _corrupt(path, run_id, why),
    )
    if record.run_id != run_id or record.key != path.stem:
        raise _corrupt(path, run_id, "it is that of something else")
    return record


def _metadata(path: Path) -> Any:
    with safe_open(path, framework="np") as opened:
        return json.loads((opened.metadata() or {})[RECORD])


def _checksum(tensors: "Mapping[str, Tensor]") -> str:
    found = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        found.update(tensor.numpy().tobytes())
    return found.hexdigest()


def _corrupt(path: Path, run_id: str, why: str) -> RunCorruptError:
    return RunCorruptError(
        f"The worst case of run '{run_id}' in NEFT_HOME/{FOLDER}, '{path.name}', cannot be used: {why}. "
        "Delete the file to search again."
    )


def _folder(run_id: str) -> Path:
    if not is_run_id(run_id):
        message = f"'{run_id}' is not a run's id."
        raise RunNotFoundError(message)
    return neft_home() / FOLDER / run_id


def _path(run_id: str, key: str) -> Path:
    return _folder(run_id) / f"{key}{SUFFIX}"
