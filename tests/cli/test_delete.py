"""neft delete."""

import io
from pathlib import Path

import pytest

from neft.runs.notes import read_note
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import RECORD, Stores
from tests.cli.conftest import Neft


@pytest.fixture(autouse=True)
def _nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")


def test_a_run_goes_with_its_note(neft: Neft, stored: RunRecord) -> None:
    neft("note", stored.id, "--text", "no longer needed")

    answer = neft("delete", stored.id, "--yes")

    assert (answer.code, answer.out) == (0, f"{stored.id}\n")
    assert stored.id not in Stores.default()
    assert read_note(stored.id) is None


def test_a_run_that_cannot_be_read_goes_too(neft: Neft, stored: RunRecord) -> None:
    (neft_home() / "runs" / stored.id / RECORD).write_text("{", encoding="utf-8")

    assert neft("delete", stored.id, "--yes").code == 0
    assert stored.id not in Stores.default()


def test_a_folder_without_a_record_and_a_link_that_leads_nowhere_go_too(neft: Neft, stored: RunRecord) -> None:
    runs, others = neft_home() / "runs", [f"{stored.id[:-8]}{number:08x}" for number in (1, 2)]
    (runs / others[0]).mkdir()
    (runs / others[1]).symlink_to(runs / others[1])

    listed = neft("runs")
    assert all(f"{run_id}: " in listed.err for run_id in others)
    assert neft("delete", *others, "--yes").out.split() == others
    assert Stores.default().list().problems == {}
    assert Stores.default().own.ids() == [stored.id]


@pytest.mark.parametrize("said", ["", "n\n"], ids=["nobody", "no"])
def test_nothing_goes_where_one_id_is_wrong_or_nobody_agrees(
    neft: Neft, stored: RunRecord, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(said))

    assert "No run 'another'" in neft("delete", stored.id, "another", "--yes").said
    assert neft("delete", stored.id).code == 1
    assert stored.id in Stores.default()


def test_a_shipped_run_stays(neft: Neft, stored: RunRecord, tmp_path: Path) -> None:
    _ = (neft_home() / "runs").rename(tmp_path / "none")

    answer = neft("delete", stored.id, "--yes")

    assert answer.code == 2
    assert f"{stored.id}: not a run of your own" in answer.said
    assert stored.id in Stores.default()
