"""A damaged file is refused in one plain line, whichever it is and whatever reads it. Longer:
`python -m benchmarks.mutations`."""

import random
from pathlib import Path

import pytest

from neft.config import RunConfig
from neft.runs.places import neft_home
from neft.runs.store import RunStore
from tests.mutation.readers import Home

CASES = 12
"""Of each file."""


@pytest.mark.filterwarnings("ignore")  # a damaged table may hold numbers of which no mean can be taken
def test_damaged_file_is_refused_in_one_plain_line(
    filled_store: RunStore, small_config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")
    rng = random.Random(0)  # noqa: S311 - not for secrets
    home = Home(neft_home(), filled_store, small_config)

    faults = [fault for path in home.files for _ in range(CASES) for fault in home.case(path, rng)]

    assert len(home.files) >= 17
    assert faults == []
