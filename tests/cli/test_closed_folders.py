"""A folder that the user may not look into is told in one sentence by every verb, and hides nothing beside it."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from neft.runs.facts import stored_config
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import RECORD, RunStore
from tests.as_a_user import as_a_user
from tests.cli.conftest import Neft

SCRIPT = """
import contextlib, io, json, os, sys
from pathlib import Path
from neft.__main__ import main

answers = []
for place, home, words in json.loads(sys.argv[1]):
    os.environ["NEFT_HOME"], sys.argv = home, ["neft", *words]
    before = os.stat(place).st_mode
    os.chmod(place, 0)
    try:
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            main()
        code = 0
    except SystemExit as ending:
        code = ending.code or 0
    finally:
        os.chmod(place, before)
    answers.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(answers))
"""
"""Verbs, each while one place is closed: in one process, which loads torch once."""


def asked(calls: list[tuple[Path, Path, tuple[Any, ...]]]) -> list[tuple[int, str, str]]:
    """What each verb answers: its code, output and errors."""
    told = json.dumps([(str(place), str(home), [*map(str, words)]) for place, home, words in calls])
    return [(code, out, err) for code, out, err in json.loads(as_a_user(SCRIPT, told))]


def test_what_is_closed_is_told_in_a_sentence_and_hides_nothing_else(
    neft: Neft, stored: RunRecord, own_store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEFT_CACHED_RUNS", str(tmp_path / "none"))
    monkeypatch.setenv("COLUMNS", "400")
    home, run = neft_home(), own_store.root / stored.id
    other = RunRecord.model_validate(stored.model_dump() | {"id": f"{stored.id[:-8]}{0:08x}"})
    _ = shutil.copytree(run, own_store.root / other.id)
    _ = (own_store.root / other.id / RECORD).write_text(other.model_dump_json(), encoding="utf-8")
    assert neft("export", stored.id, "--out", str(tmp_path / "run.zip")).code == 0
    assert neft("note", other.id, "--text", "mine").code == 0
    same, another = tmp_path / "same.json", tmp_path / "another.json"
    config = stored_config(stored)
    _ = same.write_text(config.to_json())
    training = config.training.model_copy(update={"seed": 77})
    _ = another.write_text(config.model_copy(update={"training": training}).to_json())
    for folder in ("unfinished", "indexes"):
        (home / folder).mkdir(exist_ok=True)
    of_it: list[tuple[Any, ...]] = [
        *(("show", stored.id), ("note", stored.id, "--text", "x"), ("compare", stored.id, other.id)),
        *(("delete", stored.id, "--yes"), ("evaluate", stored.id, "--num-instances", 2), ("waterfall", stored.id)),
        *(("export", stored.id, "--out", tmp_path / "o.zip"), ("train", "--config", same)),
    ]
    of_all: list[tuple[Any, ...]] = [("runs",), ("note", other.id, "--text", "x"), ("train", "--config", another)]
    closed = [(run, home, words) for words in of_it]
    closed += [(place, home, words) for place in (own_store.root, home, home.parent) for words in of_all]
    closed += [(home / "unfinished", home, of_all[-1]), (run / RECORD, home, ("import", tmp_path / "run.zip"))]
    beside = [(run, home, ("runs",)), (run, home, ("show", other.id)), (home / "notes", home, ("runs",))]
    beside += [(home / "indexes", home, ("runs",))]

    *refused, of_closed_run, shown, of_closed_notes, without_index = asked([*closed, *beside])

    for (_, _, words), (code, out, err) in zip(closed, refused, strict=True):
        said = " ".join((out + err).split())
        assert code != 0, words
        assert "Permission denied" in said, (words, said)
        assert "cannot be written" not in said, (words, said)
        assert err.splitlines()[-1].startswith("Error: "), (words, err)
    assert [code for code, *_ in (of_closed_run, shown, of_closed_notes, without_index)] == [0] * 4
    assert other.id in of_closed_run[1]
    assert f"{stored.id}: Run '{stored.id}': run.json cannot be read: Permission denied." in of_closed_run[2]
    assert f"notes: '{home / 'notes'}' cannot be read: Permission denied." in of_closed_notes[2]
    assert "cannot be read" not in without_index[2]


def test_link_into_a_closed_folder_is_one_row_and_can_be_deleted(
    stored: RunRecord, own_store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEFT_CACHED_RUNS", str(tmp_path / "none"))
    closed, home = tmp_path / "closed", neft_home()
    lost = f"{stored.id[:-8]}{0:08x}"
    _ = shutil.copytree(own_store.root / stored.id, closed / lost)
    (own_store.root / lost).symlink_to(closed / lost)

    calls = [("runs",), ("show", stored.id[:-7]), ("show", "another"), ("delete", lost, "--yes")]
    listed, shown, unknown, deleted = asked([(closed, home, words) for words in calls])

    assert (listed[0], stored.id in listed[1]) == (0, True)
    assert f"{lost}: " in listed[2]
    assert shown[0] == 0
    assert "No run 'another'" in unknown[2]
    assert (deleted[0], own_store.ids()) == (0, [stored.id])
    assert os.listdir(closed) == [lost]  # noqa: PTH208 - what the link led to stays
