"""Long work of several pages at once."""

from collections.abc import Callable

import pytest

from dashboard.computing.work.in_progress import ABANDONED, InProgress
from neft.errors import NeftError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def begin(begun: list[str], name: str) -> Callable[[], str]:
    def work() -> str:
        begun.append(name)
        return name

    return work


def test_work_of_several_pages_by_turns_goes_on_and_is_begun_once() -> None:
    begun: list[str] = []
    kept = InProgress[str](2, "race", clock=Clock())

    for _ in range(3):
        for name in ("a", "b"):
            assert kept.get(name, begin(begun, name)) == name

    assert begun == ["a", "b"]


def test_one_too_many_is_refused_until_one_is_left_alone_or_dropped() -> None:
    begun: list[str] = []
    clock = Clock()
    kept = InProgress[str](2, "race", clock=clock)
    _ = kept.get("a", begin(begun, "a"))
    _ = kept.get("b", begin(begun, "b"))

    with pytest.raises(NeftError, match=r"room for \(2\); begin this race when"):
        _ = kept.get("c", begin(begun, "c"))

    clock.now += ABANDONED
    _ = kept.get("b", begin(begun, "b"))
    assert kept.get("c", begin(begun, "c")) == "c"  # in the place of a
    assert kept.get("b", begin(begun, "b")) == "b"
    assert begun == ["a", "b", "c"]

    kept.drop("b")
    assert kept.get("a", begin(begun, "a")) == "a"
    assert begun == ["a", "b", "c", "a"]


def test_what_cannot_begin_takes_no_room() -> None:
    kept = InProgress[str](1, "race", clock=Clock())

    def fail() -> str:
        message = "no"
        raise NeftError(message)

    with pytest.raises(NeftError, match="no"):
        _ = kept.get("a", fail)
    assert kept.get("b", lambda: "b") == "b"
