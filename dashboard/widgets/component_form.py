"""A form made from the models' schemas: symbol, unit, bounds, default and help come from the fields themselves."""

from typing import Any

import streamlit as st
from pydantic.fields import FieldInfo

from neft.options import FAMILIES, Option, option_table, shown

PREFIX = "form_"
DOWNLOADED = ("fashion_mnist", "mnist", "cifar10", "cifar100", "tiny_imagenet")
"""Data sets that can be fetched."""
SYMBOL_LENGTH = 2
"""A title that is no longer is a symbol."""
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
    )


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
    info = _info(option, chosen)
    label = _label(option)
    key = f"{PREFIX}{option.name}_{chosen}"
    default = INITIAL.get(option.name, info.get_default(call_default_factory=True))
    help_text = option.help()
    if option.is_switch:
        return st.toggle(label, value=bool(default), key=key, help=help_text)
    if option.choices:
        choices = list(option.choices)
        given = str(default) if default is not None else None
        index = choices.index(given) if given in choices else None
        return st.selectbox(label, choices, index=index, key=key, help=help_text, placeholder="as trained")
    kind = str(info.annotation)
    if "tuple" in kind or "str" in kind:
        return st.text_input(label, value=shown(default) if default else "", key=key, help=help_text) or None
    return _number(option, label, key, default, is_float="float" in kind)


def _number(option: Option, label: str, key: str, default: float | None, *, is_float: bool) -> float | None:
    low, high = _bounds(option)
    cast = float if is_float else int
    return st.number_input(
        label,
        min_value=None if low is None else cast(low),
        max_value=None if high is None else cast(high),
        value=None if default is None else cast(default),
        step=_step(default) if is_float else 1,
        format="%g" if is_float else None,
        key=key,
        help=option.help(),
        placeholder="default" if default is None else None,
    )


def _info(option: Option, chosen: str | None) -> FieldInfo:
    return option.info if chosen is None else FAMILIES[option.part][chosen].model_fields[option.field]


def _label(option: Option) -> str:
    title = option.info.title or option.name
    if len(title) <= SYMBOL_LENGTH:
        return f"{title}: {option.name.replace('_', ' ')}"
    return f"{title[0].upper()}{title[1:]}" if title.isascii() else title


def _bounds(option: Option) -> tuple[float | None, float | None]:
    limits = {
        name: getattr(item, name) for item in option.info.metadata for name in ("ge", "le") if hasattr(item, name)
    }
    return limits.get("ge"), limits.get("le")


def _step(default: float | None) -> float:
    """A tenth of the default's leading digit: steps that can be seen and not overshot."""
    if not default:
        return 0.01
    exponent = len(f"{abs(default):.10f}".split(".")[1]) - len(f"{abs(default):.10f}".split(".")[1].lstrip("0"))
    return 10.0 ** -(exponent + 1) if abs(default) < 1 else 1.0
