"""Pages drawn by turns: one at once, the others in the order in which they came.

Drawing takes the interpreter's lock: thirty pages at once are all ready at the end, one after the other half of them by
the middle, and the later ones find what the earlier ones made. A page that waits for something else than the processor
keeps nobody waiting: it gives its turn back, or is seen to take no time of the processor (it waits for the disk, or for
what another page is computing). One that takes long lets another one begin beside it, but only so many: pages that
share the interpreter with dozens take ever longer, and let in ever more. Whoever waits looks about: a page that was
left or clicked again meanwhile is not drawn.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

AT_ONCE = 1
"""Pages that are drawn at the same time: two would take twice as long each, and more for handing the lock about."""
AT_MOST = 1.0
"""Seconds after which another page may begin beside one that is not drawn yet."""
TOGETHER = 3
"""Pages that are drawn at the same time with those that take longer."""
HANGS = 15.0
"""Seconds after which a page is no longer waited for, whatever it does."""
IDLE = 0.2
"""Seconds after which it is looked, again and again, what a page took of the processor."""
LITTLE = 0.01
"""Seconds of the processor in them that a page takes which waits for something else."""
GLANCE = 0.1
"""Seconds after which whoever waits looks whether its page is still looked at."""


def _own_clock() -> int | None:
    """The clock of this thread's processor time, which others may read; None where the system has none."""
    return time.pthread_getcpuclockid(threading.get_ident()) if hasattr(time, "pthread_getcpuclockid") else None


@dataclass(eq=False)
class _Turn:
    """One page's, made by its thread."""

    look: Callable[[], None]
    since: float = 0.0
    """When it began; 0 while it waits."""
    begins: threading.Event = field(default_factory=threading.Event)
    clock: int | None = field(default_factory=_own_clock)
    looked: float = 0.0
    """When it was last looked what it took."""
    took: float = 0.0
    """Of the processor until then."""
    is_idle: bool = False
    """Whether it took next to nothing before that."""

    def begin(self, now: float) -> None:
        """Have its page drawn."""
        self.since = self.looked = now
        self.took = self._taken()
        self.begins.set()

    def is_counted(self, now: float) -> bool:
        """Whether it takes the processor's time from others."""
        if self.clock is not None and now - self.looked >= IDLE:
            taken = self._taken()
            self.is_idle = taken - self.took < LITTLE
            self.looked, self.took = now, taken
        return not self.is_idle

    def _taken(self) -> float:
        if self.clock is None or not hasattr(time, "clock_gettime"):
            return 0.0
        try:
            return time.clock_gettime(self.clock)
        except OSError:  # the thread is over
            return self.took


_LOCK = threading.Lock()
_waiting: deque[_Turn] = deque()
_drawing: list[_Turn] = []
_own: ContextVar[_Turn | None] = ContextVar("own", default=None)


@contextmanager
def in_turn(look: Callable[[], None]) -> Generator[None]:
    """Wait for a turn, and have it for the block.

    Args:
        look: raises where the page is not looked at any more; asked while it waits, here and in `look_about`.
    """
    turn = _Turn(look)
    with _LOCK:
        _waiting.append(turn)
    try:
        _call_next()
        while not turn.begins.wait(GLANCE):
            look()
            _call_next()  # a turn may have been too long meanwhile
        token = _own.set(turn)
        try:
            yield
        finally:
            _own.reset(token)
    finally:
        _end(turn)


def give_back() -> None:
    """This page goes on without the processor: the next one's turn begins. Nothing where it has none."""
    turn = _own.get()
    if turn is not None:
        _end(turn)


def look_about() -> None:
    """Raise what ends a page that is not looked at any more; nothing where nobody is known to look."""
    turn = _own.get()
    if turn is not None:
        turn.look()


def _call_next() -> None:
    """Begin the turns of those who came first, as many as there is room for."""
    now = time.monotonic()
    with _LOCK:
        _drawing[:] = [turn for turn in _drawing if now - turn.since < HANGS]
        counted = [turn for turn in _drawing if turn.is_counted(now)]
        room = min(AT_ONCE - sum(now - turn.since < AT_MOST for turn in counted), TOGETHER - len(counted))
        for _ in range(min(room, len(_waiting))):
            turn = _waiting.popleft()
            _drawing.append(turn)
            turn.begin(now)


def _end(turn: _Turn) -> None:
    with _LOCK:
        for turns in (_drawing, _waiting):
            if turn in turns:
                turns.remove(turn)
    _call_next()
