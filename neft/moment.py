"""Moments as records and notes keep them: a text, but none that says anything else."""

import datetime
import re
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator

MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2})?)?")
EXAMPLE = "2026-01-31T12:00:00+00:00"


def _is_moment(text: str) -> str:
    """The text, which is a date, or a date and a time of day.

    Raises:
        ValueError: it is none.
    """
    try:
        _ = datetime.datetime.fromisoformat(text if MOMENT.fullmatch(text) else "")
    except ValueError:
        message = f"A moment is written as {EXAMPLE} (ISO 8601); got {text[:60]!r}."
        raise ValueError(message) from None
    return text


Moment = Annotated[str, AfterValidator(_is_moment)]
"""ISO 8601."""


@lru_cache(maxsize=4096)
def _instant(text: str) -> str:
    """An instant as records write it: so they sort by their text, and every reader can tell the time.

    Raises:
        ValueError: it is none.
    """
    try:
        is_whole = datetime.datetime.fromisoformat(text).isoformat() == text
    except ValueError:
        is_whole = False
    if not is_whole or len(text) != len(EXAMPLE) or not text.endswith("+00:00") or not "2000" <= text < "2200":
        message = f"must be an instant of UTC in the years 2000 to 2199, as {EXAMPLE}"
        raise ValueError(message)
    return text


Instant = Annotated[str, AfterValidator(_instant)]
"""To the second, of UTC."""
