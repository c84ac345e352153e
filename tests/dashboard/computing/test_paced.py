"""Work done a little at a time."""

import threading
from collections.abc import Callable

import pytest

from dashboard.computing.paced import Paced
from neft.errors import ConfigError


class Counting:
    """Counts, and asks after every step whether to stop."""

    def __init__(self, last: int) -> None:
        self.count = 0
        self._last = last

    def __call__(self, should_stop: Callable[[], bool]) -> None:
        for _ in range(self._last):
            self.count += 1
            if should_stop():
                return


def test_it_goes_on_only_when_asked_to_and_then_to_its_end() -> None:
    work = Counting(3)
    paced = Paced(work)
    assert work.count == 0

    seen: list[int] = []
    for _ in range(5):
        paced.go_on(0.0)
        seen.append(work.count)

    assert seen == [1, 2, 3, 3, 3]
    assert paced.is_finished


def test_with_time_enough_it_ends_at_once() -> None:
    work = Counting(1000)
    paced = Paced(work)
    paced.go_on(60.0)
    assert (work.count, paced.is_finished) == (1000, True)


def test_what_it_raises_is_told() -> None:
    def fail(should_stop: Callable[[], bool]) -> None:
        _ = should_stop()
        message = "It cannot be."
        raise ConfigError(message)

    paced = Paced(fail)
    paced.go_on(0.0)
    with pytest.raises(ConfigError, match="It cannot be"):
        paced.go_on(0.0)


def test_cancelled_it_ends_and_leaves_no_thread() -> None:
    before = threading.active_count()
    work = Counting(1000)
    paced = Paced(work)
    paced.go_on(0.0)

    paced.cancel()

    assert work.count == 1
    assert threading.active_count() == before
