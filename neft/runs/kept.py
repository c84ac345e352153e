"""Results that were computed after a run was stored, read back: of this version or an older one, whole and as asked."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError
from safetensors import SafetensorError

from neft.component import Component, first_problem
from neft.errors import RunCorruptError, RunTooNewError, one_line

Kept = TypeVar("Kept", bound=Component)
MOST_SAID = 100
"""Characters of a reason: the sentence around it names the file and the way on."""


def read_kept(
    load: Callable[[], Any],
    model: type[Kept],
    *,
    newest: int,
    noun: str,
    called: str,
    corrupt: Callable[[str], RunCorruptError],
) -> Kept:
    """What a file says, as its model.

    Args:
        load: reads the file's JSON.
        model: has a field `version`.
        newest: the version that this package writes.
        noun: what the file should be: "waterfall".
        called: the file in an error: "'x.json' of run 'y'".
        corrupt: makes the error of a reason.

    Raises:
        RunTooNewError: made by a newer version.
        RunCorruptError: it is not what it should be.
    """
    try:
        raw = load()
        version = int(raw["version"])
    except (SafetensorError, OSError, ValueError, LookupError, TypeError, RecursionError, OverflowError):
        error = corrupt(f"it is no {noun}")
        raise error from None
    if version > newest:
        message = f"{called} was made by a newer version of neft. Update neft to open it."
        raise RunTooNewError(message)
    try:
        return model.model_validate(raw)
    except ValidationError as problem:
        error = corrupt(one_line(first_problem(model, problem).rstrip("."), MOST_SAID))
        raise error from None
