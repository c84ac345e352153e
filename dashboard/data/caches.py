"""The app's caches of what stored runs say: what is computed of the same arguments and the same stores is kept.

Arguments are frozen values (`dashboard.address.Reading`, run ids, numbers), never arrays, and name all that a number
depends on and no more: then moving the slice computes no curve anew.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from neft.runs.store import Stores

P = ParamSpec("P")
R = TypeVar("R")
Decorator = Callable[[Callable[P, R]], Callable[P, R]]


def fingerprint() -> str:
    """Changes whenever a run is added or removed in either store."""
    stores = Stores.default()
    roots = (stores.own.root, stores.shipped.root)
    return "/".join(f"{root.stat().st_mtime_ns if root.is_dir() else 0}:{root}" for root in roots)


def kept_copies(*, max_entries: int, show_spinner: bool | str = False) -> Decorator[P, R]:
    """Keep what a function returns while the stores stay as they are; every caller gets a copy of its own."""

    def decorate(compute: Callable[P, R]) -> Callable[P, R]:
        return _stamped(compute, st.cache_data(max_entries=max_entries, show_spinner=show_spinner))

    return decorate


def kept(*, max_entries: int, show_spinner: bool | str = False) -> Decorator[P, R]:
    """Likewise; all callers share it, and none may change it."""

    def decorate(compute: Callable[P, R]) -> Callable[P, R]:
        return _stamped(compute, st.cache_resource(max_entries=max_entries, show_spinner=show_spinner))

    return decorate


def _stamped(compute: Callable[..., R], cache: Callable[[Callable[..., R]], Callable[..., R]]) -> Callable[..., R]:
    @wraps(compute)  # the cache knows a function by its name and source, and leaves out arguments by theirs
    def of_these_stores(*args: Any, stamp: str, **kwargs: Any) -> R:
        del stamp
        return compute(*args, **kwargs)

    cached = cache(of_these_stores)

    @wraps(compute)
    def look_up(*args: Any, **kwargs: Any) -> R:
        return cached(*args, stamp=fingerprint(), **kwargs)

    return look_up
