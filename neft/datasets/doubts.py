"""What cannot be decided about images of one's own, and is asked: are two classes one, do folders' names mean splits?

A doubt is a sentence. Images with doubts are refused until their checksum says that they are meant as they are read.
"""

import re
import unicodedata
from collections.abc import Sequence

from neft.datasets.found_images import FoundImages, named
from neft.datasets.split_names import look_like_splits
from neft.errors import UnclearImagesError

NO_LABEL = frozenset({"", "?", "nan", "na", "n/a", "#n/a", "null", "unlabeled", "unlabelled", "unsup", "no label"})
"""What stands where a label is missing."""
BETWEEN_LABELS = re.compile(r"\s*[|;,+&/]\s*|\s+")
MOST_NUMBERED = 10_000
"""Greater numbers are no classes counted from 0 or 1: years, codes."""


def refuse_doubts(found: FoundImages, *, owner: str) -> None:
    """Ask what is not clear.

    Raises:
        UnclearImagesError: something is.
    """
    names = found.class_names
    doubts = [*found.doubts, *alike_classes(names), *no_classes(names), *joined_classes(names)]
    if doubts:
        message = (
            f"{owner}: {' '.join(doubts)} If all of this is meant so, say that these images are meant: "
            f"--checksum {found.checksum}."
        )
        raise UnclearImagesError(message, found.checksum)


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


def no_classes(class_names: Sequence[str]) -> tuple[str, ...]:
    """That classes may be what stands for a missing label.

    >>> no_classes(["cat", "dog", "nan"]), no_classes(["-1", "0", "1"]), no_classes(["-1", "1"])
    (("'nan' would be learned as a class: does it stand for a missing label?",), \
("'-1' would be learned as a class: does it stand for a missing label?",), ())
    """
    missing = [name for name in class_names if _plainly_written(name) in NO_LABEL]
    others = [name for name in class_names if name != "-1"]
    if "-1" in class_names and len(others) > 1 and all(name.isdecimal() for name in others):
        missing.append("-1")
    which = named(f"'{name}'" for name in missing)
    return (f"{which} would be learned as a class: does it stand for a missing label?",) if missing else ()


def joined_classes(class_names: Sequence[str]) -> tuple[str, ...]:
    """That classes may be several labels of one image.

    >>> joined_classes(["cat", "dog", "cat|dog"]), joined_classes(["hot dog", "dog"])
    (("'cat|dog' would be learned as a class: are these several labels of one image?",), ())
    """
    known = set(class_names)
    joined = [name for name in class_names if len(parts := BETWEEN_LABELS.split(name)) > 1 and known.issuperset(parts)]
    which = named(f"'{name}'" for name in joined)
    return (f"{which} would be learned as a class: are these several labels of one image?",) if joined else ()


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
