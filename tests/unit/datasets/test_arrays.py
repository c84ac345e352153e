"""Arrays of one's own: what they hold, how they are cut, what tells them apart, and what is refused in a sentence."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typing_extensions import override

from neft.component import build
from neft.config import RunConfig
from neft.datasets import array_files
from neft.datasets.arrays import OwnArrays
from neft.datasets.base import DataAccess, ImageData
from neft.errors import ConfigError, DataMissingError, UnclearImagesError
from neft.pipeline import identified
from neft.seeding import numpy_generator

SPLITS = ("train", "validation", "test")


def numbers(*shape: int) -> np.ndarray:
    return numpy_generator(0, "arrays").normal(size=shape)


def written(root: Path, **arrays: Any) -> Path:
    given: dict[str, Any] = {"x": numbers(60, 6), "y": np.arange(60) % 3} | arrays
    path = root / "data.npz"
    np.savez(path, **{name: array for name, array in given.items() if array is not None})
    return path


def read(path: Path, **settings: Any) -> tuple[ImageData, str]:
    said: list[str] = []
    data = build(OwnArrays, {"path": str(path)} | settings).load(DataAccess(Path("unused"), report=said.append))
    return data, "\n".join(said)


# ---------------------------------------------------------------- what they hold
@pytest.mark.parametrize(
    ("shape", "layout", "axes"),
    [
        ((60, 6), "auto", 0),
        ((60, 2, 30), "auto", 1),
        ((60, 3, 3), "auto", 1),
        ((60, 8, 8), "series", 1),
        ((60, 8, 8), "images", 2),
        ((60, 3, 8, 8), "auto", 2),
    ],
)
def test_inputs_are_told_by_their_shape_or_as_said(tmp_path: Path, shape: tuple[int, ...], layout: str, axes: int):
    data, _ = read(written(tmp_path, x=numbers(*shape)), layout=layout)

    assert data.num_axes == axes
    assert data.train.images.dtype == torch.float32
    assert data.num_channels == (1 if axes == 2 and len(shape) == 3 else shape[1])


def test_every_channel_is_shown_with_the_mean_and_std_of_the_training_split(tmp_path: Path):
    data, _ = read(written(tmp_path, x=100 + 7 * numbers(60, 2, 30)))
    seen = data.normalise(data.train.images)

    torch.testing.assert_close(seen.mean(dim=(0, 2)), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(seen.std(dim=(0, 2), correction=0), torch.ones(2), atol=1e-4, rtol=0)


def test_a_channel_that_never_changes_is_shown_as_zero(tmp_path: Path):
    inputs = numbers(60, 6)
    inputs[:, 2] = 0.1
    data, _ = read(written(tmp_path, x=inputs))

    assert float(data.normalise(data.test.images)[:, 2].abs().max()) < 1e-5


def test_whole_numbers_are_read_as_the_numbers_they_are(tmp_path: Path):
    data, _ = read(written(tmp_path, x=np.arange(360).reshape(60, 6), split=np.repeat(SPLITS, 20)))

    assert torch.equal(data.test.images, torch.arange(240.0, 360.0).view(20, 6))


def test_labels_may_be_words(tmp_path: Path):
    data, _ = read(written(tmp_path, y=np.array(["walk", "sit", "lie"])[np.arange(60) % 3]))
    assert data.class_names == ("lie", "sit", "walk")


# ---------------------------------------------------------------- splits
def test_without_splits_70_15_15_percent_each_class_in_proportion(tmp_path: Path):
    data, _ = read(written(tmp_path))
    counts = [torch.bincount(getattr(data, split).labels).tolist() for split in SPLITS]

    assert counts == [[14, 14, 14], [3, 3, 3], [3, 3, 3]]


@pytest.mark.parametrize("names", [SPLITS, (0, 1, 2), ("Training", "val", "TEST")])
def test_splits_that_are_given_are_used(tmp_path: Path, names: tuple[Any, ...]):
    inputs = np.repeat([[1.0], [2.0], [3.0]], 20, axis=0) + 0.001 * numbers(60, 6)
    data, said = read(written(tmp_path, x=inputs, split=np.repeat(names, 20)))

    assert [round(float(getattr(data, split).images.mean())) for split in SPLITS] == [1, 2, 3]
    assert "20 train, 20 validation, 20 test" in said


def test_arrays_of_other_names_are_said_not_to_be_read(tmp_path: Path):
    _, said = read(written(tmp_path, extra=np.zeros(3)))
    assert "not read: extra" in said


# ---------------------------------------------------------------- told apart by content
def test_the_content_tells_them_apart_and_the_place_does_not(tmp_path: Path):
    here, there = tmp_path / "a", tmp_path / "b"
    for root in (here, there):
        root.mkdir()
    first = build(OwnArrays, {"path": str(written(here))}).identified()
    moved = build(OwnArrays, {"path": str((here / "data.npz").rename(there / "data.npz"))}).identified()
    other = build(OwnArrays, {"path": str(written(here, y=(np.arange(60) + 1) % 3))}).identified()

    assert first.content == moved.content != other.content
    assert RunConfig.make(dataset=first, backbone={"name": "mlp"}).key == (
        RunConfig.make(dataset=moved, backbone={"name": "mlp"}).key
    )


def test_the_same_numbers_as_series_and_as_images_are_two_data_sets(tmp_path: Path):
    path = str(written(tmp_path, x=numbers(60, 8, 8)))
    series, images = (
        build(OwnArrays, {"path": path, "layout": layout}).identified() for layout in ("series", "images")
    )
    assert series.content != images.content


def test_other_arrays_than_those_of_the_checksum_are_refused(tmp_path: Path):
    with pytest.raises(DataMissingError, match="are not those that are meant"):
        read(written(tmp_path), checksum="0" * 16)


# ---------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"y": None}, r"must hold the arrays x and y .*; it holds x\."),
        ({"x": np.full((60, 6), np.nan)}, r"finite numbers of 32 bits; 60 of 60 inputs hold NaN, .* the first at 0\."),
        ({"x": np.full((60, 6), 1e300)}, r"finite numbers of 32 bits"),
        ({"x": np.full((60, 6), "a")}, r"x must hold numbers; got <U1\."),
        ({"x": np.zeros(60)}, r"x has the shape \(60,\)\. Allowed: features \[n, features\], series .*, images"),
        ({"x": np.zeros((60, 2, 2, 2, 2))}, r"x has the shape .* Allowed"),
        ({"y": np.arange(59) % 3}, r"y must hold one entry for each of the 60 inputs; got the shape \(59,\)\."),
        ({"split": np.repeat("train", 59)}, r"split must hold one entry for each of the 60 inputs"),
        ({"y": np.arange(60) % 3 + 0.5}, r"y must hold whole numbers or words; got fractions or NaN\."),
        ({"y": np.zeros(60, dtype=int)}, r"at least 2 classes of at least 10 inputs each; got 1\."),
        ({"y": np.arange(60) % 10}, r"at least 2 classes of at least 10 inputs each; got 10, of which 0 has 6"),
        ({"split": np.repeat(["train", "tomorrow"], 30)}, r"'train', 'validation' or 'test' .*; got 'tomorrow'\."),
        ({"x": numbers(60, 1, 8, 9)}, r"images must be squares of 8 to 256 pixels.*\(60, 1, 8, 9\).*`image_arrays`"),
        (
            {"x": numbers(60, 9, 9)},
            r"layout \(layout\) must say what x of the shape \(60, 9, 9\) holds: 'images'.*'series'",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_is_wrong_and_allowed(
    tmp_path: Path, arrays: dict[str, Any], sentence: str
):
    with pytest.raises(ConfigError, match=sentence):
        read(written(tmp_path, **arrays))


def test_arrays_that_are_too_large_are_refused_before_they_are_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(array_files, "MAX_VALUES", 359)
    with pytest.raises(ConfigError, match=r"x of the shape \(60, 6\) is too large; at most .* in all are allowed\."):
        read(written(tmp_path))


def test_arrays_of_python_objects_are_never_unpickled(tmp_path: Path):
    with pytest.raises(DataMissingError, match="never unpickled"):
        read(written(tmp_path, y=np.array([Trap()] * 60, dtype=object)))


class Trap:
    @override
    def __reduce__(self) -> Any:
        return pytest.fail, ("it was unpickled",)


def test_a_layout_that_does_not_fit_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"layout \(layout\) is 'series', but x has the shape \(60, 6\)\. Allowed"):
        read(written(tmp_path), layout="series")


@pytest.mark.parametrize("content", [b"", b"PK no archive", b"\x93NUMPY"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes):
    (tmp_path / "data.npz").write_bytes(content)
    with pytest.raises(DataMissingError, match=re.escape(str(tmp_path / "data.npz"))):
        read(tmp_path / "data.npz")


@pytest.mark.parametrize(("path", "error"), [("", ConfigError), ("x.npy", ConfigError), ("none.npz", DataMissingError)])
def test_a_path_that_names_no_such_file_is_refused(path: str, error: type[Exception]):
    with pytest.raises(error, match=r"OwnArrays\.path \(file\)"):
        read(Path(path) if path else Path("x.npy"))


def test_a_label_that_may_be_missing_is_asked_about(tmp_path: Path):
    path = written(tmp_path, y=np.array(["walk", "sit", "nan"])[np.arange(60) % 3])
    with pytest.raises(UnclearImagesError, match="'nan' would be learned as a class") as asked:
        _ = build(OwnArrays, {"path": str(path)}).identified()

    assert read(path, checksum=asked.value.checksum)[0].num_classes == 3


def test_a_backbone_for_images_is_refused_once_it_is_known_what_they_hold(tmp_path: Path):
    config = RunConfig.make(dataset={"name": "arrays", "path": str(written(tmp_path))})
    with pytest.raises(ConfigError, match="'vgg8' takes images, but the data are feature vectors; allowed: mlp"):
        _ = identified(config)
