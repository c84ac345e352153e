"""Worker processes end with the process that started them, be it killed, also while they still import.

A module of its own that loads nothing heavy: the watch begins before a worker loads torch, which takes it seconds.
"""

import os
import threading
import time

import psutil

BETWEEN_LOOKS = 0.5
"""Seconds."""


def end_with(parent: int) -> None:
    """End this process once its parent has ended."""

    def watch() -> None:
        # where a process keeps the number of a parent that is gone, only the list of processes tells
        while os.getppid() == parent and psutil.pid_exists(parent):
            time.sleep(BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
