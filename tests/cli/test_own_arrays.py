"""Series of one's own on the command line: trained, evaluated where they moved, refused where they do not fit."""

import re
from pathlib import Path

import numpy as np
import pytest

from neft.seeding import numpy_generator
from tests.cli.conftest import Neft


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    labels = np.arange(60) % 3
    inputs = numpy_generator(0, "series").normal(size=(60, 2, 16)) + labels[:, None, None]
    np.savez(tmp_path / "data.npz", x=inputs, y=labels)
    return tmp_path / "data.npz"


def test_series_are_trained_on_and_evaluated_where_they_moved(neft: Neft, arrays: Path) -> None:
    small = ("--backbone", "cnn1d", "--width", "0.0625", "--epochs", "2", "--num-instances", "3")
    trained = neft("train", "--dataset", "arrays", "--path", str(arrays), *small)
    (run_id,) = set(re.findall(r"arrays-cnn1dw16-\S+", trained.said))
    moved = arrays.rename(arrays.with_name("moved.npz"))

    gone = neft("evaluate", run_id, "--num-instances", "2")
    evaluated = neft("evaluate", run_id, "--num-instances", "2", "--path", str(moved))

    assert (trained.code, evaluated.code) == (0, 0)
    assert gone.code != 0
    assert "there is no file" in gone.said


def test_a_backbone_for_images_is_refused_before_work_begins(neft: Neft, arrays: Path) -> None:
    refused = neft("train", "--dataset", "arrays", "--path", str(arrays), "--backbone", "resnet18")

    assert refused.code != 0
    assert "'resnet18' takes images, but the data are series; allowed: mlp, cnn1d." in refused.said
    assert "Training" not in refused.said
