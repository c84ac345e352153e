"""Runs on images of one's own: told apart by what the images are, wherever they lie."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neft.config import RunConfig
from neft.pipeline import Settings, identified, run
from neft.runs import unfinished
from neft.runs.records import RunRecord
from neft.runs.store import RunStore, Stores
from neft.tables import data_key, named_by_recipe, recipe
from neft.training.loop import HistoryRow, TrainingState
from tests.cli.conftest import Neft
from tests.cli.test_wrong_input import the_error

TINY = tuple(
    "--backbone mlp --hidden-layers 1 --hidden-units 8 --epochs 1 --num-instances 2 --test-sigma-d 0,0.1".split()  # noqa: SIM905
)
FOLDER = ["--dataset", "image_folder", "--channels", "1", "--image-size", "8"]


@pytest.fixture(autouse=True)
def _nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")


def images(root: Path, seed: int = 0) -> Path:
    """Two classes of noise."""
    rng = np.random.default_rng(seed)
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        for index in range(14):
            Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(root / name / f"{index:02}.png")
    return root


def trained(neft: Neft, root: Path, *more: str) -> RunRecord:
    answer = neft("train", *FOLDER, "--path", str(root), *TINY, *more, "--json")
    assert answer.code == 0, answer.err
    return RunRecord.model_validate(json.loads(answer.out))


def change(root: Path) -> None:
    """One pixel of one image."""
    path = next((root / "a").glob("*.png"))
    with Image.open(path) as image:
        pixels = np.array(image)
    pixels[0, 0] ^= 255
    Image.fromarray(pixels).save(path)


def test_other_images_under_the_same_path_are_another_run(neft: Neft, own_store: RunStore, tmp_path: Path) -> None:
    root = images(tmp_path / "data")
    before = trained(neft, root)
    change(root)

    error = the_error(neft("train", *FOLDER, "--path", str(root), *TINY))
    after = trained(neft, root, *error.rstrip(".").split()[-2:])

    assert f"are not those of run '{before.id}' with the same settings" in error
    assert own_store.ids() == sorted([before.id, after.id])


def test_the_same_images_elsewhere_are_the_same_run(neft: Neft, own_store: RunStore, tmp_path: Path) -> None:
    record = trained(neft, images(tmp_path / "data"))
    moved = shutil.move(tmp_path / "data", tmp_path / "moved")

    answer = neft("train", *FOLDER, "--path", str(moved), *TINY)

    assert f"'{record.id}' is already stored" in the_error(answer)


def test_the_command_that_makes_a_run_again_is_refused_on_other_images(neft: Neft, tmp_path: Path) -> None:
    root = images(tmp_path / "data")
    record = trained(neft, root)
    change(root)

    command = record.provenance.command.split()[1:]

    assert "are not those that are meant" in the_error(neft(*command, "--seed", "5"))


def test_a_config_with_another_path_is_of_the_images_there(neft: Neft, tmp_path: Path) -> None:
    record = trained(neft, images(tmp_path / "data"))
    config = tmp_path / "config.json"
    config.write_text(json.dumps(record.config))

    other = trained(neft, images(tmp_path / "other", seed=1), "--config", str(config))

    assert other.config["dataset"]["checksum"] not in ("", record.config["dataset"]["checksum"])


def test_a_pipelines_run_is_told_apart_by_its_images_too(tmp_path: Path) -> None:
    root = images(tmp_path / "data")
    store = RunStore(tmp_path / "runs")
    settings = Settings(store=store, pretrained_stores=Stores(own=store, shipped=store))
    config = RunConfig.make(
        dataset={"name": "image_folder", "path": str(root), "channels": 1, "image_size": 8},
        backbone={"name": "mlp", "hidden_layers": 1, "hidden_units": 8},
        training={"epochs": 1},
        evaluation={"sigma_ds": (0.0,), "num_instances": 1},
    )

    assert run(config, settings).id == identified(config).run_id != config.run_id


def test_evaluating_on_other_images_is_refused(neft: Neft, own_store: RunStore, tmp_path: Path) -> None:
    root = images(tmp_path / "data")
    record = trained(neft, root)
    change(root)

    for verb in ("evaluate", "worst-case"):
        error = the_error(neft(verb, record.id, *(("--test-sigma-d", "0") if verb == "evaluate" else ())))
        assert record.config["dataset"]["checksum"] in error
    assert own_store.ids() == [record.id]


def test_images_that_were_moved_are_found_by_their_path(neft: Neft, own_store: RunStore, tmp_path: Path) -> None:
    record = trained(neft, images(tmp_path / "data"))
    moved = shutil.move(tmp_path / "data", tmp_path / "moved")

    assert "there is no folder" in the_error(neft("evaluate", record.id, "--test-sigma-d", "0.2"))
    answer = neft("evaluate", record.id, "--test-sigma-d", "0,0.2", "--path", str(moved), "--json")

    again = RunRecord.model_validate(json.loads(answer.out))
    assert again.config["dataset"] == record.config["dataset"] | {"path": str(moved)}
    assert again.summary.at(0.0) == record.summary.at(0.0)
    assert recipe(again, ignoring=("evaluation.num_instances",)) == recipe(
        record, ignoring=("evaluation.num_instances",)
    )


def test_other_images_at_the_new_path_are_refused(neft: Neft, tmp_path: Path) -> None:
    record = trained(neft, images(tmp_path / "data"))
    other = images(tmp_path / "other", seed=1)

    answer = neft("evaluate", record.id, "--test-sigma-d", "0.2", "--path", str(other))

    assert "are not those that are meant" in the_error(answer)


def test_images_that_are_published_have_no_path(neft: Neft, stored: RunRecord) -> None:
    assert "--path is no option of dataset 'digits'" in the_error(neft("evaluate", stored.id, "--path", "x"))


def test_runs_on_other_images_are_not_compared(neft: Neft, tmp_path: Path) -> None:
    root = images(tmp_path / "data")
    before = trained(neft, root)
    change(root)
    after = trained(neft, root, "--seed", "1")

    error = the_error(neft("compare", before.id, after.id))

    assert "Only runs that were tested on the same images can be compared: dataset.checksum is" in error
    assert "train one anew on the other's images" in error


def test_runs_on_the_same_images_at_two_places_are_compared(neft: Neft, tmp_path: Path) -> None:
    before = trained(neft, images(tmp_path / "data"))
    moved = shutil.move(tmp_path / "data", tmp_path / "moved")
    after = trained(neft, Path(moved), "--seed", "1")

    assert "B − A" in neft("compare", before.id, after.id).out


def test_runs_on_other_images_are_no_repetitions_of_each_other(neft: Neft, tmp_path: Path) -> None:
    root = images(tmp_path / "data")
    records = [trained(neft, root)]
    change(root)
    records.append(trained(neft, root, "--seed", "1"))

    assert len({recipe(record) for record in records}) == 2
    assert len({data_key(record) for record in records}) == 2
    assert len({record.facts.dataset_label for record in records}) == 2
    assert len({record.facts.variant for record in named_by_recipe(records)}) == 2


def test_the_place_of_images_makes_no_other_recipe(neft: Neft, tmp_path: Path) -> None:
    before = trained(neft, images(tmp_path / "data"))
    moved = shutil.move(tmp_path / "data", tmp_path / "moved")
    after = trained(neft, Path(moved), "--seed", "1")

    assert recipe(before) == recipe(after)


def test_runs_of_a_kind_of_data_are_listed_by_it(neft: Neft, tmp_path: Path) -> None:
    record = trained(neft, images(tmp_path / "data"))

    for name in ("image_folder", record.facts.dataset):
        assert len(json.loads(neft("runs", "--dataset", name, "--json").out)["runs"]) == 1
    assert json.loads(neft("runs", "--dataset", "image", "--json").out)["runs"] == []


def interrupted(neft: Neft, root: Path) -> RunConfig:
    """A training that was left after its epoch, on images that have changed since."""
    planned = json.loads(neft("train", *FOLDER, "--path", str(root), *TINY, "--dry-run").out)
    config = RunConfig.make(**planned["config"])
    history: list[HistoryRow] = [dict.fromkeys(unfinished.OF_EVERY_EPOCH, 1)]
    state = TrainingState(epoch=1, best_epoch=1, history=history, weights={}, best_weights={}, optimiser={})
    unfinished.save(config, state)
    change(root)
    return config


@pytest.mark.parametrize("more", [(), ("--resume",), ("--restart",)], ids=["again", "resume", "restart"])
def test_an_interrupted_training_does_not_go_on_with_other_images(
    neft: Neft, tmp_path: Path, more: tuple[str, ...]
) -> None:
    root = images(tmp_path / "data")
    begun = interrupted(neft, root)

    error = the_error(neft("train", *FOLDER, "--path", str(root), *TINY, *more))

    assert "are not those of the interrupted training with the same settings, after epoch 1 of 1 (checksum" in error
    assert unfinished.exists(begun)


def test_what_is_advised_where_images_changed_is_the_same_everywhere_and_works(neft: Neft, tmp_path: Path) -> None:
    """Each names both ways on: the former images by their path, these by their checksum."""
    root = images(tmp_path / "data")
    before = trained(neft, root)
    kept = Path(shutil.copytree(root, tmp_path / "kept"))
    change(root)
    here = ("--path", str(root))
    former = ("--checksum", before.config["dataset"]["checksum"], "--seed", "4")
    errors = [
        the_error(neft("train", *FOLDER, *here, *TINY)),
        the_error(neft("train", *FOLDER, *here, *TINY, *former)),
        the_error(neft("evaluate", before.id, "--test-sigma-d", "0.2")),
        the_error(neft("waterfall", before.id)),
    ]

    advice = {error.partition(" If those lie ")[2] for error in errors}
    found = errors[0].rstrip(".").split()[-1]

    assert advice == {f"elsewhere, say --path; to train on these: `neft train` with --checksum {found}."}
    assert neft("evaluate", before.id, "--test-sigma-d", "0.2", "--path", str(kept)).code == 0
    assert neft("train", *FOLDER, "--path", str(kept), *TINY, *former).code == 0
    assert trained(neft, root, "--checksum", found).config["dataset"]["checksum"] == found


def test_an_interrupted_training_goes_on_with_its_images_where_they_lie_now(neft: Neft, tmp_path: Path) -> None:
    root = images(tmp_path / "data")
    kept = Path(shutil.copytree(root, tmp_path / "kept"))
    begun = interrupted(neft, root)

    error = the_error(neft("train", *FOLDER, "--path", str(kept), *TINY))

    assert unfinished.exists(begun)
    assert "stands after epoch 1 of 1: go on with --resume" in error


def test_what_is_left_out_and_how_images_are_made_alike_is_said(neft: Neft, tmp_path: Path) -> None:
    root = images(tmp_path / "data")
    Image.new("L", (8, 8)).save(root / "a" / "x.gif")

    answer = neft("train", *FOLDER, "--path", str(root), *TINY)

    assert "1 is left out, being no image that is read: 1 .gif." in answer.err


def test_whether_images_are_those_of_a_run_from_before_is_not_known(
    neft: Neft, own_store: RunStore, tmp_path: Path
) -> None:
    """A run of the version that knew images by their path alone."""
    root = images(tmp_path / "data")
    known = trained(neft, root)
    config = RunConfig.make(**known.config)
    before = config.model_copy(update={"dataset": config.dataset.holding("")})
    record = known.model_copy(update={"id": before.run_id, "config": before.model_dump(mode="json"), "files": {}})
    tables, weights = own_store.tables(known), own_store.weights(known)
    _ = own_store.save(record, tables, weights)
    own_store.delete(known.id)

    refused = the_error(neft("train", *FOLDER, "--path", str(root), *TINY))
    evaluated = neft("evaluate", before.run_id, "--test-sigma-d", "0.2")

    assert f"may not be those of run '{before.run_id}'" in refused
    assert evaluated.code == 0
    assert f"Nothing says which images are meant; the checksum here is {config.dataset.content}" in evaluated.err


def test_a_sweep_on_other_images_is_of_other_runs(neft: Neft, tmp_path: Path) -> None:
    root = images(tmp_path / "data")

    def planned(path: Path) -> list[str]:
        sized = ("--seeds", "1", "--dry-run", "--json")
        return json.loads(neft("sweep", "classifier_noise", *FOLDER, "--path", str(path), *sized).out)

    before = planned(root)
    moved = planned(Path(shutil.copytree(root, tmp_path / "moved")))
    change(root)

    assert before == moved
    assert set(before).isdisjoint(planned(root))


def test_a_sweep_on_own_images_stores_what_it_planned(neft: Neft, own_store: RunStore, tmp_path: Path) -> None:
    root = images(tmp_path / "data")
    small = (*FOLDER, "--path", str(root), "--backbone", "mlp", "--hidden-units", "8", "--epochs", "1", "--seeds", "1")
    sized = ("--num-instances", "2", "--workers", "1")

    answer = neft("sweep", "classifier_noise", *small, *sized)

    assert answer.code == 0, answer.err
    assert (
        json.loads(neft("sweep", "classifier_noise", *small, "--num-instances", "2", "--dry-run", "--json").out) == []
    )
    assert own_store.ids()


@pytest.mark.parametrize("name", ["a [1] <b> $x$", "in[/red]", "_*~`"])
def test_a_folder_may_be_called_anything_and_its_runs_handed_on(
    neft: Neft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    root = tmp_path / name
    record = trained(neft, images(root))
    _ = neft("export", record.id, "--out", str(tmp_path / "one.zip"))
    monkeypatch.setenv("NEFT_HOME", str(tmp_path / "elsewhere"))

    answer = neft("import", str(tmp_path / "one.zip"))

    assert (answer.code, answer.err) == (0, "1 run\n")
    assert RunStore(tmp_path / "elsewhere" / "runs").ids() == [record.id]


def test_arrays_are_trained_on_and_evaluated_where_they_were_moved(neft: Neft, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.savez(
        tmp_path / "data.npz",
        x_train=pixels[:40],
        y_train=np.arange(40) % 2,
        x_test=pixels[40:],
        y_test=np.arange(20) % 2,
    )
    given = ("--dataset", "image_arrays", "--channels", "1", "--image-size", "8", "--path", str(tmp_path / "data.npz"))
    record = RunRecord.model_validate(json.loads(neft("train", *given, *TINY, "--json").out))
    moved = shutil.move(tmp_path / "data.npz", tmp_path / "moved.npz")

    answer = neft("evaluate", record.id, "--test-sigma-d", "0,0.3", "--path", str(moved), "--json")

    again = RunRecord.model_validate(json.loads(answer.out))
    assert again.summary.at(0.0) == record.summary.at(0.0)
