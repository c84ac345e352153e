"""A form made from the models' schemas: symbol, unit, bounds, default and help come from the fields themselves.

What is set is in the address, and a config can be written into the form (`fill_form`).
"""

from typing import Any, Literal

import streamlit as st
from pydantic.fields import FieldInfo

from neft.component import Component, number_text, unit_of
from neft.config import RunConfig
from neft.devices import BaseDevice
from neft.options import FAMILIES, Option, option_table, shown

Kind = Literal["switch", "choice", "text", "float", "int"]
PREFIX = "form_"
TEST_DEVICE = "test_device"
"""Also one of one's own, written as on the command line."""
DOWNLOAD = "download"
DOWNLOADED = ("fashion_mnist", "mnist", "cifar10", "cifar100", "tiny_imagenet")
"""Data sets that can be fetched."""
SYMBOL_LENGTH = 2
"""A title that is no longer is a symbol."""
CHOICES = {
    "dataset": "What the network learns to tell apart. Digits come with scikit-learn; the others are read from disk.",
    "backbone": "The network; its width, or its units, make it dearer and better.",
    "method": "How it is trained against device variation; vanilla knows nothing of it.",
    "device": "The technology whose levels miss their targets, in training and on the test chips.",
}
INITIAL = {"width": 0.25, "epochs": 20}
"""Where the form starts elsewhere than the models do: at something that trains in about a minute."""


def choose_component(part: str, title: str, *, default: str) -> str:
    """Which component of a family."""
    family = FAMILIES[part]
    names = list(family)
    return st.selectbox(
        title,
        names,
        index=names.index(default),
        format_func=lambda name: getattr(family[name], "label", name),
        key=f"{PREFIX}{part}",
        help=CHOICES[part],
        bind="query-params",
    )


def download_switch() -> bool:
    """Whether a missing data set may be fetched."""
    return st.toggle(
        "Download if missing",
        key=f"{PREFIX}{DOWNLOAD}",
        help="Otherwise a missing data set is an error that says where to put it.",
        bind="query-params",
    )


def fill_form(config: RunConfig) -> None:
    """Write a config into the form; before its widgets are drawn."""
    for key, value in _held(config).items():
        st.session_state[key] = value


def form_address(config: RunConfig) -> dict[str, str]:
    """The address of the form that holds a config; what the form begins with is not in it."""
    chosen = {
        f"{PREFIX}{part}": str(getattr(family[config_name(getattr(config, part))], "label", ""))
        for part, family in FAMILIES.items()
    }
    begun = _begun(config)
    fields = {key: value for key, value in _held(config).items() if key not in chosen and value != begun[key]}
    return chosen | {key: _in_address(value) for key, value in fields.items()}


def _held(config: RunConfig) -> dict[str, Any]:
    """What every widget of the form holds for a config, by its key."""
    found: dict[str, Any] = {f"{PREFIX}{part}": config_name(getattr(config, part)) for part in FAMILIES}
    for option, chosen in _options(config):
        value = getattr(getattr(config, option.part), option.field)
        found[_key(option, chosen)] = _drawn(_kind(option, chosen), value)
    return found


def _begun(config: RunConfig) -> dict[str, Any]:
    """What the widgets of a config's components begin with, by their keys."""
    return {_key(option, chosen): _initial(option, chosen) for option, chosen in _options(config)}


def _options(config: RunConfig) -> list[tuple[Option, str | None]]:
    """The options that a config's components have, with the component where it is one of a family."""
    return [
        (option, config_name(component) if option.part in FAMILIES else None)
        for option in option_table().values()
        if option.field in type(component := getattr(config, option.part)).model_fields
    ]


def _initial(option: Option, chosen: str | None) -> Any:
    """What an option's widget begins with."""
    default = _info(option, chosen).get_default(call_default_factory=True)
    return _drawn(_kind(option, chosen), INITIAL.get(option.name, default))


def _in_address(value: Any) -> str:
    """A widget's value as its parameter in the address."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else number_text(value) if isinstance(value, float) else str(value)


def config_name(component: Component) -> str:
    """The name by which a component was chosen."""
    return str(getattr(component, "name", ""))


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
    values: dict[str, Any] = {}
    for name, option in option_table().items():
        belongs = option.part == part and (chosen is None or chosen in option.owners)
        if belongs and (not only or name in only) and name not in without:
            values[name] = _widget(option, chosen)
    return values


def _widget(option: Option, chosen: str | None) -> Any:
    label, key, kind, help_text = _label(option), _key(option, chosen), _kind(option, chosen), option.help()
    default = _initial(option, chosen)
    if kind == "switch":
        return st.toggle(label, value=bool(default), key=key, help=help_text, bind="query-params")
    if kind == "choice":
        choices = list(option.choices or ())
        return st.selectbox(
            label,
            choices,
            index=choices.index(default) if default in choices else None,
            key=key,
            help=help_text,
            placeholder="as trained",
            accept_new_options=option.name == TEST_DEVICE,
            bind="query-params",
        )
    if kind == "text":
        return st.text_input(label, value=default, key=key, help=help_text, bind="query-params") or None
    return _number(option, label, key, default, is_float=kind == "float")


def _number(option: Option, label: str, key: str, default: float | None, *, is_float: bool) -> float | None:
    low, high = _bounds(option)
    cast = float if is_float else int
    return st.number_input(
        label,
        min_value=None if low is None else cast(low),
        max_value=None if high is None else cast(high),
        value=default,
        step=_step(default) if is_float else 1,
        format="%g" if is_float else None,
        key=key,
        help=option.help(),
        placeholder="default" if default is None else None,
        bind="query-params",
    )


def _kind(option: Option, chosen: str | None) -> Kind:
    annotation = str(_info(option, chosen).annotation)
    if option.is_switch:
        return "switch"
    if option.choices:
        return "choice"
    if "tuple" in annotation or "str" in annotation:
        return "text"
    return "float" if "float" in annotation else "int"


def _drawn(kind: Kind, value: Any) -> Any:
    """A setting's value as its widget holds it."""
    if kind == "text":
        return shown(value) if value else ""
    if value is None or kind == "switch":
        return value
    if kind == "choice":
        return value.short_name if isinstance(value, BaseDevice) else str(value)
    return float(value) if kind == "float" else int(value)


def _key(option: Option, chosen: str | None) -> str:
    return f"{PREFIX}{option.name}_{chosen}" if chosen else f"{PREFIX}{option.name}"


def _info(option: Option, chosen: str | None) -> FieldInfo:
    return option.info if chosen is None else FAMILIES[option.part][chosen].model_fields[option.field]


def _label(option: Option) -> str:
    title = option.info.title or option.name
    unit = unit_of(option.info)
    suffix = f" ({unit})" if unit and unit not in option.name else ""
    if len(title) <= SYMBOL_LENGTH:
        return f"{title}: {option.name.replace('_', ' ')}{suffix}"
    return f"{title[0].upper()}{title[1:]}{suffix}" if title[0].isascii() else f"{title}{suffix}"


def _bounds(option: Option) -> tuple[float | None, float | None]:
    limits = {
        name: getattr(item, name) for item in option.info.metadata for name in ("ge", "le", "lt") if hasattr(item, name)
    }
    below = limits.get("lt")
    return limits.get("ge"), limits.get("le", below - 1 if isinstance(below, int) else None)


def _step(default: float | None) -> float:
    """A tenth of the default's leading digit: steps that can be seen and not overshot."""
    if not default:
        return 0.01
    exponent = len(f"{abs(default):.10f}".split(".")[1]) - len(f"{abs(default):.10f}".split(".")[1].lstrip("0"))
    return 10.0 ** -(exponent + 1) if abs(default) < 1 else 1.0
