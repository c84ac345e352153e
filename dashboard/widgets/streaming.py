"""Pictures that grow while a page stays answerable: a fragment, drawn again after every step of what it shows."""

import time
from collections.abc import Callable, Hashable, Sequence
from typing import Protocol

import streamlit as st

from dashboard.widgets.guards import failing_alone

EVERY = 0.15
"""Seconds between two steps, in which the page takes clicks."""
A_TURN = 1.0
"""Seconds of computing after which the rest waits for the next step."""


class Growing(Protocol):
    """What is computed step by step."""

    @property
    def is_finished(self) -> bool:
        """Whether no step is left."""
        ...

    def advance(self) -> None:
        """One step more, if one is left."""
        ...


def streamed(
    name: str,
    shown: Callable[[], Hashable],
    draw: Callable[[], Sequence[Growing]],
    *,
    finish: Callable[[], None] = lambda: None,
) -> None:
    """Draw, take a step of everything that was drawn, and so on until no step is left.

    Args:
        name: under which the session remembers what it has seen to its end.
        shown: what is looked at; asked before and after drawing, as a control within the fragment may change it.
        draw: draws what is known so far, and returns what it grows from, the most urgent first; nothing where there is
            nothing to compute.
        finish: called once no step is left, before the whole page is drawn again.
    """
    is_running = st.session_state.get(name) != shown()

    def step() -> None:
        known: list[Sequence[Growing]] = []
        with failing_alone("This card cannot be drawn"):
            growing = draw()
            until = time.perf_counter() + A_TURN
            for one in growing:
                one.advance()
                if time.perf_counter() > until:
                    break
            known.append(growing)
        if not known:
            if is_running:  # drawn once more without the timer, it says so and is not tried again and again
                st.session_state[name] = shown()
                st.rerun()
            return
        (growing,) = known
        is_finished = all(one.is_finished for one in growing)
        if is_finished and is_running:
            st.session_state[name] = shown()
            finish()
        if is_finished == is_running:
            st.rerun()  # the timer must stop, or (a control within changed what is looked at) start again

    st.fragment(step, run_every=EVERY if is_running else None)()
