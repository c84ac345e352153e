"""Images of one's own as they were found: which there are, of which class and split, before any is read."""

import hashlib
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor

from neft.datasets.split_names import SPLIT_NAMES, SplitName
from neft.datasets.splits import cut, hold_out, take_evenly
from neft.errors import ConfigError

HELD_OUT_FRACTION = 0.15
"""Of all images, for validation and for test each, where no splits are given."""
MIN_CLASSES = 2
MIN_PER_CLASS = 10
"""With 15 % of them at least one image of each class is in each split."""
CHECKSUM_DIGITS = 16
CHECKSUM_FORMAT = b"images 1\n"
"""Begins what is summed: a later way to sum cannot be taken for this one."""
SETTLED_NS = 2_000_000_000
"""A file that was written so lately may be written again within the same tick of its clock: its sum is not kept."""
MAX_NAMED = 20


@dataclass(frozen=True)
class FoundImages:
    """Which images there are, in their order."""

    names: tuple[str, ...]
    """By which messages call them."""
    labels: tuple[int, ...]
    class_names: tuple[str, ...]
    splits: tuple[SplitName, ...] | None
    """Of each image; None where they are one heap."""
    checksums: tuple[str, ...]
    """What the numbers depend on: of each image its content and its place, or of the arrays that hold them."""
    notes: tuple[str, ...] = ()
    """Sentences on what was left out or decided."""
    doubts: tuple[str, ...] = ()
    """Sentences on what cannot be decided: asked before the images are used."""

    @property
    def checksum(self) -> str:
        """Of content, names (they decide the splits), classes and splits; of nothing else that lies there."""
        found = hashlib.sha256(CHECKSUM_FORMAT)
        splits = self.splits or ("",) * len(self.names)
        for name, label, split in zip(self.names, self.labels, splits, strict=True):
            found.update(f"{name}\t{self.class_names[label]}\t{split}\n".encode("utf-8", "surrogateescape"))
        for one in self.checksums:
            found.update(f"{one}\n".encode())
        return found.hexdigest()[:CHECKSUM_DIGITS]

    def parts(self, max_train: int | None) -> dict[SplitName, Int[Tensor, " images"]]:
        """Indices of the three splits: as given, else 70 % train, 15 % validation, 15 % test, each class in proportion.

        Raises:
            ConfigError: too few images of some class, or `max_train` below the number of classes.
        """
        labels = torch.tensor(self.labels)
        if self.splits is None:
            count = round(HELD_OUT_FRACTION * len(labels))
            train, validation, test = cut(labels, num_validation=count, num_test=count, max_train=max_train)
            return {"train": train, "validation": validation, "test": test}
        of_each: dict[SplitName, Tensor] = {
            split: torch.tensor([place for place, given in enumerate(self.splits) if given == split], dtype=torch.long)
            for split in SPLIT_NAMES
        }
        if not len(of_each["validation"]):
            train = of_each["train"]
            count = round(HELD_OUT_FRACTION * len(train))
            kept, held = hold_out(labels[train], count=count, purpose="validation")
            of_each["train"], of_each["validation"] = train[kept], train[held]
        train = of_each["train"]
        of_each["train"] = train[take_evenly(labels[train], max_train)]
        return of_each


def settled_splits(
    given: Iterable[SplitName | None], labels: Iterable[int], class_names: tuple[str, ...], *, owner: str
) -> tuple[tuple[SplitName, ...] | None, tuple[str, ...]]:
    """The splits as they are used, and what is to be said of them; None where no image has one.

    Without a test split the validation split is tested on, as published sets do whose test labels are kept back.

    Args:
        given: of each image, None where none is given.
        labels: of each image.
        class_names: by label.
        owner: whose settings they are, for messages.

    Raises:
        ConfigError: some images have a split and others none, nothing is left to train or to test on, or a class is
            not in the training split.
    """
    each, classes = list(given), list(labels)
    present = {split for split in each if split is not None}
    if not present:
        return None, ()
    if None in each:
        message = f"{owner}: {each.count(None):,} of {len(each):,} images belong to no split, the others do."
        raise ConfigError(message)
    if "train" not in present or len(present) < 2:
        message = (
            f"{owner}: the images are in the split {_and(sorted(present))} alone; there must be 'train' and one of "
            "'val' and 'test' beside it. Without any such name, 70 % are trained on."
        )
        raise ConfigError(message)
    has_test = "test" in present
    used: list[SplitName] = [_tested(split) if not has_test else split for split in each if split is not None]
    splits = tuple(used)
    notes = _split_notes(splits, classes, class_names, owner=owner, was_validation=not has_test)
    return splits, notes


def _tested(split: SplitName) -> SplitName:
    """What a split is for where there is no test split."""
    return "test" if split == "validation" else split


def _split_notes(
    splits: tuple[SplitName, ...], labels: list[int], class_names: tuple[str, ...], *, owner: str, was_validation: bool
) -> tuple[str, ...]:
    counts = Counter(splits)
    there = {split: {label for label, of in zip(labels, splits, strict=True) if of == split} for split in counts}
    untrained = set(range(len(class_names))) - there["train"]
    if untrained:
        named = _and(class_names[label] for label in sorted(untrained))
        message = f"{owner}: the training split holds no image of {named}; every class must be in it."
        raise ConfigError(message)
    said = ", ".join(f"{counts[split]:,} {split}" for split in SPLIT_NAMES if split in counts)
    notes = [f"The splits that are there are used: {said}."]
    if was_validation:
        notes.append("There is no test split: the validation split is tested on.")
    if "validation" not in counts:
        notes.append(f"{HELD_OUT_FRACTION:.0%} of the training split are held out to validate on.")
    for split in ("validation", "test"):
        absent = there["train"] - there.get(split, there["train"])
        if absent:
            named = _and(class_names[label] for label in sorted(absent))
            notes.append(f"The {split} split holds no image of {named}.")
    return tuple(notes)


def class_order(names: Iterable[str]) -> tuple[str, ...]:
    """Classes in their order: numbers by their value, else words by the alphabet.

    >>> class_order(["10", "9"]), class_order(["b", "a", "a"])
    (('9', '10'), ('a', 'b'))
    """
    known = set(names)
    numbers = all(name.removeprefix("-").isdecimal() for name in known)
    return tuple(sorted(known, key=int) if numbers else sorted(known))


def file_checksum(path: Path) -> str:
    """SHA-256 of a file's content, in hex; remembered while the file is what it was.

    Raises:
        OSError: it cannot be read.
    """
    found = path.stat()
    if time.time_ns() - found.st_mtime_ns < SETTLED_NS:
        return _read_checksum(path)
    return _kept_checksum(path.absolute(), found.st_size, found.st_mtime_ns, found.st_ino)


def named(items: Iterable[str]) -> str:
    """The first of many, and how many more there are."""
    each = list(items)
    more = f" and {len(each) - MAX_NAMED:,} more" if len(each) > MAX_NAMED else ""
    return f"{', '.join(each[:MAX_NAMED])}{more}"


def _and(items: Iterable[str]) -> str:
    return named(f"'{item}'" for item in items)


@lru_cache(maxsize=500_000)
def _kept_checksum(path: Path, *_state: int) -> str:
    return _read_checksum(path)


def _read_checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
