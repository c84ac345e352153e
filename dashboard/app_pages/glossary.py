"""Every term and symbol of the dashboard, searchable, each with a permalink."""

from collections.abc import Sequence
from math import ceil

import streamlit as st

from dashboard import address
from dashboard.data.citations import cite, references
from dashboard.data.foreign import foreign
from dashboard.pages import Page
from dashboard.widgets.control import Control
from dashboard.widgets.page_link import page_link
from dashboard.words import glossary
from dashboard.words.glossary import Term
from dashboard.words.sentences import SIGMA_D

ALL = "all"
TERM = Control(
    key=address.TERM,
    label="One term",
    options={ALL: "all"} | {key: term.term for key, term in glossary.terms().items()},
    kind="list",
    help="Shows one entry alone. It is kept in the address, to link to it.",
)


def page() -> None:
    """Draw the page."""
    known = glossary.terms()
    st.title("Glossary")
    st.markdown(
        f"**{len(known)} terms and symbols**: what each means, its unit and range, where it comes from and where it is "
        "seen."
    )
    words, chosen = _controls()
    if chosen is not None:
        _entry(known[chosen])
        st.button(
            "All terms",
            icon=":material/list:",
            key="all_terms",
            on_click=_show_all,
            help="Leave this term, and list every one.",
        )
        return
    shown = glossary.search(words)
    if not shown:
        st.info(f"No term holds “{foreign(words)}”. Try fewer or other words.", icon=":material/search_off:")
        st.button(
            "Show all terms", icon=":material/list:", key="all_terms", on_click=_show_all, help="Empties the search."
        )
    _several(shown, by_letter=not words.strip())
    _sources(shown)


def _controls() -> tuple[str, str | None]:
    left, right = st.columns(2)
    with left:
        words = st.text_input(
            "Search",
            key=address.FIND,
            bind="query-params",
            placeholder="a word, a symbol, a source",
            icon=":material/search:",
            help="Every word must stand somewhere in an entry. Kept in the address.",
        )
    with right:
        chosen = TERM.draw()
    return words or "", None if chosen == ALL else chosen


def _show_all() -> None:
    st.session_state[address.TERM] = ALL
    st.session_state[address.FIND] = ""


def _letter(term: Term) -> str:
    """Under which letter an entry stands."""
    return term.term[0].upper()


def _several(shown: Sequence[Term], *, by_letter: bool) -> None:
    """Down the left column, then down the right; from A to Z below a link to every letter, where not searched."""
    letters = list(dict.fromkeys(_letter(term) for term in shown))
    if by_letter:
        st.markdown(" · ".join(f"[{letter}](#letter-{letter.lower()})" for letter in letters))
    begun: set[str] = set()
    half = ceil(len(shown) / 2)
    for column, part in zip(st.columns(2), (shown[:half], shown[half:]), strict=True):
        with column:
            for term in part:
                if by_letter and _letter(term) not in begun:
                    begun.add(_letter(term))
                    st.header(_letter(term), anchor=f"letter-{_letter(term).lower()}", divider="gray")
                st.markdown(_words(term))
                page_link(
                    Page.GLOSSARY,
                    "Where it is seen",
                    icon=":material/link:",
                    query_params={address.TERM: term.key},
                    help="Opens this entry alone, with an address of its own.",
                )


def _sources(shown: Sequence[Term]) -> None:
    """What the entries cite, in full."""
    sources = sorted(references(" ".join(term.source for term in shown)))
    if sources:
        with st.expander(f"The {len(sources)} sources in full", icon=":material/menu_book:"):
            st.markdown("\n".join(f"- {source}" for source in sources))


def _entry(term: Term) -> None:
    with st.container(border=True, key="shown_term"):
        st.markdown(_words(term))
        for source in references(term.source):
            st.caption(source)
        st.markdown("Where it is seen:")
        with st.container(horizontal=True):
            for page in term.pages:
                page_link(page)


def _words(term: Term) -> str:
    """An entry as one piece of Markdown: seventy of them are drawn at once."""
    facts = " · ".join(
        f"{name}: {value}"
        for name, value in (("Unit", term.unit), ("Range", term.range), ("Source", cite(term.source)))
        if value
    )
    parts = [
        f"## {term.term} ${term.symbol}$" if term.symbol else f"## {term.term}",
        term.text,
        f"$$\n{term.equation}\n$$" if term.equation else "",
        f":small[{facts}]" if facts else "",
    ]
    return "\n\n".join(part for part in parts if part).replace("σ_d", SIGMA_D)


page()
