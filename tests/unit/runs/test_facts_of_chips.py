"""What a run's facts say of how its chips were mapped, programmed and kept."""

from typing import Any

import pytest

from neft.options import make_config
from neft.runs.facts import run_facts
from neft.runs.records import RunFacts

UNUSUAL: list[dict[str, Any]] = [
    {"scale": "channel"},
    {"rotation": "hadamard"},
    {"programming": "residual"},
    {"programming": "selective", "verified_share": 0.2},
    {"drift_seconds": 100.0},
    {"drift_seconds": 100.0, "drift_compensation": True},
    {"level_bias": "0,0.1,0,0"},
    {"test_mapping": "sign=offset"},
    {"test_programming": "write_verify:tolerance=0.1"},
]


def facts(values: dict[str, Any]) -> RunFacts:
    return run_facts(make_config(values), num_classes=10)


@pytest.mark.parametrize("values", [{}, {"weight_bits": 4}, {"device": "fefet2"}], ids=str)
def test_usual_chips_are_named_by_their_device_alone(values: dict[str, Any]) -> None:
    found = facts(values)

    assert found.chips == ""
    assert found.device == values.get("device", "rram1")


def test_no_two_ways_of_making_chips_share_a_name() -> None:
    found = [facts(values) for values in ({}, *UNUSUAL)]

    assert len({one.device for one in found}) == len({one.device_label for one in found}) == len(found)


@pytest.mark.parametrize("values", UNUSUAL, ids=str)
def test_device_is_what_stands_before_the_chips(values: dict[str, Any]) -> None:
    found = facts(values)

    assert found.device.removesuffix(found.chips) == "rram1"
    assert found.device_label.startswith("RRAM1, ")


def test_chips_are_those_of_the_test_not_of_the_training() -> None:
    assert facts({"scale": "channel", "test_mapping": "default"}).chips == ""
