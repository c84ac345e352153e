"""Moments as records and notes keep them: a text, but none that says anything else."""

import datetime
import re
from typing import Annotated

from pydantic import AfterValidator

MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2})?)?")


def _is_moment(text: str) -> str:
    """The text, which is a date, or a date and a time of day.

    Raises:
        ValueError: it is none.
    """
    try:
        _ = datetime.datetime.fromisoformat(text if MOMENT.fullmatch(text) else "")
    except ValueError:
        message = f"A moment is written as 2026-01-31T12:00:00+00:00 (ISO 8601); got {text[:60]!r}."
        raise ValueError(message) from None
    return text


Moment = Annotated[str, AfterValidator(_is_moment)]
"""ISO 8601."""
