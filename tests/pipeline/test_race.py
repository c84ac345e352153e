"""A stored run's chips raced: the very chips, and the very percentile, that evaluating all of them gives."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from neft import columns as c
from neft.config import EvaluationConfig, RunConfig
from neft.effects import Effects
from neft.errors import ConfigError, RunNotFoundError
from neft.evaluation.monte_carlo import evaluate
from neft.evaluation.race_track import ChipTrack
from neft.inspection.race import StoredRaceState, race_stored
from neft.mapping.stack import Mapping
from neft.networks.converters import Converters
from neft.pipeline import Settings, network_on_chips
from neft.programming import Residual
from neft.runs import races
from neft.runs.chips_key import chips_key
from neft.runs.facts import stored_config
from neft.runs.races import RaceQuestion
from neft.runs.records import RunRecord
from neft.runs.store import RunStore, Stores
from neft.seeding import numpy_generator
from neft.tables.percentiles import percentile_with_limits
from neft.tables.races import race_chips, race_percentile

NUM_CHIPS = 320


def only(store: RunStore) -> RunRecord:
    (record,) = store.list().records
    return record


def settings_of(store: RunStore) -> Settings:
    return Settings(store=store, pretrained_stores=Stores(own=store, shipped=store))


def otherwise(record: RunRecord, **changes: object) -> RunConfig:
    config = stored_config(record)
    evaluation = EvaluationConfig.model_validate(config.evaluation.model_dump() | changes)
    return config.model_copy(update={"evaluation": evaluation})


def question(
    record: RunRecord, config: RunConfig, *, num_instances: int = NUM_CHIPS, percentile: int = 1, sigma_d: float = 0.2
) -> RaceQuestion:
    return RaceQuestion(
        weights=races.weights_of(record),
        chips=chips_key(config),
        sigma_d=sigma_d,
        num_instances=num_instances,
        percentile=percentile,
    )


def raced(store: RunStore, config: RunConfig, asked: RaceQuestion) -> list[StoredRaceState]:
    network, data, law = network_on_chips(only(store), config, settings_of(store))
    return [*race_stored(only(store), network, data, law, asked=asked, seed=config.evaluation.seed)]


def all_chips(store: RunStore, config: RunConfig, asked: RaceQuestion) -> pd.DataFrame:
    network, data, law = network_on_chips(only(store), config, settings_of(store))
    return evaluate(
        network,
        data,
        law,
        sigma_ds=(asked.sigma_d,),
        num_instances=asked.num_instances,
        seed=config.evaluation.seed,
    )


KINDS: dict[str, Callable[[RunRecord], RunConfig]] = {
    "its own": stored_config,
    "other chips": lambda record: otherwise(record, seed=3),
    "few images": lambda record: otherwise(record, max_test=150),
    "residual programming": lambda record: otherwise(record, programming=Residual()),
    "another mapping": lambda record: otherwise(record, mapping=Mapping(scale="channel", sign="differential")),
    "stuck devices": lambda record: otherwise(record, effects=Effects(stuck_low=0.02)),
    "converters": lambda record: otherwise(record, converters=Converters(dac_bits=6, adc_bits=6)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_percentile_and_chips_are_to_the_bit_those_of_evaluating_all(filled_store: RunStore, kind: str) -> None:
    record = only(filled_store)
    config = KINDS[kind](record)
    asked = question(record, config)

    kept = raced(filled_store, config, asked)[-1].record

    assert kept is not None
    assert kept.is_own is (kind == "its own")
    chips = all_chips(filled_store, config, asked)
    accuracies = chips.set_index(c.INSTANCE)[c.ACCURACY]
    assert race_percentile(kept) == percentile_with_limits(accuracies.to_numpy(dtype=float), 0.01)
    told = race_chips(kept)
    ordered = chips.sort_values([c.ACCURACY, c.INSTANCE])
    assert told[c.INSTANCE].tolist() == ordered[c.INSTANCE].tolist()[: len(told)]
    assert told[c.ACCURACY].tolist() == ordered[c.ACCURACY].tolist()[: len(told)]
    assert set(accuracies[accuracies < kept.accuracies[-1]].index) == set(told[c.INSTANCE])


def test_a_chip_says_of_some_images_what_it_says_of_them_among_all(filled_store: RunStore) -> None:
    record = only(filled_store)
    config = stored_config(record)
    network, data, law = network_on_chips(record, config, settings_of(filled_store))
    track = ChipTrack(network, data, law, sigma_d=0.2, seed=0)
    order = numpy_generator(0, "some images").permutation(track.num_images)

    for instance in range(5):
        parts = [track.see(instance, images) for images in np.array_split(order, 7)]
        whole = track.see_all(instance)
        assert np.concatenate([part.wrong for part in parts]).tolist() == whole.seen.wrong[order].tolist()
        margins = np.concatenate([part.margins for part in parts])
        assert margins == pytest.approx(whole.seen.margins[order], abs=1e-4)
        assert ((margins < 0) <= whole.seen.wrong[order]).all()
        assert whole.accuracy == pytest.approx(1 - whole.seen.wrong.mean())


def test_the_same_question_finds_what_was_kept(filled_store: RunStore) -> None:
    record = only(filled_store)
    config = stored_config(record)
    asked = question(record, config)
    assert races.find(record, asked) is None

    kept = raced(filled_store, config, asked)[-1].record

    assert races.find(record, asked) == kept
    assert races.find(record, question(record, otherwise(record, seed=3))) is None


def test_chips_are_known_by_how_they_are_made_not_by_how_many(filled_store: RunStore) -> None:
    record = only(filled_store)
    key = chips_key(stored_config(record))

    same = otherwise(record, num_instances=77, sigma_ds=(0.3,), precision=0.1, min_instances=5, worst_case=(0.01,))
    assert chips_key(same) == key
    changes: list[dict[str, object]] = [
        {"seed": 3},
        {"max_test": 150},
        {"quantise": False},
        {"programming": Residual()},
        {"effects": Effects(stuck_low=0.02)},
    ]
    assert len({chips_key(otherwise(record, **change)) for change in changes} | {key}) == 6


def test_states_lead_to_all_chips_and_the_last_tells_the_cost(filled_store: RunStore) -> None:
    record = only(filled_store)
    config = stored_config(record)

    states = raced(filled_store, config, question(record, config))

    assert np.diff([state.done for state in states]).min() >= 0
    assert (states[-1].done, states[-1].total) == (NUM_CHIPS, NUM_CHIPS)
    kept = states[-1].record
    assert kept is not None
    assert states[-1].cost == kept.cost < 1
    assert kept.chance_of_error == 0.01


def test_too_few_chips_are_refused_before_anything_is_computed(filled_store: RunStore) -> None:
    record = only(filled_store)
    config = stored_config(record)

    with pytest.raises(ConfigError, match="A 95 % lower limit of the 1st percentile needs 299 chips; these are 298"):
        _ = raced(filled_store, config, question(record, config, num_instances=298))


def test_chips_that_are_all_alike_are_refused(filled_store: RunStore) -> None:
    record = only(filled_store)
    config = stored_config(record)

    with pytest.raises(ConfigError, match=r"σ_d = 0\) all chips are one"):
        _ = raced(filled_store, config, question(record, config, sigma_d=0.0))


def test_chips_that_answer_otherwise_each_time_are_refused(filled_store: RunStore) -> None:
    record = only(filled_store)
    config = otherwise(record, effects=Effects(read_noise_each=0.02))

    with pytest.raises(ConfigError, match=r"read_noise_each, σ_r\) have no outcome of their own"):
        _ = raced(filled_store, config, question(record, config))


def test_a_run_without_weights_cannot_be_raced(filled_store: RunStore) -> None:
    record = only(filled_store)
    without = record.model_copy(update={"files": {}})

    with pytest.raises(RunNotFoundError, match="stored without its weights, so its chips cannot be raced"):
        _ = races.weights_of(without)
