"""How long orphans may stay: seconds of a free core, also where other programs compute."""

import time
from collections.abc import Callable

ORPHANS = 5.0
"""Seconds within which every process that a killed one had started must be gone, also while it still loads."""
STEPS, TRIED = 3_000_000, 0.2
"""Additions by which it is measured how much longer all takes here and now, and their seconds elsewhere."""


def soon(happened: Callable[[], object]) -> bool:
    """Whether something is so within `ORPHANS`; on a machine that is busy with other things within as many times it."""
    begun = time.monotonic()
    patience, is_measured = ORPHANS, False
    while not happened():
        if time.monotonic() - begun > patience:
            if is_measured:
                return False
            patience, is_measured = ORPHANS * slowness(), True
        time.sleep(0.05)
    return True


def slowness() -> float:
    """How many times as long a computation takes here and now: on a slower core, or beside others."""
    begun, total = time.monotonic(), 0
    for step in range(STEPS):
        total += step
    return max(1.0, (time.monotonic() - begun) / TRIED)
