"""A choice as one value: what is drawn, what it holds before it is drawn, and what the address says of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import streamlit as st

from dashboard.widgets.in_address import asked, is_news, is_turned, keep, keys_of
from neft.sigma_d import sigma_d_text

CLEARED = [""]
"""What the address says where nothing is chosen, though something is by default."""


@dataclass(frozen=True)
class Control:
    """The choice of one option."""

    key: str
    """Of the widget, and the parameter in the address."""
    label: str
    options: Mapping[str, str]
    """The words shown, by the keys that the address holds."""
    help: str
    default: str = ""
    """A key, left out of the address; the first by default."""
    begins: str = ""
    """The key that this session begins with, where it is another: the address says it, so that a link holds it."""
    kind: Literal["buttons", "list", "radio", "slider"] = "buttons"
    stays: bool = False
    """For the whole session, also while other pages are shown."""
    is_always_said: bool = False
    """The address says also what is chosen by default: because it means something else where it says nothing."""
    shows_label: bool = True
    captions: tuple[str, ...] | None = None
    """Of a radio's options."""
    width: int | Literal["stretch"] = "stretch"
    """Of a list."""
    once: Mapping[str, str] = field(default_factory=dict[str, str])
    """Keys by the words that were shown before, which older addresses hold."""

    @property
    def start(self) -> str:
        """What is chosen unless another option is."""
        return self.default if self.default in self.options else next(iter(self.options))

    def chosen(self) -> str:
        """The key that it holds, or will hold once it is drawn: a figure is made before its card."""
        said = keys_of([self.once.get(one, one) for one in asked(self.key)], self.options)
        if said and (self.key not in st.session_state or is_news(self.key)):
            return said[0]
        held = st.session_state.get(self.key, self.begins)
        return str(held) if held in self.options else self.start  # a choice further up may have taken it away

    def draw(self) -> str:
        """Draw it in the current container; returns the chosen key."""
        chosen = self.chosen()
        # a browser that has not drawn it yet takes it as of the last run alone, which therefore says what is chosen
        first = None if _put(self.key, chosen) else chosen
        place = {} if first is None else {"index": list(self.options).index(first)}
        if self.kind == "buttons":
            self._draw_buttons({"default": first})
        elif self.kind == "list":
            self._draw_list(place)
        elif self.kind == "slider":
            self._draw_slider({} if first is None else {"value": first})
        else:
            self._draw_radio(place)
        keep(self.key, [] if chosen == self.start and not self.is_always_said else [chosen])
        return chosen

    def _draw_buttons(self, first: dict[str, Any]) -> None:
        st.segmented_control(
            self.label,
            list(self.options),
            format_func=self.options.__getitem__,
            required=True,
            key=self.key,
            help=self.help,
            label_visibility="visible" if self.shows_label else "collapsed",
            persist_state="session" if self.stays else None,
            **first,
        )

    def _draw_list(self, first: dict[str, Any]) -> None:
        st.selectbox(
            self.label,
            list(self.options),
            format_func=self.options.__getitem__,
            key=self.key,
            help=self.help,
            width=self.width,
            label_visibility="visible" if self.shows_label else "collapsed",
            persist_state="session" if self.stays else None,
            **first,
        )

    def _draw_slider(self, first: dict[str, Any]) -> None:
        """Stops in their order; one alone is said."""
        if len(self.options) == 1:
            st.caption(f"{self.label} = {next(iter(self.options.values()))}")
            return
        st.select_slider(
            self.label,
            list(self.options),
            format_func=self.options.__getitem__,
            key=self.key,
            help=self.help,
            persist_state="session" if self.stays else None,
            **first,
        )

    def _draw_radio(self, first: dict[str, Any]) -> None:
        st.radio(
            self.label,
            list(self.options),
            format_func=self.options.__getitem__,
            captions=self.captions,
            key=self.key,
            help=self.help,
            persist_state="session" if self.stays else None,
            **first,
        )


@dataclass(frozen=True)
class Number:
    """The choice of a whole number."""

    key: str
    """Of the widget, and the parameter in the address."""
    label: str
    last: int
    """The largest that is allowed; the smallest is 0."""
    help: str
    default: int = 0
    """Left out of the address."""
    stays: bool = False
    """For the whole session, also while other pages are shown."""

    def chosen(self) -> int:
        """What it holds, or will hold once it is drawn."""
        said = [int(one) for one in asked(self.key) if _WHOLE.fullmatch(one)]
        if said and (self.key not in st.session_state or is_news(self.key)):
            held: int | None = said[0]
        else:
            held = st.session_state.get(self.key)
        return self.default if held is None or not 0 <= held <= self.last else held  # a choice further up may be news

    def draw(self) -> int:
        """Draw it in the current container; returns the chosen number."""
        chosen = self.chosen()
        st.number_input(
            self.label,
            value="min" if _put(self.key, chosen) else chosen,
            min_value=0,
            max_value=self.last,
            key=self.key,
            help=self.help,
            persist_state="session" if self.stays else None,
        )
        keep(self.key, [] if chosen == self.default else [str(chosen)])
        return chosen


def _put(key: str, chosen: object) -> bool:
    """Have a widget hold what is chosen, where it does not; whether it did not, or may not have heard of it."""
    if st.session_state.get(key) == chosen and not is_turned():
        return False
    st.session_state[key] = chosen
    return True


_WHOLE = re.compile(r"[0-9]{1,18}")


def sigma_d_control(
    key: str,
    label: str,
    stops: Sequence[float],
    *,
    near: float,
    begins_near: float | None = None,
    stays: bool = True,
    help: str,  # noqa: A002 - as Streamlit's
) -> Control:
    """The choice of one of some device variations.

    Args:
        key: of the widget, and the parameter in the address.
        label: of the slider.
        stops: the device variations, ascending.
        near: the default is the stop nearest to it.
        begins_near: what this session begins near to, where that is something else.
        stays: for the whole session, also while other pages are shown.
        help: for the question mark.
    """
    texts = [sigma_d_text(stop) for stop in stops]

    def nearest(wanted: float) -> str:
        return sigma_d_text(min(stops, key=lambda stop: abs(stop - wanted)))

    return Control(
        key=key,
        label=label,
        options=dict(zip(texts, texts, strict=True)),
        default=nearest(near),
        begins="" if begins_near is None else nearest(begins_near),
        kind="slider",
        stays=stays,
        help=help,
    )


@dataclass(frozen=True)
class Choices:
    """The choice of several options."""

    key: str
    label: str
    options: Mapping[str, str]
    """The words shown, by the keys that the address holds."""
    default: tuple[str, ...]
    help: str
    kind: Literal["pills", "list"] = "pills"
    stays: bool = True
    """For the whole session, also while other pages are shown."""
    placeholder: str = "All"
    """Of a list in which nothing is chosen."""
    width: int | Literal["stretch"] = 260
    """Of a list."""
    once: Mapping[str, str] = field(default_factory=dict[str, str])
    """Keys by those that older addresses hold."""

    def chosen(self) -> list[str]:
        """The keys that it holds, or will hold once it is drawn: a figure is made before its card."""
        said = list(dict.fromkeys(self.once.get(one, one) for one in asked(self.key)))
        held: list[str] | None = st.session_state.get(self.key)
        if said and (held is None or is_news(self.key)):
            meant = keys_of(said, self.options)
            if meant or said == CLEARED:
                return meant
        if held is None:
            return list(self.default)
        known = [key for key in held if key in self.options]
        return known if known or not held else list(self.default)

    def draw(self) -> list[str]:
        """Draw it in the current container; returns the chosen keys."""
        chosen = self.chosen()
        first = None if _put(self.key, chosen) else chosen
        if self.kind == "pills":
            self._draw_pills(first)
        else:
            self._draw_list(first)
        keep(self.key, [] if set(chosen) == set(self.default) else chosen or CLEARED)
        return chosen

    def _draw_pills(self, first: list[str] | None) -> None:
        st.pills(
            self.label,
            list(self.options),
            default=first,
            selection_mode="multi",
            format_func=self.options.__getitem__,
            key=self.key,
            help=self.help,
            persist_state="session" if self.stays else None,
        )

    def _draw_list(self, first: list[str] | None) -> None:
        st.multiselect(
            self.label,
            list(self.options),
            default=first,
            format_func=self.options.__getitem__,
            key=self.key,
            help=self.help,
            placeholder=self.placeholder,
            width=self.width,
            persist_state="session" if self.stays else None,
        )
