import gzip
import hashlib
import importlib
import pickle
import shutil
import subprocess
import sys
import threading
import urllib.request
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import TypeAdapter
from sklearn.datasets import load_digits
from typing_extensions import override

from neft.component import build
from neft.datasets import DATASETS, Dataset, fashion_mnist, tiny_imagenet
from neft.datasets.base import DataAccess, ImageData, Split
from neft.datasets.cifar import load_cifar
from neft.datasets.cifar10 import Cifar10
from neft.datasets.cifar100 import Cifar100
from neft.datasets.digits import Digits
from neft.datasets.fashion_mnist import FashionMnist
from neft.datasets.fetching import download_folder, unpack_gzip
from neft.datasets.idx import IDX_FILES
from neft.datasets.image_folder import ImageFolder
from neft.datasets.mnist import Mnist
from neft.datasets.splits import cut, cut_official, hold_out, resize, take_evenly
from neft.datasets.tiny_imagenet import TinyImagenet
from neft.datasets.torchvision_import import import_torchvision
from neft.errors import ConfigError, DataMissingError
from neft.plain_words import plain_words

FETCHED = (Mnist(), FashionMnist(), Cifar10(), Cifar100(), TinyImagenet())
EXACT_SIZES = {"digits": 8, "mnist": 32, "fashion_mnist": 32, "cifar10": 32, "cifar100": 32}


@pytest.fixture
def no_debian_package(tmp_path, monkeypatch):
    monkeypatch.setattr(FashionMnist, "packaged", tmp_path / "no-package")


class QuietHandler(SimpleHTTPRequestHandler):
    @override
    def log_message(self, format, *args):
        pass


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A folder and the address under which this machine serves it."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(urllib.request, "_opener", None)  # it remembers the proxies of the first use
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def no_network(monkeypatch):
    """A proxy that refuses: the discard port of this machine, where nothing listens."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr(urllib.request, "_opener", None)  # it remembers the proxies of the first use


def idx_bytes(array):
    """IDX: two zero bytes, 8 for unsigned bytes, the number of axes, each axis as a big-endian int, then the bytes."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(int(axis).to_bytes(4, "big") for axis in array.shape)
    return header + array.astype(np.uint8).tobytes()


def made_idx(num_train=200, num_test=50):
    """The four files' bytes; each image is filled with ten times its label."""
    files = {}
    for part, count in (("train", num_train), ("t10k", num_test)):
        labels = np.arange(count) % 10
        files[f"{part}-images-idx3-ubyte"] = idx_bytes(np.repeat(labels * 10, 28 * 28).reshape(count, 28, 28))
        files[f"{part}-labels-idx1-ubyte"] = idx_bytes(labels)
    return files


def write_idx(folder, *, packed=False, **counts):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in made_idx(**counts).items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    return folder


def write_classes(root, counts, *, size=(20, 30), mode="RGB"):
    """A folder for each class, its images filled with forty times the class's number."""
    for label, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for index in range(count):
            Image.new(mode, size, color=(label * 40,) * len(mode)).save(root / name / f"{index:03}.png")
    return root


def write_tiny_imagenet(data_dir, codes=("n02", "n01", "n03"), per_class=20):
    root = data_dir / "tiny-imagenet-200"
    (root / "val" / "images").mkdir(parents=True)
    (root / "wnids.txt").write_text("\n".join(codes) + "\n")
    (root / "words.txt").write_text("n01\tgoldfish, Carassius auratus\nn02\ttree frog\nn99\tunused\n")
    rows = []
    for label, code in enumerate(codes):
        (root / "train" / code / "images").mkdir(parents=True)
        for index in range(per_class):
            Image.new("RGB", (64, 64), (label * 40,) * 3).save(
                root / "train" / code / "images" / f"{code}_{index}.JPEG"
            )
        name = f"val_{label}.JPEG"
        Image.new("L", (64, 64), label * 40).save(root / "val" / "images" / name)
        rows.append(f"{name}\t{code}\t0\t0\t62\t62\n")
    (root / "val" / "val_annotations.txt").write_text("".join(rows))
    return root


def made_cifar(data_dir, *, num_train=100, num_test=20):
    """torchvision's CIFAR10 class, for published files that are ours."""
    rng = np.random.default_rng(0)
    folder = data_dir / "cifar-10-batches-py"
    folder.mkdir(parents=True)

    def publish(name, content):
        packed = pickle.dumps(content)
        (folder / name).write_bytes(packed)
        return [name, hashlib.md5(packed, usedforsecurity=False).hexdigest()]

    def batch(count):
        return {
            "data": rng.integers(0, 256, (count, 3072), dtype=np.uint8),
            "labels": [index % 10 for index in range(count)],
        }

    name, md5 = publish("batches.meta", {"label_names": list("abcdefghij")})
    published = {
        "train_list": [publish("data_batch_1", batch(num_train))],
        "test_list": [publish("test_batch", batch(num_test))],
        "meta": {"filename": name, "key": "label_names", "md5": md5},
    }
    return type("Published", (import_torchvision().datasets.CIFAR10,), published)


def load_made_cifar(kind, data_dir, *, download=False):
    middle = (0.5, 0.5, 0.5)
    access = DataAccess(data_dir=data_dir, download=download)
    return load_cifar(kind, access, label="CIFAR", mean=middle, std=middle, image_size=32, max_train=None)


def mean_image_per_label(split):
    """The mean pixel of each image beside its label."""
    return [
        (int(label), round(float(image.float().mean())))
        for image, label in zip(split.images, split.labels, strict=True)
    ]


def count_per_class(split, num_classes):
    return torch.bincount(split.labels, minlength=num_classes).tolist()


def same(first: ImageData, second: ImageData) -> bool:
    return all(
        torch.equal(getattr(first, part).images, getattr(second, part).images)
        and torch.equal(getattr(first, part).labels, getattr(second, part).labels)
        for part in ("train", "validation", "test")
    )


# ---------------------------------------------------------------- the table


def test_each_data_set_is_registered_under_its_name():
    assert list(DATASETS) == [
        "digits",
        "fashion_mnist",
        "mnist",
        "cifar10",
        "cifar100",
        "tiny_imagenet",
        "basic_motions",
        "har",
        "image_folder",
        "image_arrays",
        "arrays",
    ]


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_survives_json_text(name):
    adapter: TypeAdapter[Any] = TypeAdapter(Dataset)
    made = DATASETS[name]()
    assert adapter.validate_json(adapter.dump_json(made)) == made


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_says_what_it_is_and_where_it_comes_from(name):
    assert DATASETS[name].label
    assert DATASETS[name].source


@pytest.mark.parametrize(("name", "size"), EXACT_SIZES.items())
def test_images_have_their_published_size_unless_asked_otherwise(name, size):
    assert DATASETS[name].model_fields["image_size"].default == size


@pytest.mark.parametrize("size", [7, 257])
def test_an_image_size_out_of_bounds_is_refused(size):
    with pytest.raises(ConfigError, match=r"Digits\.image_size"):
        build(Digits, {"image_size": size})


# ---------------------------------------------------------------- digits


@pytest.fixture(scope="module")
def digits():
    return Digits().load(DataAccess(data_dir=Path("unused")))


def test_digits_are_split_1000_400_397(digits):
    assert [len(digits.train), len(digits.validation), len(digits.test)] == [1000, 400, 397]


def test_digits_splits_partition_what_scikit_learn_ships(digits):
    shipped = sorted(row.tobytes() for row in load_digits().data.astype(np.uint8))
    split = [digits.train, digits.validation, digits.test]
    assert sorted(image.numpy().tobytes() for part in split for image in part.images) == shipped


def test_digits_keep_their_17_levels(digits):
    assert digits.maximum == 16
    assert torch.equal(digits.train.images.unique(), torch.arange(17, dtype=torch.uint8))


def test_every_digit_is_in_each_split_in_proportion(digits):
    splits = (digits.train, digits.validation, digits.test)
    share = torch.cat([split.labels for split in splits]).bincount() / 1797
    for split in splits:
        assert (split.labels.bincount() - share * len(split)).abs().max() < 2  # a rounding for each of the two cuts


def test_the_digits_splits_are_those_of_the_stored_runs(digits):
    # Written down from the first release; another digest means that stored and new runs are no longer comparable.
    digest = hashlib.sha256(digits.validation.images.numpy().tobytes() + digits.test.images.numpy().tobytes())
    assert digest.hexdigest()[:16] == "e9c9d60af023a494"


def test_loading_twice_gives_the_same_splits(digits):
    assert same(digits, Digits().load(DataAccess(data_dir=Path("elsewhere"))))


def test_normalised_digits_lie_between_minus_one_and_one(digits):
    values = digits.normalise(digits.train.images)
    assert (values.min(), values.max()) == (-1, 1)


def test_resized_digits_stay_within_their_levels():
    data = Digits(image_size=16).load(DataAccess(data_dir=Path("unused")))
    assert data.image_size == 16
    assert int(data.train.images.max()) == 16


def test_max_train_leaves_validation_and_test_alone(digits):
    data = Digits(max_train=100).load(DataAccess(data_dir=Path("unused")))
    assert count_per_class(data.train, 10) == [10] * 10
    assert torch.equal(data.validation.images, digits.validation.images)
    assert torch.equal(data.test.images, digits.test.images)


# ---------------------------------------------------------------- splitting and resizing


def test_hold_out_parts_the_images_without_overlap():
    labels = torch.arange(100) % 5
    kept, held = hold_out(labels, count=20, purpose="test")
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(100))


def test_hold_out_takes_each_class_in_proportion():
    labels = torch.tensor([0] * 60 + [1] * 40)
    _, held = hold_out(labels, count=10, purpose="test")
    assert torch.bincount(labels[held]).tolist() == [6, 4]


def test_each_purpose_holds_out_other_images():
    labels = torch.arange(1000) % 5
    (_, first), (_, second) = (hold_out(labels, count=100, purpose=purpose) for purpose in ("test", "validation"))
    assert set(first.tolist()) != set(second.tolist())


def test_splitting_leaves_torch_and_numpy_generators_alone():
    before = torch.random.get_rng_state(), repr(np.random.get_state())  # noqa: NPY002 - it is what we watch
    cut(torch.arange(200) % 5, num_validation=20, num_test=20, max_train=50)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert repr(np.random.get_state()) == before[1]  # noqa: NPY002


def test_a_class_too_small_to_split_is_a_config_error():
    with pytest.raises(ConfigError, match=r"too few to hold out 10 of them for test: .* the smallest class has 1"):
        hold_out(torch.tensor([0] * 50 + [1]), count=10, purpose="test")


def test_cut_makes_three_disjoint_splits_of_everything():
    parts = cut(torch.arange(100) % 5, num_validation=20, num_test=10, max_train=None)
    assert [len(part) for part in parts] == [70, 20, 10]
    assert sorted(index for part in parts for index in part.tolist()) == list(range(100))


def test_a_tenth_of_an_official_training_split_is_for_validation():
    labels = torch.arange(200) % 5
    train, validation = cut_official(labels, max_train=None)
    assert (len(train), len(validation)) == (180, 20)
    assert torch.bincount(labels[validation]).tolist() == [4] * 5


@pytest.mark.parametrize("count", [5, 7, 50])
def test_taken_images_are_even_over_the_classes(count):
    labels = torch.tensor([0] * 500 + [1] * 100 + [2] * 100 + [3] * 100 + [4] * 100)
    per_class = torch.bincount(labels[take_evenly(labels, count)], minlength=5)
    assert int(per_class.sum()) == count
    assert int(per_class.max() - per_class.min()) <= 1


def test_a_class_that_runs_out_leaves_its_turns_to_the_others():
    labels = torch.tensor([0] * 50 + [1] * 3)
    assert torch.bincount(labels[take_evenly(labels, 20)]).tolist() == [17, 3]


def test_a_smaller_max_train_takes_a_subset():
    labels = torch.arange(300) % 7
    assert set(take_evenly(labels, 20).tolist()) < set(take_evenly(labels, 90).tolist())


def test_asking_for_more_than_there_are_takes_all():
    assert take_evenly(torch.arange(30) % 3, 31).tolist() == list(range(30))


def test_fewer_training_images_than_classes_is_a_config_error():
    with pytest.raises(ConfigError, match=r"max_train .* at least the number of classes, 20; got 19"):
        take_evenly(torch.arange(100) % 20, 19)


def test_resizing_to_the_same_size_changes_nothing():
    images = torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(resize(images, 8), images)


@pytest.mark.parametrize("size", [9, 20, 64])
def test_resizing_keeps_a_flat_image_flat(size):
    flat = torch.full((2, 3, 28, 28), 137, dtype=torch.uint8)
    assert torch.equal(resize(flat, size), torch.full((2, 3, size, size), 137, dtype=torch.uint8))


def test_halving_averages_with_a_triangle_over_four_pixels():
    # Halving with antialias: weights 1/8, 3/8, 3/8, 1/8 along each axis, cut and renormalised at the edges. Columns are
    # 0, 0, 0, 0, 200, …: output column 1 covers columns 1 to 4, so 200/8 = 25; column 2 covers 3 to 6, so 7/8 of 200.
    image = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    image[..., 4:] = 200
    assert resize(image, 4)[0, 0, 1].tolist() == [0, 25, 175, 200]


def test_resizing_in_chunks_is_resizing_at_once(monkeypatch):
    images = torch.randint(0, 256, (10, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    at_once = resize(images, 12)
    monkeypatch.setattr("neft.datasets.splits.RESIZE_CHUNK", 3)
    assert torch.equal(resize(images, 12), at_once)


# ---------------------------------------------------------------- how images are shown


def shown(images, **settings):
    split = Split(images=images, labels=torch.zeros(len(images), dtype=torch.long))
    middle = (0.5,) * images.shape[1]
    shown_as = {"mean": middle, "std": middle, **settings}
    return ImageData(train=split, validation=split, test=split, class_names=("a", "b"), maximum=255, **shown_as)


def test_classes_are_called_in_plain_words_whatever_file_names_them(tmp_path):
    words = write_tiny_imagenet(tmp_path) / "words.txt"
    words.write_text("n01\t![x](https://a.evil/x.png)\nn02\t<b>www&#46;a.evil\u202e\n")
    data = TinyImagenet().load(DataAccess(data_dir=tmp_path))
    assert data.class_names == tuple(map(plain_words, ("<b>www&#46;a.evil", "![x](https://a.evil/x.png)", "n03")))


def test_normalising_is_channel_by_channel():
    images = torch.tensor([0, 255], dtype=torch.uint8).view(1, 2, 1, 1)
    data = shown(images, mean=(0.25, 0.5), std=(0.5, 0.25))
    assert data.normalise(images).flatten().tolist() == [-0.5, 2.0]


def test_augmentation_repeats_with_its_generator():
    images = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8)
    data = shown(images, crop_padding=2, flip=True)
    first, second = (data.augment(images, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)


def test_a_data_set_without_augmentation_is_shown_as_it_is():
    images = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8)
    assert torch.equal(shown(images).augment(images, torch.Generator()), images)


def test_about_half_the_images_are_mirrored_and_no_other_change_is_made():
    images = torch.arange(4, dtype=torch.uint8).view(1, 1, 2, 2).repeat(1000, 1, 1, 1)
    seen = shown(images, flip=True).augment(images, torch.Generator().manual_seed(0))
    mirrored = (seen == images.flip(-1)).flatten(1).all(1)
    assert torch.equal(mirrored, ~(seen == images).flatten(1).all(1))
    assert abs(int(mirrored.sum()) - 500) < 5 * (1000 * 0.25) ** 0.5  # five standard errors


def test_a_random_crop_is_a_window_of_the_padded_image():
    images = torch.arange(1, 10, dtype=torch.uint8).view(1, 1, 3, 3).repeat(200, 1, 1, 1)
    padded = torch.nn.functional.pad(images[0, 0], (1,) * 4)
    windows = {
        tuple(padded[top : top + 3, left : left + 3].flatten().tolist()) for top in range(3) for left in range(3)
    }
    seen = shown(images, crop_padding=1).augment(images, torch.Generator().manual_seed(0))
    assert {tuple(image.flatten().tolist()) for image in seen} == windows


# ---------------------------------------------------------------- MNIST and Fashion-MNIST


@pytest.fixture
def made_mnist(tmp_path):
    write_idx(tmp_path / "MNIST" / "raw")
    return tmp_path


def test_mnist_is_read_from_unpacked_files(made_mnist):
    data = Mnist(image_size=28).load(DataAccess(data_dir=made_mnist))
    assert [len(data.train), len(data.validation), len(data.test)] == [180, 20, 50]
    assert data.class_names == tuple("0123456789")
    assert data.num_classes == 10


def test_every_image_keeps_its_label(made_mnist):
    data = Mnist().load(DataAccess(data_dir=made_mnist))
    for split in (data.train, data.validation, data.test):
        assert all(mean == 10 * label for label, mean in mean_image_per_label(split))


def test_mnist_is_resized_to_32_pixels_in_one_channel(made_mnist):
    images = Mnist().load(DataAccess(data_dir=made_mnist)).test.images
    assert (tuple(images.shape), images.dtype) == ((50, 1, 32, 32), torch.uint8)


def test_validation_has_each_class_alike(made_mnist):
    assert count_per_class(Mnist().load(DataAccess(data_dir=made_mnist)).validation, 10) == [2] * 10


def test_packed_files_give_what_unpacked_files_give(made_mnist, tmp_path):
    write_idx(tmp_path / "packed" / "MNIST" / "raw", packed=True)
    packed = Mnist().load(DataAccess(data_dir=tmp_path / "packed"))
    assert same(packed, Mnist().load(DataAccess(data_dir=made_mnist)))


def test_fashion_mnist_is_filled_from_the_debian_package_and_says_so(tmp_path, monkeypatch):
    package = write_idx(tmp_path / "package", packed=True)
    monkeypatch.setattr(FashionMnist, "packaged", package)
    told = []
    FashionMnist().load(DataAccess(data_dir=tmp_path / "data", report=told.append))
    assert len(told) == len(IDX_FILES)
    assert all(str(package) in sentence for sentence in told)
    assert sorted(path.name for path in (tmp_path / "data" / "FashionMNIST" / "raw").iterdir()) == sorted(IDX_FILES)


def test_files_in_the_data_folder_go_before_the_debian_package(tmp_path, monkeypatch):
    monkeypatch.setattr(FashionMnist, "packaged", write_idx(tmp_path / "package", packed=True))
    write_idx(tmp_path / "FashionMNIST" / "raw", num_train=300)
    data = FashionMnist().load(DataAccess(data_dir=tmp_path))
    assert len(data.train) == 270


def test_a_damaged_archive_leaves_no_file_behind(tmp_path):
    archive = tmp_path / "file.gz"
    archive.write_bytes(gzip.compress(bytes(range(256)) * 100)[:-20])
    with pytest.raises(DataMissingError, match="could not be unpacked"):
        unpack_gzip(archive, tmp_path / "out" / "file")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", IDX_FILES)
def test_a_file_cut_short_is_named_as_unreadable(made_mnist, name):
    path = made_mnist / "MNIST" / "raw" / name
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(DataMissingError, match=r"MNIST: the files in .* cannot be read"):
        Mnist().load(DataAccess(data_dir=made_mnist))


@pytest.mark.parametrize("labels", [np.arange(199) % 10, np.arange(200) % 11])
def test_labels_that_do_not_fit_the_images_are_refused(made_mnist, labels):
    (made_mnist / "MNIST" / "raw" / "train-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    with pytest.raises(DataMissingError, match="do not belong together"):
        Mnist().load(DataAccess(data_dir=made_mnist))


def test_an_empty_file_is_refused(made_mnist):
    (made_mnist / "MNIST" / "raw" / "train-images-idx3-ubyte").write_bytes(b"")
    with pytest.raises(DataMissingError, match="cannot be read"):
        Mnist().load(DataAccess(data_dir=made_mnist))


@pytest.mark.skipif(
    not fashion_mnist.DEBIAN_FOLDER.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed"
)
def test_the_published_fashion_mnist_loads_from_the_debian_package(tmp_path):
    data = FashionMnist(max_train=1000, image_size=28).load(DataAccess(data_dir=tmp_path))
    assert count_per_class(data.train, 10) == [100] * 10
    assert count_per_class(data.validation, 10) == [600] * 10
    assert count_per_class(data.test, 10) == [1000] * 10
    # The first test image is an ankle boot, the second a pullover, as on the data set's page.
    assert [data.class_names[label] for label in data.test.labels[:2]] == ["Ankle boot", "Pullover"]


# ---------------------------------------------------------------- CIFAR


def test_cifar_is_split_and_shown_in_colour(tmp_path):
    data = load_made_cifar(made_cifar(tmp_path), tmp_path)
    assert [len(data.train), len(data.validation), len(data.test)] == [90, 10, 20]
    assert data.train.images.shape[1:] == (3, 32, 32)
    assert (data.crop_padding, data.flip) == (4, True)


def test_cifar_pixels_are_channel_then_row_then_column(tmp_path):
    kind = made_cifar(tmp_path)
    data = load_made_cifar(kind, tmp_path)
    published = pickle.loads((tmp_path / kind.base_folder / "test_batch").read_bytes())["data"]  # noqa: S301 - made above
    assert np.array_equal(data.test.images.numpy().reshape(20, 3072), published)


@pytest.mark.parametrize("name", ["data_batch_1", "test_batch", "batches.meta"])
def test_an_altered_cifar_file_is_never_unpickled(tmp_path, name):
    kind = made_cifar(tmp_path)
    trace = tmp_path / "trace"

    class Trap:
        @override
        def __reduce__(self):
            return (Path.touch, (trace,))

    (tmp_path / kind.base_folder / name).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DataMissingError, match="md5"):
        load_made_cifar(kind, tmp_path)
    assert not trace.exists()


@pytest.mark.parametrize(("dataset", "classes"), [(Cifar10(), 10), (Cifar100(), 100)])
def test_cifar_is_looked_for_where_torchvision_puts_it(tmp_path, dataset, classes):
    folder = {10: "cifar-10-batches-py", 100: "cifar-100-python"}[classes]
    with pytest.raises(DataMissingError) as caught:
        dataset.load(DataAccess(data_dir=tmp_path))
    assert str(tmp_path / folder) in str(caught.value)


# ---------------------------------------------------------------- Tiny ImageNet


def test_tiny_imagenet_tests_on_the_official_validation_split(tmp_path):
    write_tiny_imagenet(tmp_path)
    data = TinyImagenet().load(DataAccess(data_dir=tmp_path))
    assert [len(data.train), len(data.validation), len(data.test)] == [54, 6, 3]
    assert data.test.images.shape == (3, 3, 64, 64)


def test_tiny_imagenet_classes_are_in_the_order_of_wnids(tmp_path):
    write_tiny_imagenet(tmp_path)
    data = TinyImagenet().load(DataAccess(data_dir=tmp_path))
    assert data.class_names == ("tree frog", "goldfish", "n03")
    for split in (data.train, data.validation, data.test):
        assert all(mean == 40 * label for label, mean in mean_image_per_label(split))


@pytest.mark.parametrize("part", ["wnids.txt", "val/val_annotations.txt"])
def test_a_missing_part_of_tiny_imagenet_is_named(tmp_path, part):
    (write_tiny_imagenet(tmp_path) / part).unlink()
    with pytest.raises(DataMissingError, match=part):
        TinyImagenet().load(DataAccess(data_dir=tmp_path))


def test_tiny_imagenet_with_too_few_training_images_is_incomplete(tmp_path):
    write_tiny_imagenet(tmp_path, per_class=9)
    with pytest.raises(DataMissingError, match="incomplete"):
        TinyImagenet().load(DataAccess(data_dir=tmp_path))


@pytest.mark.parametrize("row", ["val_9.JPEG\tn77\t0\t0\t62\t62\n", "nothing\n"])
def test_an_annotation_of_no_known_class_is_refused(tmp_path, row):
    annotations = write_tiny_imagenet(tmp_path) / "val" / "val_annotations.txt"
    annotations.write_text(annotations.read_text() + row)
    with pytest.raises(DataMissingError, match="names no class"):
        TinyImagenet().load(DataAccess(data_dir=tmp_path))


# ---------------------------------------------------------------- a folder of images


def load_folder(path, **settings):
    return ImageFolder(path=str(path), **settings).load(DataAccess(data_dir=Path("unused")))


def test_a_folder_is_split_70_15_15_with_each_class_in_proportion(tmp_path):
    data = load_folder(write_classes(tmp_path, {"cat": 40, "dog": 60}), image_size=8)
    counts = [count_per_class(split, 2) for split in (data.train, data.validation, data.test)]
    assert counts == [[28, 42], [6, 9], [6, 9]]


def test_the_smallest_classes_allowed_are_in_every_split(tmp_path):
    data = load_folder(write_classes(tmp_path, {"a": 10, "b": 10, "c": 50}), image_size=8)
    for split in (data.train, data.validation, data.test):
        assert min(count_per_class(split, 3)) >= 1


def test_classes_are_the_sub_folders_in_order(tmp_path):
    data = load_folder(write_classes(tmp_path, {"b": 10, "a": 10}), image_size=8)
    assert data.class_names == ("a", "b")
    assert all(mean == 40 * (1 - label) for label, mean in mean_image_per_label(data.train))


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_converted_to_the_channels_asked_for(tmp_path, channels):
    data = load_folder(write_classes(tmp_path, {"a": 10, "b": 10}, mode="L"), image_size=8, channels=channels)
    assert data.num_channels == channels
    assert len(data.mean) == len(data.std) == channels


def test_the_shorter_side_is_resized_and_the_middle_cropped(tmp_path):
    root = write_classes(tmp_path, {"a": 10, "b": 10})
    # 48 × 16, a grey middle between white sides: resized to 24 × 8, its middle 8 columns are the grey ones.
    for path in root.rglob("*.png"):
        image = Image.new("L", (48, 16), 255)
        image.paste(100, (16, 0, 32, 16))
        image.save(path)
    images = load_folder(root, image_size=8, channels=1).test.images
    assert images[..., 1:-1].unique().tolist() == [100]


def test_what_is_no_image_is_passed_over(tmp_path):
    root = write_classes(tmp_path, {"a": 10, "b": 10})
    (root / "a" / "notes.txt").write_text("none")
    (root / "a" / ".hidden.png").write_text("none")
    (root / ".git").mkdir()
    data = load_folder(root, image_size=8)
    assert len(data.train) + len(data.validation) + len(data.test) == 20


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_an_unreadable_image_is_named(tmp_path, content):
    broken = write_classes(tmp_path, {"a": 10, "b": 10}) / "b" / "003.png"
    broken.write_bytes(content)
    with pytest.raises(DataMissingError, match=r"003\.png"):
        load_folder(tmp_path)


def test_an_image_cut_short_is_named(tmp_path):
    whole = write_classes(tmp_path, {"a": 10, "b": 10}) / "a" / "007.png"
    noise = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    Image.fromarray(noise).save(whole)
    whole.write_bytes(whole.read_bytes()[:2000])
    with pytest.raises(DataMissingError, match=r"007\.png"):
        load_folder(tmp_path)


def test_a_folder_must_be_named():
    with pytest.raises(ConfigError, match=r"ImageFolder\.path"):
        ImageFolder().load(DataAccess(data_dir=Path("unused")))


def test_a_folder_that_is_not_there_is_missing_data(tmp_path):
    with pytest.raises(DataMissingError, match="there is no folder"):
        load_folder(tmp_path / "nowhere")


def test_one_class_is_too_few(tmp_path):
    with pytest.raises(ConfigError, match="at least 2 sub-folders"):
        load_folder(write_classes(tmp_path, {"only": 20}))


def test_a_class_with_nine_images_is_too_small(tmp_path):
    with pytest.raises(ConfigError, match=r"at least 10 images .*few holds 9"):
        load_folder(write_classes(tmp_path, {"many": 20, "few": 9}))


# ---------------------------------------------------------------- data that is not there


@pytest.mark.usefixtures("no_debian_package")
@pytest.mark.parametrize("dataset", FETCHED, ids=lambda dataset: dataset.name)
def test_missing_data_says_where_it_was_looked_for_and_the_two_ways_to_get_it(tmp_path, dataset):
    with pytest.raises(DataMissingError) as caught:
        dataset.load(DataAccess(data_dir=tmp_path))
    sentence = str(caught.value)
    assert "\n" not in sentence
    for word in (dataset.label, str(tmp_path), "`--download`", "`--data-dir`", "NEFT_DATA_DIR"):
        assert word in sentence


@pytest.mark.usefixtures("no_debian_package")
def test_missing_fashion_mnist_names_the_debian_package(tmp_path):
    with pytest.raises(DataMissingError, match="dataset-fashion-mnist"):
        FashionMnist().load(DataAccess(data_dir=tmp_path))


@pytest.mark.usefixtures("no_debian_package")
@pytest.mark.parametrize("dataset", FETCHED, ids=lambda dataset: dataset.name)
def test_looking_for_missing_data_makes_no_files(tmp_path, dataset):
    with pytest.raises(DataMissingError):
        dataset.load(DataAccess(data_dir=tmp_path / "data"))
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("no_debian_package", "no_network")
@pytest.mark.parametrize("dataset", FETCHED, ids=lambda dataset: dataset.name)
def test_a_failed_download_is_one_sentence_and_leaves_nothing_behind(tmp_path, dataset):
    with pytest.raises(DataMissingError, match="could not be downloaded") as caught:
        dataset.load(DataAccess(data_dir=tmp_path, download=True))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def md5_of(path):
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def test_mnist_is_downloaded_unpacked_and_read(tmp_path, served, monkeypatch):
    folder, address = served
    kind = import_torchvision().datasets.MNIST
    write_idx(folder, packed=True)
    monkeypatch.setattr(kind, "mirrors", [address])
    monkeypatch.setattr(kind, "resources", [(f"{name}.gz", md5_of(folder / f"{name}.gz")) for name in IDX_FILES])
    data = Mnist().load(DataAccess(data_dir=tmp_path / "data", download=True))
    assert len(data.train) == 180
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["MNIST"]


def test_a_download_with_another_checksum_is_refused(tmp_path, served, monkeypatch):
    folder, address = served
    kind = import_torchvision().datasets.MNIST
    write_idx(folder, packed=True)
    monkeypatch.setattr(kind, "mirrors", [address])
    with pytest.raises(DataMissingError, match="not found or corrupted"):
        Mnist().load(DataAccess(data_dir=tmp_path / "data", download=True))
    assert list((tmp_path / "data").iterdir()) == []


def test_cifar_is_downloaded_unpacked_and_read(tmp_path, served, monkeypatch):
    folder, address = served
    kind = made_cifar(folder)
    packed = Path(shutil.make_archive(str(folder / "cifar"), "gztar", root_dir=folder, base_dir=kind.base_folder))
    kind.url, kind.filename, kind.tgz_md5 = f"{address}{packed.name}", packed.name, md5_of(packed)
    data = load_made_cifar(kind, tmp_path / "data", download=True)
    assert len(data.train) == 90
    assert [path.name for path in (tmp_path / "data").iterdir()] == [kind.base_folder]


def test_tiny_imagenet_is_downloaded_unpacked_and_read(tmp_path, served, monkeypatch):
    folder, address = served
    root = write_tiny_imagenet(folder)
    packed = Path(shutil.make_archive(str(folder / "tiny"), "zip", root_dir=folder, base_dir=root.name))
    monkeypatch.setattr(tiny_imagenet, "URL", f"{address}{packed.name}")
    monkeypatch.setattr(tiny_imagenet, "MD5", md5_of(packed))
    data = TinyImagenet().load(DataAccess(data_dir=tmp_path / "data", download=True))
    assert len(data.train) == 54
    assert [path.name for path in (tmp_path / "data").iterdir()] == [root.name]


def test_a_download_that_breaks_off_leaves_nothing_behind(tmp_path):
    def break_off(folder):
        (Path(folder) / "set").mkdir()
        (Path(folder) / "set" / "half").write_text("half")
        message = "File not found or corrupted."
        raise RuntimeError(message)

    with pytest.raises(DataMissingError, match="File not found or corrupted"):
        download_folder(DataAccess(data_dir=tmp_path), "A set", "set", break_off)
    assert list(tmp_path.iterdir()) == []


def test_a_download_replaces_damaged_files_and_keeps_the_others(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "batch").write_text("damaged")
    (tmp_path / "set" / "mine").write_text("mine")

    def fetch(folder):
        (Path(folder) / "set" / "inner").mkdir(parents=True)
        (Path(folder) / "set" / "batch").write_text("whole")
        (Path(folder) / "set" / "inner" / "new").write_text("new")

    download_folder(DataAccess(data_dir=tmp_path), "A set", "set", fetch)
    found = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"set/batch": "whole", "set/mine": "mine", "set/inner/new": "new"}


# ---------------------------------------------------------------- torchvision


def run_python(program):
    command = [sys.executable, "-c", program]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def test_the_list_of_data_sets_does_not_import_torchvision():
    done = run_python("import sys, neft.datasets; assert 'torchvision' not in sys.modules")
    assert done.returncode == 0, done.stderr


def test_torchvision_is_the_same_module_however_often_it_is_asked_for():
    assert import_torchvision() is import_torchvision() is importlib.import_module("torchvision")


def test_operators_that_are_declared_already_are_not_declared_again():
    # As where torchvision's own library loads: its operators are there by the time torchvision looks for them.
    done = run_python(
        "import torch\n"
        "library = torch.library.Library('torchvision', 'DEF')\n"
        "for name in ('nms', 'qnms'):\n"
        "    library.define(f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')\n"
        "from neft.datasets import torchvision_import\n"
        "assert torchvision_import.import_torchvision().datasets.MNIST\n"
        "assert not torchvision_import._DECLARED\n"
    )
    assert done.returncode == 0, done.stderr


def test_threads_that_ask_at_once_all_get_torchvision_also_after_an_import_of_it_failed():
    done = run_python(
        "try:\n"
        "    import torchvision\n"
        "except RuntimeError:\n"
        "    pass\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from neft.datasets.torchvision_import import import_torchvision\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    found = list(pool.map(lambda _: import_torchvision(), range(4)))\n"
        "assert len({id(module) for module in found}) == 1 and found[0].datasets.CIFAR10\n"
        "assert found[0].models.resnet18\n"
    )
    assert done.returncode == 0, done.stderr
