"""Long work that pages do a little at a time: kept between their questions, each by what it is of."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from neft.errors import NeftError

Work = TypeVar("Work")
ABANDONED = 60.0
"""Seconds without a question after which work makes room: pages that are looked at ask about every second."""


@dataclass
class _Kept(Generic[Work]):
    work: Work
    used: float


class InProgress(Generic[Work]):
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
        self._kept: dict[Hashable, _Kept[Work]] = {}

    def get(self, key: Hashable, begin: Callable[[], Work]) -> Work:
        """The work of this key, begun where it is not there.

        Raises:
            NeftError: as many are under way as there is room for.
        """
        if key not in self._kept:
            self._make_room()
            self._kept[key] = _Kept(begin(), self._clock())
        kept = self._kept[key]
        kept.used = self._clock()
        return kept.work

    def drop(self, key: Hashable) -> None:
        """Begin anew when it is asked for again."""
        _ = self._kept.pop(key, None)

    def clear(self) -> None:
        """Let go of everything."""
        self._kept.clear()

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
        self.drop(oldest)
