"""The server's memory, tidied while it serves: cycles are collected, and what was freed goes back to the system.

Streamlit would collect after every page (`runner.postScriptGC`, turned off in `.streamlit/config.toml`): a tenth of a
second each, through all that imports and kept tables hold, in which no page is drawn. Here it is done every half minute
in which something was asked, and what outlives it is left out of Python's own collections until the next time. Freed
memory lies in glibc's heap between what is still used: `malloc_trim` hands whole pages of it back.
"""

import ctypes
import gc
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

EVERY = 30.0
"""Seconds."""
FEW = 20_000
"""Of fewer new objects nothing is made: nobody has asked for a page."""


def keep_tidy() -> None:
    """Tidy from now on, in a thread of its own that ends with the process."""
    threading.Thread(target=_keep_tidy, args=(_trimming(),), daemon=True, name="tidying").start()


def tidy(trim: Callable[[], None]) -> None:
    """Collect every cycle, leave what is left out of the next collections, and hand freed memory back."""
    gc.unfreeze()
    _ = gc.collect()
    gc.freeze()
    trim()


def _keep_tidy(trim: Callable[[], None]) -> None:
    while True:
        time.sleep(EVERY)
        if len(gc.get_objects()) > FEW:  # since the last time: what is frozen is not among them
            tidy(trim)


def _trimming() -> Callable[[], None]:
    """The C library's `malloc_trim`, of glibc; nothing with another C library."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            malloc_trim = ctypes.CDLL(None).malloc_trim
            return lambda: malloc_trim(0)
    return lambda: None
