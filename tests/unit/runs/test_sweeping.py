"""What killed processes left in a home and among the temporary folders goes when one starts, and nothing else does."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from dashboard.__main__ import main as dashboard
from neft.cli import main as neft
from neft.errors import BundleError, NeftError, NoteError
from neft.runs import files, notes
from neft.runs.places import neft_home
from neft.runs.removal import remove_own_run
from neft.runs.store import DRAFTS, RunStore
from neft.runs.sweeping import sweep_home

LONG_AGO = files.FORGOTTEN_ELSEWHERE_AFTER + 60
PLACES = (
    *("runs", "runs/.drafts", "notes", "searches", "jobs/20260101-000000-000000-aaaaaa"),
    *("unfinished/x", "worst_cases/x", "races/x", "waterfalls/x"),
)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary folders."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def left(path: Path, *, seconds: float = LONG_AGO) -> Path:
    """A folder that was last written in so long ago, with a file in it."""
    path.mkdir(parents=True)
    (path / "half").touch()
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def of_a_gone_process() -> str:
    return f".draft-{files._host()}-1-0123456789ab-abcdefgh"


def of_this_process() -> str:
    return f".draft-{files._host()}-{os.getpid()}-{files._mark(os.getpid())}-abcdefgh"


def test_drafts_are_swept_wherever_they_are_made(temporary: Path) -> None:
    drafts = [left(neft_home() / place / of_a_gone_process()) for place in PLACES]
    drafts += [left(temporary / name) for name in (f"neft{of_a_gone_process()}", "neft-import-abcd_123")]

    sweep_home()

    assert [path for path in drafts if path.exists()] == []
    assert all((neft_home() / place).is_dir() for place in PLACES)


def test_what_may_still_be_written_or_is_no_draft_stays(temporary: Path) -> None:
    home = neft_home()
    stay = [left(home / place / of_this_process()) for place in PLACES]
    stay += [left(home / place / ".draft-abcdefgh", seconds=60) for place in PLACES]
    stay += [left(home / place / name) for place in PLACES for name in ("mine", ".draft-mine.txt", ".deleted-mine")]
    stay += [left(home / name) for name in (of_a_gone_process(), "mine/.draft-abcdefgh")]
    stay += [
        left(temporary / name) for name in (f"neft{of_this_process()}", "tmpabcdefgh", "neft-import-", "neft-mine")
    ]
    stay += [left(temporary / "neft-import-zyxw_987", seconds=60), left(temporary / of_a_gone_process())]

    sweep_home()

    assert [path for path in stay if not (path / "half").exists()] == []


def test_folder_that_a_link_points_to_stays(temporary: Path, tmp_path: Path) -> None:
    elsewhere = left(tmp_path / "elsewhere")
    (neft_home() / "notes").mkdir(parents=True)
    for link in (neft_home() / "notes" / ".draft-abcdefgh", temporary / "neft-import-abcdefgh"):
        link.symlink_to(elsewhere)
        os.utime(link, (1e9, 1e9), follow_symlinks=False)

    sweep_home()

    assert (elsewhere / "half").exists()


@pytest.mark.parametrize("home", ["", "file", "nowhere"])
def test_home_that_is_none_stops_nothing(home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NEFT_HOME", str(tmp_path / home) if home else "")

    sweep_home()

    assert not (tmp_path / "nowhere").exists()


def test_verb_that_writes_sweeps_first() -> None:
    draft = left(neft_home() / "unfinished" / "x" / of_a_gone_process())

    answer = CliRunner().invoke(neft, ["note", "nobody", "--text", "x"])

    assert answer.exit_code != 0
    assert not draft.exists()


def test_server_sweeps_when_it_starts() -> None:
    draft = left(neft_home() / "unfinished" / "x" / of_a_gone_process())

    answer = CliRunner().invoke(dashboard, ["--host", "192.0.2.1"])  # an address that is nobody's: it starts no further

    assert "--host must be an address of this machine" in answer.output
    assert not draft.exists()


# ---------------------------------------------------------------- temporary folders
def test_temporary_folder_is_known_for_one_while_it_is_there_and_goes(temporary: Path) -> None:
    with files.temporary_folder("A file") as folder:
        assert folder.parent == temporary
        named = files.TEMPORARY.fullmatch(folder.name)
        assert named is not None
        assert named["pid"] == str(os.getpid())

    assert list(temporary.iterdir()) == []


def test_temporary_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with (
        pytest.raises(BundleError, match=r"A file cannot be written to '.*/nowhere': No such file or directory\."),
        files.temporary_folder("A file", BundleError),
    ):
        pass

    def no_place() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", no_place)
    with (
        pytest.raises(
            BundleError, match=r"A file cannot be written: No usable temporary directory found in \['/tmp'\]\."
        ),
        files.temporary_folder("A file", BundleError),
    ):
        pass


# ---------------------------------------------------------------- a removal that was interrupted
@pytest.fixture
def noted(filled_store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of an own run with a note on it."""
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")
    own = neft_home() / "runs"
    shutil.copytree(filled_store.root, own)
    (run_id,) = RunStore(own).ids()
    notes.write_note(run_id, notes.make_note("no longer needed"))
    return run_id


def interrupted(run_id: str, where: object, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove a run, and end amid it."""

    def end(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(where, name, end)
        with pytest.raises(KeyboardInterrupt):
            remove_own_run(run_id)


def in_drafts() -> list[str]:
    return [path.name for path in (neft_home() / "runs" / DRAFTS).iterdir() if path.name.startswith(files.DELETED)]


@pytest.mark.parametrize(("where", "name"), [(notes, "_remove"), (shutil, "rmtree")], ids=["before its note", "after"])
def test_removal_that_was_interrupted_is_finished_with_its_note(
    noted: str, where: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(noted, where, name, monkeypatch)
    assert RunStore(neft_home() / "runs").ids() == []
    assert in_drafts()

    sweep_home()

    assert notes.read_note(noted) is None
    assert in_drafts() == []


def test_removal_that_cannot_be_finished_holds_no_other_up(noted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(noted, notes, "_remove", monkeypatch)
    store, asked = RunStore(neft_home() / "runs"), list[str]()
    odd = store.root / ".drafts" / f"{files.DELETED}{noted}-zzzzzzzz"
    odd.touch()

    def refuse_first(run_id: str) -> None:
        asked.append(run_id)
        if len(asked) == 1:
            message = "no"
            raise NeftError(message)

    with pytest.raises(NeftError, match="no"):
        store.finish_deletions(refuse_first)

    assert len(asked) == 2
    assert len(in_drafts()) == 1
    store.finish_deletions(refuse_first)
    assert in_drafts() == []  # also where a plain file was in the run's place


def test_note_on_a_run_that_is_there_again_stays(
    noted: str, filled_store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(noted, notes, "_remove", monkeypatch)
    shutil.copytree(filled_store.root / noted, neft_home() / "runs" / noted)

    sweep_home()

    assert notes.read_note(noted) is not None
    assert in_drafts() == []


def test_note_that_cannot_be_removed_stops_no_start(noted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(noted, notes, "_remove", monkeypatch)

    def refuse(_run_id: str) -> None:
        message = "The note cannot be removed."
        raise NoteError(message)

    with monkeypatch.context() as patch:
        patch.setattr(notes, "_remove", refuse)
        sweep_home()
        assert in_drafts()
    sweep_home()
    assert in_drafts() == []
