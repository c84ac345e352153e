"""The app's caches of what stored runs say: what is computed of the same arguments and the same runs is kept.

Arguments are frozen values (`dashboard.address.Reading`, run ids, numbers), never arrays, and name all that a number
depends on and no more: then moving the slice computes no curve anew.
"""

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from neft.runs import files
from neft.runs.store import Stores

P = ParamSpec("P")
R = TypeVar("R")
Decorator = Callable[[Callable[P, R]], Callable[P, R]]
Stamp = Callable[[Mapping[str, object]], str]


def fingerprint() -> str:
    """Changes whenever a run is added or removed in either store."""
    stores = Stores.default()
    roots = (stores.own.root, stores.shipped.root)
    return "/".join(f"{found.st_mtime_ns if (found := files.look_at(root)) else 0}:{root}" for root in roots)


def of_every_run(given: Mapping[str, object]) -> str:
    """The stamp of an answer that any run may change."""
    del given
    return fingerprint()


def kept_copies(*, max_entries: int, show_spinner: bool | str = False, stamp: Stamp = of_every_run) -> Decorator[P, R]:
    """Keep what a function returns while its stamp stays as it is; every caller gets a copy of its own.

    Args:
        max_entries: answers that are kept, of the last that were asked for.
        show_spinner: what stands while it is computed.
        stamp: of the arguments by name, a text that changes whenever stored runs change the answer.
    """

    def decorate(compute: Callable[P, R]) -> Callable[P, R]:
        return _stamped(compute, st.cache_data(max_entries=max_entries, show_spinner=show_spinner), stamp)

    return decorate


def kept(*, max_entries: int, show_spinner: bool | str = False, stamp: Stamp = of_every_run) -> Decorator[P, R]:
    """Likewise; all callers share it, and none may change it."""

    def decorate(compute: Callable[P, R]) -> Callable[P, R]:
        return _stamped(compute, st.cache_resource(max_entries=max_entries, show_spinner=show_spinner), stamp)

    return decorate


def _stamped(
    compute: Callable[..., R], cache: Callable[[Callable[..., R]], Callable[..., R]], stamp: Stamp
) -> Callable[..., R]:
    names = inspect.signature(compute)

    @wraps(compute)  # the cache knows a function by its name and source
    def of_these_stores(stamp: str, asked: str, _values: tuple[Any, ...], _named: dict[str, Any]) -> R:
        del stamp, asked
        return compute(*_values, **_named)

    del of_these_stores.__wrapped__  # and leaves out arguments by their names, which are these
    # the source is this one of all functions, and the module of all pages is __main__: their files tell them apart
    of_these_stores.__module__ = f"{compute.__module__} in {inspect.getfile(inspect.unwrap(compute))}"
    cached = cache(of_these_stores)

    @wraps(compute)
    def look_up(*values: Any, **named: Any) -> R:
        given = names.bind(*values, **named)
        given.apply_defaults()
        asked = tuple((name, one) for name, one in given.arguments.items() if not name.startswith("_"))
        # by name: of an argument without one Streamlit looks the signature up, which takes longer than the rest
        return cached(stamp=stamp(given.arguments), asked=key_of(asked), _values=values, _named=named)

    return look_up


def key_of(values: object) -> str:
    """A text that differs wherever values do: texts, numbers, None, and tuples and frozen dataclasses of them.

    Streamlit takes ten times as long for the some hundred run ids of a selection.

    Raises:
        TypeError: a value is of another type.
    """
    return hashlib.blake2b(repr(_plain(values)).encode(), digest_size=20).hexdigest()


def _plain(value: object) -> object:
    """The value with every dataclass as a mapping from its type to all that it holds."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if is_dataclass(value) and not isinstance(value, type):
        return {type(value).__qualname__: tuple(_plain(getattr(value, each.name)) for each in fields(value))}
    message = f"Kept answers are found by texts, numbers and tuples of them; got a {type(value).__name__}."
    raise TypeError(message)
