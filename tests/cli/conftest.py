"""The command line as it is called: arguments in; exit code, standard output and standard error out."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from neft.__main__ import main
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import RunStore


@dataclass(frozen=True)
class Answer:
    """What a call left behind."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything that a person reads."""
        return self.out + self.err


Neft = Callable[..., Answer]


@pytest.fixture(autouse=True)
def _no_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEFT_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def neft(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Neft]:
    """Calls `neft` with these arguments, in this process."""
    threads = torch.get_num_threads()

    def call(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["neft", *arguments])
        _ = capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
        captured = capsys.readouterr()
        return Answer(code=code, out=captured.out, err=captured.err)

    yield call
    torch.set_num_threads(threads)


@pytest.fixture
def own_store() -> RunStore:
    """The user's own runs; empty."""
    return RunStore(neft_home() / "runs")


@pytest.fixture
def stored(filled_store: RunStore, own_store: RunStore) -> RunRecord:
    """A run among the user's own."""
    _ = shutil.copytree(filled_store.root, own_store.root)
    return own_store.record(own_store.ids()[0])
