"""Where stored networks' accuracy goes, step by step: computed after a run was stored, and kept.

`NEFT_HOME/waterfalls/<run id>/<key>.json`: whole or not at all. The key is that of the question and of the weights, so
that the same question finds the same file.
"""

import datetime
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from neft.component import Component
from neft.errors import RunCorruptError, RunNotFoundError
from neft.moment import Moment
from neft.run_id import is_run_id
from neft.runs import files
from neft.runs.kept import read_kept
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import WEIGHTS
from neft.sigma_d import SigmaD

VERSION = 2
"""Of 2 on there are steps of mapping and programming; those of 1 are read as they are."""
FOLDER = "waterfalls"
SUFFIX = ".json"
NUM_INSTANCES = 30
"""Chips where no other number is asked for."""

StepKey = Literal["training_images", "test_images", "quantised", "mapping", "programming", "variation", "effect"]
ON_CHIPS = ("programming", "variation", "effect")
"""Steps of which each chip has an accuracy of its own."""


class WaterfallStep(Component):
    """What holds from here on, and the accuracy then."""

    step: StepKey
    layer: str = ""
    """Of variation: the layer that misses from here on, beside those before it."""
    effect: str = ""
    """What happens to all devices from here on, beside what is before it."""
    accuracies: tuple[float, ...] = Field(min_length=1)
    """Of each chip; one value where no chip is in play."""


class WaterfallRecord(Component):
    """The steps of a run's network, in their order."""

    version: int = VERSION
    run_id: str
    weights: str = Field(pattern="^[0-9a-f]{64}$")
    """Checksum of the run's weights."""
    sigma_d: SigmaD = Field(gt=0, le=1)
    num_instances: int = Field(ge=1)
    steps: tuple[WaterfallStep, ...] = Field(min_length=3)
    has_real_weights: bool
    """Whether the weights that were trained were there; otherwise what codes cost is not known."""
    num_training_images: int = Field(ge=1)
    num_test_images: int = Field(ge=1)
    created: Moment
    """UTC, ISO 8601."""
    seconds: float = Field(ge=0)

    @model_validator(mode="after")
    def _every_chip_is_there(self) -> "WaterfallRecord":
        for step in self.steps:
            if len(step.accuracies) != (self.num_instances if step.step in ON_CHIPS else 1):
                message = "a step lacks chips"
                raise ValueError(message)
            if not all(0 <= accuracy <= 1 for accuracy in step.accuracies):
                message = "every accuracy must lie in [0, 1]"
                raise ValueError(message)
        return self

    @property
    def key(self) -> str:
        """By which it is found."""
        return key_of(self.weights, self.sigma_d, self.num_instances)


def key_of(weights: str, sigma_d: float, num_instances: int) -> str:
    """Sixteen hex digits of what was asked."""
    asked = {"weights": weights, "sigma_d": sigma_d, "num_instances": num_instances}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def usual_sigma_d(run: RunRecord) -> float | None:
    """Where a run's accuracy is asked after: at its training's sigma_d, else the largest it was tested at, if any."""
    trained = run.facts.train_sigma_d
    largest = max(run.facts.sigma_ds, default=0.0)
    return trained or largest or None


def find(run: RunRecord, sigma_d: float, num_instances: int = NUM_INSTANCES) -> WaterfallRecord | None:
    """The stored answer to this very question, if there is one.

    Raises:
        RunNotFoundError: the run was stored without its weights.
        RunCorruptError: the file is not what it should be.
        RunTooNewError: it was made by a newer version.
    """
    path = _path(run.id, key_of(weights_of(run), sigma_d, num_instances))
    return _read(path, run.id) if files.is_file(path) else None


def weights_of(run: RunRecord) -> str:
    """The checksum of a run's weights.

    Raises:
        RunNotFoundError: it was stored without them.
    """
    if WEIGHTS not in run.files:
        message = f"Run '{run.id}' was stored without its weights, so its steps cannot be taken again."
        raise RunNotFoundError(message)
    return run.files[WEIGHTS].sha256


def save(
    run: RunRecord,
    steps: Sequence[WaterfallStep],
    *,
    sigma_d: float,
    has_real_weights: bool,
    num_training_images: int,
    num_test_images: int,
    seconds: float,
) -> WaterfallRecord:
    """Keep what was found, in the place of the same question's last answer, whole or not at all.

    Raises:
        RunNotFoundError: the run was stored without its weights.
        StoreError: the folder cannot be written.
    """
    record = WaterfallRecord(
        run_id=run.id,
        weights=weights_of(run),
        sigma_d=sigma_d,
        num_instances=len(steps[-1].accuracies),
        steps=tuple(steps),
        has_real_weights=has_real_weights,
        num_training_images=num_training_images,
        num_test_images=num_test_images,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
    )
    with files.whole_file(_path(run.id, record.key), what=f"The waterfall of run '{run.id}'") as draft:
        _ = draft.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return record


def _read(path: Path, run_id: str) -> WaterfallRecord:
    record = read_kept(
        lambda: json.loads(path.read_text(encoding="utf-8")),
        WaterfallRecord,
        newest=VERSION,
        noun="waterfall",
        called=f"'{path.name}' of run '{run_id}'",
        corrupt=lambda why: _corrupt(path, run_id, why),
    )
    if record.run_id != run_id or record.key != path.stem:
        raise _corrupt(path, run_id, "it is that of something else")
    return record


def _corrupt(path: Path, run_id: str, why: str) -> RunCorruptError:
    return RunCorruptError(
        f"The waterfall of run '{run_id}' in NEFT_HOME/{FOLDER}, '{path.name}', cannot be used: {why}. "
        "Delete the file to compute it again."
    )


def _path(run_id: str, key: str) -> Path:
    if not is_run_id(run_id):
        message = f"'{run_id}' is not a run's id."
        raise RunNotFoundError(message)
    return neft_home() / FOLDER / run_id / f"{key}{SUFFIX}"
