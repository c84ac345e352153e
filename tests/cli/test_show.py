"""neft show."""

from neft.reference.citations import bibtex
from neft.runs.paragraph import bibtex as run_bibtex
from neft.runs.paragraph import methods_paragraph
from neft.runs.records import RunRecord
from tests.cli.conftest import Neft


def test_a_paper_gets_the_methods_paragraph_and_the_run_and_its_sources_as_bibtex(
    neft: Neft, stored: RunRecord
) -> None:
    said = neft("show", stored.id, "--paper").out

    assert said.startswith(f"{methods_paragraph(stored)}\n\n{run_bibtex(stored)}\n")
    assert bibtex("[Alpaydin1998]") in said
    assert said.count("{Qin2025,") == 1


def test_two_ways_of_printing_are_refused(neft: Neft, stored: RunRecord) -> None:
    answer = neft("show", stored.id, "--paper", "--config")

    assert answer.code == 2
    assert "--config, --paper and --json" in answer.said
