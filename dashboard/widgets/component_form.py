"""A form made from the models' schemas: symbol, unit, bounds, default and help come from the fields themselves.

What is set is in the address, and a config can be written into the form (`fill_form`).
"""

from typing import Any

import streamlit as st

from dashboard.data import forms
from dashboard.data.forms import FormField
from dashboard.widgets.control import Control
from dashboard.widgets.in_address import finite
from neft.component import number_text

PREFIX = "form_"
TEST_DEVICE = "test_device"
"""Also one of one's own, written as on the command line."""
DOWNLOAD = "download"
CHOICES = {
    "dataset": "What the network learns to tell apart. Digits come with scikit-learn; the others are read from disk.",
    "backbone": "The network; its width, or its units, make it dearer and better.",
    "method": "How it is trained against device variation; not every method knows of it.",
    "constraint": "What every step of the training does to the weights after the optimiser; free to combine.",
    "programming": "How devices are written, in training and on the test chips.",
    "device": "The technology whose levels miss their targets, in training and on the test chips.",
}


def choose_component(part: str, title: str) -> str:
    """Which component of a family."""
    form = forms.form()
    control = Control(
        key=f"{PREFIX}{part}",
        label=title,
        options=form.families[part],
        default=form.chosen[part],
        kind="list",
        help=CHOICES[part],
    )
    return control.draw()


def can_download(dataset: str) -> bool:
    """Whether a data set can be fetched."""
    return dataset in forms.form().can_download


def download_switch() -> bool:
    """Whether a missing data set may be fetched."""
    return st.toggle(
        "Download if missing",
        key=f"{PREFIX}{DOWNLOAD}",
        help="Otherwise a missing data set is an error that says where to put it.",
        bind="query-params",
    )


def fill_form(config_json: str) -> None:
    """Write a config into the form; before its widgets are drawn.

    Raises:
        ConfigError: the config does not fit the models.
    """
    for name, value in forms.held(config_json).items():
        st.session_state[f"{PREFIX}{name}"] = value


def form_address(config_json: str) -> dict[str, str]:
    """The address of the form that holds a config; what the form begins with is not in it.

    Raises:
        ConfigError: the config does not fit the models.
    """
    held, form = forms.held(config_json), forms.form()
    chosen = {f"{PREFIX}{part}": held.pop(part) for part in form.families}
    begun = {field.name: field.initial for field in form.fields}
    return chosen | {f"{PREFIX}{name}": _in_address(value) for name, value in held.items() if value != begun[name]}


def _in_address(value: Any) -> str:
    """A field's value as its parameter in the address."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else number_text(value) if isinstance(value, float) else str(value)


def component_fields(
    part: str, chosen: str | None = None, *, only: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Widgets for a component's or a section's settings; returns option values, None where nothing is given.

    Args:
        part: a family (with the chosen component's name) or a section of the config.
        chosen: the component.
        only: these options alone, if any.
        without: all but these options.
    """
    return {
        field.option: _widget(field)
        for field in forms.form().fields
        if (field.part, field.owner) == (part, chosen)
        and (not only or field.option in only)
        and field.option not in without
    }


def _widget(field: FormField) -> Any:
    label, key, value = field.label, f"{PREFIX}{field.name}", field.initial
    if field.kind == "switch":
        return st.toggle(label, value=bool(value), key=key, help=field.help, bind="query-params")
    if field.kind == "choice":
        return st.selectbox(
            label,
            field.choices,
            index=field.choices.index(value) if value in field.choices else None,
            key=key,
            help=field.help,
            placeholder="as trained",
            accept_new_options=field.option == TEST_DEVICE,
            bind="query-params",
        )
    if field.kind == "text":
        return st.text_input(label, value=str(value), key=key, help=field.help, bind="query-params") or None
    return _number(field, value)


def _number(field: FormField, value: Any) -> float | None:
    return st.number_input(
        field.label,
        min_value=field.low,
        max_value=field.high,
        value=value,
        step=field.step,
        format="%g" if field.kind == "float" else None,
        key=finite(f"{PREFIX}{field.name}"),
        help=field.help,
        placeholder="default" if value is None else None,
        bind="query-params",
    )
