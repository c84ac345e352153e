"""Long work of several pages at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from dashboard.computing.work.in_progress import ABANDONED, InProgress
from neft.errors import NeftError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class State:
    step: int
    record: str | None = None


def begin(begun: list[str], name: str, *, steps: int = 100) -> Callable[[], Iterator[State]]:
    def work() -> Iterator[State]:
        begun.append(name)
        return (State(step, name if step == steps else None) for step in range(1, steps + 1))

    return work


def test_work_of_several_pages_by_turns_goes_on_and_is_begun_once() -> None:
    begun: list[str] = []
    kept = InProgress[State](2, "race", clock=Clock())

    steps = [kept.go_on(name, begin(begun, name), seconds=0.0)[0].step for _ in range(3) for name in ("a", "b")]

    assert steps == [1, 1, 2, 2, 3, 3]
    assert begun == ["a", "b"]


def test_work_goes_on_for_its_seconds_and_what_is_stored_begins_anew_when_asked_again() -> None:
    begun: list[str] = []
    kept = InProgress[State](1, "race", clock=Clock())

    last, seconds = kept.go_on("a", begin(begun, "a", steps=3), seconds=60.0)
    assert last == State(3, "a")
    assert 0 < seconds < 60
    last, _ = kept.go_on("a", begin(begun, "a", steps=3), seconds=0.0)

    assert last == State(1)
    assert begun == ["a", "a"]


def test_one_too_many_is_refused_until_one_is_left_alone_or_done() -> None:
    begun: list[str] = []
    clock = Clock()
    kept = InProgress[State](2, "race", clock=clock)
    _ = kept.go_on("a", begin(begun, "a"), seconds=0.0)
    _ = kept.go_on("b", begin(begun, "b"), seconds=0.0)

    with pytest.raises(NeftError, match=r"room for \(2\); begin this race when"):
        _ = kept.go_on("c", begin(begun, "c"), seconds=0.0)

    clock.now += ABANDONED
    _ = kept.go_on("b", begin(begun, "b"), seconds=0.0)
    _ = kept.go_on("c", begin(begun, "c"), seconds=0.0)  # in the place of a
    assert kept.go_on("b", begin(begun, "b"), seconds=0.0)[0].step == 3
    assert begun == ["a", "b", "c"]

    _ = kept.go_on("b", begin(begun, "b"), seconds=60.0)
    _ = kept.go_on("a", begin(begun, "a"), seconds=0.0)
    assert begun == ["a", "b", "c", "a"]


def test_what_cannot_begin_takes_no_room_and_what_failed_begins_anew() -> None:
    begun: list[str] = []
    kept = InProgress[State](1, "race", clock=Clock())

    def refused() -> Iterator[State]:
        message = "no"
        raise NeftError(message)

    def broken() -> Iterator[State]:
        yield State(1)
        refused()

    with pytest.raises(NeftError, match="no"):
        _ = kept.go_on("a", refused, seconds=0.0)
    with pytest.raises(NeftError, match="no"):
        _ = kept.go_on("b", broken, seconds=60.0)
    assert kept.go_on("b", begin(begun, "b"), seconds=0.0)[0].step == 1
