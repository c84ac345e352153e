"""neft note, and where its notes are shown."""

import json
from pathlib import Path

import pytest

from neft.runs.notes import read_note
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from tests.cli.conftest import Neft


@pytest.fixture(autouse=True)
def _nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")


def test_note_is_kept_and_shown(neft: Neft, stored: RunRecord) -> None:
    answer = neft("note", stored.id, "--text", "[red]diverged", "--tag", "unstable", "--tag", "a b")

    assert answer.code == 0
    note = read_note(stored.id)
    assert note is not None
    assert (note.text, note.tags) == ("[red]diverged", ("unstable", "a b"))
    assert neft("note", stored.id).out == "tags  unstable, a b\nnote  [red]diverged\n"


def test_what_is_not_named_stays(neft: Neft, stored: RunRecord) -> None:
    neft("note", stored.id, "--text", "first", "--tag", "a")
    neft("note", stored.id, "--text", "second")
    neft("note", stored.id, "--tag", "b", "--untag", "a")

    assert neft("note", stored.id).out == "tags  b\nnote  second\n"


def test_note_as_json(neft: Neft, stored: RunRecord) -> None:
    found = json.loads(neft("note", stored.id, "--text", "x", "--tag", "a", "--json").out)

    assert found["updated"]
    assert {**found, "updated": ""} == {"run_id": stored.id, "text": "x", "tags": ["a"], "updated": ""}


def test_cleared_note_is_gone(neft: Neft, stored: RunRecord) -> None:
    neft("note", stored.id, "--text", "x")

    assert neft("note", stored.id, "--clear").out == "No note.\n"
    assert list((neft_home() / "notes").glob("*.json")) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--clear", "--tag", "a"], "--clear removes the whole note"),
        (["--untag", "a"], "--untag: the run has no tag 'a'. Its tags: none."),
        (["--tag", "a,b"], "A tag is 1 to 32 characters in one line, without commas; got 'a,b'."),
        (["--text", "\x1b[2J"], "A note is plain text"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_kept(
    neft: Neft, stored: RunRecord, options: list[str], words: str
) -> None:
    answer = neft("note", stored.id, *options)

    assert answer.code == 2
    assert words in answer.err
    assert read_note(stored.id) is None


def test_run_that_is_not_stored_gets_no_note(neft: Neft) -> None:
    answer = neft("note", "digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d", "--tag", "a")

    assert answer.code == 2
    assert "No run 'digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d'" in answer.err


def test_show_and_runs_say_what_was_written(neft: Neft, stored: RunRecord) -> None:
    neft("note", stored.id, "--text", "looks good", "--tag", "baseline")

    assert "looks good" in neft("show", stored.id).out
    assert "baseline" in neft("show", stored.id).out
    line = next(line for line in neft("runs").out.splitlines() if stored.id in line)
    assert "baseline" in line


def test_runs_can_be_narrowed_to_a_tag(neft: Neft, stored: RunRecord) -> None:
    neft("note", stored.id, "--tag", "baseline")

    (row,) = json.loads(neft("runs", "--tag", "baseline", "--json").out)["runs"]
    assert (row["run_id"], row["tags"]) == (stored.id, ["baseline"])
    assert json.loads(neft("runs", "--tag", "other", "--json").out)["runs"] == []


def test_unreadable_note_is_named_and_keeps_nothing_from_being_shown(neft: Neft, stored: RunRecord) -> None:
    neft("note", stored.id, "--tag", "a")
    (neft_home() / "notes" / f"{stored.id}.json").write_text("{", encoding="utf-8")

    listed, shown = neft("runs"), neft("show", stored.id)

    assert (listed.code, shown.code) == (0, 0)
    assert stored.id in listed.out
    words = f"The note on run '{stored.id}' cannot be read"
    assert words in listed.err
    assert words in shown.out
    assert neft("note", stored.id).code == 2
    neft("note", stored.id, "--clear")
    assert neft("note", stored.id, "--tag", "b").out == "tags  b\n"
