"""A damaged file is refused in one plain line, whichever it is and whatever reads it. Longer:
`python -m benchmarks.mutations`."""

import logging
import random
from pathlib import Path

import pytest

from neft.config import RunConfig
from neft.runs.places import neft_home
from neft.runs.store import INSTANCES, LAYERS, RECORD, RunStore
from tests.mutation.readers import Home

CASES = 12
"""Of each file."""


@pytest.mark.filterwarnings("ignore")  # a damaged table may hold numbers of which no mean can be taken
def test_damaged_file_is_refused_in_one_plain_line(
    filled_store: RunStore, small_config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)  # pages say that they are drawn by no server
    home = Home(neft_home(), filled_store, small_config)

    def draws(path: Path, case: int) -> random.Random:
        # of its own, so that a file of another length changes no other case
        return random.Random(f"{path.relative_to(home.root)} {case}")  # noqa: S311 - not for secrets

    faults = [fault for path in home.files for case in range(CASES) for fault in home.case(path, draws(path, case))]

    shown = [path for path in home.files if path.name in (RECORD, INSTANCES, LAYERS)]
    faults += [fault for path in shown for fault in home.case(path, draws(path, CASES), with_pages=True)]

    assert len(shown) == 3
    assert len(home.files) >= 17
    assert faults == []
