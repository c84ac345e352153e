"""The page of departures from the paper: what it names is there."""

import re

import pytest

from neft.reference import departures
from neft.reference.citations import FILE, KEY, references

ROOT = FILE.parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in departures().splitlines() if line.startswith("| ")
]
HEAD, _, *TABLE = ROWS
PLACE = re.compile(r"\b(section|Eq\.|Table|figures?) \d")


def test_every_row_says_what_the_paper_does_what_we_do_why_and_where() -> None:
    assert HEAD == ["what", "the paper", "here", "why", "where"]
    assert all(len(row) == len(HEAD) and all(row) for row in TABLE)
    assert len({row[0] for row in TABLE}) == len(TABLE) > 20


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_every_path_of_a_row_is_a_file(row: list[str]) -> None:
    paths = re.findall(r"`([^`]+)`", row[4])

    assert paths
    assert not [path for path in paths if not (ROOT / path).is_file()]


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_what_the_paper_says_is_cited_by_its_key(row: list[str]) -> None:
    assert KEY.findall(row[1])[0] == "Qin2025"
    assert references(" ".join(row))


def test_a_section_is_named_with_its_papers_key() -> None:
    cells = [cell for row in TABLE for cell in row[:4]]

    assert not [cell for cell in cells if (named := PLACE.search(cell)) and not KEY.search(cell[: named.start()])]
