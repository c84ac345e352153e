"""Sources: cited by a key that is known, told in one file, and never shown to a reader as a bare key."""

import ast
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from neft.errors import ConfigError
from neft.reference.citations import FILE, KEY, citations, cite, references, with_references

ROOT = FILE.parents[2]
TEXTS = {
    path: path.read_text(encoding="utf-8")
    for folder in ("neft", "dashboard", "benchmarks")
    for suffix in ("py", "md", "toml")
    for path in (ROOT / folder).rglob(f"*.{suffix}")
    if path != FILE
} | {ROOT / "README.md": (ROOT / "README.md").read_text(encoding="utf-8")}
NUMBER = re.compile(r"\b10\.\d{4,9}/\w|\b\d{4}\.\d{5}\b|arxiv\.org/|doi\.org/10")
"""A digital object identifier, or a number of arXiv's."""
MAY_HOLD_NUMBERS = {
    "neft/reference/citations.py",  # an example of a reference
    "dashboard/report/markdown.py",  # makes links of such numbers
    "README.md",  # is read where nothing turns keys into words
}
OF_THE_PAPER = re.compile(r"NeFT,?\s(section|Eq\.|figure|Table|Algorithm|arXiv|doi)|\bYan et al\. \(NeFT\)")


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def cited(text: str) -> set[str]:
    return set(KEY.findall(text))


def bare_keys(tree: ast.AST, *, resolved: bool = False) -> Iterator[str]:
    """The keys in texts that neither `cite` nor a card's definition turns into words; docstrings are not shown."""
    if isinstance(tree, ast.Constant):
        if isinstance(tree.value, str) and not resolved:
            yield from KEY.findall(tree.value)
        return
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
        resolved |= tree.func.id in {"cite", "with_references"}
    if isinstance(tree, ast.keyword):
        resolved |= tree.arg == "definition"
    if isinstance(tree, ast.Assign) and isinstance(tree.targets[0], ast.Name):
        resolved |= tree.targets[0].id.endswith("DEFINITION")
    if isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Constant):
        return
    for node in ast.iter_child_nodes(tree):
        yield from bare_keys(node, resolved=resolved)


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.replace(" ", "").replace("-", ""))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


# ---------------------------------------------------------------- the file
def test_a_key_is_the_first_authors_family_name_and_the_year() -> None:
    """In ASCII: without what stands above a letter."""
    named = {key: f"{_plain(one.families[0])}{one.year}" for key, one in citations().items()}

    assert {key: key.rstrip("abc") for key in named} == named


def test_every_source_can_be_found() -> None:
    for one in citations().values():
        assert one.title
        assert one.venue or one.doi or one.arxiv


def test_the_papers_authors_version_and_numbers_are_told() -> None:
    paper = citations()["Qin2025"]

    assert paper.short == "Qin et al. 2025"
    assert paper.full.startswith("Y. Qin et al.: *NeFT: ")
    assert paper.full.endswith(
        "IEEE TCAD 2025, doi 10.1109/TCAD.2025.3591409, arXiv 2305.14561; numbered as in arXiv v4 (April 2024)."
    )


# ---------------------------------------------------------------- the code
def test_every_key_is_known() -> None:
    unknown = {place(path): cited(text) - set(citations()) for path, text in TEXTS.items()}

    assert not {path: keys for path, keys in unknown.items() if keys}


def test_every_source_is_cited_somewhere() -> None:
    assert set(citations()) == set().union(*map(cited, TEXTS.values()))


def test_numbers_of_papers_stand_in_the_citations_alone() -> None:
    assert {place(path) for path, text in TEXTS.items() if NUMBER.search(text)} <= MAY_HOLD_NUMBERS


def test_the_papers_sections_are_named_with_its_key() -> None:
    assert not [place(path) for path, text in TEXTS.items() if OF_THE_PAPER.search(text)]


def test_no_page_shows_a_bare_key() -> None:
    pages = [path for path in TEXTS if place(path).startswith("dashboard/") and path.suffix == ".py"]
    bare = {place(path): list(bare_keys(ast.parse(TEXTS[path]))) for path in pages}

    assert not {path: keys for path, keys in bare.items() if keys}


# ---------------------------------------------------------------- words
def test_keys_become_words() -> None:
    assert (
        cite("[Welch1947] and [Kingma2015], not [chips] or [2]")
        == "Welch 1947 and Kingma and Ba 2015, not [chips] or [2]"
    )


def test_references_stand_once_in_the_order_of_their_keys() -> None:
    assert references("[Welch1947], [Guo2017], [Welch1947]") == (
        citations()["Welch1947"].full,
        citations()["Guo2017"].full,
    )


def test_text_without_a_key_stays_as_it_is() -> None:
    assert with_references("$a_i$ \n") == "$a_i$ \n"


def test_unknown_key_is_named_with_its_neighbour() -> None:
    with pytest.raises(ConfigError, match=r"Unknown citation 'Qin2024'\. Did you mean 'Qin2025'\?"):
        cite("[Qin2024], section 3")
