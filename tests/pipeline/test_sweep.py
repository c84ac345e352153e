"""Many runs: what is there is skipped, what fails is reported, the rest goes on."""

from dataclasses import replace
from pathlib import Path

import pytest

from neft import unfinished
from neft.config import RunConfig
from neft.datasets.image_folder import ImageFolder
from neft.methods import Ovf, Vanilla
from neft.pipeline import Settings, run
from neft.presets import PlannedRun, first_look, smoke
from neft.store import RunStore, Stores
from neft.sweep import Outcome, SweepSettings, missing, run_one, sweep


@pytest.fixture
def settings(tmp_path: Path) -> SweepSettings:
    return SweepSettings(store_root=tmp_path / "runs", num_workers=1, unfinished_root=tmp_path / "unfinished")


def planned(config: RunConfig, seed: int, **changes: object) -> PlannedRun:
    training = config.training.model_copy(update={"seed": seed, "epochs": 1})
    return PlannedRun(config.model_copy(update={"training": training, **changes}))


def test_stored_runs_are_skipped(small_config: RunConfig, settings: SweepSettings) -> None:
    both = [planned(small_config, 0), planned(small_config, 1)]
    first = sweep(both[:1], settings)

    heard: list[Outcome] = []
    second = sweep(both, settings, on_outcome=heard.append)

    assert [outcome.run_id for outcome in first] == [both[0].config.run_id]
    assert [outcome.run_id for outcome in second] == [both[1].config.run_id]
    assert heard == second
    assert sweep(both, settings) == []
    assert RunStore(settings.store_root).ids() == sorted(one.config.run_id for one in both)


def test_failing_run_stops_no_other(small_config: RunConfig, settings: SweepSettings, tmp_path: Path) -> None:
    broken = planned(small_config, 0, dataset=ImageFolder(path=str(tmp_path / "nowhere")))
    sound = planned(small_config, 1)

    outcomes = {outcome.run_id: outcome for outcome in sweep([broken, sound], settings)}

    assert "nowhere" in (outcomes[broken.config.run_id].error or "")
    assert outcomes[sound.config.run_id].error is None
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


def test_dearest_runs_come_first(small_config: RunConfig, tmp_path: Path) -> None:
    cheap = planned(small_config, 0, method=Vanilla())
    dear = planned(small_config, 0, method=Ovf())

    assert missing([cheap, dear], RunStore(tmp_path)) == [dear, cheap]
    first, *_, last = missing(first_look(), RunStore(tmp_path))
    assert first.config.backbone.name == "vgg8"
    assert last.config.backbone.name == "mlp"


def test_run_keeps_its_weights_as_codes_where_the_plan_says_so(
    small_config: RunConfig, settings: SweepSettings
) -> None:
    kept, dropped = planned(small_config, 0), replace(planned(small_config, 1), keep_weights=False)

    sweep([kept, dropped], replace(settings, preset="mine"))

    store = RunStore(settings.store_root)
    records = [store.record(one.config.run_id) for one in (kept, dropped)]
    assert ["weights.safetensors" in record.files for record in records] == [True, False]
    assert {record.provenance.preset for record in records} == {"mine"}
    assert all(record.provenance.command.startswith("neft train --dataset digits") for record in records)


@pytest.mark.slow
def test_smoke_preset_on_two_processes(settings: SweepSettings) -> None:
    outcomes = sweep(smoke(), replace(settings, num_workers=2, preset="smoke"))

    assert [outcome.error for outcome in outcomes] == [None, None]
    listing = RunStore(settings.store_root).list()
    assert not listing.problems
    assert {record.id for record in listing.records} == {one.config.run_id for one in smoke()}
    assert {record.provenance.threads for record in listing.records} == {1}
