"""A form made from the models' schemas."""

import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import NumberInput

from dashboard.computing.work import forms, run_time
from dashboard.computing.work.forms import INITIAL
from dashboard.data import stored
from neft.options import FAMILIES, SECTIONS, Option, make_config, option_table, part_of
from neft.runs.store import RunStore
from tests.input_shapes import beside

COMPONENTS = [(part, name) for part, family in FAMILIES.items() for name in family]
EVERY = [*COMPONENTS, *((section, None) for section in SECTIONS)]


def _draw(part: str, name: str | None) -> None:
    # the function's text is run by itself
    import streamlit  # noqa: PLC0415

    from dashboard.widgets.component_form import component_fields  # noqa: PLC0415

    streamlit.session_state["values"] = component_fields(part, name)


@dataclass(frozen=True)
class Form:
    """A component's form, or a section's."""

    part: str
    name: str | None
    values: dict[str, Any]
    widgets: list[Any]

    @property
    def options(self) -> dict[str, Option]:
        """What it should ask for."""
        return {
            option.name: option
            for option in option_table().values()
            if option.part == self.part and (self.name is None or self.name in option.owners) and not option.is_found
        }

    @property
    def numbers(self) -> dict[str, NumberInput]:
        """Its fields for numbers, by their options' names."""
        found = [widget for widget in self.widgets if isinstance(widget, NumberInput)]
        return {str(widget.key).removeprefix("form_").removesuffix(f"_{self.name}"): widget for widget in found}


def some_images(root: Path, name: str) -> Path:
    """Two classes, in folders or in arrays."""
    pixels = np.arange(20, dtype=np.uint8)[:, None, None] * np.ones((8, 8), dtype=np.uint8)
    if name == "image_arrays":
        np.savez(root / "data.npz", x=pixels, y=np.arange(20) % 2)
        return root / "data.npz"
    if name == "arrays":
        np.savez(root / "data.npz", x=pixels[:, None], y=np.arange(20) % 2)
        return root / "data.npz"
    for index, image in enumerate(pixels):
        (root / "ab"[index % 2]).mkdir(exist_ok=True)
        Image.fromarray(image).save(root / "ab"[index % 2] / f"{index}.png")
    return root


def drawn(part: str, name: str | None) -> Form:
    app = AppTest.from_function(_draw, default_timeout=60, kwargs={"part": part, "name": name}).run()
    assert not app.exception
    widgets = [*app.number_input, *app.text_input, *app.toggle, *app.selectbox]
    return Form(part, name, dict(app.session_state["values"]), widgets)


@pytest.fixture(scope="module", params=EVERY, ids=lambda each: each[1] or each[0])
def form(request: pytest.FixtureRequest) -> Form:
    """The form of every component and section."""
    return drawn(*request.param)


def test_form_asks_for_every_setting(form: Form) -> None:
    assert set(form.values) == set(form.options)
    assert len(form.widgets) == len(form.options)


def test_untouched_form_makes_the_components_defaults(form: Form) -> None:
    given = {key: value for key, value in form.values.items() if key not in INITIAL}
    chosen = {} if form.name is None else {form.part: form.name} | beside(form.part, form.name)

    made = part_of(make_config({**chosen, **given}), form.part)

    assert made == (SECTIONS[form.part]() if form.name is None else FAMILIES[form.part][form.name]())


def test_every_field_explains_itself(form: Form) -> None:
    assert {widget.help for widget in form.widgets} == {option.help() for option in form.options.values()}
    assert all(widget.label for widget in form.widgets)


def test_numbers_have_their_models_bounds(form: Form) -> None:
    for name, widget in form.numbers.items():
        metadata = form.options[name].info.metadata
        limits = {key: getattr(item, key) for item in metadata for key in ("ge", "le") if hasattr(item, key)}

        assert "ge" not in limits or widget.min == limits["ge"]
        assert "le" not in limits or widget.max == limits["le"]


def test_steps_are_small_against_the_default(form: Form) -> None:
    for widget in form.numbers.values():
        if widget.value:
            assert 0 < widget.step <= abs(widget.value)


@pytest.mark.parametrize(
    ("part", "name", "label"),
    [
        ("method", "ovf", "Feedback coefficient β"),
        ("method", "irs", "Feedback terms N"),
        ("mapping", None, "Weight bits M"),
        ("training", None, "Train σ_d"),
        ("training", None, "Epochs"),
        ("evaluation", None, "Chips"),
    ],
)
def test_field_is_named_by_symbol_or_title(part: str, name: str | None, label: str) -> None:
    assert label in [widget.label for widget in drawn(part, name).widgets]


# ---------------------------------------------------------------- what goes between the processes
READ = "import pickle, sys; pickle.load(sys.stdin.buffer); sys.exit('torch' in sys.modules)"


def test_answers_to_forms_are_read_without_torch(shipped: RunStore) -> None:
    stamp, mlp = stored.fingerprint(), {"dataset": "digits", "backbone": "mlp"}
    training = forms.plan(mlp)
    duration = run_time.of_run(training.config_json, stamp)
    sweep = run_time.of_sweep("beta", mlp, stamp, seeds=1, workers=1)
    assert duration is not None
    assert sweep.duration is not None
    answers = (forms.form(), forms.held(training.config_json), training, duration, sweep)

    read = subprocess.run([sys.executable, "-c", READ], input=pickle.dumps(answers), check=False)

    assert read.returncode == 0


@pytest.mark.parametrize(("part", "name"), COMPONENTS)
def test_form_holds_the_config_that_it_plans(part: str, name: str, tmp_path: Path) -> None:
    given = {"path": str(some_images(tmp_path, name))} if "path" in FAMILIES[part][name].model_fields else {}
    planned = forms.plan({part: name} | beside(part, name) | given)
    held = forms.held(planned.config_json)
    names = {part: held[part] for part in FAMILIES}
    settings = {field.option: held[field.name] for field in forms.form().fields if held.get(field.name, "") != ""}

    assert forms.plan(names | settings) == planned


def test_fewest_chips_are_left_to_the_precision_unless_a_config_has_others() -> None:
    precise = make_config({"precision": 0.01, "num_instances": 1000})
    as_once = make_config({"precision": 0.01, "min_instances": 30})

    assert next(field.initial for field in forms.form().fields if field.name == "min_instances") is None
    assert [forms.held(one.to_json())["min_instances"] for one in (make_config({}), precise, as_once)] == [
        None,
        None,
        30,
    ]
