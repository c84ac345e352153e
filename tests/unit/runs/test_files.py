"""Whatever is written is there whole or not at all, and what a killed process leaves goes away."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neft.errors import NoteError, StoreError
from neft.runs import files
from neft.runs.files import FORGOTTEN_AFTER, FORGOTTEN_ELSEWHERE_AFTER, draft_folder, whole_file, whole_folder
from tests.clocks import set_the_clock

LONG_AGO = FORGOTTEN_AFTER + 60
VERY_LONG_AGO = FORGOTTEN_ELSEWHERE_AFTER + 60


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


# ---------------------------------------------------------------- whole
def test_file_is_in_its_place_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a" / "note.json"

    with whole_file(target, what="The note") as draft:
        draft.write_text("new", encoding="utf-8")
        assert not target.exists()

    assert target.read_text(encoding="utf-8") == "new"
    assert names(target.parent) == ["note.json"]


def test_folder_is_in_its_place_only_when_it_is_whole(tmp_path: Path) -> None:
    target, drafts = tmp_path / "run", tmp_path / ".drafts"

    with whole_folder(target, what="The run", drafts=drafts) as draft:
        (draft / "run.json").write_text("{}", encoding="utf-8")
        assert draft.parent == drafts
        assert not target.exists()

    assert names(target) == ["run.json"]
    assert names(drafts) == []


def test_what_is_written_can_be_read_by_everyone(tmp_path: Path) -> None:
    files.write_whole(tmp_path / "one", "x", what="It")
    with whole_folder(tmp_path / "run", what="It", drafts=tmp_path) as draft:
        (draft / "two").touch(mode=0o600)

    assert [mode(tmp_path / name) for name in ("one", "run", "run/two")] == [0o644, 0o755, 0o644]


@pytest.mark.parametrize("ending", [ValueError, KeyboardInterrupt])
def test_failure_leaves_all_as_it_was(tmp_path: Path, ending: type[BaseException]) -> None:
    (tmp_path / "one").write_text("old", encoding="utf-8")

    def write_half_a_file() -> None:
        with whole_file(tmp_path / "one", what="It") as draft:
            draft.write_text("half", encoding="utf-8")
            raise ending

    def write_half_a_folder() -> None:
        with whole_folder(tmp_path / "run", what="It", drafts=tmp_path) as draft:
            (draft / "half").touch()
            raise ending

    for write in (write_half_a_file, write_half_a_folder):
        with pytest.raises(ending):
            write()

    assert names(tmp_path) == ["one"]
    assert (tmp_path / "one").read_text(encoding="utf-8") == "old"


def test_folder_never_takes_the_place_of_another(tmp_path: Path) -> None:
    def write_after_another() -> None:
        with whole_folder(tmp_path / "run", what="The run", drafts=tmp_path / ".drafts") as draft:
            (draft / "mine").touch()
            (tmp_path / "run").mkdir()
            (tmp_path / "run" / "theirs").touch()

    with pytest.raises(StoreError, match=r"The run cannot be written to '.*': Directory not empty"):
        write_after_another()

    assert names(tmp_path / "run") == ["theirs"]


def test_what_the_system_refuses_is_told_with_place_and_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    words = f"The note cannot be written to '{tmp_path}/file/notes': Not a directory."

    with pytest.raises(NoteError) as refused:
        files.write_whole(tmp_path / "file" / "notes" / "x.json", "x", what="The note", error=NoteError)

    assert str(refused.value) == words


def test_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=r"It cannot be written to .*: No space left on device"),
        whole_file(tmp_path / "one", what="It"),
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        full.write(b"x")

    assert names(tmp_path) == []


def test_folder_is_not_made_where_that_is_not_asked_for(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match="No such file or directory"),
        whole_file(tmp_path / "mistyped" / "runs.zip", what="It", makes_folder=False),
    ):
        pass

    assert names(tmp_path) == []


# ---------------------------------------------------------------- what a killed process leaves
WRITES_FOR_EVER = """
import sys, time
from pathlib import Path
from neft.runs.files import draft_folder
with draft_folder(Path(sys.argv[1])) as draft:
    (draft / "half").touch()
    time.sleep(600)
"""


def killed_while_writing(folder: Path) -> Path:
    """A process is killed in the middle; returns what it leaves."""
    process = subprocess.Popen([sys.executable, "-c", WRITES_FOR_EVER, str(folder)])
    deadline = time.monotonic() + 60
    while not list(folder.glob("*/half")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    (left,) = folder.iterdir()
    return left


def aged(path: Path, seconds: float) -> Path:
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def draft_of(pid: int, folder: Path, *, host: str | None = None, mark: str | None = None) -> Path:
    host = files._host() if host is None else host
    made = folder / f".draft-{host}-{pid}-{files._mark(pid) if mark is None else mark}-abcdefgh"
    made.mkdir()
    return made


@pytest.fixture
def gone() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_draft_of_a_killed_process_is_swept_by_who_writes_next_after_an_hour(tmp_path: Path) -> None:
    left = killed_while_writing(tmp_path)

    with draft_folder(tmp_path):
        assert left.exists()
    aged(left, LONG_AGO)
    with draft_folder(tmp_path):
        assert not left.exists()


@pytest.mark.parametrize("step", [-VERY_LONG_AGO, -1.0, 1.0, VERY_LONG_AGO])
def test_draft_of_a_living_process_is_never_swept_also_when_the_clock_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    with draft_folder(tmp_path) as ours:
        (left,) = tmp_path.iterdir()
        _ = aged(left, LONG_AGO)
        set_the_clock(monkeypatch, step)

        files.sweep_drafts(tmp_path)

        assert ours.exists()


def test_draft_of_an_earlier_version_stays_while_a_process_of_its_number_lives(tmp_path: Path) -> None:
    theirs = tmp_path / f".draft-{files._host()}-{os.getpid()}-abcdefgh"
    theirs.mkdir()
    _ = aged(theirs, VERY_LONG_AGO)

    files.sweep_drafts(tmp_path)

    assert theirs.exists()


def test_process_that_was_only_given_the_same_number_keeps_no_draft(tmp_path: Path) -> None:
    theirs = aged(draft_of(os.getpid(), tmp_path, mark="0123456789ab"), LONG_AGO)

    files.sweep_drafts(tmp_path)

    assert not theirs.exists()


def test_draft_of_another_machine_stays_for_a_day(tmp_path: Path, gone: int) -> None:
    young = aged(draft_of(gone, tmp_path, host="elsewhere"), LONG_AGO)
    old = aged(draft_of(gone, tmp_path, host="farther"), VERY_LONG_AGO)

    files.sweep_drafts(tmp_path)

    assert (young.exists(), old.exists()) == (True, False)


def test_draft_of_an_earlier_version_stays_for_a_day(tmp_path: Path) -> None:
    young, old = tmp_path / ".draft-abc_0123", tmp_path / ".draft-zyx_9876"
    for path, age in ((young, LONG_AGO), (old, VERY_LONG_AGO)):
        path.touch()
        aged(path, age)

    files.sweep_drafts(tmp_path)

    assert names(tmp_path) == [young.name]


@pytest.mark.parametrize("name", ["draft-a-1-abcdefgh", ".draft", ".draft-mine.txt", ".draft-a-1-abcdefgh.zip"])
def test_what_is_no_draft_is_never_swept(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    aged(tmp_path / name, VERY_LONG_AGO)

    files.sweep_drafts(tmp_path)

    assert names(tmp_path) == [name]


# ---------------------------------------------------------------- what the system does not tell
def test_what_lies_at_a_path_is_told_or_refused_in_a_sentence_and_never_guessed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    long = tmp_path / ("c" * 300)

    assert (files.is_file(tmp_path / "file"), files.is_folder(tmp_path / "file")) == (True, False)
    assert (files.is_file(tmp_path), files.is_folder(tmp_path)) == (False, True)
    assert [files.look_at(tmp_path / name) for name in ("none", "file/below", "nu\0ll")] == [None] * 3
    with pytest.raises(StoreError, match=f"^'{tmp_path}/loop' cannot be read: Too many levels of symbolic links.$"):
        _ = files.is_file(tmp_path / "loop")
    with pytest.raises(NoteError, match=f"^'…{'c' * 159}' cannot be read: File name too long.$"):
        _ = files.is_folder(long, NoteError)


def test_files_of_a_folder_are_told_or_refused(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "loop").symlink_to("loop")

    assert names_of(files.files_in(tmp_path, ".json")) == ["a.json", "b.json"]
    assert files.files_in(tmp_path / "none", ".json") == []
    with pytest.raises(StoreError, match="cannot be read: Too many levels"):
        _ = files.files_in(tmp_path / "loop", ".json")


def names_of(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]
