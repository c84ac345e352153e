"""run(config): whole or absent, resumed, evaluated again."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pandas as pd
import pytest
import torch
from PIL import Image

from neft import columns
from neft.chips.sampling import quantised
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets.image_folder import ImageFolder
from neft.errors import ConfigError, DataMissingError, RunExistsError, RunNotFoundError, StoppedError, StoreError
from neft.methods import BaseMethod, Ovf, TaughtMethod, Vanilla
from neft.metrics import METRICS
from neft.pipeline import Progress, Settings, load_data, reevaluate, run
from neft.runs import checkpoint, unfinished
from neft.runs.facts import stored_config
from neft.runs.records import RunRecord
from neft.runs.store import DRAFTS, RunStore, RunTables, Stores


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    store = RunStore(tmp_path / "runs")
    stores = Stores(own=store, shipped=RunStore(tmp_path / "none", read_only=True))
    return Settings(store=store, pretrained_stores=stores, unfinished_root=tmp_path / "unfinished")


def with_training(config: RunConfig, **changes: object) -> RunConfig:
    return RunConfig.make(**config.model_dump() | {"training": config.training.model_dump() | changes})


def with_evaluation(config: RunConfig, **changes: object) -> RunConfig:
    return RunConfig.make(**config.model_dump() | {"evaluation": config.evaluation.model_dump() | changes})


def stop_when(stage: str, done: int) -> tuple[Callable[[Progress], None], Callable[[], bool]]:
    """A watcher, and a question that is answered with yes as soon as so much is done."""
    seen: list[Progress] = []
    return seen.append, lambda: (seen[-1].stage, seen[-1].done) == (stage, done)


def stopped(settings: Settings, stage: str, done: int) -> Settings:
    watcher, question = stop_when(stage, done)
    return replace(settings, on_progress=watcher, should_stop=question)


def same_numbers(settings: Settings, ours: RunRecord, other: Settings, theirs: RunRecord) -> None:
    tables: list[RunTables] = [settings.store.tables(ours), other.store.tables(theirs)]
    for name in ("instances", "layers", "deviations"):
        pd.testing.assert_frame_equal(getattr(tables[0], name), getattr(tables[1], name))
    histories = [one.history.drop(columns=columns.SECONDS) for one in tables]
    pd.testing.assert_frame_equal(histories[0], histories[1])
    weights = [one.store.weights(record) for one, record in ((settings, ours), (other, theirs))]
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())
    assert ours.summary.test == theirs.summary.test
    # history.csv keeps six digits
    assert ours.summary.validation_accuracy == pytest.approx(theirs.summary.validation_accuracy, rel=1e-5)


# ---------------------------------------------------------------- stored
def test_every_method_runs_through(method: BaseMethod, small_config: RunConfig, settings: Settings) -> None:
    if isinstance(method, TaughtMethod):
        teacher = run(small_config.model_copy(update={"method": Vanilla()}), settings)
        method = method.model_copy(update={"teacher_run": teacher.id})
    config = small_config.model_copy(update={"method": method})

    record = run(config, settings)

    assert settings.store.record(config.run_id) == record
    assert stored_config(record) == config
    assert record.facts.variant == method.variant
    assert record.facts.temperature == method.effective_temperature
    assert len(settings.store.tables(record).history) == record.summary.num_epochs == 2
    assert len(settings.store.instances(record)) == 6


def test_record_says_where_it_came_from(small_config: RunConfig, settings: Settings) -> None:
    record = run(small_config, replace(settings, preset="smoke", command="neft train"))

    provenance = record.provenance
    assert (
        provenance.versions["torch"] == torch.__version__.partition("+")[0]
        or provenance.versions["torch"] == torch.__version__
    )
    assert (provenance.preset, provenance.command, provenance.torch_device) == ("smoke", "neft train", "cpu")
    assert provenance.created.endswith("+00:00")
    assert provenance.training_seconds > 0


def test_run_is_computed_with_one_thread_of_torchs_whatever_it_used_before(
    small_config: RunConfig, settings: Settings
) -> None:
    before = torch.get_num_threads()
    seen: set[int] = set()

    def watch(_state: Progress) -> None:
        seen.add(torch.get_num_threads())

    settings = replace(settings, command="neft train", on_progress=watch)
    torch.set_num_threads(3)

    record = run(small_config, replace(settings, cores=2))

    left = torch.get_num_threads()
    torch.set_num_threads(before)
    assert (record.provenance.threads, record.provenance.command) == (1, "neft train")
    assert seen == {1, 3}  # loading is told before
    assert left == 3


def test_devices_are_counted_on_two_crossbars(small_config: RunConfig, settings: Settings) -> None:
    # weights 64 * 16 + 16 * 16 + 16 * 10 = 1,440; times 8/2 slices and 2 signs. Parameters: and 16 + 16 + 10 biases
    summary = run(small_config, settings).summary

    assert (summary.num_devices, summary.num_parameters) == (1440 * 4 * 2, 1440 + 42)


def test_same_config_gives_the_same_numbers(
    small_config: RunConfig, settings: Settings, filled_store: RunStore
) -> None:
    record = run(small_config, settings)

    same_numbers(settings, record, replace(settings, store=filled_store), filled_store.record(record.id))


def test_the_worst_case_is_searched_where_asked_for_and_comes_back_from_the_store(
    small_config: RunConfig, settings: Settings, filled_store: RunStore
) -> None:
    config = with_evaluation(small_config, worst_case=(0.0, 0.05))

    record = run(config, settings)

    table = settings.store.tables(settings.store.record(record.id)).worst_case
    assert table is not None
    assert table[columns.TH_G].tolist() == [0.0, 0.05]
    assert [(one.th_g, one.accuracy) for one in record.summary.worst_case] == [
        (th_g, pytest.approx(accuracy, abs=1e-7))
        for th_g, accuracy in zip(table[columns.TH_G], table[columns.ACCURACY], strict=True)
    ]
    clean = settings.store.instances(record).query("sigma_d == 0")[columns.ACCURACY].iloc[0]
    assert clean == record.summary.worst_case[0].accuracy > record.summary.worst_case[1].accuracy
    assert settings.store.verify(record.id) == record
    # the search changes no other number, and a run without one has no table
    plain = filled_store.record(small_config.run_id)
    same_numbers(settings, record, replace(settings, store=filled_store), plain)
    assert (plain.summary.worst_case, filled_store.tables(plain).worst_case) == ((), None)


def test_the_worst_case_s_draws_are_those_of_the_chip_seed(small_config: RunConfig, settings: Settings) -> None:
    tables: list[pd.DataFrame] = []
    for seed in (0, 0, 1):
        config = with_evaluation(small_config, worst_case=(0.2,), seed=seed)
        store = RunStore(settings.store.root.parent / f"runs{len(tables)}")
        record = run(config, replace(settings, store=store))
        table = store.tables(record).worst_case
        assert table is not None
        tables.append(table)

    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert tables[0][columns.UNIFORM_MEAN].item() != tables[2][columns.UNIFORM_MEAN].item()


def test_a_search_that_is_stopped_leaves_no_run_and_keeps_the_epochs(
    small_config: RunConfig, settings: Settings
) -> None:
    config = with_evaluation(small_config, worst_case=(0.05,))

    with pytest.raises(StoppedError, match="Stopped after 0 of 1 values of th_g"):
        run(config, stopped(settings, "searching", 3))

    assert settings.store.ids() == []
    state = unfinished.load(config, settings.unfinished_root)
    assert state is not None
    assert state.epoch == 2


def test_stored_run_is_not_trained_again(small_config: RunConfig, settings: Settings) -> None:
    run(small_config, settings)
    seen: list[Progress] = []

    with pytest.raises(RunExistsError, match="the same settings give the same numbers"):
        run(small_config, replace(settings, on_progress=seen.append))

    assert seen == []


def test_watcher_sees_every_stage(small_config: RunConfig, settings: Settings) -> None:
    seen: list[Progress] = []

    run(small_config, replace(settings, on_progress=seen.append))

    steps = [(one.stage, one.done, one.total) for one in seen]
    assert steps == [
        ("loading", 0, 0),
        *(("training", done, 2) for done in range(3)),
        *(("evaluating", done, 3) for done in range(4)),
        ("storing", 0, 0),
    ]
    assert seen[2].row[columns.EPOCH] == 1


# ---------------------------------------------------------------- stopped, failed, resumed
@pytest.mark.parametrize(("stage", "done", "kept"), [("training", 0, 0), ("training", 1, 1), ("evaluating", 1, 2)])
def test_stopped_run_is_not_stored_but_its_epochs_are_kept(
    small_config: RunConfig, settings: Settings, stage: str, done: int, kept: int
) -> None:
    with pytest.raises(StoppedError):
        run(small_config, stopped(settings, stage, done))

    assert settings.store.ids() == []
    assert not list(settings.store.root.glob(f"{DRAFTS}/*"))
    state = unfinished.load(small_config, settings.unfinished_root)
    assert (state.epoch if state else 0) == kept


@pytest.mark.parametrize(("stage", "done"), [("training", 1), ("evaluating", 1)])
def test_resumed_run_is_the_uninterrupted_one(
    small_config: RunConfig, settings: Settings, filled_store: RunStore, stage: str, done: int
) -> None:
    with pytest.raises(StoppedError):
        run(small_config, stopped(settings, stage, done))

    record = run(small_config, replace(settings, resume=True))

    same_numbers(settings, record, replace(settings, store=filled_store), filled_store.record(record.id))


@pytest.mark.parametrize("damage", [b"", b"torn"])
def test_damaged_state_is_set_aside_with_a_word_and_the_run_starts_anew(
    small_config: RunConfig, settings: Settings, filled_store: RunStore, damage: bytes
) -> None:
    with pytest.raises(StoppedError):
        run(small_config, stopped(settings, "training", 1))
    _ = (unfinished.folder(small_config, settings.unfinished_root) / unfinished.STATE).write_bytes(damage)
    seen: list[Progress] = []

    record = run(small_config, replace(settings, resume=True, on_progress=seen.append))

    (told,) = [one.message for one in seen if "starts anew" in one.message]
    assert "cannot be read as weights" in told
    assert unfinished.DAMAGED in told
    same_numbers(settings, record, replace(settings, store=filled_store), filled_store.record(record.id))


Change = Callable[[dict[str, torch.Tensor], dict[str, Any]], object]
WRONG: dict[str, Change] = {
    "another network": lambda tensors, _: tensors.update({name: torch.ones(2) for name in tensors}),
    "no tensors": lambda tensors, _: tensors.clear(),
    "no moments": lambda tensors, _: [tensors.pop(name) for name in [*tensors] if name.startswith("optimiser:")],
    "part of the moments": lambda tensors, _: [tensors.pop(name) for name in [*tensors] if name.endswith("exp_avg_sq")],
    "a weight too many": lambda tensors, _: tensors.update({"weights:x": torch.ones(2)}),
    "other best weights": lambda tensors, _: tensors.update({"best_weights:x": torch.ones(2)}),
    "an epoch in words": lambda _, facts: facts.update(epoch="one"),
    "an epoch beyond": lambda _, facts: facts.update(epoch=99),
    "no best epoch": lambda _, facts: facts.update(best_epoch=0),
    "no history": lambda _, facts: facts.update(history=None),
    "an empty history": lambda _, facts: facts.update(history=[]),
    "a history of something else": lambda _, facts: facts.update(history=[{"epoch": 1}]),
    "a history of words": lambda _, facts: facts["history"][0].update(loss="small"),
}
"""What is done to a sound state: to its tensors, or to what it says of itself."""


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_state_that_is_readable_and_wrong_is_set_aside_with_a_word_and_the_run_starts_anew(
    small_config: RunConfig, settings: Settings, stopped_state: Path, change: Change
) -> None:
    path = unfinished.folder(small_config, settings.unfinished_root) / unfinished.STATE
    path.parent.mkdir(parents=True)
    tensors, facts = checkpoint.load_tensors(stopped_state), checkpoint.load_metadata(stopped_state)["facts"]
    told_of_itself = json.loads(facts)
    _ = change(tensors, told_of_itself)
    checkpoint.save_tensors(path, tensors, {"facts": json.dumps(told_of_itself)})
    seen: list[Progress] = []

    with pytest.raises(StoppedError, match="in epoch 1 of 2"):
        run(small_config, replace(settings, resume=True, on_progress=seen.append, should_stop=lambda: True))

    (told,) = [one.message for one in seen if "starts anew" in one.message]
    assert len(told) <= 300 + len(str(path))
    assert not unfinished.exists(small_config, settings.unfinished_root)
    assert (path.parent / unfinished.DAMAGED).is_file()


@pytest.fixture(scope="module")
def stopped_state(small_config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a training that was stopped after its first epoch."""
    root = tmp_path_factory.mktemp("stopped")
    watcher, question = stop_when("training", 1)
    store = RunStore(root / "runs")
    with pytest.raises(StoppedError):
        run(small_config, Settings(store=store, unfinished_root=root, on_progress=watcher, should_stop=question))
    return unfinished.folder(small_config, root) / unfinished.STATE


def test_sound_state_is_gone_on_from_and_not_set_aside(
    small_config: RunConfig, settings: Settings, stopped_state: Path
) -> None:
    place = unfinished.folder(small_config, settings.unfinished_root)
    place.mkdir(parents=True)
    (place / unfinished.STATE).write_bytes(stopped_state.read_bytes())
    seen: list[Progress] = []

    run(small_config, replace(settings, resume=True, on_progress=seen.append))

    assert [one.done for one in seen if one.stage == "training"] == [1, 2]


def test_state_that_the_system_does_not_let_be_read_stays(
    small_config: RunConfig, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoppedError):
        run(small_config, stopped(settings, "training", 1))
    path = unfinished.folder(small_config, settings.unfinished_root) / unfinished.STATE
    before = path.read_bytes()
    refused = OSError(errno.EIO, os.strerror(errno.EIO))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", Mock(side_effect=refused))
        with pytest.raises(StoreError, match=r"cannot be read from .*: Input/output error"):
            run(small_config, replace(settings, resume=True))

    assert path.read_bytes() == before


def test_state_of_another_kind_is_set_aside_too(small_config: RunConfig, settings: Settings) -> None:
    path = unfinished.folder(small_config, settings.unfinished_root) / unfinished.STATE
    path.parent.mkdir(parents=True)
    checkpoint.save_tensors(path, {"weights:x": torch.ones(2)}, {"facts": "{}"})

    assert run(small_config, replace(settings, resume=True)).id == small_config.run_id


def chips_told(seen: list[Progress]) -> list[int]:
    return [one.done for one in seen if one.stage == "evaluating"]


def test_chips_that_were_tried_are_not_tried_again(
    small_config: RunConfig, settings: Settings, filled_store: RunStore
) -> None:
    with pytest.raises(StoppedError, match="Stopped after 2 of 3 chips"):
        run(small_config, stopped(settings, "evaluating", 2))
    seen: list[Progress] = []

    record = run(small_config, replace(settings, resume=True, on_progress=seen.append))

    assert chips_told(seen) == [2, 3]
    same_numbers(settings, record, replace(settings, store=filled_store), filled_store.record(record.id))


def test_stop_between_two_sigma_d_forgets_the_chip_that_was_begun(small_config: RunConfig, settings: Settings) -> None:
    asked: list[None] = []
    began: list[Progress] = []

    def amid_the_second_chip() -> bool:
        if began and began[-1].stage == "evaluating" and began[-1].done == 1:
            asked.append(None)
        return len(asked) == 2  # once after the first chip, then before sigma_d = 0.1 of the second

    with pytest.raises(StoppedError, match="Stopped after 1 of 3 chips"):
        run(small_config, replace(settings, on_progress=began.append, should_stop=amid_the_second_chip))


def test_precision_counts_the_chips_that_were_tried_before(small_config: RunConfig, settings: Settings) -> None:
    config = with_evaluation(small_config, precision=0.2, min_instances=2, num_instances=40)
    whole = run(config, replace(settings, store=RunStore(settings.store.root / "whole")))
    with pytest.raises(StoppedError):
        run(config, stopped(settings, "evaluating", 2))

    record = run(config, replace(settings, resume=True))

    assert record.summary.test == whole.summary.test


def test_stopped_evaluation_goes_on_where_it_was(small_config: RunConfig, settings: Settings) -> None:
    source, other = run(small_config, settings), with_evaluation(small_config, num_instances=5)
    elsewhere = replace(settings, store=RunStore(settings.store.root / "elsewhere"))
    undisturbed = reevaluate(source, other, elsewhere)
    with pytest.raises(StoppedError):
        reevaluate(source, other, stopped(settings, "evaluating", 3))
    seen: list[Progress] = []

    again = reevaluate(source, other, replace(settings, on_progress=seen.append))

    assert chips_told(seen) == [3, 4, 5]
    assert not unfinished.folder(other, settings.unfinished_root).exists()
    same_numbers(settings, again, elsewhere, undisturbed)


Rows = list[dict[str, int | float]]
ODD_ROWS: dict[str, Callable[[Rows], object]] = {
    "of no chip": lambda rows: rows[0].clear(),
    "without a number": lambda rows: rows[0].pop(columns.EKL),
    "at another sigma_d": lambda rows: [row.update(sigma_d=0.3) for row in rows],
    "at one sigma_d alone": lambda rows: rows.remove(rows[1]),
    "of later chips": lambda rows: [row.update(instance=row[columns.INSTANCE] + 1) for row in rows],
    "twice": lambda rows: rows.extend([*rows]),
    "of too many chips": lambda rows: rows.extend([{**row, "instance": at} for at in (2, 3, 4) for row in rows[:2]]),
}


@pytest.mark.parametrize("change", ODD_ROWS.values(), ids=ODD_ROWS)
def test_kept_chips_that_are_not_the_first_of_this_evaluation_are_tried_again(
    small_config: RunConfig, tmp_path: Path, change: Callable[[Rows], object]
) -> None:
    numbers = dict.fromkeys(METRICS, 0.5)
    rows: Rows = [
        {columns.SIGMA_D: sigma_d, columns.INSTANCE: instance, **numbers}
        for instance in range(2)
        for sigma_d in small_config.evaluation.sigma_ds
    ]
    unfinished.save_chips(small_config, unfinished.TriedChips("0" * 64, rows), tmp_path)
    assert unfinished.load_chips(small_config, "0" * 64, tmp_path).rows == rows

    change(rows)
    unfinished.save_chips(small_config, unfinished.TriedChips("0" * 64, rows), tmp_path)

    assert unfinished.load_chips(small_config, "0" * 64, tmp_path).rows == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"network": "another", "rows": [{"sigma_d": 0.1}]}'])
def test_chips_of_another_network_or_that_cannot_be_read_are_tried_again(
    small_config: RunConfig, settings: Settings, filled_store: RunStore, text: str
) -> None:
    with pytest.raises(StoppedError):
        run(small_config, stopped(settings, "evaluating", 2))
    path = unfinished.folder(small_config, settings.unfinished_root) / unfinished.CHIPS
    path.write_text(text, encoding="utf-8")
    seen: list[Progress] = []

    record = run(small_config, replace(settings, resume=True, on_progress=seen.append))

    assert chips_told(seen) == [0, 1, 2, 3]
    same_numbers(settings, record, replace(settings, store=filled_store), filled_store.record(record.id))


def test_run_starts_over_unless_told_to_resume(small_config: RunConfig, settings: Settings) -> None:
    with pytest.raises(StoppedError):
        run(small_config, stopped(settings, "training", 1))
    seen: list[Progress] = []

    run(small_config, replace(settings, on_progress=seen.append))

    assert [one.done for one in seen if one.stage == "training"] == [0, 1, 2]


def test_unfinished_state_is_discarded_after_success(small_config: RunConfig, settings: Settings) -> None:
    run(small_config, settings)

    assert not unfinished.exists(small_config, settings.unfinished_root)


def test_missing_data_stores_nothing(small_config: RunConfig, settings: Settings, tmp_path: Path) -> None:
    config = small_config.model_copy(update={"dataset": ImageFolder(path=str(tmp_path / "nowhere"))})

    with pytest.raises(DataMissingError):
        run(config, settings)

    assert settings.store.ids() == []


# ---------------------------------------------------------------- fewer images
@pytest.fixture
def many_classes(tmp_path: Path) -> ImageFolder:
    """Twelve classes of grey 8 x 8 images, more classes than the smallest number of images that may be asked for."""
    for label, index in product(range(12), range(20)):
        folder = tmp_path / "images" / f"{label:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), color=20 * label + index).save(folder / f"{index}.png")
    return ImageFolder(path=str(tmp_path / "images"), image_size=8)


def test_splits_have_as_many_images_as_asked_for_even_over_the_classes(
    small_config: RunConfig, settings: Settings
) -> None:
    config = with_evaluation(with_training(small_config, max_validation=33), max_test=58)

    data = load_data(config, settings)

    for split, count in ((data.validation, 33), (data.test, 58)):
        per_class = torch.bincount(split.labels, minlength=10)
        assert len(split) == len(split.images) == count
        assert int(per_class.max() - per_class.min()) == 1
    assert len(data.train) == 200


def test_fewer_images_are_some_of_the_whole_splits(small_config: RunConfig, settings: Settings) -> None:
    config = with_evaluation(with_training(small_config, max_validation=20), max_test=20)
    whole, few = load_data(small_config, settings), load_data(config, settings)

    for ours, theirs in ((few.validation, whole.validation), (few.test, whole.test)):
        few_pairs, known = (
            [(image.numpy().tobytes(), int(label)) for image, label in zip(split.images, split.labels, strict=True)]
            for split in (ours, theirs)
        )
        assert len(few_pairs) == 20
        assert set(few_pairs) <= set(known)


def test_asking_for_more_images_than_there_are_takes_all(small_config: RunConfig, settings: Settings) -> None:
    config = with_evaluation(with_training(small_config, max_validation=10_000), max_test=10_000)
    whole, all_of_them = load_data(small_config, settings), load_data(config, settings)

    assert torch.equal(whole.test.images, all_of_them.test.images)
    assert torch.equal(whole.validation.labels, all_of_them.validation.labels)


def test_run_is_validated_and_tested_on_that_many_images(small_config: RunConfig, settings: Settings) -> None:
    config = with_evaluation(with_training(small_config, max_validation=10), max_test=20)

    tables = settings.store.tables(run(config, settings))

    # an accuracy over n images is a whole number of n-ths
    for accuracies, count in (
        (tables.instances[columns.ACCURACY], 20),
        (tables.history[columns.VALIDATION_CLEAN_ACCURACY], 10),
    ):
        hits = accuracies * count
        assert hits.to_numpy() == pytest.approx(hits.round().to_numpy(), abs=1e-4)


@pytest.mark.parametrize(
    ("part", "setting"), [("training", "max_validation"), ("evaluation", "max_test")], ids=["validation", "test"]
)
def test_fewer_images_than_classes_are_refused(
    small_config: RunConfig, settings: Settings, many_classes: ImageFolder, part: str, setting: str
) -> None:
    config = small_config.model_copy(update={"dataset": many_classes})
    changed = RunConfig.make(**config.model_dump() | {part: getattr(config, part).model_dump() | {setting: 11}})

    with pytest.raises(ConfigError, match=rf"^{setting} must be at least the number of classes, 12; got 11\.$"):
        run(changed, settings)

    assert settings.store.ids() == []


# ---------------------------------------------------------------- weights
def test_stored_codes_are_the_weights_that_were_evaluated(
    small_config: RunConfig, settings: Settings, tmp_path: Path
) -> None:
    as_codes = replace(settings, store=RunStore(tmp_path / "codes"), weights="codes")
    plain, coded = run(small_config, settings), run(small_config, as_codes)
    real, decoded = settings.store.weights(plain), as_codes.store.weights(coded)

    for name, tensor in real.items():
        expected = quantised(tensor, small_config.mapping) if name.endswith(".weight") else tensor
        assert torch.equal(decoded[name], expected)
    pd.testing.assert_frame_equal(settings.store.instances(plain), as_codes.store.instances(coded), atol=1e-3)
    sizes = [record.files["weights.safetensors"].num_bytes for record in (plain, coded)]
    assert sizes[1] < sizes[0] / 2


def test_codes_need_quantisation_and_say_so_before_anything_is_computed(
    small_config: RunConfig, settings: Settings
) -> None:
    seen: list[Progress] = []

    with pytest.raises(ConfigError, match="as codes only where the evaluation quantises"):
        run(with_evaluation(small_config, quantise=False), replace(settings, weights="codes", on_progress=seen.append))

    assert seen == []


def test_weights_may_be_left_out(small_config: RunConfig, settings: Settings) -> None:
    record = run(small_config, replace(settings, weights="none"))

    with pytest.raises(RunNotFoundError, match="without its weights"):
        settings.store.weights(record)


def test_run_without_weights_is_not_evaluated_and_leaves_no_trace(
    small_config: RunConfig, settings: Settings, tmp_path: Path
) -> None:
    record = run(small_config, replace(settings, weights="none"))
    elsewhere = replace(
        settings, store=RunStore(tmp_path / "elsewhere"), pretrained_stores=Stores.at(settings.store.root)
    )

    with pytest.raises(RunNotFoundError, match="without its weights"):
        reevaluate(record, with_evaluation(small_config, num_instances=4), elsewhere)

    assert not elsewhere.store.root.exists()


# ---------------------------------------------------------------- from a stored run
def test_evaluating_again_is_as_good_as_training_again(
    small_config: RunConfig, settings: Settings, tmp_path: Path
) -> None:
    other = with_evaluation(small_config, sigma_ds=(0.05, 0.3), num_instances=4, seed=9, device={"name": "fefet6"})
    elsewhere = replace(settings, store=RunStore(tmp_path / "elsewhere"))

    again = reevaluate(run(small_config, settings), other, settings)

    same_numbers(settings, again, elsewhere, run(other, elsewhere))
    assert again.facts.device == "fefet6"


def test_evaluating_again_changes_the_evaluation_and_nothing_else(small_config: RunConfig, settings: Settings) -> None:
    record = run(small_config, settings)

    for other in (with_training(small_config, seed=1), small_config.model_copy(update={"method": Ovf()})):
        with pytest.raises(ConfigError, match="Only the evaluation may differ"):
            reevaluate(record, other, settings)
    with pytest.raises(RunExistsError):
        reevaluate(record, small_config, settings)

    assert settings.store.ids() == [record.id]


def test_training_may_start_from_a_stored_run(small_config: RunConfig, settings: Settings) -> None:
    first = run(small_config, settings)
    config = with_training(small_config, pretrained_run=first.id, learning_rate=1e-30, epochs=1)

    second = run(config, settings)

    start, end = settings.store.weights(first), settings.store.weights(second)
    assert all(torch.allclose(tensor, end[name], rtol=0, atol=1e-20) for name, tensor in start.items())


def test_pretrained_run_that_is_not_there_is_not_found(small_config: RunConfig, settings: Settings) -> None:
    with pytest.raises(RunNotFoundError, match="No run 'digits-gone-00000000'"):
        run(with_training(small_config, pretrained_run="digits-gone-00000000"), settings)


def test_test_device_may_differ_from_the_trainings(small_config: RunConfig, settings: Settings) -> None:
    record = run(with_evaluation(small_config, device={"name": "rram4"}), settings)

    assert record.facts.device == "rram4"
    assert stored_config(record).device.name == "rram1"
    assert EvaluationConfig().device is None
    assert TrainingConfig().pretrained_run is None
