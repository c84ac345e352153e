"""The glossary: everything registered has an entry, every entry leads somewhere, and the page finds them."""

import re

import pytest

from dashboard.pages import Page
from dashboard.words import glossary
from dashboard.words.glossary import FILE, Term, terms, terms_in
from neft.constraints import CONSTRAINTS
from neft.datasets import DATASETS
from neft.devices import DEVICES
from neft.methods import METHODS
from neft.metrics import METRICS
from neft.networks.backbones import BACKBONES
from tests.dashboard.driver import open_page, words

REGISTERED = {
    f"{family}.{name}": str(getattr(one, "label", ""))
    for family, registry in (
        ("metric", METRICS),
        ("method", METHODS),
        ("device", DEVICES),
        ("dataset", DATASETS),
        ("backbone", BACKBONES),
        ("constraint", CONSTRAINTS),
    )
    for name, one in registry.items()
}
SYMBOLS = (r"\sigma_d", "w_{max}", r"\beta", r"\gamma_n", r"\Delta\sigma", "N", "T", "M", "K", "W_p", "W_d")
"""Those that About texts use."""


def test_every_registered_thing_has_an_entry_under_its_own_label() -> None:
    explained = {name: term.term for term in glossary.terms().values() for name in term.names}

    assert explained == REGISTERED


def test_every_symbol_has_an_entry() -> None:
    assert set(SYMBOLS) <= {term.symbol for term in glossary.terms().values()}


def test_no_key_or_name_stands_twice() -> None:
    keys = re.findall(r'^key = "(.+)"', FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    names = [term.term for term in glossary.terms().values()]

    assert len(keys) == len(set(keys)) == len(glossary.terms())
    assert len(names) == len(set(names))
    assert names == sorted(names, key=str.casefold)


def test_entry_that_leads_to_no_page_is_refused() -> None:
    with pytest.raises(KeyError, match="NOWHERE"):
        Term.model_validate({"key": "a", "term": "A", "text": "A.", "pages": ["nowhere"]})


@pytest.mark.parametrize(
    ("said", "first"),
    [("ekl", "Calibrated EKL"), ("PAIRED chip", "Paired difference"), ("2^{jk}", "Significance")],
)
def test_search_finds_every_word_whatever_its_case(said: str, first: str) -> None:
    assert glossary.search(said)[0].term == first


def test_search_puts_the_term_itself_before_those_that_mention_it() -> None:
    shown = [term.key for term in glossary.search("temperature")]

    assert shown[0] == "temperature"
    assert "control" in shown


def test_help_text_says_symbol_and_meaning() -> None:
    assert glossary.help_text("w_max") == f"**Largest weight** ($w_{{max}}$): {glossary.terms()['w_max'].text}"


# ---------------------------------------------------------------- the page
def test_page_lists_every_term() -> None:
    app = open_page(Page.GLOSSARY)

    assert not app.exception
    headings = [text.value for text in app.markdown if text.value.startswith("## ")]
    assert len(headings) == len(glossary.terms())
    assert f"**{len(glossary.terms())} terms and symbols**" in words(app)


def test_search_in_the_address_narrows_the_list_and_offers_a_way_back() -> None:
    app = open_page(Page.GLOSSARY, find="nothing like it")

    assert "No term holds “nothing like it”" in words(app)

    app = app.button(key="all_terms").click().run()

    assert len([text for text in app.markdown if text.value.startswith("## ")]) == len(glossary.terms())


def test_a_terms_own_address_shows_it_alone_with_its_pages() -> None:
    app = open_page(Page.GLOSSARY, term="EKL")
    term = glossary.terms()["ekl"]

    assert not app.exception
    (entry,) = [text.value for text in app.markdown if text.value.startswith("## ")]
    assert term.equation in entry
    assert "Unit: nats" in entry
    assert len(app.get("page_link")) == len(term.pages)

    app = app.button(key="all_terms").click().run()

    assert app.selectbox(key="term").value == "all"


def test_page_links_to_every_letter_under_which_a_term_stands() -> None:
    app = open_page(Page.GLOSSARY)

    letters = {term.term[0].upper() for term in terms().values()}
    assert {heading.value for heading in app.header} == letters
    links = next(text.value for text in app.markdown if "#letter-" in text.value)
    assert {part[1] for part in links.split(" · ")} == letters


def test_terms_of_a_text_are_explained_longer_ones_first_and_each_once() -> None:
    assert terms_in("Nothing of that kind") is None
    found = terms_in("EKL and calibrated EKL of EKL")
    assert found is not None
    assert found.count("**Calibrated EKL**") == 1
    assert found.index("**Calibrated EKL**") < found.index("**EKL**")
