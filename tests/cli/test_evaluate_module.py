"""evaluate-module."""

import json
import pickle
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from typing_extensions import override

from neft.runs.store import RunStore
from neft.seeding import generator
from tests.cli.conftest import Neft

CODE = """
from torch import nn

from beside import WIDTH


def make_model():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10))


def make_number():
    return 7


def fail():
    raise ValueError("no such luck")


def leave():
    raise SystemExit(3)
"""
FEW = ("--test-sigma-d", "0,0.1", "--num-instances", "2")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delitem(__import__("sys").modules, "beside", raising=False)
    _ = Path("net.py").write_text(CODE, encoding="utf-8")
    _ = Path("beside.py").write_text("WIDTH = 5\n", encoding="utf-8")
    torch.save(state(), "net.pt")
    torch.save({"state_dict": state(), "epoch": 3}, "checkpoint.pth")
    save_file(state(), "net.safetensors")
    rng = np.random.default_rng(0)
    np.savez("test.npz", inputs=rng.normal(size=(12, 1, 8, 8)), labels=np.arange(12) % 10)


def state() -> dict[str, torch.Tensor]:
    made = nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.ReLU(), nn.Linear(5, 10))
    rng = generator(0, "state")
    return {name: torch.randn(value.shape, generator=rng) for name, value in made.state_dict().items()}


def record(neft: Neft, *arguments: str) -> dict[str, Any]:
    answer = neft("evaluate-module", *arguments, *FEW, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def test_a_network_of_ones_own_becomes_a_run(neft: Neft, own_store: RunStore) -> None:
    made = record(neft, "net.py:make_model", "--weights", "net.safetensors", "--data", "test.npz", "--title", "Mine")
    assert own_store.ids() == [made["id"]]
    assert made["facts"]["backbone_label"].startswith("Mine (own, ")
    assert [row["sigma_d"] for row in made["summary"]["test"]] == [0.0, 0.1]
    assert "Trained elsewhere" in neft("runs").out
    assert "trained elsewhere" in neft("show", made["id"]).out


@pytest.mark.parametrize("weights", ["net.pt", "checkpoint.pth"])
def test_the_same_weights_are_the_same_run_from_any_file(neft: Neft, weights: str) -> None:
    one = record(neft, "net.py:make_model", "--weights", "net.safetensors", "--data", "test.npz")
    again = neft("evaluate-module", "net.py:make_model", "--weights", weights, "--data", "test.npz", *FEW)
    assert again.code == 2
    assert f"A run '{one['id']}' is already stored" in " ".join(again.err.split())


def test_a_data_sets_test_images_are_told_by_its_name(neft: Neft) -> None:
    made = record(neft, "net.py:make_model", "--weights", "net.pt", "--data", "digits")
    assert made["facts"]["dataset"] == "digits"


def of_classes(names: tuple[str, ...]) -> tuple[str, ...]:
    """A folder of these classes, and the options that name it."""
    rng = np.random.default_rng(0)
    for name in names:
        Path("images", name).mkdir(parents=True)
        for index in range(12):
            Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(Path("images", name, f"{index}.png"))
    return ("--data", "image_folder", "--path", "images", "--channels", "1", "--image-size", "8")


def test_a_network_of_other_classes_than_the_data_sets_is_refused(neft: Neft, own_store: RunStore) -> None:
    answer = neft("evaluate-module", "net.py:make_model", *of_classes(("0", "2", "5")), *FEW)

    assert "The network tells 10 classes apart, the data set 3 (0, 2, 5): which is which is not clear." in answer.err
    assert own_store.ids() == []


def test_one_output_tells_two_classes_apart(neft: Neft) -> None:
    _ = Path("net.py").write_text(CODE.replace("10))", "1))"), encoding="utf-8")

    assert neft("evaluate-module", "net.py:make_model", *of_classes(("cat", "dog")), *FEW).code == 0


@pytest.mark.parametrize("outputs", [3, 10])
def test_images_that_were_asked_about_are_taken_once_they_are_said_to_be_meant(neft: Neft, outputs: int) -> None:
    _ = Path("net.py").write_text(CODE.replace("10))", f"{outputs}))"), encoding="utf-8")
    given = of_classes(("cat", "dog", "val"))
    asked = neft("evaluate-module", "net.py:make_model", *given, *FEW).err

    answer = neft("evaluate-module", "net.py:make_model", *given, *FEW, "--checksum", asked.rstrip(".\n").split()[-1])

    assert "'val' would be learned as a class" in asked
    assert (answer.code == 0) == (outputs == 3)


def test_the_kept_command_makes_the_run_again(neft: Neft, own_store: RunStore) -> None:
    made = record(neft, "net.py:make_model", "--weights", "net.pt", "--data", "test.npz", "--in-devices", "1.weight")
    own_store.delete(made["id"])
    verb, *arguments = shlex.split(made["provenance"]["command"])
    assert verb == "neft"
    assert neft(*arguments).code == 0
    assert own_store.ids() == [made["id"]]


class Payload:
    """What a pickle would run."""

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("ran"),)


def test_nothing_is_unpickled(neft: Neft) -> None:
    torch.save({"weight": Payload()}, "bad.pt")
    _ = Path("plain.pth").write_bytes(pickle.dumps(Payload()))
    np.savez("bad.npz", inputs=np.array([Payload()], dtype=object), labels=np.arange(1))
    calls = [("--weights", "bad.pt", "--data", "test.npz"), ("--weights", "plain.pth", "--data", "test.npz")]
    for call in (*calls, ("--data", "bad.npz")):
        assert neft("evaluate-module", "net.py:make_model", *call, *FEW).code == 2
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("target", "arguments", "said"),
    [
        ("net.py", (), "named by a Python file and a function in it, net.py:make_model; got 'net.py'"),
        ("other.py:make_model", (), "There is no file 'other.py'"),
        ("net.py:make", (), "net.py has no function 'make'"),
        ("net.py:make_number", (), "must make a torch.nn.Module; got int"),
        ("net.py:fail", (), "net.py:fail fails: ValueError: no such luck"),
        ("net.py:leave", (), "net.py:leave fails: SystemExit: 3"),
        ("net.py:make_model", ("--weights", "beside.py"), "Weights are read from .safetensors, .pt, .pth; got"),
        ("net.py:make_model", ("--data", "digitss"), "'digitss' is no data set, and no .npz or .safetensors file"),
        ("net.py:make_model", ("--data", "empty.npz"), "has no array 'inputs'; it holds labels"),
        ("net.py:make_model", ("--weights", "wide.safetensors"), "do not fit the network: size mismatch for 1.weight"),
    ],
)
def test_what_cannot_be_is_one_sentence(neft: Neft, target: str, arguments: tuple[str, ...], said: str) -> None:
    np.savez("empty.npz", labels=np.arange(3))
    save_file(state() | {"1.weight": torch.zeros(7, 64)}, "wide.safetensors")
    given = arguments if "--data" in arguments else (*arguments, "--data", "test.npz")
    answer = neft("evaluate-module", target, *given, *FEW)
    assert answer.code == 2
    assert said in " ".join(answer.err.split())


@pytest.mark.parametrize("flag", ["--max-train", "--worst-case", "--test-device", "--backbone", "--method"])
def test_settings_of_a_training_are_no_options(neft: Neft, flag: str) -> None:
    answer = neft("evaluate-module", "net.py:make_model", "--data", "test.npz", flag, "1")
    assert answer.code == 2
    assert "No such option" in answer.err
