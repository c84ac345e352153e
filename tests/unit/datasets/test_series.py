"""Published series: where they lie, how they are cut, and what is said where they are not there."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from neft.config import RunConfig
from neft.datasets.base import DataAccess
from neft.datasets.basic_motions import CLASSES, FILES, BasicMotions
from neft.datasets.har import FOLDER, SIGNALS, Har
from neft.errors import ConfigError, DataMissingError
from neft.seeding import numpy_generator


# ---------------------------------------------------------------- wrist motions
def recordings(seed: int, *, channels: int = 6, steps: int = 100) -> str:
    rng = numpy_generator(seed, "recordings")
    rows = [
        ":".join(
            [*(",".join(f"{step:.4f}" for step in rng.normal(size=steps)) for _ in range(channels)), CLASSES[label]]
        )
        for label in np.arange(40) % 4
    ]
    return "\n".join(["#A comment: with a colon", "@classLabel true Standing Running", "@data", *rows, ""])


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that brings such files and breaks when it is imported."""
    folder = tmp_path / "site" / "aeon" / "datasets" / "data" / "BasicMotions"
    folder.mkdir(parents=True)
    (tmp_path / "site" / "aeon" / "__init__.py").write_text("raise RuntimeError('imported')\n", encoding="utf-8")
    for seed, name in enumerate(FILES.values()):
        (folder / name).write_text(recordings(seed), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return folder


@pytest.mark.usefixtures("package")
def test_wrist_motions_are_split_32_8_40_each_class_in_proportion():
    data = BasicMotions().load(DataAccess(Path("unused")))

    splits = (data.train, data.validation, data.test)
    assert [torch.bincount(split.labels).tolist() for split in splits] == [[8] * 4, [2] * 4, [10] * 4]
    assert data.train.images.shape == (32, 6, 100)
    assert data.class_names == CLASSES


def test_wrist_motions_are_the_files_numbers_in_their_order(package: Path):
    rows = (package / FILES["test"]).read_text(encoding="utf-8").splitlines()[3:]
    data = BasicMotions().load(DataAccess(Path("unused")))

    assert float(data.test.images[7, 2, 5]) == pytest.approx(float(rows[7].split(":")[2].split(",")[5]))


@pytest.mark.usefixtures("package")
def test_the_package_is_read_and_not_imported():
    _ = BasicMotions().load(DataAccess(Path("unused")))
    assert "aeon" not in sys.modules


@pytest.mark.parametrize(
    "text", ["", "@data\n1,2:Standing\n", recordings(0, channels=5), recordings(0).replace("0.", "x.")]
)
def test_files_that_are_not_the_published_ones_are_refused(package: Path, text: str):
    (package / FILES["train"]).write_text(text, encoding="utf-8")
    with pytest.raises(DataMissingError, match=r"is not the published one of 40 × 6 × 100 numbers"):
        _ = BasicMotions().load(DataAccess(Path("unused")))


def test_a_missing_package_is_named_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch):
    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr("neft.datasets.basic_motions.find_spec", nothing)
    with pytest.raises(DataMissingError, match=r"package aeon.* is not installed.*pip install 'neft\[series\]'"):
        _ = BasicMotions().load(DataAccess(Path("unused")))


@pytest.mark.skipif(find_spec("aeon") is None, reason="the package is not installed")
def test_the_package_holds_what_is_expected():
    data = BasicMotions().load(DataAccess(Path("unused")))
    assert [len(split) for split in (data.train, data.validation, data.test)] == [32, 8, 40]


def test_a_backbone_for_images_is_refused_before_anything_is_loaded():
    with pytest.raises(ConfigError, match="'vgg8' takes images, but the data are series; allowed: mlp, cnn1d"):
        _ = RunConfig.make(dataset={"name": "basic_motions"})


# ---------------------------------------------------------------- human activity
PEOPLE = {"train": range(1, 8), "test": range(8, 11)}


@pytest.fixture
def har_folder(tmp_path: Path) -> Path:
    """The layout of the published folder: ten people, each with three windows of every activity."""
    root = tmp_path / FOLDER
    rng = numpy_generator(0, "har")
    for part, people in PEOPLE.items():
        (root / part / "Inertial Signals").mkdir(parents=True)
        who, did = np.repeat(list(people), 18), np.tile(np.repeat(np.arange(1, 7), 3), len(people))
        np.savetxt(root / part / f"subject_{part}.txt", who, fmt="%d")
        np.savetxt(root / part / f"y_{part}.txt", did, fmt="%d")
        np.savetxt(root / part / f"X_{part}.txt", rng.normal(size=(len(who), 12)) + 100 * who[:, None])
        for number, signal in enumerate(SIGNALS):
            values = rng.normal(size=(len(who), 16)) + number
            np.savetxt(root / part / "Inertial Signals" / f"{signal}_{part}.txt", values)
    names = ("WALKING", "WALKING_UPSTAIRS", "WALKING_DOWNSTAIRS", "SITTING", "STANDING", "LAYING")
    lines = [f"{number} {name}\n" for number, name in enumerate(names, 1)]
    (root / "activity_labels.txt").write_text("".join(lines), encoding="utf-8")
    return root


def test_nobody_is_both_trained_and_validated_on(har_folder: Path):
    data = Har().load(DataAccess(har_folder.parent))
    # each window's features lie around a hundred times the number of its person
    seen = [
        set((split.images.mean(dim=1) / 100).round().int().tolist())
        for split in (data.train, data.validation, data.test)
    ]

    assert len(data.validation) == 18  # one of seven people
    assert not seen[0] & seen[1]
    assert len(data.train) + len(data.validation) == 7 * 18
    assert len(data.test) == 3 * 18


def test_activities_are_called_in_plain_words(har_folder: Path):
    data = Har().load(DataAccess(har_folder.parent))
    assert data.class_names[:2] == ("Walking", "Walking upstairs")
    assert torch.bincount(data.test.labels).tolist() == [9] * 6


def test_raw_signals_are_nine_channels_of_series(har_folder: Path):
    data = Har(signals="inertial").load(DataAccess(har_folder.parent))

    assert data.train.images.shape[1:] == (9, 16)
    means = data.test.images.mean(dim=(0, 2))
    torch.testing.assert_close(means, torch.arange(9.0), atol=5 / (54 * 16) ** 0.5, rtol=0)


def test_features_and_raw_signals_are_told_apart():
    assert (Har().short_name, Har(signals="inertial").short_name) == ("har", "har_inertial")
    assert (Har().num_axes, Har(signals="inertial").num_axes) == (0, 1)


def test_missing_files_are_named_with_how_to_get_them(tmp_path: Path):
    with pytest.raises(
        DataMissingError, match=r"activity_labels\.txt and \d more not found in .* Get .* from https:.*--data-dir"
    ):
        _ = Har().load(DataAccess(tmp_path))


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("train/y_train.txt", "1\n2\n", "not of equally many windows"),
        ("train/X_train.txt", "1 2\n3\n", "cannot be used"),
        ("train/X_train.txt", "nan 2\n", "finite numbers alone"),
        ("activity_labels.txt", "1 WALKING\n", "names an activity that activity_labels.txt does not"),
        ("activity_labels.txt", "WALKING\n", "cannot be used"),
    ],
)
def test_files_that_do_not_fit_are_named(har_folder: Path, file: str, text: str, problem: str):
    (har_folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(DataMissingError, match=problem):
        _ = Har().load(DataAccess(har_folder.parent))
