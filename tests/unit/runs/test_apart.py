"""Processes of our own run our own code, whatever lies in the folder from which they are started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neft.runs import files
from neft.runs.apart import environment_with, keep_apart

LOOK = "import sys; print('' in sys.path, *sys.path, sep='|')"


def path_of(environment: dict[str, str], folder: Path) -> list[str]:
    """Where a Python of this environment looks for modules, begun in a folder: first whether there."""
    command = [sys.executable, "-c", LOOK]
    return (
        subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
        .stdout.strip()
        .split("|")
    )


def test_a_package_is_found_below_its_folder_before_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/others", str(tmp_path)]))
    in_path, *found = path_of(environment_with(tmp_path, NEFT_SAID="1"), tmp_path)
    assert in_path == "False"
    assert found[:2] == [str(tmp_path), "/others"]
    assert environment_with(tmp_path, NEFT_SAID="1")["NEFT_SAID"] == "1"


@pytest.mark.parametrize("given", ["", os.pathsep, f"{os.pathsep}/others", f"/others{os.pathsep}"])
def test_the_current_folder_is_in_no_path(given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty entry of PYTHONPATH is the current folder, as `export PYTHONPATH=$PYTHONPATH:/others` often leaves."""
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("PYTHONPATH", given)
    in_path, *found = path_of(environment_with(tmp_path), tmp_path / "here")
    assert in_path == "False"
    assert str(tmp_path / "here") not in found


def test_what_a_process_starts_leaves_the_current_folder_out_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    assert path_of(dict(os.environ), tmp_path)[0] == "True"
    keep_apart()
    assert path_of(dict(os.environ), tmp_path)[0] == "False"


def test_where_folders_cannot_be_opened_files_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, which opens no folders and syncs only what it may write."""
    opened: list[tuple[str, int]] = []
    whole = os.open

    def as_there(path: Path, flags: int) -> int:
        opened.append((path.name, flags))
        if path.is_dir() or not flags & os.O_RDWR:
            raise PermissionError(path)
        return whole(path, flags)

    (tmp_path / "a").touch()
    with monkeypatch.context() as patch:
        patch.setattr(files.sys, "platform", "win32")
        patch.setattr(files.os, "open", as_there)
        files.sync(tmp_path)
        files.sync(tmp_path / "a")
    assert opened == [("a", os.O_RDWR)]
