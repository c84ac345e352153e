"""The table of pages: the one place that names them."""

import re

import pytest

from dashboard.pages import Page
from tests.dashboard.driver import APP, ROOT, open_page

VALID_SINCE_THE_FIRST = (
    "accuracy chip claims compare device experiments glossary learn preview runs share slices train "
    "uncertainty votes weights"
)


def test_every_file_of_pages_has_its_line_and_every_line_its_file() -> None:
    files = sorted(f"app_pages/{path.name}" for path in APP.parent.glob("app_pages/[!_]*.py"))

    assert sorted(page.file for page in Page) == files


@pytest.mark.parametrize("fact", ["path", "title", "icon"])
def test_no_two_pages_share_an_address_a_title_or_an_icon(fact: str) -> None:
    facts = [getattr(page, fact) for page in Page]

    assert len(set(facts)) == len(facts)


def test_addresses_of_pages_stay_valid() -> None:
    assert {"", *VALID_SINCE_THE_FIRST.split()} <= {page.path for page in Page}


def test_first_page_alone_is_the_landing_page() -> None:
    assert [page for page in Page if not page.path] == [next(iter(Page))]


def test_navigation_holds_every_page_in_the_tables_order() -> None:
    app = open_page()

    assert not app.exception
    shown = [(info.get("page_name"), info.get("url_pathname")) for info in app._registered_pages.values()]
    assert shown == [(page.title, page.path) for page in Page]


def test_no_other_place_names_a_pages_file() -> None:
    named = {
        path.name
        for path in APP.parent.rglob("*.py")
        if path.name != "pages.py" and re.search(r"""["']app_pages/""", path.read_text(encoding="utf-8"))
    }

    assert named == set()


def test_readme_lists_every_page_in_the_order_of_the_navigation() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("| page | what it answers |")[2].partition("\n\n")[0]
    heads = [line.split("|")[1].strip().replace("*", "") for line in table.splitlines()[2:]]

    expected: list[str] = []
    section = ""
    for page in Page:
        expected.append(page.title if page.section == section else f"{page.section} · {page.title}")
        section = page.section
    assert heads == expected
