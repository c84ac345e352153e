"""neft device: a laboratory's file read, refused in a sentence, tried and trained with."""

import json
import shlex
from hashlib import sha256
from pathlib import Path

import pytest

from neft.config import RunConfig
from neft.devices import Measured, device_from_text
from neft.devices.lab_files.examples import EXAMPLES
from neft.options import make_config
from neft.runs.facts import stored_config
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from tests.cli.conftest import Neft


@pytest.fixture
def measurements(tmp_path: Path) -> Path:
    path = tmp_path / "wafer 7.csv"
    path.write_bytes(EXAMPLES["raw"].content())
    return path


def test_it_prints_levels_notes_checksum_and_commands(neft: Neft, measurements: Path) -> None:
    answer = neft("device", str(measurements))

    assert answer.code == 0
    assert "wafer 7.csv: σ_d = 0.07549, g_max = 40 µS" in answer.said
    assert "Columns  level: level, target: target, measured: measured" in answer.out
    assert "- 240 measurements, 60 a level." in answer.out
    assert f"SHA-256  {sha256(measurements.read_bytes()).hexdigest()}" in answer.out


def test_printed_commands_make_the_device(neft: Neft, measurements: Path) -> None:
    lines = neft("device", str(measurements)).out.splitlines()
    checksum = sha256(measurements.read_bytes()).hexdigest()
    train = next(line for line in lines if line.startswith("Train")).removeprefix("Train    neft train ")
    words = shlex.split(train)

    flags = [word.removeprefix("--").replace("-", "_") for word in words[::2]]
    config = make_config(dict(zip(flags, words[1::2], strict=True)))

    assert config.device == Measured(stds=(0.2134, 1.197, 1.236, 0.9973), title="wafer 7", file_sha256=checksum)
    assert config.training.sigma_d == 0.07549
    tried = shlex.split(next(line for line in lines if line.startswith("Try")))
    assert device_from_text(tried[tried.index("--test-device") + 1]) == config.device


def test_a_run_on_the_device_keeps_the_file_s_checksum(
    neft: Neft, measurements: Path, own_store: RunStore, tmp_path: Path
) -> None:
    written = tmp_path / "device.json"
    assert neft("device", str(measurements), "--write", str(written)).code == 0
    small = "--backbone mlp --hidden-layers 1 --hidden-units 8 --epochs 1 --num-instances 2 --test-sigma-d 0,0.1"

    assert neft("train", "--config", str(written), *small.split()).code == 0

    (run_id,) = own_store.ids()
    config = stored_config(own_store.record(run_id))
    assert isinstance(config.device, Measured)
    assert config.device.file_sha256 == sha256(measurements.read_bytes()).hexdigest()
    assert config.training.sigma_d == 0.07549


def test_biases_and_failed_cells_are_applied_where_they_are_asked_for(
    neft: Neft, tmp_path: Path, stored: RunRecord, own_store: RunStore
) -> None:
    path = tmp_path / "log.tsv"
    path.write_bytes(EXAMPLES["write_verify"].content())
    lines = neft("device", str(path)).out.splitlines()
    tried = shlex.split(next(line for line in lines if line.startswith("Try")))
    besides = shlex.split(next(line for line in lines if line.startswith("Besides")))

    answer = neft("evaluate", stored.id, *tried[4:], *besides[1:], "--num-instances", "2")

    assert answer.code == 0
    new = next(run_id for run_id in own_store.ids() if run_id != stored.id)
    effects = stored_config(own_store.record(new)).evaluation.effects
    assert effects.stuck_low == 0.02917
    assert effects.level_bias[0] == -0.06076


def test_a_stored_network_is_tried_at_once(neft: Neft, measurements: Path, stored: RunRecord) -> None:
    answer = neft("device", str(measurements), "--try", stored.id, "--json")

    trial = json.loads(answer.out)["trial"]
    assert [row["sigma_d"] for row in trial["here"]] == pytest.approx([0, 0.03775, 0.07549, 0.1132, 0.151])
    assert trial["here"][0]["mean"] == trial["there"][0]["mean"]
    assert trial["here"][-1]["mean"] < trial["here"][0]["mean"]


def test_json_tells_what_is_known_and_not_applied(neft: Neft, tmp_path: Path) -> None:
    path = tmp_path / "retention.csv"
    path.write_bytes(EXAMPLES["retention"].content())

    shown = json.loads(neft("device", str(path), "--json").out)

    assert shown["effects"]["applied"] is False
    assert [row["time"] for row in shown["effects"]["retention"]["times"]] == [0, 1, 10, 100, 1000]
    assert shown["effects"]["retention"]["b_per_decade"] > 0
    assert shown["columns"] == {"time": "time", "measured": "read", "window_low": "tmin", "window_high": "tmax"}


def test_options_say_what_would_be_guessed(neft: Neft, tmp_path: Path) -> None:
    path = tmp_path / "log.tsv"
    path.write_bytes(EXAMPLES["write_verify"].content())
    given = "--column measured=3 --column window_low=4 --column window_high=5 --column success= --unit measured=Ω"
    units = "--unit window_low=Ω --unit window_high=Ω"

    guessed = json.loads(neft("device", str(path), "--json").out)
    said = json.loads(neft("device", str(path), *given.split(), *units.split(), "--json").out)

    assert guessed["effects"]["num_failed"] == 7
    assert said["effects"]["num_failed"] == 0
    assert said["sigma_d"] > guessed["sigma_d"]  # cells that failed are far off


def test_stds_in_a_unit_take_g_max_with_its_unit(neft: Neft, tmp_path: Path) -> None:
    path = tmp_path / "stds.csv"
    path.write_text("level,std (µS)\n0,0.4\n1,2.8\n", encoding="utf-8")

    assert "give the maximal conductance g_max" in neft("device", str(path)).err
    assert "g_max = 40 µS" in neft("device", str(path), "--g-max", "0.04 mS").said


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_printed_as_it_is_read(neft: Neft, name: str) -> None:
    assert neft("device", "--example", name).out.encode() == EXAMPLES[name].content()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Name a file, or ask for an example"),
        (("/nowhere.csv",), "'/nowhere.csv' cannot be read: No such file or directory."),
        (("FILE", "--column", "measured"), "--column must be like 'measured=…'"),
        (("FILE", "--column", "aim=1"), "Unknown role of a column 'aim'."),
        (("FILE", "--g-max", "much"), "--g-max must be a number, perhaps with a unit"),
        (("FILE", "--g-max", "40 kΩ"), "g_max is in kΩ, the file in µS."),
        (("FILE", "--levels", "all"), "Unknown choice of levels 'all'."),
        (("FILE", "--device-bits", "9"), "The device's bits (K) must lie in [1, 8]; got 9."),
        (("FILE", "--in-turn", "-1"), "must lie in [1, 256]; got -1."),
        (("FILE", "--try", "nothing"), "No run 'nothing'."),
        (("--example", "other"), "Unknown example 'other'."),
    ],
)
def test_what_cannot_be_is_one_sentence(
    neft: Neft, measurements: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    answer = neft("device", *(str(measurements) if word == "FILE" else word for word in arguments))

    assert answer.code == 2
    assert sentence in answer.err
    assert "Traceback" not in answer.err


def test_devices_without_a_checksum_are_stored_as_before() -> None:
    config = RunConfig.make(device={"name": "measured", "stds": [1, 2]}, mapping={"weight_bits": 8, "device_bits": 1})

    assert "file_sha256" not in config.to_json()
    assert RunConfig.from_json(config.to_json()) == config


def test_a_file_s_own_retention_is_tried_at_the_time_asked_for(neft: Neft, stored: RunRecord, tmp_path: Path) -> None:
    path = tmp_path / "retention.csv"
    path.write_bytes(EXAMPLES["retention"].content())
    run_id = stored.id

    at_once = json.loads(neft("device", str(path), "--try", run_id, "--json").out)
    later = json.loads(neft("device", str(path), "--try", run_id, "--time", "1e6", "--json").out)

    assert "--retention-seconds 1e+06 --retention-law given" in later["effects"]["options"]
    assert "--retention" not in at_once["effects"]["options"]
    assert later["sigma_d"] == at_once["sigma_d"]
    assert later["trial"]["here"][-1] != at_once["trial"]["here"][-1]
    assert later["trial"]["there"] == at_once["trial"]["there"]


def test_a_time_for_a_file_without_times_is_refused(neft: Neft, measurements: Path) -> None:
    answer = neft("device", str(measurements), "--time", "100")

    assert answer.code != 0
    assert "tells no law of retention: that takes a time column" in answer.err
