"""What weight constraints make of weights, one by one."""

from typing import Any

import numpy as np
import pytest
import torch

from neft.component import build
from neft.constraints import CONSTRAINTS
from tests.independent.naive import constraints as naive

CASES: list[tuple[str, dict[str, Any]]] = [
    ("none", {}),
    ("clip", {"alpha": 1.1}),
    ("clip", {"alpha": 1.5, "per_channel": True}),
    ("binary", {}),
    ("binary", {"scale_per_channel": True}),
    ("saturating", {"bound": 0.5}),
    ("unipolar", {}),
    ("unipolar", {"signs": "-"}),
    ("unipolar", {"signs": "b"}),
]


def test_every_constraint_has_an_independent_form() -> None:
    assert set(CONSTRAINTS) == naive.NAMES == {name for name, _ in CASES}


@pytest.mark.parametrize(("name", "settings"), CASES, ids=str)
def test_what_lies_in_devices(name: str, settings: dict[str, Any]) -> None:
    weight = torch.tensor(np.random.default_rng(0).normal(size=(4, 7)))
    weight[1, 2] = 0.0
    constraint = build(CONSTRAINTS[name], settings)
    known = constraint.model_dump()

    effective = constraint.effective({"layer": weight})["layer"]
    moved = weight.clone()
    constraint.hold({"layer": moved})

    assert effective.tolist() == pytest.approx(np.array(naive.effective(name, weight.tolist(), known)), abs=1e-12)
    assert moved.tolist() == pytest.approx(np.array(naive.held(name, weight.tolist(), known)), abs=1e-12)
