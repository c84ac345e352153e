"""What stands beside a training: the plain methods on the same data, network and device, at its sigma_d."""

import json

import pytest

from dashboard.data import beside, stored
from dashboard.words import run_words
from neft.runs.places import neft_home
from neft.runs.store import RunStore
from neft.sigma_d import same_sigma_d


def test_runs_beside_share_data_network_device_and_training_sigma_d(shipped: RunStore) -> None:
    record = next(one for one in shipped.list().records if one.facts.variant == "ovf")

    found = beside.runs_beside(json.dumps(record.config))

    assert {one.facts.variant for one in found} >= {"ovf", "irs", "vanilla"}
    assert {one.facts.backbone for one in found} == {record.facts.backbone}
    noisy = [one.facts.train_sigma_d for one in found if one.facts.uses_noise]
    assert same_sigma_d(noisy, record.facts.train_sigma_d).all()


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("programming", {"name": "write_verify"}),
        ("mapping", {"scale": "channel"}),
        ("device", {"name": "fefet2"}),
        ("effects", {"read_noise": 0.1}),
    ],
)
def test_runs_whose_test_chips_are_others_stand_apart(shipped: RunStore, part: str, value: dict[str, object]) -> None:
    record = next(one for one in shipped.list().records if one.facts.variant == "ovf")
    assert beside.runs_beside(json.dumps(record.config))
    elsewhere = record.config | {"evaluation": record.config["evaluation"] | {part: value}}

    assert not beside.runs_beside(json.dumps(elsewhere))


def test_a_run_of_an_uncommon_recipe_stands_beside_none_nor_beside_itself(shipped: RunStore) -> None:
    plain = next(one for one in shipped.list().records if one.facts.variant == "ovf")
    config = plain.config | {"training": plain.config["training"] | {"epochs": 3}}
    changes = {"id": f"{plain.id[:-8]}0000abcd", "config": config, "files": {}}
    other = RunStore(neft_home() / "runs").save(plain.model_copy(update=changes), shipped.tables(plain))

    for record in (plain, other):
        found = {one.id for one in beside.runs_beside(json.dumps(record.config))}
        assert plain.id in found
        assert other.id not in found
    assert beside.comparable(other)[:2].count(other.id) == 1


def test_result_and_what_stands_beside_it_are_stored_numbers(shipped: RunStore) -> None:
    record = next(one for one in shipped.list().records if one.facts.variant == "ovf")
    own = record.summary.at(record.facts.train_sigma_d)
    assert own is not None
    mean = own.metrics["accuracy"].mean
    assert mean is not None

    assert f"**{100 * mean:.1f}" in run_words.result_words(record)
    said = run_words.beside_words(record, beside.curves_beside(json.dumps(record.config)))
    assert "OVF" in said
    assert "IRS" in said


def test_a_run_is_compared_with_those_of_its_seed(shipped: RunStore) -> None:
    record = next(one for one in shipped.list().records if one.facts.variant == "ovf")

    together = stored.records(beside.comparable(record))

    assert together[0] == record
    assert {one.facts.seed for one in together} == {record.facts.seed}
    assert len(together) > 1
