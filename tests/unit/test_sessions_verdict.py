"""What the benchmark of many sessions calls wrong."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def sessions() -> Iterator[Any]:
    """The benchmark, which lies beside the packages and is installed with none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2]))
        yield importlib.import_module("benchmarks.sessions")


@pytest.mark.parametrize(
    ("filters", "errors", "memory", "wrong"),
    [
        ((0.2,) * 99 + (9.0,), 0, 400.0, []),
        ((0.2,), 2, 400.0, ["2 times something failed; none may."]),
        ((0.2,) * 9 + (2.5,), 0, 400.0, ["A filter takes 2.50 s at the 95th percentile; at most 2 s may be."]),
        ((), 0, 400.0, ["No filter was changed: there is nothing to judge by."]),
        ((0.2,), 0, 512.0, ["The server took 512 MB; at most 500 MB may be."]),
    ],
    ids=["well", "errors", "slow", "nothing", "large"],
)
def test_sessions_are_judged_by_errors_seconds_and_memory(
    sessions: Any, filters: tuple[float, ...], errors: int, memory: float, wrong: list[str]
) -> None:
    seconds = {"slice": list(filters), "opening": [30.0]}
    seen = sessions.Seen(seconds=seconds, errors=["lost"] * errors, memory=memory)

    found = sessions.faults(seen, most_seconds=sessions.MOST_SECONDS, most_memory=sessions.MOST_MEMORY)

    assert found == wrong
