"""A device variation is one value, however it was reckoned."""

import math
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

import neft
from neft.config import EvaluationConfig, TrainingConfig
from neft.sigma_d import DECIMALS, SigmaD, rounded_sigma_d, same_sigma_d, sigma_d_text

STEP = 10**-DECIMALS
STEPS = st.integers(0, 10**DECIMALS)


@given(steps=STEPS, noise=st.floats(-0.49, 0.49))
def test_what_rounds_to_a_device_variation_is_the_same_one(steps: int, noise: float) -> None:
    sigma_d = rounded_sigma_d(steps * STEP)
    assert rounded_sigma_d((steps + noise) * STEP) == sigma_d
    assert same_sigma_d((steps + noise) * STEP, sigma_d)


@given(steps=STEPS)
def test_device_variations_a_step_apart_are_two(steps: int) -> None:
    one, next_one = rounded_sigma_d(steps * STEP), rounded_sigma_d((steps + 1) * STEP)
    assert one != next_one
    assert not same_sigma_d(one, next_one)


def test_what_is_no_number_is_the_same_as_nothing() -> None:
    assert not same_sigma_d(math.nan, math.nan)
    assert same_sigma_d(pd.Series([0.1, math.nan, 0.2]), 0.1).tolist() == [True, False, False]


def test_a_negative_zero_is_zero() -> None:
    assert math.copysign(1, rounded_sigma_d(-0.0)) == 1
    assert sigma_d_text(-0.0) == "0"


def test_the_type_rounds() -> None:
    assert TypeAdapter(SigmaD).validate_python(3 * 0.05) == 0.15


@pytest.mark.parametrize("reckoned", [0.1 + 0.2, 0.3 + 4e-7])
def test_settings_hold_rounded_device_variations(reckoned: float) -> None:
    assert TrainingConfig(sigma_d=reckoned).sigma_d == 0.3
    assert EvaluationConfig(sigma_ds=(reckoned, 0.3, 0.0)).sigma_ds == (0.0, 0.3)


def test_no_other_module_rounds_or_compares_device_variations() -> None:
    root = Path(str(neft.__file__)).parents[1]
    own_rule = re.compile(
        r"round\([^)]*sigma|sigma_ds?\]?\)?\.round\(|isclose\(|round\([^()]*, 6\)|sigma_d\)?(\.abs\(\))? < ?1e-",
        re.IGNORECASE,
    )
    found = {
        str(path.relative_to(root)): line.strip()
        for package in ("neft", "dashboard")
        for path in (root / package).rglob("*.py")
        if path.name != "sigma_d.py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if own_rule.search(line) and ">>>" not in line and "rounded_sigma_d" not in line
    }
    assert found == {}
