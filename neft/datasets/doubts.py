"""What cannot be decided about images of one's own, and is asked: are two classes one, do folders' names mean splits?

A doubt is a sentence. Images with doubts are refused until their checksum says that they are meant as they are read.
"""

import re
import unicodedata
from collections.abc import Sequence

from neft.datasets.found_images import FoundImages, named
from neft.datasets.split_names import look_like_splits
from neft.errors import ConfigError

MOST_NUMBERED = 10_000
"""Greater numbers are no classes counted from 0 or 1: years, codes."""


def refuse_doubts(found: FoundImages, *, owner: str) -> None:
    """Ask what is not clear.

    Raises:
        ConfigError: something is.
    """
    doubts = [*found.doubts, *alike_classes(found.class_names)]
    if doubts:
        message = (
            f"{owner}: {' '.join(doubts)} If all of this is meant so, say that these images are meant: "
            f"--checksum {found.checksum}."
        )
        raise ConfigError(message)


def split_doubt(class_names: Sequence[str]) -> tuple[str, ...]:
    """That classes look like splits.

    >>> split_doubt(["cat", "dog", "val"])
    ("'val' would be learned as a class, though it looks like a split. Splits are called train, val and test, and \
hold the classes.",)
    """
    splits = look_like_splits(class_names)
    if not splits:
        return ()
    which = named(f"'{name}'" for name in splits)
    said = "a class, though it looks like a split" if len(splits) == 1 else "classes, though they look like splits"
    return (f"{which} would be learned as {said}. Splits are called train, val and test, and hold the classes.",)


def alike_classes(class_names: Sequence[str]) -> tuple[str, ...]:
    """That classes differ in nothing but how they are written, as `Cat` and `cat`, or `1` and `01`; letters may.

    >>> alike_classes(["cat", "Cat", "a", "A"])
    ("Classes that may be one, written in two ways: 'cat' and 'Cat'.",)
    """
    seen: dict[str, str] = {}
    pairs: list[str] = []
    for name in class_names:
        other = seen.setdefault(_plainly_written(name), name)
        if other != name:
            pairs.append(f"'{other}' and '{name}'")
    return (f"Classes that may be one, written in two ways: {named(pairs)}.",) if pairs else ()


def numbering_note(class_names: Sequence[str]) -> str:
    """That classes are numbered with gaps; empty where they are not.

    >>> numbering_note(["0", "2", "3"]), numbering_note(["1", "2"]), numbering_note(["cat", "7"])
    ('The classes are numbers, and there is no image of 1.', '', '')
    """
    if not all(name.isdecimal() for name in class_names):
        return ""
    numbers = {int(name) for name in class_names}
    if max(numbers) > MOST_NUMBERED:
        return ""
    absent = sorted(set(range(min(1, *numbers), max(numbers))) - numbers)
    return f"The classes are numbers, and there is no image of {named(map(str, absent))}." if absent else ""


def _plainly_written(name: str) -> str:
    if len(name) == 1:
        return name
    try:
        return f"{float(name):g}"
    except ValueError:
        return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", name).casefold()).strip()
