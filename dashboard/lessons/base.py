"""What a lesson is made of, and how it asks for a prediction before it shows its answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import streamlit as st

from dashboard import address
from dashboard.pages import Page
from dashboard.widgets.more_runs import say_where_more_are
from dashboard.widgets.page_link import page_link
from neft.experiments.questions import EXPERIMENTS

N = TypeVar("N")
PREDICTIONS = "lesson_predictions"
"""Of this session, by lesson: a choice's index, or a guess."""


@dataclass(frozen=True)
class Missing:
    """Why a lesson cannot be shown: an experiment whose runs it needs is not stored."""

    what: str
    experiment: str = "accuracy"


@dataclass(frozen=True)
class Link:
    """A way into another page."""

    page: Page
    label: str
    address: Mapping[str, str | list[str]] = field(default_factory=dict[str, "str | list[str]"])


@dataclass(frozen=True)
class Choice:
    """A question with a few answers."""

    words: str
    options: tuple[str, ...]
    truth: int
    """The index of the right one, computed."""
    told: str
    """The truth in a sentence, with its numbers."""

    def verdict(self, said: float) -> str:
        """The prediction beside the truth."""
        hit = "That is what the chips say." if int(said) == self.truth else "The chips say otherwise."
        return f"Your prediction: **{self.options[int(said)]}**. {hit} {self.told}"


@dataclass(frozen=True)
class Guess:
    """A question that is answered with a number."""

    words: str
    low: float
    high: float
    step: float
    start: float
    unit: str
    truth: float
    """Computed."""
    close: float
    """A guess no further off than this is close."""
    told: str

    def verdict(self, said: float) -> str:
        """The prediction beside the truth."""
        off = said - self.truth
        how = "close" if abs(off) <= self.close else f"{abs(off):.1f} too {'high' if off > 0 else 'low'}"
        return f"Your prediction: **{said:g} {self.unit}**, {how}. {self.told}"


Question = Choice | Guess


@dataclass(frozen=True)
class Lesson(Generic[N]):
    """One lesson. Its parts are drawn in this order; the answer only once a prediction was made."""

    name: str
    """Short: its button, and its name in the address."""
    title: str
    goal: str
    prepare: Callable[[], N | Missing]
    """Draws the lesson's controls, if any, and gathers its numbers."""
    show: Callable[[N], None]
    """What is known before."""
    question: Callable[[N], Question]
    answer: Callable[[N], None]
    takeaway: Callable[[N], str]
    links: Callable[[N], tuple[Link, ...]]
    background: tuple[str, ...] = ()
    """What someone new to the field has to know first, in paragraphs of Markdown, where `show` does not say it."""


def prediction(lesson: str) -> float | None:
    """What was predicted in this session, by the lesson's name: a choice's index, or a guess."""
    return st.session_state.get(PREDICTIONS, {}).get(lesson)


def ask(lesson: Lesson[N], question: Question) -> bool:
    """Ask for a prediction, or show the one that was made beside the truth; returns whether the answer may be seen."""
    predictions = st.session_state.setdefault(PREDICTIONS, {})
    said: float | None = predictions.get(lesson.name)
    with st.container(border=True, key="prediction"):
        if said is None:
            _ask(lesson.name, question)
            return False
        st.markdown("## Your prediction and the chips")
        st.markdown(question.words)
        st.info(question.verdict(said), icon=":material/lightbulb:")
        if st.button(
            "Predict again",
            key="predict_again",
            icon=":material/undo:",
            help="Hides the answer, for the next person in the room.",
        ):
            del predictions[lesson.name]
            st.rerun()
    return True


def _ask(name: str, question: Question) -> None:
    st.markdown("## Predict first")
    st.markdown(question.words)
    with st.form("prediction_form", border=False):
        if isinstance(question, Choice):
            said: float | None = st.radio(
                "Your prediction",
                range(len(question.options)),
                index=None,
                format_func=question.options.__getitem__,
                key=f"choice_{name}",
                help="The answer stays hidden until you have chosen. Predictions are kept in this session only.",
            )
        else:
            said = st.slider(
                f"Your prediction ({question.unit})",
                question.low,
                question.high,
                question.start,
                question.step,
                format="%g",
                key=f"guess_{name}",
                help="The answer stays hidden until you commit. Predictions are kept in this session only.",
            )
        if st.form_submit_button(
            "Commit, and show the answer",
            icon=":material/visibility:",
            key="commit",
            help="Your prediction will stand beside it.",
        ):
            if said is None:
                st.warning("Choose one of the answers first.", icon=":material/touch_app:")
            else:
                st.session_state[PREDICTIONS][name] = said
                st.rerun()


def show_missing(missing: Missing) -> None:
    """What a lesson lacks, and how to get it."""
    experiment = EXPERIMENTS[missing.experiment]
    st.info(f"This lesson needs {missing.what}, and no such runs are stored. This makes them:", icon=":material/inbox:")
    st.code(f"neft sweep {experiment.name}", language=None)
    say_where_more_are()
    page_link(
        Page.EXPERIMENTS, f"Run “{experiment.title}” from its page", query_params={address.EXPERIMENT: experiment.name}
    )
