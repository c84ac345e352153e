"""Wrong input: one line on standard error that says what is allowed, and nothing left behind."""

import json
from pathlib import Path

import pytest

from neft.config import RunConfig
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from tests.cli.conftest import Answer, Neft

TINY = ("--backbone", "mlp", "--hidden-units", "16", "--hidden-layers", "2", "--epochs", "1", "--num-instances", "2")


def the_error(answer: Answer) -> str:
    """The one line of an expected error."""
    assert answer.code == 2
    assert "Traceback" not in answer.err
    assert not answer.out
    lines = [line for line in answer.err.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1
    assert answer.err.rstrip().endswith(lines[0])
    return lines[0].removeprefix("Error: ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            "--method ovff",
            "Unknown method 'ovff'. Did you mean 'ovf'? Known: vanilla, noise_injection, ovf, irs, correctnet,",
        ),
        ("--dataset digit", "Unknown dataset 'digit'. Did you mean 'digits'?"),
        ("--backbone vgg", "Unknown backbone 'vgg'. Did you mean 'vgg8'?"),
        ("--device rram", "Unknown device 'rram'. Did you mean 'rram"),
        ("--test-device fefet", "Unknown device 'fefet'. Did you mean 'fefet"),
        ("--method ovf --beta -1", "--beta (β) must lie in [0, 1]; got '-1'."),
        ("--method irs --num-feedback 17", "--num-feedback (N) must lie in [1, 16]; got '17'."),
        ("--method ovf --beta much", "--beta (β) must be a number; got 'much'."),
        ("--sigma-d 1.5", "--sigma-d (train σ_d) must lie in [0, 1]; got '1.5'."),
        ("--sigma-d 0,15", "--sigma-d (train σ_d) must be a number; got '0,15'. Did you mean 0.15?"),
        ("--sigma-d nan", "--sigma-d (train σ_d) must be a finite number; got 'nan'."),
        ("--precision much", "--precision must be a number; got 'much'."),
        ("--precision 0.6", "--precision must lie in (0, 0.5]; got '0.6'."),
        ("--precision", "A precision of 0.01 takes num_instances (chips) of at least 597; got 200. Allow more,"),
        ("--epochs 1.5", "--epochs must be a whole number; got '1.5'."),
        ("--method vanilla --beta 0.1", "--beta is no option of method 'vanilla'; it belongs to: ovf, irs."),
        ("--backbone mlp --width 1", "--width is no option of backbone 'mlp'; it belongs to: vgg8, resnet18, cnn1d."),
        ("--test-sigma-d 0.1;0.2", "--test-sigma-d (test σ_d) must be like '0,0.1,0.2' or '0:0.4:0.05'"),
        ("--test-sigma-d 0.3:0.1:0.1", "--test-sigma-d (test σ_d) must be like"),
        ("--test-sigma-d 0,2", "every σ_d must lie in [0, 1]"),
        (
            "--device measured --level-stds 1,x",
            "Level stds must be numbers separated by commas, as '1,1.8,1.8,1'; got '1,x'.",
        ),
        ("--device measured --level-stds 1,2,3", "one number a level, 2^K of them"),
        ("--level-stds 1,1", "--level-stds is no option of device 'rram1'; it belongs to: measured."),
        ("--test-device measured:1,2", "for device_bits (K) = 1; got K = 2. Give 4 level stds, or set K to 1"),
        ("--device rram4 --device-bits 4", "device_bits (K) must be 2; got 4. For other K choose a device"),
        ("--device-bits 3", "weight_bits (M) must be a multiple of device_bits (K); got M = 8, K = 3."),
        (
            "--decay steep --method ovf",
            "--decay (γ schedule) must be 'paper', 'reversed' or 'constant'; got 'steep'.",
        ),
        ("--method irs --num-feedback 5 --backbone mlp", "must be at most 4, the snapshot points of 'mlp4x128'; got 5"),
        ("--pretrained-run ../../etc", "No run '../../etc'. See `neft runs` for those there are."),
        ("--resume --restart", "--resume and --restart exclude each other."),
        (
            "--config /nowhere/config.json",
            "--config: '/nowhere/config.json' cannot be read: No such file or directory.",
        ),
        ("--bogus", "No such option '--bogus'."),
        ("--threads 0", "Invalid value for '--threads': 0 is not in the range 1<=x<=1024."),
        (
            "--torch-device abacus --seed 99",
            "--torch-device: torch cannot compute on 'abacus' here; 'cpu' always works.",
        ),
        ("--torch-device meta --seed 99", "--torch-device: torch cannot compute on 'meta' here; 'cpu' always works."),
        (
            "--events /nowhere/events.jsonl --seed 99",
            "Events cannot be written to '/nowhere/events.jsonl': No such file",
        ),
        ("--dataset mnist", "Download them with `--download`, or put them there"),
        ("--dataset image_folder", "ImageFolder.path (folder) must name a folder with one sub-folder of images"),
        ("--dataset image_folder --path /nowhere", "ImageFolder.path (folder): there is no folder /nowhere."),
        (
            "--pretrained-run digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d",
            "No run 'digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d'.",
        ),
    ],
)
def test_wrong_option_of_train_is_one_line_and_leaves_nothing(neft: Neft, arguments: str, sentence: str) -> None:
    error = the_error(neft("train", *arguments.split()))

    assert sentence in error
    assert not neft_home().exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("show nobody", "No run 'nobody'. See `neft runs` for those there are."),
        ("show ../../etc", "No run '../../etc'."),
        ("show ..-00000000", "No run '..-00000000'."),
        ("evaluate digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d", "See `neft runs` for those there are."),
        (
            "evaluate --precision digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d",
            "--precision must be a number; got 'digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d'.",
        ),
        ("sweep --precision accuracy", "--precision must be a number; got 'accuracy'."),
        ("sweep firstlook", "Unknown preset 'firstlook'. Did you mean 'first_look'?"),
        ("sweep smoke --seeds 2", "The preset 'smoke' has one size; it takes no --seeds. See `neft sweep` for those"),
        ("sweep first_look --epochs 1 --seeds 1 --dry-run", "it takes no --epochs, --seeds."),
        ("sweep accuracy --seeds 0", "Invalid value for '--seeds': 0 is not in the range 1<=x<=1000."),
        ("sweep accuracy --seed 3", "No such option '--seed'."),
        ("sweep accuracy --train-sigma-ds 0-1", "--train-sigma-ds must be like '0,0.1,0.2' or '0:0.4:0.05'"),
        ("sweep accuracy --train-sigma-ds 2", "every σ_d must lie in [0, 1]"),
        ("sweep accuracy --epochs 0", "--epochs must lie in [1, 10000]; got '0'."),
        ("sweep over_noise --sigma-d 0.6", "TrainingConfig.sigma_d (train σ_d) must lie in [0, 1]; got 1.2."),
        ("sweep devices --device-bits 4", "device_bits (K) must be 2; got 4."),
        (
            "sweep classifier_noise --backbone mlp --hidden-layers 2",
            "num_feedback (N) of 'irs' must be at most 2, the snapshot points of 'mlp2x128'; got 3.",
        ),
        ("sweep smoke --store /dev/null/runs", "Runs cannot be written to '/dev/null/runs': Not a directory."),
        ("claims --store /nowhere", "Invalid value for '--store': Directory '/nowhere' does not exist."),
        ("trian", "Unknown command 'trian'. Did you mean 'train'? Known: dashboard, train,"),
        ("dashboard --port 0", "Invalid value for '--port': 0 is not in the range 1<=x<=65535."),
    ],
)
def test_wrong_argument_of_a_verb_is_one_line_and_leaves_nothing(neft: Neft, arguments: str, sentence: str) -> None:
    error = the_error(neft(*arguments.split()))

    assert sentence in error
    assert not neft_home().exists()


@pytest.mark.parametrize("text", ["", "garbage", "[]", '{"methd": {}}', '{"method": {"name": "ovff"}}', "\udcff"])
def test_file_that_is_no_config_is_named(neft: Neft, tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    assert the_error(neft("train", "--config", str(path))).startswith(f"--config: '{path}' is no config: ")


def test_store_that_cannot_be_written_is_found_before_training(neft: Neft, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()

    error = the_error(neft("train", *TINY, "--store", str(blocked / "runs")))

    assert error == f"Runs cannot be written to '{blocked / 'runs'}': Not a directory."
    assert not (neft_home() / "unfinished").exists()


def test_stored_run_is_not_trained_again(neft: Neft, stored: RunRecord, own_store: RunStore, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(stored.config), encoding="utf-8")

    error = the_error(neft("train", "--config", str(path)))

    assert error.startswith(f"A run '{stored.id}' is already stored; see `neft show {stored.id}`.")
    assert own_store.ids() == [stored.id]
    assert not (neft_home() / "unfinished").exists()


def test_run_that_ships_with_the_package_is_not_trained_again(
    neft: Neft, filled_store: RunStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", filled_store.root)
    config = RunConfig.model_validate(filled_store.list().records[0].config)
    path = tmp_path / "config.json"
    path.write_text(config.to_json(), encoding="utf-8")

    assert f"A run '{config.run_id}' is already stored" in the_error(neft("train", "--config", str(path)))


def test_damaged_run_is_named(neft: Neft, stored: RunRecord, own_store: RunStore) -> None:
    (own_store.root / stored.id / "run.json").write_text("{", encoding="utf-8")

    assert the_error(neft("show", stored.id)) == f"Run '{stored.id}' is corrupt: run.json is not a run's record."


def test_damaged_run_does_not_hide_the_others(neft: Neft, stored: RunRecord, own_store: RunStore) -> None:
    other = own_store.save(
        stored.model_copy(update={"id": f"{stored.id[:-8]}00000000", "files": {}}), own_store.tables(stored)
    )
    (own_store.root / stored.id / "run.json").write_text("{", encoding="utf-8")

    answer = neft("runs")

    assert answer.code == 0
    assert other.id in answer.out
    assert f"{stored.id}: Run '{stored.id}' is corrupt" in answer.err
