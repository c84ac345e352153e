"""export and import."""

import json
import zipfile
from pathlib import Path

import pytest

from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import HISTORY, RunStore
from tests.cli.conftest import Answer, Neft


@pytest.fixture(autouse=True)
def _nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "runs.zip"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """Another user's home, empty; from here on it is ours."""
    home = tmp_path / "elsewhere"
    monkeypatch.setenv("NEFT_HOME", str(home))
    return RunStore(home / "runs")


def the_error(answer: Answer) -> str:
    assert answer.code == 2
    assert "Traceback" not in answer.err
    return next(line for line in answer.err.splitlines() if line.startswith("Error: ")).removeprefix("Error: ")


def test_exported_run_is_imported_elsewhere_with_the_command_that_makes_it_again(
    neft: Neft, stored: RunRecord, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = neft("export", stored.id, "--out", str(out))
    monkeypatch.setenv("NEFT_HOME", str(tmp_path / "elsewhere"))

    imported = neft("import", str(out))

    assert (exported.code, imported.code) == (0, 0)
    assert "1 run, " in exported.out
    assert f"neft import {out.name}" in exported.out
    line = next(line for line in imported.out.splitlines() if stored.id in line)
    assert "imported" in line
    again = json.loads(neft("show", stored.id, "--json").out)
    assert RunRecord.model_validate(again) == stored
    assert stored.provenance.command in neft("show", stored.id).out
    assert (neft_home() / "runs" / stored.id).is_dir()


def test_export_and_import_as_json(neft: Neft, stored: RunRecord, out: Path) -> None:
    exported = json.loads(neft("export", stored.id, "--out", str(out), "--json").out)
    imported = json.loads(neft("import", str(out), "--json").out)

    assert exported["file"] == str(out)
    assert exported["num_bytes"] == out.stat().st_size
    assert [run["id"] for run in exported["runs"]] == [stored.id]
    (run,) = imported["runs"]
    assert (run["id"], run["status"], run["command"]) == (stored.id, "there", stored.provenance.command)


def test_dry_run_stores_nothing(
    neft: Neft, stored: RunRecord, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    neft("export", stored.id, "--out", str(out))
    monkeypatch.setenv("NEFT_HOME", str(tmp_path / "elsewhere"))

    answer = neft("import", str(out), "--dry-run")

    assert answer.code == 0
    assert "can be imported" in answer.out
    assert not (tmp_path / "elsewhere").exists()


def test_import_into_another_folder(neft: Neft, stored: RunRecord, out: Path, tmp_path: Path) -> None:
    neft("export", stored.id, "--out", str(out))

    neft("import", str(out), "--store", str(tmp_path / "other"))

    assert RunStore(tmp_path / "other").verify(stored.id) == stored


def test_refused_run_is_said_and_ends_with_a_failure(
    neft: Neft, stored: RunRecord, out: Path, elsewhere: RunStore, tmp_path: Path, filled_store: RunStore
) -> None:
    with zipfile.ZipFile(out, "w") as file:
        for path in (filled_store.root / stored.id).iterdir():
            file.writestr(path.name, b"epoch\n" if path.name == HISTORY else path.read_bytes())

    answer = neft("import", str(out))

    assert "refused" in answer.out
    assert the_error(answer).startswith(f"1 of 1 runs is refused: Run '{stored.id}' is corrupt: {HISTORY}")
    assert elsewhere.ids() == []


def test_export_replaces_no_file_unasked(neft: Neft, stored: RunRecord, out: Path) -> None:
    out.write_text("mine")

    assert "is there already" in the_error(neft("export", stored.id, "--out", str(out)))
    assert out.read_text() == "mine"

    assert neft("export", stored.id, "--out", str(out), "--overwrite").code == 0
    assert zipfile.is_zipfile(out)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("export nobody --out {out}", "No run 'nobody'. See `neft runs` for those there are."),
        ("export --out {out}", "Missing argument 'RUN_ID...'"),
        ("export {id} --out /nowhere/runs.zip", "--out: 'runs.zip' cannot be written to '/nowhere': No such file"),
        ("import /nowhere/runs.zip", "'/nowhere/runs.zip' cannot be read: No such file or directory."),
        ("import {file}", "The file is no zip file, or a damaged one"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(
    neft: Neft, stored: RunRecord, out: Path, arguments: str, sentence: str
) -> None:
    plain = out.with_name("plain.txt")
    plain.write_text("no zip")

    answer = neft(*arguments.format(out=out, id=stored.id, file=plain).split())

    assert sentence in the_error(answer)
    assert list(out.parent.glob("*.zip")) == []
    assert list(out.parent.glob(".draft-*")) == []
