"""A stored network taken down its steps gives what its evaluation gave."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.func import functional_call

from neft import columns as c
from neft.chips.sampling import draw_normals, quantised
from neft.config import EvaluationConfig, RunConfig
from neft.effects import Effects
from neft.errors import ConfigError, RunCorruptError, RunNotFoundError, RunTooNewError, StoreError
from neft.inspection.waterfall import WaterfallState, take_steps
from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.stack import Mapping
from neft.pipeline import Settings, WeightStorage, chip_law, law_of_chips, load_data, restore_network, run
from neft.programming import Residual, WriteVerify
from neft.runs import waterfalls
from neft.runs.facts import stored_config
from neft.runs.records import RunRecord
from neft.runs.store import WEIGHTS, RunStore, Stores
from neft.runs.waterfalls import WaterfallRecord, WaterfallStep
from neft.seeding import generator


def taken(store: RunStore, record: RunRecord, *, sigma_d: float = 0.1, num_instances: int = 3) -> list[WaterfallState]:
    config = stored_config(record)
    data = load_data(config, Settings(store=store))
    network = restore_network(config, data, store.weights(record))
    return [
        *take_steps(
            record,
            network,
            data,
            law_of_chips(config, network, data),
            has_real_weights=not store.keeps_codes(record),
            sigma_d=sigma_d,
            num_instances=num_instances,
        )
    ]


def only(store: RunStore) -> RunRecord:
    (record,) = store.list().records
    return record


def steps_of(states: list[WaterfallState]) -> dict[tuple[str, str], tuple[float, ...]]:
    return {(one.step, one.layer): one.accuracies for one in states[-1].steps}


def test_with_variation_in_all_layers_each_chip_is_that_of_the_evaluation(filled_store: RunStore) -> None:
    record = only(filled_store)
    chips = filled_store.instances(record)

    last = taken(filled_store, record)[-1].steps[-1]

    assert last.accuracies == pytest.approx(chips[chips[c.SIGMA_D] == 0.1][c.ACCURACY].tolist())


def test_with_codes_and_no_variation_it_is_the_evaluation_at_0(filled_store: RunStore) -> None:
    record = only(filled_store)
    chips = filled_store.instances(record)

    steps = steps_of(taken(filled_store, record))

    assert steps["quantised", ""] == pytest.approx(chips[chips[c.SIGMA_D] == 0][c.ACCURACY].tolist()[:1])


def test_each_step_is_what_it_says(filled_store: RunStore) -> None:
    """Real weights, codes, and a chip whose first layer alone misses, made the plain way."""
    record = only(filled_store)
    config = stored_config(record)
    data = load_data(config, Settings(store=filled_store))
    network = restore_network(config, data, filled_store.weights(record))
    weights = {name: weight.detach() for name, weight in network.device_weights().items()}
    codes = {name: quantised(weight, config.mapping) for name, weight in weights.items()}
    first = next(iter(weights))
    chip = chip_law(config).deploy_gaussian(weights).chip(draw_normals(weights, generator(0, "chip", 1)), sigma_d=0.1)

    def accuracy(held: dict[str, torch.Tensor], split: str) -> float:
        part = getattr(data, split)
        logits = functional_call(network, held, (data.normalise(part.images),))
        return float((logits.argmax(1) == part.labels).float().mean())

    steps = steps_of(taken(filled_store, record))

    assert steps["training_images", ""] == pytest.approx((accuracy(weights, "train"),))
    assert steps["test_images", ""] == pytest.approx((accuracy(weights, "test"),))
    assert steps["quantised", ""] == pytest.approx((accuracy(codes, "test"),))
    layer = next(name for step, name in steps if step == "variation")
    assert steps["variation", layer][1] == pytest.approx(accuracy(codes | {first: chip[first]}, "test"))


def stored(tmp_path: Path, config: RunConfig, weights: WeightStorage = "float32") -> tuple[RunStore, RunRecord]:
    stores = Stores(own=RunStore(tmp_path / "runs"), shipped=RunStore(tmp_path / "none", read_only=True))
    record = run(config, Settings(store=stores.own, pretrained_stores=stores, weights=weights))
    return stores.own, record


def test_of_a_run_that_kept_codes_alone_what_quantising_costs_is_not_said(
    small_config: RunConfig, tmp_path: Path
) -> None:
    store, record = stored(tmp_path, small_config, "codes")

    states = taken(store, record)

    assert ("quantised", "") not in steps_of(states)
    assert states[-1].record is not None
    assert not states[-1].record.has_real_weights


def test_of_a_run_that_is_not_quantised_there_is_no_such_step(small_config: RunConfig, tmp_path: Path) -> None:
    evaluation = EvaluationConfig(sigma_ds=(0.0, 0.1), num_instances=2, quantise=False)
    store, record = stored(tmp_path, small_config.model_copy(update={"evaluation": evaluation}))

    assert ("quantised", "") not in steps_of(taken(store, record))


EFFECTS = Effects(drift_seconds=1e6, drift_law="pcm", stuck_low=0.05, read_noise=0.02, common_mode=0.3)


@pytest.mark.parametrize("programming", [None, WriteVerify()], ids=["open loop", "write-verify"])
def test_effects_come_one_by_one_after_variation_and_end_at_the_evaluations_chips(
    small_config: RunConfig, tmp_path: Path, programming: WriteVerify | None
) -> None:
    evaluation = EvaluationConfig(sigma_ds=(0.0, 0.1), num_instances=3, effects=EFFECTS, programming=programming)
    store, record = stored(tmp_path, small_config.model_copy(update={"evaluation": evaluation}))
    chips = store.instances(record)

    states = taken(store, record)

    effects = [one.effect for one in states[-1].steps if one.step == "effect"]
    assert effects == ["common_mode", "drift", "stuck_devices", "read_noise"]
    assert states[-1].steps[-1].accuracies == pytest.approx(chips[chips[c.SIGMA_D] == 0.1][c.ACCURACY].tolist())


def test_chips_without_effects_are_those_with_them(small_config: RunConfig, tmp_path: Path) -> None:
    """An effect too small to change anything leaves each chip as it was."""
    nothing = Effects(read_noise=1e-9)
    evaluation = EvaluationConfig(sigma_ds=(0.0, 0.1), num_instances=3, effects=nothing)
    store, record = stored(tmp_path, small_config.model_copy(update={"evaluation": evaluation}))

    *_, variation, effect = taken(store, record)[-1].steps

    assert (variation.step, effect.effect) == ("variation", "read_noise")
    assert variation.accuracies == effect.accuracies


@pytest.mark.parametrize("quantise", [True, False])
def test_a_mapping_that_aims_elsewhere_is_a_step_after_the_plain_codes(
    small_config: RunConfig, tmp_path: Path, quantise: bool
) -> None:
    """Codes by layer made the plain way; then what chips without variation are."""
    mapping = Mapping(weight_bits=4, device_bits=2, scale="channel", clip_for=0.6)
    evaluation = EvaluationConfig(sigma_ds=(0.0, 0.1), num_instances=3, mapping=mapping, quantise=quantise)
    store, record = stored(tmp_path, small_config.model_copy(update={"evaluation": evaluation}))
    data = load_data(stored_config(record), Settings(store=store))
    network = restore_network(stored_config(record), data, store.weights(record))
    slicing = BitSlicing(weight_bits=4, device_bits=2)
    codes = {name: quantised(weight.detach(), slicing) for name, weight in network.device_weights().items()}
    logits = functional_call(network, codes, (data.normalise(data.test.images),))
    chips = store.instances(record)

    states = taken(store, record)

    steps = steps_of(states)
    coded = {("quantised", ""): pytest.approx([float((logits.argmax(1) == data.test.labels).float().mean())])}
    assert [one.step for one in states[-1].steps][2:] == [*["quantised"] * quantise, "mapping", *["variation"] * 3]
    assert {key: value for key, value in steps.items() if key[0] == "quantised"} == (coded if quantise else {})
    assert steps["mapping", ""] == pytest.approx(chips[chips[c.SIGMA_D] == 0][c.ACCURACY].tolist()[:1])
    assert states[-1].steps[-1].accuracies == pytest.approx(chips[chips[c.SIGMA_D] == 0.1][c.ACCURACY].tolist())


def test_a_mapping_that_aims_at_the_same_is_no_step(small_config: RunConfig, tmp_path: Path) -> None:
    mapping = Mapping(sign="differential", copies=2)
    evaluation = EvaluationConfig(sigma_ds=(0.0, 0.1), num_instances=2, mapping=mapping)
    store, record = stored(tmp_path, small_config.model_copy(update={"evaluation": evaluation}))

    assert ("mapping", "") not in steps_of(taken(store, record))


def test_what_is_misread_while_programming_is_charged_to_no_layer(small_config: RunConfig, tmp_path: Path) -> None:
    evaluation = EvaluationConfig(sigma_ds=(0.0, 0.1), num_instances=3, programming=Residual(read_error=0.2))
    store, record = stored(tmp_path, small_config.model_copy(update={"evaluation": evaluation}))
    chips = store.instances(record)

    states = taken(store, record)

    assert [one.step for one in states[-1].steps][2:] == ["quantised", "programming", *["variation"] * 3]
    assert steps_of(states)["programming", ""] == pytest.approx(chips[chips[c.SIGMA_D] == 0][c.ACCURACY].tolist())
    assert states[-1].steps[-1].accuracies == pytest.approx(chips[chips[c.SIGMA_D] == 0.1][c.ACCURACY].tolist())


def test_effects_that_are_off_are_no_steps() -> None:
    assert Effects().one_by_one() == ()
    assert Effects(drift_law="hermes").one_by_one() == ()
    assert [name for name, _ in Effects(drift_seconds=1, drift_compensation=True).one_by_one()] == [
        "drift",
        "drift_compensation",
    ]
    assert EFFECTS.one_by_one()[-1][1] == EFFECTS


def test_a_run_without_weights_is_refused(small_config: RunConfig, tmp_path: Path) -> None:
    store, record = stored(tmp_path, small_config, "none")

    for ask in (store.keeps_codes, waterfalls.weights_of):
        with pytest.raises(RunNotFoundError, match="without its weights"):
            ask(record)


@pytest.mark.parametrize(("sigma_d", "num_instances"), [(0.0, 3), (1.5, 3), (0.1, 0)])
def test_without_variation_or_chips_there_is_no_way_down(
    filled_store: RunStore, sigma_d: float, num_instances: int
) -> None:
    with pytest.raises(ConfigError, match=r"\(σ_d\) in \(0, 1\] and at least one chip"):
        taken(filled_store, only(filled_store), sigma_d=sigma_d, num_instances=num_instances)


def test_it_grows_chip_by_chip_and_is_kept_at_its_end(filled_store: RunStore) -> None:
    record = only(filled_store)

    states = taken(filled_store, record)

    assert [len(state.steps[-1].accuracies) for state in states] == [1, 2, 3, 3]
    assert [state.record is None for state in states] == [True, True, True, False]
    assert waterfalls.find(record, 0.1, 3) == states[-1].record
    assert waterfalls.find(record, 0.2, 3) is waterfalls.find(record, 0.1, 4) is None


# ---------------------------------------------------------------- the file
def kept(store: RunStore) -> tuple[RunRecord, Path]:
    record = only(store)
    found = taken(store, record)[-1].record
    assert found is not None
    (path,) = (waterfalls.neft_home() / "waterfalls" / record.id).glob("*.json")
    return record, path


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"run_id": "digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d"}, "that of something else"),
        ({"sigma_d": 0.3}, "that of something else"),
        ({"steps": []}, "steps"),
        ({"num_instances": 7}, "a step lacks chips"),
        ({"more": 1}, "more"),
    ],
)
def test_a_file_that_is_not_what_was_stored_is_refused(
    filled_store: RunStore, change: dict[str, object], sentence: str
) -> None:
    record, path = kept(filled_store)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))

    with pytest.raises(RunCorruptError, match=sentence):
        waterfalls.find(record, 0.1, 3)


def test_an_accuracy_above_1_is_refused(filled_store: RunStore) -> None:
    record, path = kept(filled_store)
    raw = json.loads(path.read_text())
    raw["steps"][0]["accuracies"] = [1.5]
    path.write_text(json.dumps(raw))

    with pytest.raises(RunCorruptError, match=r"must lie in \[0, 1\]"):
        waterfalls.find(record, 0.1, 3)


def test_a_file_of_a_newer_version_is_named_so(filled_store: RunStore) -> None:
    record, path = kept(filled_store)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 99}))

    with pytest.raises(RunTooNewError, match="newer version"):
        waterfalls.find(record, 0.1, 3)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{}"])
def test_what_is_no_waterfall_is_refused(filled_store: RunStore, content: bytes) -> None:
    record, path = kept(filled_store)
    path.write_bytes(content)

    with pytest.raises(StoreError, match="it is no waterfall"):
        waterfalls.find(record, 0.1, 3)


def test_other_weights_are_another_question(filled_store: RunStore) -> None:
    record, _ = kept(filled_store)
    other = record.files[WEIGHTS].model_copy(update={"sha256": "0" * 64})

    assert waterfalls.find(record.model_copy(update={"files": {WEIGHTS: other}}), 0.1, 3) is None


def test_it_is_asked_at_the_trainings_sigma_d_or_the_largest_tested(filled_store: RunStore) -> None:
    record = only(filled_store)

    def at(trained: float, tested: tuple[float, ...]) -> float | None:
        facts = record.facts.model_copy(update={"train_sigma_d": trained, "sigma_ds": tested})
        return waterfalls.usual_sigma_d(record.model_copy(update={"facts": facts}))

    assert (at(0.15, (0.0, 0.4)), at(0.0, (0.0, 0.4)), at(0.0, (0.0,))) == (0.15, 0.4, None)


def test_a_record_survives_json_text(filled_store: RunStore) -> None:
    found = taken(filled_store, only(filled_store))[-1].record
    assert found is not None

    assert WaterfallRecord.model_validate_json(found.model_dump_json()) == found
    assert all(isinstance(one, WaterfallStep) for one in found.steps)
    assert np.isclose(found.seconds, round(found.seconds, 3))
