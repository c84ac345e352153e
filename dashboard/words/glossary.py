"""Every term and symbol of the dashboard: one table (`glossary.toml`), for the glossary's page and for help texts."""

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from dashboard.data.citations import cite, references
from dashboard.pages import Page
from neft.component import Component

MOST_TERMS = 4
"""So many are explained in one help."""
FILE = Path(__file__).with_name("glossary.toml")


def _page_of(stem: str) -> Page:
    return Page[stem.upper()]


class Term(Component):
    """One entry."""

    key: str = Field(pattern="^[a-z0-9_]+$", description="Its permalink.")
    term: str
    text: str = Field(min_length=1, description="One to three plain sentences.")
    symbol: str = Field(default="", description="LaTeX.")
    unit: str = ""
    range: str = ""
    equation: str = Field(default="", description="LaTeX.")
    source: str = Field(default="", description="Citations by their keys.")
    pages: tuple[Annotated[Page, BeforeValidator(_page_of)], ...] = Field(
        min_length=1, description="Where it is seen: stems of the pages' files."
    )
    names: tuple[str, ...] = Field(default=(), description="Registered things that it explains, as `metric.ekl`.")

    def matches(self, words: str) -> bool:
        """Whether every one of these words stands somewhere in the entry, whatever its case."""
        sources = (cite(self.source), *references(self.source))
        everything = " ".join((self.key, self.term, self.symbol, self.text, self.unit, *sources)).casefold()
        return all(word in everything for word in words.casefold().split())


@cache
def terms() -> dict[str, Term]:
    """Every term by its key, in alphabetical order of the terms."""
    entries = [Term.model_validate(entry) for entry in tomllib.loads(FILE.read_text(encoding="utf-8"))["terms"]]
    return {entry.key: entry for entry in sorted(entries, key=lambda entry: entry.term.casefold())}


def search(words: str) -> Sequence[Term]:
    """The terms that hold all of these words: first those whose name does."""
    matching = [term for term in terms().values() if term.matches(words)]
    named = words.casefold().strip()
    return sorted(matching, key=lambda term: named not in f"{term.key} {term.term}".casefold()) if named else matching


def terms_in(text: str) -> str | None:
    """What the terms mean that stand in a text, longer ones first, for a help that shows on hover; None without any."""
    said, left = [], text.casefold()
    for term in sorted(terms().values(), key=lambda term: -len(term.term)):
        whole = re.compile(rf"(?<!\w){re.escape(term.term.casefold())}(?!\w)")
        if whole.search(left):
            said.append(help_text(term.key))
            left = whole.sub(" ", left)  # a term within another's name is not meant
    return "\n\n".join(said[:MOST_TERMS]) or None


def help_text(key: str) -> str:
    """A term in a line, for a control's help: `σ`-like symbols as LaTeX, then the text.

    Raises:
        KeyError: no such term.
    """
    term = terms()[key]
    symbol = f" (${term.symbol}$)" if term.symbol else ""
    return f"**{term.term}**{symbol}: {term.text}"
