"""The clock of the machine, set anew: what a system tells of the time of day afterwards."""

import time

import psutil
import pytest


def set_the_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """By so many seconds, forwards or back: the time of day and, derived from it, that of the machine's start."""
    now, booted = time.time, psutil.boot_time()
    monkeypatch.setattr(time, "time", lambda: now() + seconds)
    monkeypatch.setattr(time, "time_ns", lambda: int((now() + seconds) * 1e9))
    monkeypatch.setattr(psutil._psplatform, "boot_time", lambda: booted + seconds)
