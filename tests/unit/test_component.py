from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from neft.component import Component, bounds_text, build, default_name, default_tag, number_text, unit_of
from neft.errors import ConfigError, NeftError, StoppedError, unknown_name


class Knob(Component):
    """A component with a field of every kind of bound."""

    name: Literal["knob"] = "knob"
    both: float = Field(default=0.5, ge=0, le=1, title="b", json_schema_extra={"unit": "V"})
    open_below: float = Field(default=1, gt=0, le=1000)
    open_above: int = Field(default=1, ge=0, lt=2**31)
    only_lower: int = Field(default=1, ge=1)
    free: float = 0.0
    needed: int = 1


class Needy(Component):
    """A component with a required field."""

    needed: int


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("both", "[0, 1] V"),
        ("open_below", "(0, 1000]"),
        ("open_above", "[0, 2,147,483,648)"),
        ("only_lower", "[1, ∞)"),
        ("free", ""),
    ],
)
def test_bounds_are_shown_with_their_unit(field: str, text: str) -> None:
    assert bounds_text(Knob.model_fields[field]) == text


def test_unit_of_a_field() -> None:
    assert unit_of(Knob.model_fields["both"]) == "V"
    assert unit_of(Knob.model_fields["free"]) == ""


def test_component_is_chosen_by_its_literal_name() -> None:
    assert default_name(Knob) == default_tag(Knob) == "knob"
    assert default_tag(Needy) is None


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"both": 2}, "Knob.both (b) must lie in [0, 1] V; got 2."),
        ({"open_below": 0}, "Knob.open_below must lie in (0, 1000]; got 0."),
        ({"bth": 1}, "Unknown setting of Knob 'bth'. Did you mean 'both'?"),
        ({"both": float("inf")}, "Knob.both (b) must be a finite number; got inf."),
        ({"free": "a"}, "Knob.free must be a valid number, unable to parse string as a number; got 'a'."),
    ],
    ids=str,
)
def test_first_problem_is_one_sentence(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(Knob, values)

    assert str(caught.value).startswith(sentence)


def test_missing_field_is_required() -> None:
    with pytest.raises(ConfigError, match=r"^Needy\.needed is required\.$"):
        build(Needy, {})


def test_components_are_frozen_and_hashable() -> None:
    knob = Knob()
    with pytest.raises(ValidationError):
        setattr(knob, "both", 0.1)  # noqa: B010 - the type checker knows that this is wrong

    assert hash(knob) == hash(Knob())


@given(value=st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53))
def test_numbers_read_back_as_they_are(value: float) -> None:
    assert float(number_text(value)) == value


@pytest.mark.parametrize(("name", "hint"), [("ovff", " Did you mean 'ovf'?"), ("zzzz", "")])
def test_unknown_name_hints_at_a_near_one(name: str, hint: str) -> None:
    assert str(unknown_name("method", name, iter(["irs", "ovf"]))) == f"Unknown method '{name}'.{hint} Known: irs, ovf."


def test_every_error_is_ours_to_catch() -> None:
    assert issubclass(ConfigError, NeftError)
    assert StoppedError("stopped", epoch=3).epoch == 3
