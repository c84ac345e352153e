"""What can go wrong, as one tree of exceptions a caller may handle.

Every message says what is wrong (name and symbol), what was given, and what is allowed.
"""

import difflib
import unicodedata
from collections.abc import Iterable

from typing_extensions import override

MOST = 300
"""Characters of an error's message."""
MOST_SHOWN = 80
"""Characters of what was given, where it is shown."""


def without_controls(text: str) -> str:
    r"""The text without what a terminal would obey, what turns its order and halves of characters.

    Tabs and line breaks are text; breaks of other kinds become spaces.

    >>> without_controls("\x1b[31mred\x07\n\tx")
    '[31mred\n\tx'
    >>> without_controls("gpj\u202e.exe\u2028next")
    'gpj.exe next'
    """
    return text if text.isprintable() else "".join(_shown(one) for one in text)


def is_hidden(character: str) -> bool:
    """Whether it is a control character, a mark without width (as those of direction), a break or half a character."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _shown(character: str) -> str:
    if character in "\n\t" or not is_hidden(character):
        return character
    return " " if character in "\u2028\u2029" else ""


def one_line(text: str, most: int = MOST) -> str:
    """The text in one line, without control characters, cut where it is longer."""
    line = without_controls(" ".join(text.split()))
    return line if len(line) <= most else f"{line[: most - 1]}…"


def without_middle(text: str, most: int = MOST) -> str:
    """The text as `one_line` has it, but cut in its middle: an error begins with what is wrong and ends with a way on.

    >>> without_middle("'aaaaaaaaaaaaaaaaaaaaaaaa' cannot be read: delete it.", 36)
    "'aaaaaaaaaaaaaaaa…e read: delete it."
    """
    line = one_line(text, len(text))
    end = most // 2
    return line if len(line) <= most else f"{line[: most - end - 1]}…{line[-end:]}"


class NeftError(Exception):
    """The base of every error that is raised on purpose, told in one plain line of at most `MOST` characters.

    What it repeats may be a stranger's: a header's names, a stored run's settings, a path.
    """

    def __init__(self, message: str = "", *more: object) -> None:
        super().__init__(without_middle(message), *more)


class ConfigError(NeftError):
    """A configuration that cannot be: a bound broken, an unknown name, options that clash."""


class UnclearImagesError(ConfigError):
    """Images of one's own that may be meant in more than one way; asked for by their checksum they are read in one."""

    def __init__(self, message: str, checksum: str) -> None:
        super().__init__(message, checksum)
        self.checksum = checksum

    @override
    def __str__(self) -> str:
        return str(self.args[0])


class DataMissingError(NeftError):
    """A data set's files are not there, and downloading was not asked for or failed."""


class StoreError(NeftError):
    """A stored run that cannot be read or written."""


class RunNotFoundError(StoreError):
    """No run of that id."""


class RunCorruptError(StoreError):
    """A stored run whose files do not match what its record says."""


class RunTooNewError(StoreError):
    """A stored run made by a newer version of this package."""


class RunExistsError(StoreError):
    """A run of that id is already stored."""


class NoteError(NeftError):
    """A note on a run that cannot be read or written."""


class NoteChangedError(NoteError):
    """A note whose text another has changed since it was read."""

    def __init__(self, message: str, *, text: str = "") -> None:
        super().__init__(message)
        self.text = text
        """What it says now."""


class BundleError(StoreError):
    """A bundle of runs that cannot be read or written."""


class StoppedError(NeftError):
    """A training that was asked to stop; its last whole epoch is kept."""

    def __init__(self, message: str, *, epoch: int = -1) -> None:
        super().__init__(message)
        self.epoch = epoch


def unknown_name(kind: str, name: str, known: Iterable[str], *, most: int | None = None) -> ConfigError:
    """The error for a name that is not in a table, with the nearest one that is.

    >>> str(unknown_name("method", "ovff", ["irs", "ovf"]))
    "Unknown method 'ovff'. Did you mean 'ovf'? Known: irs, ovf."
    >>> str(unknown_name("setting", "alpa", ["alpha", "beta", "gamma"], most=2))
    "Unknown setting 'alpa'. Did you mean 'alpha'? Known: alpha, beta, … (3)."
    """
    names = list(known)
    name = one_line(name, MOST_SHOWN)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    shown = names if most is None or len(names) <= most else [*names[:most], f"… ({len(names)})"]
    return ConfigError(f"Unknown {kind} '{name}'.{hint} Known: {', '.join(shown)}.")
