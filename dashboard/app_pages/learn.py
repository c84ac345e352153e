"""Eight guided lessons: a question, a prediction, and the answer computed from stored runs."""

from typing import Any

import streamlit as st

from dashboard import address
from dashboard.lessons import LESSONS, Lesson, Missing
from dashboard.lessons.base import ask, show_missing
from dashboard.pages import Page
from dashboard.widgets.guards import show_problems
from dashboard.widgets.page_link import page_link
from dashboard.words.sentences import SIGMA_D

NAMES = list(LESSONS)


def page() -> None:
    """Draw the page."""
    place = st.container()  # the title stands above the control that chooses it
    lesson = LESSONS[_pick_lesson()]
    with place:
        st.title(lesson.title)
    number = NAMES.index(lesson.name) + 1
    st.progress(number / len(NAMES), text=f"Lesson {number} of {len(NAMES)}. {lesson.goal}")
    _background(lesson.background)
    _lesson(lesson)
    _neighbours(number - 1)
    show_problems()


def _pick_lesson() -> str:
    chosen: str | None = st.segmented_control(
        "Lesson",
        NAMES,
        default=NAMES[0],
        required=True,
        key=address.LESSON,
        bind="query-params",
        persist_state="session",
        help="Kept in the address: copy it to open this lesson in class. Predictions are not part of it.",
    )
    return chosen or NAMES[0]


def _background(paragraphs: tuple[str, ...]) -> None:
    if not paragraphs:
        return
    for place, paragraph in zip(st.columns(len(paragraphs)), paragraphs, strict=True):
        place.markdown(paragraph.replace("σ_d", SIGMA_D))


def _lesson(lesson: Lesson[Any]) -> None:
    numbers = lesson.prepare()
    if isinstance(numbers, Missing):
        show_missing(numbers)
        return
    lesson.show(numbers)
    if not ask(lesson, lesson.question(numbers)):
        return
    lesson.answer(numbers)
    st.success(lesson.takeaway(numbers), icon=":material/school:")
    st.markdown("## Try it yourself")
    with st.container(horizontal=True):
        for link in lesson.links(numbers):
            page_link(link.page, link.label, query_params=link.address)


def _neighbours(index: int) -> None:
    """Back and on."""
    st.divider()
    with st.container(horizontal=True):
        if index > 0:
            _step(NAMES[index - 1], "previous", ":material/arrow_back:")
        st.space("stretch")
        if index + 1 < len(NAMES):
            _step(NAMES[index + 1], "next", ":material/arrow_forward:")
        else:
            page_link(Page.GLOSSARY, "Every word, in the glossary")


def _step(name: str, key: str, icon: str) -> None:
    def go() -> None:
        st.session_state[address.LESSON] = name

    words = "Next" if key == "next" else "Back"
    _ = st.button(
        f"{words}: {name}",
        key=key,
        icon=icon,
        icon_position="right" if key == "next" else "left",
        on_click=go,
        help=LESSONS[name].goal,
    )


page()
