"""What the benchmark of many sessions calls wrong."""

import pytest

from benchmarks.sessions import MOST_MEMORY, MOST_SECONDS, Seen, faults


def measured(*, filters: tuple[float, ...] = (0.2,) * 99 + (9.0,), memory: float = 400.0, errors: int = 0) -> Seen:
    return Seen(seconds={"slice": list(filters), "opening": [30.0]}, errors=["lost"] * errors, memory=memory)


@pytest.mark.parametrize(
    ("seen", "wrong"),
    [
        (measured(), []),
        (measured(errors=2), ["2 times something failed; none may."]),
        (
            measured(filters=(0.2,) * 9 + (2.5,)),
            ["A filter takes 2.50 s at the 95th percentile; at most 2 s may be."],
        ),
        (measured(filters=()), ["No filter was changed: there is nothing to judge by."]),
        (measured(memory=512.0), ["The server took 512 MB; at most 500 MB may be."]),
    ],
    ids=["well", "errors", "slow", "nothing", "large"],
)
def test_sessions_are_judged_by_errors_seconds_and_memory(seen: Seen, wrong: list[str]) -> None:
    assert faults(seen, most_seconds=MOST_SECONDS, most_memory=MOST_MEMORY) == wrong
