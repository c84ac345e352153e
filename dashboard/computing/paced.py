"""Long work that is done a little at a time: it goes on only while somebody asks for more.

Work that cannot be written as steps (it holds on to torch's modes while it computes) runs in a thread of its own, which
waits wherever it asks whether to stop.
"""

import threading
import time
from collections.abc import Callable


class Paced:
    """Work in a thread; `work` is handed what it must ask often: whether to stop."""

    def __init__(self, work: Callable[[Callable[[], bool]], None]) -> None:
        self._work = work
        self._until = 0.0
        self._is_cancelled = False
        self._may_work = threading.Event()
        self._has_paused = threading.Event()
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None
        self.is_finished = False

    def go_on(self, seconds: float) -> None:
        """Let it work for about so long, or to its end.

        Raises:
            Exception: whatever the work raised.
        """
        if self.is_finished:
            return
        self._until = time.perf_counter() + seconds
        self._has_paused.clear()
        self._may_work.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        _ = self._has_paused.wait()
        if self._error is not None:
            raise self._error

    def cancel(self) -> None:
        """Have it end where it next asks, and wait for that."""
        self._is_cancelled = True
        self._may_work.set()
        if self._thread is not None:
            self._thread.join()

    def _should_stop(self) -> bool:
        if time.perf_counter() >= self._until and not self._is_cancelled:
            self._may_work.clear()
            self._has_paused.set()
            _ = self._may_work.wait()
        return self._is_cancelled

    def _run(self) -> None:
        try:
            self._work(self._should_stop)
            self.is_finished = True
        except BaseException as error:  # noqa: BLE001 - told to whoever asks next
            self._error = error
        finally:
            self._has_paused.set()
