"""Split names as people write them: `train`, `Training`, `val2017`, `test_set`."""

import re
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
