"""Nothing that a terminal would obey comes out of the command line, wherever it stood."""

import json
import re
from pathlib import Path

import pytest
from rich.table import Table

from neft.cli.fitting_tables import print_table
from neft.runs.notes import make_note, write_note
from neft.runs.places import neft_home
from neft.runs.plans import PlanEntry, PlanRecord, save_plan
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from tests.cli.conftest import Neft

RED = "\x1b[31mred\x1b]0;title\x07\x9b2J\x7f\r\x08"
HIDDEN = "left\u202eright\u2066\u200b\u2028next\ufeff"
VERBS: tuple[tuple[str, ...], ...] = (
    *(("runs",), ("runs", "--json"), ("show", "RUN"), ("show", "RUN", "--json"), ("show", "RUN", "--config")),
    *(("show", "RUN", "--paper"), ("compare", "RUN", "RUN"), ("leaderboard",), ("claims",), ("note", "RUN")),
    *(("evaluate", "RUN", "--test-device", RED), ("train", "--path", RED), ("export", "RUN", "--out", f"{RED}/x.zip")),
    *(("import", RED), ("delete", RED), ("show", RED), ("sweep", RED), ("device", RED), ("train", "--config", RED)),
    *(
        (RED,),
        (f"--{RED}",),
        ("runs", f"--{RED}"),
        ("runs", RED),
        ("train", "--epochs", RED),
        ("sweep", "accuracy", "--seeds", RED),
    ),
)


@pytest.fixture
def red_run(stored: RunRecord, own_store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run, a note, a plan and a damaged run in whose texts there are control characters."""
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")
    path = own_store.root / stored.id / "run.json"
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["provenance"] |= dict.fromkeys(("command", "git_revision", "machine", "preset"), RED)
    path.write_text(json.dumps(raw), encoding="utf-8")
    damaged = own_store.root / "digits-mlp2x16-ovf-s0.10-seed0-00000000"
    damaged.mkdir()
    (damaged / "run.json").write_text(json.dumps({"schema_version": 1, "id": RED}), encoding="utf-8")
    (neft_home() / "notes").mkdir()
    (neft_home() / "notes" / f"{stored.id}.json").write_text(json.dumps({"text": RED}), encoding="utf-8")
    entry = PlanEntry(
        experiment=RED, series=RED, setting="a", position=0.1, sigma_d=0.1, seed=0, run_id="digits-mlp-1a2b3c4d"
    )
    save_plan(own_store.root, PlanRecord(name="accuracy", preset=RED, command=RED, words={"a": RED}, entries=(entry,)))
    return stored.id


@pytest.mark.parametrize("words", VERBS, ids=lambda words: " ".join(words)[:40].encode("unicode_escape").decode())
def test_no_control_character_is_printed(neft: Neft, red_run: str, words: tuple[str, ...]) -> None:
    answer = neft(*(red_run if word == "RUN" else word for word in words))

    printed = {character for character in answer.said if character not in "\n\t" and not character.isprintable()}
    assert printed == set()
    assert answer.said.strip()


def test_a_note_is_printed_without_marks_of_direction_and_told_whole_as_json(neft: Neft, red_run: str) -> None:
    write_note(red_run, make_note(HIDDEN, ["a\u202eb"]))

    assert neft("note", red_run).out == "tags  ab\nnote  leftright next\n"
    told = neft("note", red_run, "--json").out
    assert json.loads(told)["text"] == HIDDEN
    assert all(character == "\n" or character.isprintable() for character in told)


def test_a_table_in_a_terminal_shows_no_marks_of_direction(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    table = Table(title=HIDDEN, caption=HIDDEN)
    table.add_column(HIDDEN)
    table.add_row(HIDDEN)

    print_table(table)

    printed = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert printed.count("leftright") == 4
    assert all(character == "\n" or character.isprintable() for character in printed)
