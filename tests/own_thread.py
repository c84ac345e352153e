"""Work in a thread of its own: Playwright's fixtures keep a loop running in the one that tests run in."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def in_own_thread(work: Callable[[], Result]) -> Result:
    """What the work gives, or raises."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()
