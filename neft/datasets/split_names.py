"""Split names as people write them: `train`, `Training`, `val2017`, `test_set`."""

import re
from collections.abc import Collection
from typing import Literal

SplitName = Literal["train", "validation", "test"]
SPLIT_NAMES: tuple[SplitName, ...] = ("train", "validation", "test")

_WRITTEN: dict[SplitName, str] = {
    "train": "train|training",
    "validation": "val|valid|validate|validation|dev|development",
    "test": "test|testing|eval|evaluation|holdout",
}
_AROUND = r"(?:seg[ _-])?(?:{})(?:[ _-]?(?:set|data|split|part|images?|imgs?))?(?:[ _-]?\d+)?"
_PATTERNS: dict[SplitName, re.Pattern[str]] = {
    split: re.compile(_AROUND.format(written)) for split, written in _WRITTEN.items()
}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SHORT: dict[SplitName, frozenset[str]] = {
    "train": frozenset({"tr", "trn", "trg"}),
    "validation": frozenset({"va", "vl", "vld", "vali"}),
    "test": frozenset({"te", "ts", "tst"}),
}
_LONG_WORD = 7
"""Letters of a word that no other word is a slip of."""
_JOINED_WORD = 4
"""Letters of a word that is seen within a longer one, as in `xtrain` and `testset`."""
_FOLD = re.compile(r"(?:cv|fold|part|split|subset)[ _-]?\d+")


def split_of(name: str) -> SplitName | None:
    """The split that a name means; None where it means none.

    >>> split_of("Training"), split_of("val2017"), split_of("test_set"), split_of("trainer")
    ('train', 'validation', 'test', None)
    """
    lowered = name.strip().lower()
    for split in SPLIT_NAMES:
        if _PATTERNS[split].fullmatch(lowered):
            return split
    return None


def is_fold(name: str) -> bool:
    """Whether a name is that of a part of a data set that does not say what it is for, as `fold_1`."""
    return _FOLD.fullmatch(name.strip().lower()) is not None


def look_like_splits(names: Collection[str]) -> tuple[str, ...]:
    """Those of the names beside each other that may be splits, though they are used as something else.

    A name that means a split may be one by itself, and so may a long word with one slip, as `vlaidation`. Names that
    hold such a word, shorten it or spell it wrong (`cats_train`, `trn`, `tset`) may be where they stand for more than
    one split and are at least half of the names: a class may be called `train station`, `rest` or `tr`.

    >>> look_like_splits(["a", "b", "val"]), look_like_splits(["trn", "tst"]), look_like_splits(["rain", "test tube"])
    (('val',), ('trn', 'tst'), ('rain', 'test tube'))
    >>> look_like_splits(["rain", "snow", "sun"])
    ()
    """
    clear = [name for name in names if split_of(name) or _slip_of_long_word(name)]
    resembling = {name: found for name in names if (found := resembled(name)) is not None}
    if len(set(resembling.values())) > 1 and 2 * len(resembling) >= len(names):
        return tuple(resembling)
    return tuple(clear)


def resembled(name: str) -> SplitName | None:
    """The split that a name means or resembles: by a word of it, a short form or a slip; None for none.

    >>> resembled("trainA"), resembled("cats-test"), resembled("x_te"), resembled("vlaid"), resembled("cat")
    ('train', 'test', 'test', 'validation', None)
    """
    meant = split_of(name)
    if meant is not None:
        return meant
    for word in _words(name):
        for split in SPLIT_NAMES:
            if word in _SHORT[split] or any(_is_like(word, known) for known in _WRITTEN[split].split("|")):
                return split
    return None


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _is_like(word: str, known: str) -> bool:
    is_joined = len(known) >= _JOINED_WORD and (word.startswith(known) or word.endswith(known))
    return word == known or is_joined or (len(known) >= _JOINED_WORD and _is_slip(word, known))


def _slip_of_long_word(name: str) -> bool:
    known = [word for written in _WRITTEN.values() for word in written.split("|") if len(word) >= _LONG_WORD]
    return any(_is_slip(name.strip().lower(), word) for word in known)


def _is_slip(word: str, known: str) -> bool:
    """Whether one letter is missing, too many or another, or two neighbours are swapped."""
    if abs(len(word) - len(known)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known)))
    ours, theirs = word[start:], known[start:]
    is_swapped = len(ours) > 1 and ours[:2] == theirs[:2][::-1] and ours[2:] == theirs[2:]
    return is_swapped or ours[1:] == theirs[1:] or ours[1:] == theirs or ours == theirs[1:]
