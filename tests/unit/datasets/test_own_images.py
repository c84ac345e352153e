"""Images of one's own: which are read, as what, of which class and split; and what is said of the rest."""

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from neft.datasets import image_arrays, own_images
from neft.datasets.base import DataAccess, ImageData
from neft.datasets.image_arrays import ImageArrays
from neft.datasets.image_folder import ImageFolder
from neft.datasets.own_images import OwnImages
from neft.datasets.split_names import split_of
from neft.errors import ConfigError, DataMissingError, UnclearImagesError

SPLITS = ("train", "validation", "test")


def read(dataset: OwnImages) -> tuple[ImageData, str]:
    """The data, and everything that was said while it was read."""
    said: list[str] = []
    data = dataset.load(DataAccess(data_dir=Path("unused"), report=said.append))
    return data, "\n".join(said)


def folder(root: Path, **settings: object) -> ImageFolder:
    return ImageFolder.model_validate({"path": str(root), "image_size": 8, "channels": 1} | settings)


def arrays(path: Path, **settings: object) -> ImageArrays:
    return ImageArrays.model_validate({"path": str(path), "image_size": 8, "channels": 1} | settings)


def fill(place: Path, count: int, grey: int = 0, *, suffix: str = ".png", begin: int = 0) -> Path:
    """Images of one grey each, all different in one corner pixel, so that none is another's copy."""
    place.mkdir(parents=True, exist_ok=True)
    for index in range(begin, begin + count):
        pixels = np.full((8, 8), grey, dtype=np.uint8)
        pixels[0, :2] = index % 256, index // 256
        Image.fromarray(pixels).save(place / f"{index:03}{suffix}")
    return place


def two_classes(root: Path, count: int = 20) -> Path:
    for label, name in enumerate(("cat", "dog")):
        fill(root / name, count, 100 * label)
    return root


def save_all(root: Path, image: Image.Image, count: int = 10, **settings: int) -> Path:
    """Two classes of one and the same image."""
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        for index in range(count):
            image.save(root / name / f"{index}.png", format=None, **settings)
    return root


def counts(data: ImageData) -> list[list[int]]:
    return [torch.bincount(getattr(data, split).labels, minlength=data.num_classes).tolist() for split in SPLITS]


def greys(data: ImageData, split: str) -> set[tuple[str, int]]:
    """Class and grey of each image of a split."""
    part = getattr(data, split)
    return {
        (data.class_names[label], int(image[0, 4, 4])) for label, image in zip(part.labels, part.images, strict=True)
    }


# ---------------------------------------------------------------- splits that are there
def in_splits(root: Path, **sizes: int) -> Path:
    for number, (split, size) in enumerate(sizes.items()):
        for label, name in enumerate(("cat", "dog")):
            fill(root / split / name, size, 100 * label + number)
    return root


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "Validation", "Testing"), ("train_set", "dev", "test_images")]
)
def test_folders_called_like_splits_are_the_splits(tmp_path: Path, names: tuple[str, str, str]) -> None:
    data, said = read(folder(in_splits(tmp_path, **dict(zip(names, (12, 3, 4), strict=True)))))

    assert data.class_names == ("cat", "dog")
    assert counts(data) == [[12, 12], [3, 3], [4, 4]]
    assert greys(data, "test") == {("cat", 2), ("dog", 102)}
    assert "The splits that are there are used: 24 train, 6 validation, 8 test." in said


def test_splits_within_the_classes_are_the_splits(tmp_path: Path) -> None:
    for label, name in enumerate(("cat", "dog")):
        for number, (split, size) in enumerate({"train": 12, "valid": 3, "test": 4}.items()):
            fill(tmp_path / name / split, size, 100 * label + number)

    data, _ = read(folder(tmp_path))

    assert (data.class_names, counts(data)) == (("cat", "dog"), [[12, 12], [3, 3], [4, 4]])


def test_without_a_validation_split_part_of_the_training_split_is_held_out(tmp_path: Path) -> None:
    data, said = read(folder(in_splits(tmp_path, train=20, test=4)))

    assert counts(data) == [[17, 17], [3, 3], [4, 4]]
    assert greys(data, "validation") == {("cat", 0), ("dog", 100)}
    assert "held out to validate on" in said


def test_without_a_test_split_the_validation_split_is_tested_on_and_it_is_said(tmp_path: Path) -> None:
    data, said = read(folder(in_splits(tmp_path, train=20, val=4)))

    assert greys(data, "test") == {("cat", 1), ("dog", 101)}
    assert "the validation split is tested on" in said


def test_fewer_training_images_are_taken_of_the_training_split_alone(tmp_path: Path) -> None:
    data, _ = read(folder(in_splits(tmp_path, train=20, val=4, test=4), max_train=10))

    assert counts(data) == [[5, 5], [4, 4], [4, 4]]


UNCLEAR = {
    "a split beside classes": ("bus", "car", "train"),
    "splits beside a class": ("cat", "test", "train"),
    "a long word with a slip beside classes": ("cat", "dog", "vlaidation"),
    "short names": ("trn/cat", "trn/dog", "tst/cat", "tst/dog"),
    "short names that hold different classes": ("trn/cat", "trn/dog", "tst/cat"),
    "slips": ("trian", "tset"),
    "domains": ("trainA", "trainB", "testA", "testB"),
    "a class's splits": ("cat_train", "cat_test", "dog_train", "dog_test"),
    "joined": ("mytrain", "mytest"),
    "splits in a language that is not known": ("entrenamiento/cat", "entrenamiento/dog", "prueba/cat", "prueba/dog"),
    "splits within classes, nearly": ("cat/trn", "cat/tst", "dog/trn", "dog/tst"),
    "sites within splits": (
        "train/north/cat",
        "train/north/dog",
        "train/south/cat",
        "train/south/dog",
        "val/north/cat",
    ),
    "two spellings": ("Cat", "cat"),
    "two ways to write a space": ("hot dog", "hot_dog"),
    "images without a label": ("cat", "dog", "unlabeled"),
    "two ways to write a number": ("1", "01"),
    "two ways to write an accent": ("caf\u00e9", "cafe\u0301"),
}


def unclear(root: Path, folders: tuple[str, ...]) -> Path:
    for number, name in enumerate(folders):
        fill(root / name, 12, begin=12 * number)
    return root


@pytest.mark.parametrize("folders", UNCLEAR.values(), ids=UNCLEAR)
def test_folders_that_cannot_be_told_from_classes_are_asked_about(tmp_path: Path, folders: tuple[str, ...]) -> None:
    root = unclear(tmp_path, folders)

    for attempt in (lambda: folder(root).identified(), lambda: read(folder(root))):
        with pytest.raises(
            ConfigError, match="If all of this is meant so, say that these images are meant: --checksum"
        ):
            attempt()


def test_what_is_asked_can_be_handed_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(UnclearImagesError("Which?", "0" * 16)))  # noqa: S301 - our own bytes

    assert (type(error), str(error), error.checksum) == (UnclearImagesError, "Which?", "0" * 16)


def test_folders_that_were_asked_about_are_read_as_they_are_once_that_is_said(tmp_path: Path) -> None:
    root = unclear(tmp_path, ("bus", "car", "train"))
    with pytest.raises(ConfigError) as asked:
        _ = folder(root).identified()

    said = folder(root, checksum=str(asked.value).rstrip(".").split()[-1])

    assert read(said.identified())[0].class_names == ("bus", "car", "train")


@pytest.mark.parametrize(
    "names",
    [
        ("rain", "snow", "sun"),
        ("train_station", "airport"),
        ("tr", "va", "de", "fr", "it"),
        ("a", "A"),
        ("best", "rest"),
    ],
)
def test_classes_that_happen_to_be_like_a_split_are_classes(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert set(read(folder(unclear(tmp_path, names)))[0].class_names) == set(names)


def test_classes_with_sub_folders_of_their_own_are_the_classes(tmp_path: Path) -> None:
    root = unclear(tmp_path, ("cat/2020", "cat/2021", "dog/2021", "dog/2022"))

    assert read(folder(root))[0].class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("folders", "sentence"),
    [
        (("train/cat", "train/dog", "test/cat", "test/dog", "extra"), "beside them lie extra"),
        (("train", "test"), "holds no sub-folders of images for the classes"),
        (("train/cat", "train/dog", "test"), "holds no sub-folders of images for the classes"),
        (("train/cat", "train/dog"), "in the split 'train' alone"),
        (("test/cat", "val/cat", "test/dog", "val/dog"), "there must be 'train'"),
        (("train/cat", "train/dog", "test/cat", "test/fox"), "training split holds no image of 'fox'"),
        (("val/cat", "valid/cat", "train/cat", "train/dog"), "several of"),
        (("fold_1/cat", "fold_1/dog", "fold_2/cat", "fold_2/dog"), "look like parts of a data set"),
        (("cat/train", "cat/test", "dog/train", "dog"), "is not clear"),
        (("data/cat", "data/dog"), "Did you mean"),
    ],
)
def test_folders_that_may_be_splits_or_classes_are_refused(
    tmp_path: Path, folders: tuple[str, ...], sentence: str
) -> None:
    for number, name in enumerate(folders):
        fill(tmp_path / name, 12, begin=12 * number)

    with pytest.raises(ConfigError, match=sentence):
        read(folder(tmp_path))


def test_images_that_are_in_two_splits_are_counted_whatever_their_files(tmp_path: Path) -> None:
    root = in_splits(tmp_path, train=20, val=4, test=4)
    with Image.open(root / "train" / "cat" / "007.png") as image:
        image.save(root / "test" / "cat" / "copy.bmp")

    assert "1 of 17 validation and test images are training images too, pixel for pixel." in read(folder(root))[1]


def test_images_that_are_in_two_classes_are_counted(tmp_path: Path) -> None:
    root = two_classes(tmp_path)
    (root / "dog" / "copy.png").write_bytes((root / "cat" / "007.png").read_bytes())

    assert "2 of 41 images are in several classes, pixel for pixel." in read(folder(root))[1]


def test_splits_of_very_different_brightness_are_pointed_out(tmp_path: Path) -> None:
    root = in_splits(tmp_path, train=20, test=4)
    for path in (root / "test").rglob("*.png"):
        Image.fromarray(np.eye(8, dtype=np.uint8)).save(path)

    assert "1 in test, of 255: they may not be on one scale" in read(folder(root))[1]


@pytest.mark.parametrize("sizes", [(1, 12), (3, 12)])
def test_too_few_images_to_hold_some_out_are_refused_in_a_sentence(tmp_path: Path, sizes: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match=f"too few to hold out .* the smallest class has {sizes[0]}"):
        read(folder(in_splits(tmp_path, train=sizes[0], test=sizes[1])))


def test_few_test_images_are_pointed_out(tmp_path: Path) -> None:
    root = in_splits(tmp_path, train=20, test=4)

    assert "There are 8 test images: each moves accuracy by 12.5 points." in read(folder(root))[1]


def test_images_that_are_enlarged_are_pointed_out(tmp_path: Path) -> None:
    assert "40 of 40 images are smaller than they are asked for" in read(folder(two_classes(tmp_path), image_size=9))[1]
    assert "smaller" not in read(folder(tmp_path, image_size=8))[1]


def test_numbered_classes_with_gaps_are_pointed_out(tmp_path: Path) -> None:
    root = unclear(tmp_path, ("0", "1", "3", "5"))

    assert "The classes are numbers, and there is no image of 2, 4." in read(folder(root))[1]


@pytest.mark.parametrize("name", ["trainer", "contest", "latest", "value", "fine", "tests2 old"])
def test_words_that_only_contain_a_splits_name_are_none(name: str) -> None:
    assert split_of(name) is None


# ---------------------------------------------------------------- what is left out
def test_hidden_folders_and_files_are_passed_over_at_every_depth(tmp_path: Path) -> None:
    root = two_classes(tmp_path)
    for name in (".git", "cat/.ipynb_checkpoints", "cat/deep/.thumbnails", "__MACOSX/cat", "dog/@eaDir"):
        fill(root / name, 3, 9)
    Image.new("L", (8, 8), 9).save(root / "dog" / "._001.png")

    data, said = read(folder(root))

    assert sum(map(sum, counts(data))) == 40
    assert "left out" not in said


def test_files_that_are_not_read_are_counted_by_kind(tmp_path: Path) -> None:
    root = two_classes(tmp_path)
    fill(root / "cat", 3, suffix=".gif", begin=50)
    for name in ("cat/notes.txt", "dog/Thumbs.db", "dog/LICENSE", "list.txt"):
        (root / name).write_text("-")

    _, said = read(folder(root))

    assert "7 are left out, being no image that is read: 1 .db, 3 .gif, 2 .txt, 1 without a suffix." in said


def test_a_class_that_lacks_images_names_what_it_has_instead(tmp_path: Path) -> None:
    fill(two_classes(tmp_path) / "fox", 12, suffix=".gif")

    with pytest.raises(ConfigError, match=r"fox holds 0\. 12 are left out, .*: 12 \.gif"):
        read(folder(tmp_path))


def test_images_in_no_class_are_counted(tmp_path: Path) -> None:
    fill(two_classes(tmp_path), 4)

    assert "4 images lie in no class's folder and are left out" in read(folder(tmp_path))[1]


def test_folders_that_are_links_are_counted(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "data")
    fill(tmp_path / "elsewhere", 3)
    (root / "cat" / "more").symlink_to(tmp_path / "elsewhere")

    assert "1 folders that are links" in read(folder(root))[1]


def test_folders_of_classes_may_be_links(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    for name in ("cat", "dog"):
        (root / name).symlink_to(fill(tmp_path / "elsewhere" / name, 20, 100 * (name == "dog")))
    (tmp_path / "elsewhere" / "cat" / "notes.txt").write_text("-")

    data, said = read(folder(root))

    assert sum(map(sum, counts(data))) == 40
    assert "1 is left out, being no image that is read: 1 .txt." in said


def test_every_corrupt_file_is_named(tmp_path: Path) -> None:
    root = two_classes(tmp_path)
    broken = [root / "cat" / "003.png", root / "dog" / "000.png", root / "dog" / "019.png"]
    for path in broken:
        path.write_bytes(b"no image")

    with pytest.raises(DataMissingError) as caught:
        read(folder(root))

    assert all(f"{path.parent.name}/{path.name}" in str(caught.value) for path in broken)
    assert str(caught.value).startswith("3 images ")


def test_every_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    root = two_classes(tmp_path)
    for name in ("x.png", "y.png"):
        (root / "cat" / name).symlink_to(tmp_path / "gone")

    with pytest.raises(DataMissingError, match=r"2 images cannot be read: .*x\.png .*y\.png"):
        read(folder(root))


# ---------------------------------------------------------------- pixels
def test_a_shape_in_the_alpha_channel_is_seen_on_white(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 4), dtype=np.uint8)
    pixels[:, :4, 3] = 255

    data, said = read(folder(save_all(tmp_path, Image.fromarray(pixels))))

    assert data.test.images[0, 0, 0].tolist() == [0] * 4 + [255] * 4
    assert "20 of 20 images are transparent in part: they are laid on white." in said


def test_half_transparent_pixels_are_mixed_with_white(tmp_path: Path) -> None:
    """100 at an opacity of 51/255 = 0.2: 0.2 x 100 + 0.8 x 255 = 224."""
    pixels = np.array([100, 51], dtype=np.uint8) * np.ones((8, 8, 1), dtype=np.uint8)

    data, _ = read(folder(save_all(tmp_path, Image.fromarray(pixels, mode="LA"))))

    assert data.test.images.unique().tolist() == [224]


def test_a_palettes_transparent_colour_is_white(tmp_path: Path) -> None:
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, 50, 50, 50])
    picture.paste(0, (0, 0, 4, 8))

    data, _ = read(folder(save_all(tmp_path, picture, transparency=0)))

    assert data.test.images[0, 0, 0].tolist() == [255] * 4 + [50] * 4


def test_white_shapes_on_nothing_are_said_to_be_blank(tmp_path: Path) -> None:
    pixels = np.full((8, 8, 4), 255, dtype=np.uint8)
    pixels[:, :4, 3] = 0

    assert (
        "20 of 20 images are blank as the network sees them"
        in read(folder(save_all(tmp_path, Image.fromarray(pixels))))[1]
    )


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path, suffix: str) -> None:
    """v / 257: 0, 25,700 and 65,535 are 0, 100 and 255."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for index in range(10):
            pixels = np.full((8, 8), 65_535, dtype=np.uint16)
            pixels[:, :2], pixels[:, 2:4] = 0, 25_700
            Image.fromarray(pixels).save(tmp_path / name / f"{index}{suffix}")

    data, said = read(folder(tmp_path))

    assert data.test.images[0, 0, 0].tolist() == [0, 0, 100, 100, 255, 255, 255, 255]
    assert "20 of 20 images have 16 bits a pixel" in said


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_whose_zero_is_white_is_seen_as_meant(tmp_path: Path, dtype: type) -> None:
    """Written by hand: 8 by 8, of two zeros a row and then all bits."""
    pixels = np.zeros((8, 8), dtype=dtype)
    pixels[:, 2:] = np.iinfo(dtype).max
    bits = 8 * pixels.itemsize
    tags = [(256, 8), (257, 8), (258, bits), (259, 1), (262, 0), (273, 8), (277, 1), (278, 8), (279, pixels.nbytes)]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    file = b"II*\0" + struct.pack("<I", 8 + pixels.nbytes) + pixels.tobytes() + directory + bytes(4)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for index in range(10):
            (tmp_path / name / f"{index}.tif").write_bytes(file)

    data, _ = read(folder(tmp_path))

    assert data.test.images[0, 0, 0].tolist() == [255, 255, 0, 0, 0, 0, 0, 0]


def test_an_image_of_a_hundred_million_pixels_is_read_without_a_warning(tmp_path: Path) -> None:
    root = two_classes(tmp_path)
    Image.new("1", (10_000, 10_000)).save(root / "cat" / "large.png")

    assert sum(map(sum, counts(read(folder(root))[0]))) == 41


def test_sixteen_bits_of_which_few_are_used_are_pointed_out(tmp_path: Path) -> None:
    said = read(folder(save_all(tmp_path, Image.fromarray(np.full((8, 8), 4095, dtype=np.uint16)))))[1]

    assert "brightest of their pixels is 4,095 of 65,535" in said


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_pixels_of_more_than_sixteen_bits_are_refused(tmp_path: Path, dtype: type) -> None:
    root = two_classes(tmp_path)
    Image.fromarray(np.full((8, 8), 70_000, dtype=dtype)).save(root / "cat" / "deep.tif")

    with pytest.raises(DataMissingError, match=r"deep\.tif cannot be read \(its pixels have more than 16 bits"):
        read(folder(root))


@pytest.mark.parametrize(
    ("fit", "row", "said"),
    [("crop", [100] * 8, "their middle is cropped"), ("pad", [0, 0, 0, 0, 0, 0, 0, 0], "they are padded with black")],
)
def test_what_becomes_of_oblong_images_is_chosen_and_said(tmp_path: Path, fit: str, row: list[int], said: str) -> None:
    """24 x 8, a grey third in the middle of white: cropped to it, or a band of 8/3 rows between black ones."""
    picture = Image.new("L", (24, 8), 255)
    picture.paste(100, (8, 0, 16, 8))

    data, words = read(folder(save_all(tmp_path, picture), fit=fit))

    assert data.test.images[0, 0, 0].tolist() == row
    assert f"20 of 20 images are not square: {said}" in words


def test_padding_keeps_the_whole_image(tmp_path: Path) -> None:
    """64 x 8 padded to 8 x 8 is one row: black left half, white right half."""
    picture = Image.new("L", (64, 8), 0)
    picture.paste(255, (32, 0, 64, 8))

    data, _ = read(folder(save_all(tmp_path, picture), fit="pad"))

    assert data.test.images[0, 0].max(0).values[:3].tolist() == [0, 0, 0]
    assert data.test.images[0, 0].max(0).values[5:].tolist() == [255, 255, 255]


def test_square_images_are_not_said_to_be_cropped(tmp_path: Path) -> None:
    assert "not square" not in read(folder(two_classes(tmp_path)))[1]


def test_of_several_pictures_in_a_file_the_first_is_read_and_it_is_said(tmp_path: Path) -> None:
    root = two_classes(tmp_path)
    first, second = (Image.new("L", (8, 8), grey) for grey in (7, 200))
    first.save(root / "cat" / "pages.tiff", save_all=True, append_images=[second])

    assert "1 of 41 images hold several pictures: the first is read." in read(folder(root))[1]


# ---------------------------------------------------------------- told apart by content
def test_other_images_under_the_same_path_have_another_checksum(tmp_path: Path) -> None:
    before = folder(two_classes(tmp_path)).identified()
    fill(tmp_path / "cat", 1, 33)

    assert folder(tmp_path).identified().content != before.content


def test_the_same_images_elsewhere_have_the_same_checksum(tmp_path: Path) -> None:
    first, second = (folder(two_classes(tmp_path / name)).identified() for name in ("one", "other"))

    assert first.content == second.content
    assert len(first.content) == 16


@pytest.mark.parametrize("change", ["a class's name", "a file's name", "a file less"])
def test_what_decides_splits_and_classes_is_part_of_the_checksum(tmp_path: Path, change: str) -> None:
    before = folder(two_classes(tmp_path)).identified()
    if change == "a class's name":
        (tmp_path / "cat").rename(tmp_path / "lynx")
    elif change == "a file's name":
        (tmp_path / "cat" / "000.png").rename(tmp_path / "cat" / "zzz.png")
    else:
        (tmp_path / "cat" / "000.png").unlink()

    assert folder(tmp_path).identified().content != before.content


def test_what_is_not_read_is_no_part_of_the_checksum(tmp_path: Path) -> None:
    before = folder(two_classes(tmp_path)).identified()
    (tmp_path / "cat" / "notes.txt").write_text("-")

    assert folder(tmp_path).identified() == before


def test_a_file_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    """Old enough to be remembered, then replaced by one of the same length."""
    root = two_classes(tmp_path)
    path = root / "cat" / "000.png"
    os.utime(path, ns=(1, 1))
    before = folder(root).identified()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    assert folder(root).identified().content != before.content


def test_images_that_are_not_those_of_the_checksum_are_refused(tmp_path: Path) -> None:
    known = folder(two_classes(tmp_path)).identified()
    fill(tmp_path / "cat", 1, 33)

    with pytest.raises(DataMissingError, match=f"not {known.content}"):
        read(known)


def test_it_is_said_where_no_checksum_tells_which_images_are_meant(tmp_path: Path) -> None:
    dataset = folder(two_classes(tmp_path))

    assert f"the checksum here is {dataset.identified().content}" in read(dataset)[1]
    assert "checksum" not in read(dataset.identified())[1]


# ---------------------------------------------------------------- labels in a file
def labelled(root: Path, text: str, *, count: int = 24) -> ImageFolder:
    """A folder of images without classes, and a file of labels."""
    fill(root, count)
    (root / "labels.csv").write_text(text, encoding="utf-8")
    return folder(root, labels="labels.csv")


def rows(count: int, row: str = "{n:03}.png,{label}") -> str:
    return "\n".join(
        row.format(n=n, label=("cat", "dog")[n % 2], split="train" if n < 16 else "test") for n in range(count)
    )


@pytest.mark.parametrize(
    "text",
    [
        f"file,label\n{rows(24)}",
        rows(24),
        f"﻿Filename;Class\n{rows(24, '{n:03}.png;{label}')}",
        f"label\timage_id\tage\n{rows(24, '{label}	{n:03}	7')}",
    ],
    ids=["named", "bare", "semicolons", "no suffix"],
)
def test_labels_come_from_a_file_beside_the_images(tmp_path: Path, text: str) -> None:
    data, said = read(labelled(tmp_path, text))

    assert data.class_names == ("cat", "dog")
    assert [sum(each) for each in counts(data)] == [16, 4, 4]
    for split in SPLITS:
        part = getattr(data, split)
        assert [int(image[0, 0, 0]) % 2 for image in part.images] == part.labels.tolist()
    assert "left out" not in said


def test_a_column_of_splits_is_used(tmp_path: Path) -> None:
    data, said = read(labelled(tmp_path, f"file,label,split\n{rows(24, '{n:03}.png,{label},{split}')}"))

    assert counts(data)[2] == [4, 4]
    assert "16 train, 8 test" in said


def test_classes_that_are_numbers_are_in_their_order(tmp_path: Path) -> None:
    text = "\n".join(f"{n:03}.png,{(9, 10)[n % 2]}" for n in range(24))

    assert read(labelled(tmp_path, text))[0].class_names == ("9", "10")


def test_images_without_a_label_are_counted(tmp_path: Path) -> None:
    assert "3 images are not named in labels.csv and are left out." in read(labelled(tmp_path, rows(24), count=27))[1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"picture,kind\n{rows(24)}", "one must be called 'file' and one 'label'"),
        ("file,MEL,NV\n000.png,1,0", "one must be called 'file' and one 'label'"),
        (f"file,label\n{rows(24)}\n005.png,cat", "is dog in line 7 and cat in line 26"),
        (f"file,label\n{rows(24)}\n005.png,", "line 26 lacks its label"),
        (f"file,label,split\n{rows(24, '{n:03}.png,{label},maybe')}", "must be train, val or test; got 'maybe'"),
        (f"file,label,split\n{rows(23, '{n:03}.png,{label},{{split}}')}".replace("{split}", "train"), "'train' alone"),
        (f"file,label\n{rows(12)}", "needs at least 10 images; cat has 6, dog has 6"),
        (f"file,label,fold\n{rows(24, '{n:03}.png,{label},1')}", "column fold, which may tell splits"),
        (f"file,label,Usage\n{rows(24, '{n:03}.png,{label},PublicTest')}", "got 'PublicTest'"),
        ("", "are empty"),
    ],
)
def test_labels_that_are_not_clear_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read(labelled(tmp_path, text))


def test_labels_of_images_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match=r"name 2 images that are not in .*: x\.png, y\.png"):
        read(labelled(tmp_path, f"file,label\n{rows(24)}\nx.png,cat\ny.png,dog"))


def test_names_of_files_may_be_written_in_either_form_of_unicode(tmp_path: Path) -> None:
    text = "\n".join(f"caf\u00e9 {n:02}.png,{'cd'[n % 2]}" for n in range(24))
    for path in fill(tmp_path, 24).glob("*.png"):
        _ = path.rename(tmp_path / f"cafe\u0301 {path.stem[1:]}.png")
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")

    assert read(folder(tmp_path, labels="labels.csv"))[0].class_names == ("c", "d")


@pytest.mark.parametrize("third", ["nan", "N/A", "cat|dog", "dog, cat"])
def test_labels_that_may_be_none_or_several_are_asked_about(tmp_path: Path, third: str) -> None:
    text = "file,label\n" + "\n".join(f'{n:03}.png,"{("cat", "dog", third)[n % 3]}"' for n in range(36))

    with pytest.raises(ConfigError, match="would be learned as a class"):
        read(labelled(tmp_path, text, count=36))


def test_of_several_columns_that_could_be_meant_it_is_said_which_is_read(tmp_path: Path) -> None:
    text = f"file,label,category\n{rows(24, '{n:03}.png,{label},x')}"

    data, said = read(labelled(tmp_path, text))

    assert data.class_names == ("cat", "dog")
    assert "Of labels.csv the column 'label' is read, not category." in said


def test_images_in_folders_of_splits_are_not_split_anew_unasked(tmp_path: Path) -> None:
    fill(tmp_path / "train", 24)
    fill(tmp_path / "test", 24, begin=24)
    named = (f"{'train' if n < 24 else 'test'}/{n:03}.png,{'cd'[n % 2]}" for n in range(48))
    (tmp_path / "labels.csv").write_text("file,label\n" + "\n".join(named))

    with pytest.raises(ConfigError, match=r"called like splits \(test, train\), but would be split anew"):
        read(folder(tmp_path, labels="labels.csv"))


def test_other_labels_have_another_checksum(tmp_path: Path) -> None:
    first = labelled(tmp_path, rows(24)).identified()
    second = labelled(tmp_path, rows(24).replace("003.png,dog", "003.png,cat")).identified()

    assert first.content != second.content


# ---------------------------------------------------------------- arrays
def made(count: int = 40, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    """Images whose every pixel is their number, and the numbers' parity."""
    numbers = np.arange(count)
    pixels = np.broadcast_to(numbers.reshape(-1, *(1 for _ in shape)), (count, *shape)).astype(np.uint8)
    return pixels, numbers % 2


def parities(data: ImageData) -> None:
    for split in SPLITS:
        part = getattr(data, split)
        assert [int(image[0, 0, 0]) % 2 for image in part.images] == part.labels.tolist()


@pytest.mark.parametrize("names", [("x", "y"), ("images", "labels"), ("X", "targets"), ("arr_0", "arr_1")])
@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (1, 8, 8), (64,), (8, 8, 3), (3, 8, 8)], ids=str)
def test_arrays_are_read_in_every_usual_order(tmp_path: Path, names: tuple[str, str], shape: tuple[int, ...]) -> None:
    np.savez(tmp_path / "data.npz", allow_pickle=False, **dict(zip(names, made(40, *shape), strict=True)))

    data, _ = read(arrays(tmp_path / "data.npz"))

    assert [len(getattr(data, split)) for split in SPLITS] == [28, 6, 6]
    parities(data)


@pytest.mark.parametrize("pattern", ["{}_train,{}_test", "train_{},test_{}"])
def test_arrays_called_like_splits_are_the_splits(tmp_path: Path, pattern: str) -> None:
    train, test = pattern.split(",")
    given: dict[str, np.ndarray] = {}
    for name, count in ((train, 40), (test, 12)):
        given[name.format("x")], given[name.format("y")] = made(count, 8, 8)
    np.savez(tmp_path / "data.npz", allow_pickle=False, **given)

    data, said = read(arrays(tmp_path / "data.npz"))

    assert [len(getattr(data, split)) for split in SPLITS] == [34, 6, 12]
    assert "40 train, 12 test" in said


@pytest.mark.parametrize("beside", ["y.npy", "y.csv"])
def test_an_array_of_images_takes_its_labels_from_a_file_beside_it(tmp_path: Path, beside: str) -> None:
    images, labels = made(40, 8, 8)
    np.save(tmp_path / "x.npy", images)
    if beside.endswith(".npy"):
        np.save(tmp_path / beside, labels)
    else:
        (tmp_path / beside).write_text("label\n" + "\n".join(map(str, labels)))

    parities(read(arrays(tmp_path / "x.npy", labels=beside))[0])


@pytest.mark.parametrize(
    "labels",
    [np.arange(40) % 2.0, (np.arange(40) % 2 == 1), np.eye(2)[np.arange(40) % 2], (np.arange(40) % 2)[:, None]],
    ids=["floats", "booleans", "one-hot", "column"],
)
def test_labels_are_read_in_every_usual_form(tmp_path: Path, labels: np.ndarray) -> None:
    np.savez(tmp_path / "data.npz", x=made(40, 8, 8)[0], y=labels)

    parities(read(arrays(tmp_path / "data.npz"))[0])


def test_names_of_classes_are_taken_along(tmp_path: Path) -> None:
    images, labels = made(40, 8, 8)
    np.savez(tmp_path / "data.npz", x=images, y=labels, class_names=np.array(["even", "odd"]))

    assert read(arrays(tmp_path / "data.npz"))[0].class_names == ("even", "odd")


@pytest.mark.parametrize(
    ("scale", "dtype", "grey"),
    [(1, np.float32, 51), (255, np.float64, 51), (255, np.uint8, 51), (65_535, np.uint16, 51)],
)
def test_pixels_are_read_on_the_scale_that_they_are_on(tmp_path: Path, scale: int, dtype: type, grey: int) -> None:
    """A fifth of white is 51 of 255 on each scale."""
    images = np.full((40, 8, 8), scale / 5, dtype=dtype)
    images[:, 0, 0] = scale
    np.savez(tmp_path / "data.npz", x=images, y=np.arange(40) % 2)

    assert read(arrays(tmp_path / "data.npz"))[0].test.images.unique().tolist() == [grey, 255]


def test_arrays_that_use_little_of_their_range_are_pointed_out(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=made(17, 8, 8)[0].repeat(3, axis=0), y=np.arange(51) % 2)

    assert "brightest of their pixels is 16 of 255" in read(arrays(tmp_path / "data.npz"))[1]


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (np.linspace(-1, 1, 40 * 64).reshape(40, 8, 8), np.arange(40) % 2, "go from -1 to 1"),
        (np.full((40, 8, 8), np.nan), np.arange(40) % 2, "must be finite; 'x' holds NaN"),
        (np.full((40, 8, 8), "a"), np.arange(40) % 2, "must be numbers; 'x' holds <U1"),
        (np.linspace(0, 1.02, 40 * 64).reshape(40, 8, 8), np.arange(40) % 2, "what is white in it is not clear"),
        (made(40, 8, 8)[0].astype(np.uint16), np.arange(40) % 2, "what is white in it is not clear"),
        (np.full((40, 8, 8), 3, dtype=np.uint8), np.arange(40) % 2, "nothing is to be seen"),
        (np.zeros((40, 8, 8)), np.arange(39) % 2, "need as many labels"),
        (np.zeros((40, 3, 8, 3)), np.arange(40) % 2, "must be images by height by width"),
        (np.zeros((40, 65)), np.arange(40) % 2, "must be images by height by width"),
        (np.zeros((40, 8, 8)), np.arange(40) / 7, "whole numbers or words; got fractions"),
        (np.zeros((40, 8, 8)), np.full(40, np.nan), "whole numbers or words; got NaN"),
        (np.zeros((40, 8, 8)), np.where(np.arange(40) % 2, "Cat", "cat"), "may be one, written in two ways"),
        (np.zeros((40, 8, 8)), np.arange(40) % 3 - 1, "'-1' would be learned as a class"),
        (np.zeros((40, 8, 8)), np.where(np.arange(40) % 2, "cat", ""), "'' would be learned as a class"),
        (np.zeros((40, 8, 8)), np.zeros((40, 3)), "one 1 a row"),
        (np.zeros((40, 8, 8)), np.zeros(40, dtype=int), "at least 2 classes"),
        (np.zeros((40, 8, 8)), (np.arange(40) < 3).astype(int), "1 has 3"),
    ],
)
def test_arrays_that_are_not_clear_are_refused(
    tmp_path: Path, images: np.ndarray, labels: np.ndarray, sentence: str
) -> None:
    np.savez(tmp_path / "data.npz", x=images, y=labels)

    with pytest.raises(ConfigError, match=sentence):
        read(arrays(tmp_path / "data.npz"))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"x_train": 0, "y_train": 1, "x_test": 0}, "both for each split"),
        ({"x": 0, "images": 0, "y": 1}, "both 'x' and 'images' could be meant"),
        ({"a": 0, "b": 1}, "there must be images and labels"),
        ({"x": 0, "y": 1, "x_tst": 0, "y_tst": 1}, "Arrays called like splits are not read: x_tst, y_tst"),
        ({"x": 0, "y": 1, "xtest": 0}, "Arrays called like splits are not read: xtest"),
    ],
)
def test_arrays_whose_names_do_not_tell_are_refused(tmp_path: Path, given: dict[str, int], sentence: str) -> None:
    pair = made(40, 8, 8)
    np.savez(tmp_path / "data.npz", allow_pickle=False, **{name: pair[which] for name, which in given.items()})

    with pytest.raises(ConfigError, match=sentence):
        read(arrays(tmp_path / "data.npz"))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ((255, np.uint8), (1, np.float64)),
        ((1, np.float32), (255, np.uint8)),
        ((65_535, np.uint16), (255, np.uint8)),
        ((4000, np.int64), (250, np.int64)),
    ],
    ids=["0–1 beside 0–255", "0–255 beside 0–1", "8 beside 16 bits", "8 beside 12 bits"],
)
def test_splits_on_different_scales_are_refused(
    tmp_path: Path, train: tuple[int, type], test: tuple[int, type]
) -> None:
    shares = np.linspace(0, 1, 40 * 64).reshape(40, 8, 8)
    labels = np.arange(40) % 2
    of_train, of_test = ((shares * white).astype(dtype) for white, dtype in (train, test))
    np.savez(tmp_path / "data.npz", x_train=of_train, y_train=labels, x_test=of_test, y_test=labels)

    with pytest.raises(ConfigError, match=r"the arrays are not on one scale: 'x_train' .* 'x_test'"):
        read(arrays(tmp_path / "data.npz"))


def test_names_that_do_not_fit_the_labels_are_asked_about(tmp_path: Path) -> None:
    images, labels = made(40, 8, 8)
    np.savez(tmp_path / "data.npz", x=images, y=labels + 1, class_names=np.array(["even", "odd"]))

    with pytest.raises(ConfigError, match="The classes are named even, odd, but the labels are 1, 2"):
        read(arrays(tmp_path / "data.npz"))


def test_images_that_are_in_two_arrays_are_counted(tmp_path: Path) -> None:
    images, labels = made(40, 8, 8)
    np.savez(tmp_path / "data.npz", x_train=images, y_train=labels, x_test=images[:10], y_test=labels[:10])

    assert "validation and test images are training images too" in read(arrays(tmp_path / "data.npz"))[1]


def beside_an_array(root: Path, text: str) -> ImageArrays:
    np.save(root / "x.npy", made(40, 8, 8)[0])
    (root / "y.csv").write_text(text, encoding="utf-8")
    return arrays(root / "x.npy", labels="y.csv")


@pytest.mark.parametrize("begin", [0, 1])
@pytest.mark.parametrize("name", ["index", "", "file"])
def test_a_column_that_numbers_the_rows_in_order_is_no_obstacle(tmp_path: Path, begin: int, name: str) -> None:
    text = f"{name},label\n" + "\n".join(f"{n + begin},{n % 2}" for n in range(40))

    parities(read(beside_an_array(tmp_path, text))[0])


def test_rows_that_are_numbered_in_another_order_are_asked_about_and_then_put_in_it(tmp_path: Path) -> None:
    text = "index,label\n" + "\n".join(f"{n},{n % 2}" for n in reversed(range(40)))
    dataset = beside_an_array(tmp_path, text)
    with pytest.raises(ConfigError, match=r"rows of y\.csv are not in the order of their column 'index'") as asked:
        read(dataset)

    said = dataset.model_copy(update={"checksum": str(asked.value).rstrip(".").split()[-1]})

    parities(read(said)[0])


@pytest.mark.parametrize(
    ("header", "row", "sentence"),
    [
        ("file,label", "{n:03}.png,{parity}", "the column 'file' tells rows apart"),
        ("uuid,label", "x{n},{parity}", "the column 'uuid' tells rows apart"),
        ("index,label", "{after},{parity}", "the column 'index' tells rows apart"),
        ("index,id,label", "{n},{back},{parity}", "index, id number the rows in different ways"),
        ("label,fold", "{parity},{parity}", "column fold, which may tell splits"),
        ("label,label", "{parity},{parity}", "two columns called 'label'"),
        ("label,split", "{parity},soon", "line 2: the split must be train, val or test; got 'soon'"),
    ],
)
def test_columns_whose_meaning_for_an_array_is_not_clear_are_refused(
    tmp_path: Path, header: str, row: str, sentence: str
) -> None:
    rows = (row.format(n=n, parity=n % 2, after=n + 5, back=39 - n) for n in range(40))

    with pytest.raises(ConfigError, match=sentence):
        read(beside_an_array(tmp_path, header + "\n" + "\n".join(rows)))


def test_a_column_of_splits_beside_an_array_is_used_and_others_are_named(tmp_path: Path) -> None:
    text = "label,split,site\n" + "\n".join(f"{n % 2},{'train' if n < 30 else 'test'},{n % 3}" for n in range(40))

    data, said = read(beside_an_array(tmp_path, text))

    parities(data)
    assert (len(data.test.labels), int(data.test.images.min())) == (10, 30)
    assert "Columns of y.csv that are not read: site." in said


def test_arrays_of_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.array([{}, {}], dtype=object), y=np.arange(2))

    with pytest.raises(DataMissingError, match="never unpickled"):
        read(arrays(tmp_path / "data.npz"))


def test_other_arrays_have_another_checksum(tmp_path: Path) -> None:
    images, labels = made(40, 8, 8)
    np.savez(tmp_path / "a.npz", x=images, y=labels)
    np.savez(tmp_path / "b.npz", x=images, y=1 - labels)

    first, second = (arrays(tmp_path / name).identified() for name in ("a.npz", "b.npz"))

    assert first.content != second.content


@pytest.mark.parametrize("name", ["", "data.mat", "gone.npz"])
def test_a_file_of_arrays_must_be_there(tmp_path: Path, name: str) -> None:
    with pytest.raises((ConfigError, DataMissingError), match=r"ImageArrays\.path \(file\)"):
        read(arrays(tmp_path / name if name else Path()))


# ---------------------------------------------------------------- limits
def test_more_images_than_fit_into_memory_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_images, "MAX_BYTES", 40 * 64 - 1)

    with pytest.raises(
        ConfigError, match=r"^ImageFolder: 40 images of 1 × 8 × 8 take .* are read\. Give a smaller image"
    ):
        read(folder(two_classes(tmp_path)))


def test_image_of_too_many_pixels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two_classes(tmp_path)
    Image.new("L", (40, 20)).save(tmp_path / "cat" / "000.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 399)  # twice as many are an error

    with pytest.raises(
        DataMissingError, match=r"000\.png cannot be read \(Image size \(800 pixels\) exceeds limit of 798 pixels"
    ):
        read(folder(tmp_path))


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_arrays_whose_header_promises_more_than_there_is_are_refused(tmp_path: Path, suffix: str) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**14, 8, 8)})
    file = tmp_path / f"arrays{suffix}"
    if suffix == ".npy":
        file.write_bytes(header.getvalue() + b"\0" * 64)
    else:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("x.npy", header.getvalue() + b"\0" * 64)
            archive.writestr("y.npy", header.getvalue() + b"\0" * 64)

    with pytest.raises(DataMissingError, match=r"cannot be read"):
        read(arrays(file, **({"labels": "labels.csv"} if suffix == ".npy" else {})))


def test_arrays_that_unpack_to_too_much_are_refused_before_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((200, 8, 8), np.uint8), y=np.zeros(200, np.uint8))
    monkeypatch.setattr(image_arrays, "MAX_BYTES", 10_000)

    with pytest.raises(ConfigError, match=r"a\.npz take .* GB; at most .* GB are read\.$"):
        read(arrays(tmp_path / "a.npz"))
