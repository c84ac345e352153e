"""Many runs: what is there is skipped, what fails is reported, the rest goes on, and who waits comes after."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from neft.config import RunConfig
from neft.datasets.image_folder import ImageFolder
from neft.errors import StoreError
from neft.experiments.first_look import first_look
from neft.experiments.planning import PlannedRun, Standing, Stored
from neft.experiments.presets import smoke
from neft.methods import Ovf, Vanilla
from neft.pipeline import Settings, run
from neft.runs import unfinished
from neft.runs.plans import PlanEntry
from neft.runs.store import RECORD, WEIGHTS, RunStore, Stores
from neft.sweeps.sweep import RunEnd, SweepSettings, look, missing, plan_record, run_one, sweep


@pytest.fixture
def settings(tmp_path: Path) -> SweepSettings:
    return SweepSettings(
        store_root=tmp_path / "runs", num_workers=1, unfinished_root=tmp_path / "unfinished", counts_shipped=False
    )


def planned(config: RunConfig, seed: int, **changes: object) -> PlannedRun:
    training = config.training.model_copy(update={"seed": seed, "epochs": 1})
    return PlannedRun(config.model_copy(update={"training": training, **changes}))


def fine_tuned(source: PlannedRun) -> PlannedRun:
    """A run that starts from another's weights."""
    training = source.config.training.model_copy(update={"pretrained_run": source.config.run_id})
    return PlannedRun(source.config.model_copy(update={"training": training}), keep_weights=False)


def renewed(source: PlannedRun) -> PlannedRun:
    """Another evaluation of a run's weights."""
    evaluation = source.config.evaluation.model_copy(update={"recalibrate_batchnorm": True})
    config = source.config.model_copy(update={"evaluation": evaluation})
    return PlannedRun(config, keep_weights=False, weights_of=source.config.run_id)


def ids(planned: Sequence[PlannedRun]) -> list[str]:
    return [one.run_id for one in planned]


# ---------------------------------------------------------------- skipped, failed, resumed
def test_stored_runs_are_skipped(small_config: RunConfig, settings: SweepSettings) -> None:
    both = [planned(small_config, 0), planned(small_config, 1)]
    first = sweep(lambda _stored: both[:1], settings)

    heard: list[RunEnd] = []
    second = sweep(lambda _stored: both, settings, on_end=heard.append)

    assert [end.run_id for end in first] == [both[0].config.run_id]
    assert [end.run_id for end in second] == [both[1].config.run_id]
    assert heard == second
    assert sweep(lambda _stored: both, settings) == []
    assert RunStore(settings.store_root).ids() == sorted(one.run_id for one in both)


def test_stored_run_that_cannot_be_read_is_told_and_stops_no_other(
    small_config: RunConfig, settings: SweepSettings
) -> None:
    """One of which the system tells nothing, and one whose record, by which a plan goes on, is damaged."""
    lost, damaged, sound = (planned(small_config, seed) for seed in range(3))
    (settings.store_root / damaged.run_id).mkdir(parents=True)
    (settings.store_root / damaged.run_id / RECORD).write_text("{")
    (settings.store_root / lost.run_id).symlink_to(lost.run_id)
    asked: list[object] = []

    def plan(stored: Stored) -> list[PlannedRun]:
        asked.append(stored(damaged.run_id))
        return [lost, damaged, sound]

    ends = {end.run_id: end.error for end in sweep(plan, settings)}

    assert "cannot be read: Too many levels of symbolic links" in (ends[lost.run_id] or "")
    assert f"Run '{damaged.run_id}' is corrupt" in (ends[damaged.run_id] or "")
    assert ends[sound.run_id] is None
    assert set(asked) == {None}
    assert ids(look(plan, settings)[1]) == [lost.run_id, damaged.run_id]


def test_what_waits_for_a_run_that_cannot_be_read_says_so(small_config: RunConfig, settings: SweepSettings) -> None:
    source = planned(small_config, 0)
    settings.store_root.mkdir(parents=True, exist_ok=True)
    (settings.store_root / source.run_id).symlink_to(source.run_id)

    (end,) = sweep(lambda _stored: [renewed(source)], settings)

    assert "cannot be read: Too many levels" in (end.error or "")


def test_sweep_into_a_folder_that_cannot_be_read_is_refused(small_config: RunConfig, settings: SweepSettings) -> None:
    settings.store_root.parent.mkdir(parents=True, exist_ok=True)
    settings.store_root.symlink_to(settings.store_root.name)

    with pytest.raises(StoreError, match="cannot be read: Too many levels"):
        sweep(lambda _stored: [planned(small_config, 0)], settings)


def test_failing_run_stops_no_other(small_config: RunConfig, settings: SweepSettings, tmp_path: Path) -> None:
    broken = planned(small_config, 0, dataset=ImageFolder(path=str(tmp_path / "nowhere")))
    sound = planned(small_config, 1)

    ends = {end.run_id: end for end in sweep(lambda _stored: [broken, sound], settings)}

    assert "nowhere" in (ends[broken.config.run_id].error or "")
    assert ends[sound.config.run_id].error is None
    assert RunStore(settings.store_root).ids() == [sound.config.run_id]


def test_sweep_goes_on_with_what_was_begun(small_config: RunConfig, settings: SweepSettings, tmp_path: Path) -> None:
    """A state after the last epoch leaves nothing to train: the kept weights are evaluated as they are."""
    one = PlannedRun(small_config)
    elsewhere = RunStore(tmp_path / "elsewhere")
    stores = Stores(own=elsewhere, shipped=elsewhere)
    kept = Settings(store=elsewhere, pretrained_stores=stores, unfinished_root=settings.unfinished_root)
    calls: list[bool] = []

    def after_first_epoch() -> bool:
        calls.append(unfinished.exists(small_config, settings.unfinished_root))
        return calls[-1]

    with pytest.raises(Exception, match="1 whole epochs are kept"):
        run(small_config, replace(kept, should_stop=after_first_epoch))

    assert run_one(one, settings).error is None
    assert not unfinished.exists(small_config, settings.unfinished_root)


def test_run_that_another_process_stored_meanwhile_has_not_failed(
    small_config: RunConfig, settings: SweepSettings
) -> None:
    one = planned(small_config, 0)

    assert [run_one(one, settings).error for _ in range(2)] == [None, None]
    assert not unfinished.exists(one.config, settings.unfinished_root)


def test_dearest_runs_come_first(small_config: RunConfig, tmp_path: Path) -> None:
    cheap = planned(small_config, 0, method=Vanilla())
    dear = planned(small_config, 0, method=Ovf())

    assert missing([renewed(dear), cheap, dear], RunStore(tmp_path)) == [dear, cheap, renewed(dear)]
    first, *_, last = missing(first_look(), RunStore(tmp_path))
    assert first.config.backbone.name == "vgg8"
    assert last.config.backbone.name == "mlp"


def test_run_keeps_its_weights_as_codes_where_the_plan_says_so(
    small_config: RunConfig, settings: SweepSettings
) -> None:
    kept, dropped = planned(small_config, 0), replace(planned(small_config, 1), keep_weights=False)

    sweep(lambda _stored: [kept, dropped], replace(settings, preset="mine"))

    store = RunStore(settings.store_root)
    records = [store.record(one.run_id) for one in (kept, dropped)]
    assert ["weights.safetensors" in record.files for record in records] == [True, False]
    assert {record.provenance.preset for record in records} == {"mine"}
    assert all(record.provenance.command.startswith("neft train --dataset digits") for record in records)


# ---------------------------------------------------------------- rounds
@pytest.mark.parametrize("waiting", [fine_tuned, renewed])
def test_run_that_waits_for_anothers_weights_is_run_after_it_in_one_call(
    small_config: RunConfig, settings: SweepSettings, waiting: Callable[[PlannedRun], PlannedRun]
) -> None:
    source = planned(small_config, 0)
    rounds: list[int] = []

    ends = sweep(
        lambda _stored: [waiting(source), source], settings, on_plan=lambda _planned, absent: rounds.append(len(absent))
    )

    assert [end.error for end in ends] == [None, None]
    assert [end.run_id for end in ends] == ids([source, waiting(source)])
    assert rounds == [2, 1, 0]


def test_what_waits_for_a_run_that_fails_is_not_run_and_the_sweep_ends(
    small_config: RunConfig, settings: SweepSettings, tmp_path: Path
) -> None:
    broken = planned(small_config, 0, dataset=ImageFolder(path=str(tmp_path / "nowhere")))
    waiting = [fine_tuned(broken), renewed(broken)]
    sound = planned(small_config, 1)

    ends = sweep(lambda _stored: [*waiting, broken, sound], settings)

    assert {end.run_id for end in ends} == set(ids([broken, sound]))
    assert RunStore(settings.store_root).ids() == [sound.config.run_id]


def test_run_may_wait_for_one_that_was_stored_by_an_earlier_sweep(
    small_config: RunConfig, settings: SweepSettings
) -> None:
    source = planned(small_config, 0)
    sweep(lambda _stored: [source], settings)

    (end,) = sweep(lambda _stored: [fine_tuned(source)], settings)

    assert (end.run_id, end.error) == (fine_tuned(source).config.run_id, None)


def test_plan_is_asked_again_with_what_is_stored_by_then(small_config: RunConfig, settings: SweepSettings) -> None:
    """As a tuning does: what is run next depends on what the first runs found."""
    trial, winner = planned(small_config, 0), planned(small_config, 1)

    def plan(stored: Stored) -> list[PlannedRun]:
        record = stored(trial.config.run_id)
        if record is None:
            return [trial]
        assert record.summary.validation_accuracy is not None
        return [trial, winner]

    heard: list[tuple[list[str], int]] = []
    ends = sweep(plan, settings, on_plan=lambda asked, absent: heard.append((ids(asked), len(absent))))

    assert [end.run_id for end in ends] == ids([trial, winner])
    assert heard == [(ids([trial]), 1), (ids([trial, winner]), 1), (ids([trial, winner]), 0)]


def test_weights_of_a_stored_run_are_evaluated_without_training_again(
    small_config: RunConfig, settings: SweepSettings
) -> None:
    source = planned(small_config, 0)

    sweep(lambda _stored: [source, renewed(source)], settings)

    store = RunStore(settings.store_root)
    first, second = (store.record(one.run_id) for one in (source, renewed(source)))
    assert first.provenance.training_seconds == second.provenance.training_seconds
    assert WEIGHTS in first.files
    assert WEIGHTS not in second.files


def test_run_whose_weights_another_sweep_did_not_keep_is_trained_again(
    small_config: RunConfig, settings: SweepSettings
) -> None:
    source = replace(planned(small_config, 0), keep_weights=False)
    sweep(lambda _stored: [source], settings)

    (end,) = sweep(lambda _stored: [renewed(source)], settings)

    store = RunStore(settings.store_root)
    assert end.error is None
    assert store.record(end.run_id).summary.validation_accuracy == pytest.approx(
        store.record(source.config.run_id).summary.validation_accuracy
    )


@pytest.mark.parametrize("counts", [True, False])
def test_shipped_runs_are_skipped_only_where_they_count(
    small_config: RunConfig,
    settings: SweepSettings,
    filled_store: RunStore,
    monkeypatch: pytest.MonkeyPatch,
    counts: bool,
) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", filled_store.root)

    ends = sweep(lambda _stored: [PlannedRun(small_config)], replace(settings, counts_shipped=counts))

    assert [end.run_id for end in ends] == ([] if counts else [small_config.run_id])


# ---------------------------------------------------------------- the plan that is kept
def test_plan_that_is_kept_holds_every_place_of_every_run(small_config: RunConfig) -> None:
    standings = (
        Standing("beta", "ovf", "beta_0.1", 0.0, 0.1),
        Standing("temperature", "ovf", "t_4", 4.0, 0.1),
    )
    both = replace(planned(small_config, 0), standings=standings)
    one = replace(planned(small_config, 5), standings=standings[:1])

    record = plan_record(
        [both, planned(small_config, 1), one],
        name="x",
        preset="beta",
        command="neft sweep beta",
        fixed_seeds={"beta": 3},
    )

    assert record is not None
    assert (record.name, record.preset, record.command) == ("x", "beta", "neft sweep beta")
    assert record.entries == tuple(
        PlanEntry(
            experiment=standing.experiment,
            series="ovf",
            setting=standing.setting,
            position=standing.position,
            sigma_d=0.1,
            seed=seed,
            run_id=holder.config.run_id,
        )
        for holder, seed, standing in ((both, 0, standings[0]), (both, 0, standings[1]), (one, 5, standings[0]))
    )


def test_sweep_whose_runs_stand_in_no_experiment_keeps_no_plan() -> None:
    assert plan_record(smoke(), name="smoke", preset="smoke", command="neft sweep smoke", fixed_seeds={}) is None


@pytest.mark.slow
def test_smoke_preset_on_two_processes(settings: SweepSettings) -> None:
    ends = sweep(lambda _stored: smoke(), replace(settings, num_workers=2, preset="smoke"))

    assert [end.error for end in ends] == [None, None]
    listing = RunStore(settings.store_root).list()
    assert not listing.problems
    assert {record.id for record in listing.records} == {one.run_id for one in smoke()}
    assert {record.provenance.threads for record in listing.records} == {1}


def test_data_are_fetched_once_and_before_any_run(
    small_config: RunConfig, settings: SweepSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def load(config: RunConfig, how: Settings) -> None:
        asked.append(how.download)

    monkeypatch.setattr("neft.sweeps.sweep.load_data", load)
    runs = [planned(small_config, seed) for seed in range(2)]

    ends = sweep(lambda _stored: runs, replace(settings, download=True))

    assert asked == [True]
    assert [end.error for end in ends] == [None, None]
