"""neft schemes: a stored network under other mappings and programmings."""

import json

import pytest

from neft.runs.records import RunRecord
from tests.cli.conftest import Neft
from tests.cli.test_wrong_input import the_error

QUICK = ("--chips", "3", "--sigma-d", "0.1", "--scheme", "default", "--scheme", "scale=channel~residual:sides=one")


def test_a_table_has_a_row_a_scheme(neft: Neft, stored: RunRecord) -> None:
    shown = neft("schemes", stored.id, *QUICK)
    assert shown.code == 0
    assert "as published" in shown.out
    assert "scale channel, residual programming, sides one" in shown.out


def test_markdown_has_the_same_rows(neft: Neft, stored: RunRecord) -> None:
    lines = neft("schemes", stored.id, *QUICK, "--markdown").out.splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 2 + 2
    assert all(row.count("|") == rows[0].count("|") for row in rows)


def test_json_tells_costs_and_under_which_run_a_scheme_is_stored(neft: Neft, stored: RunRecord) -> None:
    shown = json.loads(neft("schemes", stored.id, *QUICK, "--json").out)

    assert [row["devices_a_weight"] for row in shown["rows"]] == [8, 8]
    assert [row["reads_a_weight"] for row in shown["rows"]] == [0, 3]
    assert shown["runs"]["default~open_loop"] == stored.id
    assert json.loads(neft("show", shown["runs"]["scale=channel~residual:sides=one"], "--json").out)


def test_effort_of_unusual_chips_stands_beside_their_results(neft: Neft, stored: RunRecord) -> None:
    tried = json.loads(neft("schemes", stored.id, *QUICK, "--json").out)
    rows = {row["scheme"]: row for row in tried["rows"]}

    for scheme, run_id in tried["runs"].items():
        shown = {one["sigma_d"]: one for one in json.loads(neft("show", run_id, "--json").out)["summary"]["test"]}
        words = neft("show", run_id).out
        if run_id == stored.id:
            assert shown[0.1]["effort"] is None
            assert "pulses a weight" not in words
        else:
            effort = {"pulses": rows[scheme]["pulses_a_weight"], "reads": rows[scheme]["reads_a_weight"]}
            assert shown[0.1]["effort"] == pytest.approx(effort)
            assert "pulses a weight" in words


def test_without_enough_chips_no_scheme_is_known_to_hold(neft: Neft, stored: RunRecord) -> None:
    assert (
        "No scheme is known to hold its 5th percentile above 1 %"
        in neft("schemes", stored.id, *QUICK, "--bar", "1").said
    )


def test_a_bar_that_chips_are_known_to_hold_names_scheme_and_chip(neft: Neft, stored: RunRecord) -> None:
    shown = neft("schemes", stored.id, *QUICK[2:], "--chips", "5", "--percentile", "50", "--bar", "1").said
    assert "Cheapest with its 50th percentile above 1 %: as published." in shown
    assert "Of 5 chips the worst, chip " in shown
    assert "chips below the bar: none" in shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--json", "--markdown"), "one of --json and --markdown"),
        (("--scheme", "unknown~a~b"), "A scheme is written"),
        (("--scheme", "scale=rows"), "scale"),
        (("--sigma-d", "much"), "--sigma-d (σ_d) must be"),
    ],
)
def test_what_cannot_be_is_said(neft: Neft, stored: RunRecord, options: tuple[str, ...], said: str) -> None:
    assert said in the_error(neft("schemes", stored.id, *options))


def test_what_cannot_be_is_named_beside_what_can(neft: Neft, stored: RunRecord) -> None:
    shown = neft("schemes", stored.id, *QUICK, "--scheme", "sign=unipolar")
    assert shown.code == 0
    assert "Cannot be: sign unipolar." in shown.err
