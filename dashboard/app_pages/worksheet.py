"""A worksheet for an exercise class: questions to answer on the other pages; answers and notes for the teacher."""

from collections.abc import Sequence

import streamlit as st

from dashboard.lessons.base import Missing, show_missing
from dashboard.lessons.worksheet import LEAD, TEACHER, TITLE, Question, worksheet, worksheet_document
from dashboard.widgets.guards import show_problems
from dashboard.widgets.page_link import page_link


def page() -> None:
    """Draw the page."""
    st.title("Worksheet")
    questions = worksheet()
    if isinstance(questions, Missing):
        show_missing(questions)
    else:
        _sheet(questions)
    show_problems()


def _sheet(questions: Sequence[Question]) -> None:
    st.markdown(f"**{TITLE}** {LEAD}")
    with st.container(horizontal=True, vertical_alignment="center"):
        _download("Worksheet to print", "worksheet", questions, answered=False)
        _download("With answers and notes", "worksheet_answers", questions, answered=True)
        st.space("stretch")
        is_answered = st.toggle(
            "Answers and notes",
            key="answers",
            help="For the teacher. Never in the address: a link that you hand out hides them.",
        )
    if is_answered:
        st.info(TEACHER, icon=":material/school:")
    for number, question in enumerate(questions, start=1):
        with st.container(border=True, key=f"question_{number}"):
            st.markdown(f"## {number}. {question.title}")
            st.markdown(question.words)
            page_link(question.page, f"Look on “{question.page.title}”", query_params=question.address)
            if is_answered:
                st.success(f"{question.answer()}\n\n*{question.notes}*", icon=":material/check:")


def _download(label: str, name: str, questions: Sequence[Question], *, answered: bool) -> None:
    here = st.context.url or ""  # a click's own run has none
    st.download_button(
        label,
        data=lambda: worksheet_document(questions, here, answered=answered),
        file_name=f"{name}.html",
        mime="text/html",
        key=name,
        icon=":material/print:",
        on_click="ignore",
        help="One file that works offline and prints, each question with its address.",
    )


page()
