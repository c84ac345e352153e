"""Long work that pages do a little at a time: kept between their questions, each by what it is of.

Work is a walk through states, the last of which has the record that was stored.
"""

import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from neft.errors import NeftError

ABANDONED = 60.0
"""Seconds without a question after which work makes room: pages that are looked at ask about every second."""


class StoredAtEnd(Protocol):
    """How far work is."""

    @property
    def record(self) -> object | None:
        """What was stored; None before the end."""
        ...


State = TypeVar("State", bound=StoredAtEnd)


@dataclass
class _Kept(Generic[State]):
    states: Iterator[State]
    used: float
    last: State | None = None
    seconds: float = 0.0

    def go_on(self, seconds: float) -> State:
        started = time.perf_counter()
        last = self.last
        while last is None or last.record is None:
            last = self.last = next(self.states)
            if time.perf_counter() - started > seconds:
                break
        self.seconds += time.perf_counter() - started
        return last


class InProgress(Generic[State]):
    """Pieces of work, none of which another puts out before it is left alone.

    Args:
        most: pieces at once.
        noun: what a piece is called, as in 'race'.
        clock: seconds that only grow.
    """

    def __init__(self, most: int, noun: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._noun = noun
        self._clock = clock
        self._kept: dict[Hashable, _Kept[State]] = {}

    def go_on(self, key: Hashable, begin: Callable[[], Iterator[State]], *, seconds: float) -> tuple[State, float]:
        """Begin the work of this key, or go on with it, for about so many seconds.

        Work that failed begins anew when it is asked for again, and so does work that is done: what was stored may have
        been removed.

        Returns:
            How far it is, and the seconds that it took so far.

        Raises:
            NeftError: as many are under way as there is room for, or what the work raises.
        """
        if key not in self._kept:
            self._make_room()
            self._kept[key] = _Kept(begin(), self._clock())
        kept = self._kept[key]
        kept.used = self._clock()
        try:
            last = kept.go_on(seconds)
        except Exception:
            self._drop(key)
            raise
        if last.record is not None:
            self._drop(key)
        return last, kept.seconds

    def clear(self) -> None:
        """Let go of everything."""
        self._kept.clear()

    def _drop(self, key: Hashable) -> None:
        _ = self._kept.pop(key, None)

    def _make_room(self) -> None:
        if len(self._kept) < self._most:
            return
        oldest = min(self._kept, key=lambda key: self._kept[key].used)
        if self._clock() - self._kept[oldest].used < ABANDONED:
            message = (
                f"As many of these are under way on this server as it has room for ({self._most}); begin this "
                f"{self._noun} when another page's has ended or was left for a minute."
            )
            raise NeftError(message)
        self._drop(oldest)
