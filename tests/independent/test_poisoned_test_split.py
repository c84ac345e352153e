"""Test images are only reported on: of NaN and with wrong labels they leave all that training and choosing make alone.

Each run is made twice, once on a test split that is poisoned, and compared bit for bit: weights, history, the epoch
that was chosen, ranges of converters, calibration temperatures, what programming costs. Only the test numbers differ.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from neft import columns
from neft.component import build
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.constraints import CONSTRAINTS
from neft.datasets.arrays import OwnArrays
from neft.datasets.base import DataAccess, ImageData, Split
from neft.datasets.digits import Digits
from neft.datasets.mnist import Mnist
from neft.experiments.tuning import best_trial
from neft.methods import METHODS, TaughtMethod, Vanilla
from neft.networks.backbones import Mlp, Vgg8
from neft.networks.converters import Converters
from neft.networks.network import InputShape
from neft.pipeline import Settings, run
from neft.programming import Selective
from neft.runs.records import RunRecord
from neft.runs.store import RunStore, Stores
from neft.sweeps.sign_search import SignSearch, search_signs

SMALL: dict[str, Any] = {
    "dataset": Digits(max_train=50),
    "backbone": Mlp(hidden_layers=2, hidden_units=8),
    "training": TrainingConfig(epochs=2, validation_instances=2, max_validation=40, batch_size=25),
    "evaluation": EvaluationConfig(sigma_ds=(0.2,), num_instances=1, max_test=20),
}
TEACHER = RunConfig.make(**SMALL | {"method": Vanilla()})
METHOD_CASES: dict[str, dict[str, Any]] = {
    name: {
        "method": build(
            method,
            ({"teacher_run": TEACHER.run_id} if issubclass(method, TaughtMethod) else {})
            | ({"num_feedback": 2} if "num_feedback" in method.model_fields else {}),
        )
    }
    for name, method in METHODS.items()
}
LEARNED: dict[str, Any] = {"dac_bits": 5, "adc_bits": 5, "converter_ranges": "learned"}
CASES: dict[str, dict[str, Any]] = (
    METHOD_CASES
    | {name: {"constraint": constraint()} for name, constraint in CONSTRAINTS.items() if name != "none"}
    | {
        "searched sigma_d": {"method": build(METHODS["right_censored"], {"largest_sigma_d": 0.4})},
        "batchnorm": {
            "backbone": Vgg8(width=1 / 64),
            "evaluation": SMALL["evaluation"].model_copy(update={"recalibrate_batchnorm": True}),
        },
        "calibrated converters": {"converters": Converters(dac_bits=4, adc_bits=4)},
        "learned converters": {"converters": build(Converters, LEARNED)},
        "uniform converters": {"converters": build(Converters, LEARNED | {"scaling": "uniform"})},
        "chosen weights": {"programming": Selective(), "method": Vanilla()},
        "pretrained": {"training": SMALL["training"].model_copy(update={"pretrained_run": TEACHER.run_id})},
    }
)


LOAD = Digits.load


def load_poisoned(dataset: Digits, access: DataAccess) -> ImageData:
    """What the data set gives, poisoned."""
    return poisoned(LOAD(dataset, access))


def poisoned(data: ImageData) -> ImageData:
    """The same data with a test split of no numbers and wrong labels."""
    images = torch.full(data.test.images.shape, torch.nan)
    return replace(data, test=Split(images=images, labels=(data.test.labels + 1) % data.num_classes))


def settings_in(folder: Path) -> Settings:
    stores = Stores(own=RunStore(folder / "runs"), shipped=RunStore(folder / "none", read_only=True))
    return Settings(store=stores.own, pretrained_stores=stores, unfinished_root=folder / "unfinished")


@dataclass
class Sides:
    """Where runs are made on data as they are, and on poisoned ones."""

    clean: Settings
    poisoned: Settings

    def made(self, config: RunConfig) -> tuple[RunRecord, RunRecord]:
        """The run on both sides."""
        found = [side.store.record(config.run_id) for side in self.each() if config.run_id in side.store]
        return (
            (found[0], found[1])
            if len(found) == 2
            else (self._run(config, self.clean), self._run(config, self.poisoned))
        )

    def _run(self, config: RunConfig, settings: Settings) -> RunRecord:
        with pytest.MonkeyPatch.context() as patch:
            if settings is self.poisoned:
                patch.setattr(Digits, "load", load_poisoned)
            return run(config, settings)

    def each(self) -> Iterator[Settings]:
        yield self.clean
        yield self.poisoned


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    """Both with the run that others start from."""
    found = Sides(*(settings_in(tmp_path_factory.mktemp(name)) for name in ("clean", "poisoned")))
    _ = found.made(TEACHER)
    return found


def all_but_the_test(settings: Settings, record: RunRecord) -> dict[str, Any]:
    """All that training and choosing made, as it is stored."""
    folder = settings.store.root / record.id
    stored = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    history = pd.read_csv(folder / "history.csv").drop(columns=columns.SECONDS)
    chips = pd.read_parquet(folder / "instances.parquet")
    summary = {name: value for name, value in stored["summary"].items() if name not in ("test", "worst_case")}
    return {
        "config": stored["config"],
        "facts": stored["facts"],
        "summary": summary,
        "effort": [at.get("effort") for at in stored["summary"]["test"]],
        "weights": stored["files"]["weights.safetensors"]["sha256"],
        "layers": stored["files"]["layers.csv"]["sha256"],
        "deviations": stored["files"]["deviations.csv.gz"]["sha256"],
        "history": history.to_dict("list"),
        "temperatures": chips[["sigma_d", "instance", "calibration_temperature"]].to_dict("list"),
    }


@pytest.mark.parametrize("case", CASES)
def test_what_training_and_choosing_make_is_the_same(case: str, sides: Sides) -> None:
    config = RunConfig.make(**SMALL | CASES[case])
    clean, other = sides.made(config)

    ours, theirs = all_but_the_test(sides.clean, clean), all_but_the_test(sides.poisoned, other)

    assert ours == theirs
    assert len(ours["history"]["epoch"]) == 2
    sure = [chips_of(side, config)[columns.MEAN_CONFIDENCE] for side in sides.each()]
    assert abs(sure[0] - 0.1).min() > 1e-3, "the test split counts where it is not poisoned"
    assert abs(sure[1] - 0.1).max() < 1e-6, "and the poison is seen: every class of ten is as likely"


def chips_of(settings: Settings, config: RunConfig) -> pd.DataFrame:
    return pd.read_parquet(settings.store.root / config.run_id / "instances.parquet")


def test_every_method_and_constraint_is_tried() -> None:
    assert {config["method"].name for config in METHOD_CASES.values()} == set(METHODS)
    assert set(CONSTRAINTS) - {"none"} <= set(CASES)


def test_a_poisoned_training_split_would_be_seen(sides: Sides, tmp_path: Path) -> None:
    """The comparison can fail: one training label that is another one changes the weights."""

    def other_label(dataset: Digits, access: DataAccess) -> ImageData:
        data = LOAD(dataset, access)
        labels = data.train.labels.clone()
        labels[0] = (labels[0] + 1) % 10
        return replace(data, train=Split(images=data.train.images, labels=labels))

    config = RunConfig.make(**SMALL | METHOD_CASES["noise_injection"])
    clean, _ = sides.made(config)
    settings = settings_in(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Digits, "load", other_label)
        other = run(config, settings)

    ours, theirs = all_but_the_test(sides.clean, clean), all_but_the_test(settings, other)
    assert {name for name in ours if ours[name] != theirs[name]} >= {"weights", "history", "layers"}


# ---------------------------------------------------------------- what is chosen among several runs
def test_the_best_trial_of_a_tuning_is_the_same(sides: Sides) -> None:
    """Trials are judged on validation chips."""
    configs = [
        RunConfig.make(**SMALL | {"training": SMALL["training"].model_copy(update={"learning_rate": rate})})
        for rate in (1e-4, 1e-2)
    ]
    pairs = [sides.made(config) for config in configs]

    chosen = [best_trial([pair[side] for pair in pairs]) for side in (0, 1)]

    merits = [pair[0].summary.validation_accuracy or 0.0 for pair in pairs]
    assert chosen[0] == chosen[1] == merits.index(max(merits))
    assert len(set(merits)) > 1


def test_a_search_for_signs_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proposals, merits and fallbacks go by validation images."""
    search = SignSearch(base=RunConfig.make(**SMALL), shape=InputShape(1, 8, 10), num_trials=3)
    found: list[list[Any]] = []
    for side in ("clean", "poisoned"):
        monkeypatch.setenv("NEFT_HOME", str(tmp_path / side / "home"))
        if side == "poisoned":
            monkeypatch.setattr(Digits, "load", load_poisoned)
        found.append(list(search_signs(search, settings_in(tmp_path / side)).trials))

    assert found[0] == found[1]
    assert len(found[0]) >= 3


# ---------------------------------------------------------------- data sets as they are read
def idx(array: np.ndarray[Any, Any]) -> bytes:
    """The format of MNIST's files: unsigned bytes, the number of axes, their sizes."""
    return bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape) + array.tobytes()


def mnist(folder: Path, *, is_poisoned: bool) -> ImageData:
    rng = np.random.default_rng(0)
    place = folder / "MNIST" / "raw"
    place.mkdir(parents=True)
    for part, count in (("train", 200), ("t10k", 40)):
        images = rng.integers(256, size=(count, 28, 28), dtype=np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 10
        if is_poisoned and part == "t10k":
            images, labels = 255 - images, (labels + 3) % 10
        _ = (place / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        _ = (place / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return Mnist().load(DataAccess(data_dir=folder))


def own_arrays(folder: Path, *, is_poisoned: bool) -> ImageData:
    """Whose mean and std are computed from what is there."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    split = np.repeat(["train", "validation", "test"], 40)
    inputs, labels = rng.normal(size=(120, 3)), np.arange(120) % 4
    if is_poisoned:
        held_out = split == "test"
        inputs[held_out], labels[held_out] = 1e6 * inputs[held_out], (labels[held_out] + 1) % 4
    np.savez(folder / "data.npz", x=inputs, y=labels, split=split)
    return OwnArrays(path=str(folder / "data.npz")).load(DataAccess(data_dir=folder))


@pytest.mark.parametrize("read", [mnist, own_arrays])
def test_a_data_sets_other_splits_and_statistics_come_from_elsewhere(read: Any, tmp_path: Path) -> None:
    clean, other = read(tmp_path / "clean", is_poisoned=False), read(tmp_path / "poisoned", is_poisoned=True)

    assert not torch.equal(clean.test.images, other.test.images)
    assert not torch.equal(clean.test.labels, other.test.labels)
    for ours, theirs in ((clean.train, other.train), (clean.validation, other.validation)):
        assert torch.equal(ours.images, theirs.images)
        assert torch.equal(ours.labels, theirs.labels)
    assert (clean.mean, clean.std, clean.maximum) == (other.mean, other.std, other.maximum)
