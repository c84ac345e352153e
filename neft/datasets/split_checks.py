"""What the three splits of one's own images are to each other, as the network sees them."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping

from neft.datasets.base import Split
from neft.datasets.image_files import DARK
from neft.datasets.split_names import SplitName

FEW = 100
"""Test images of which each moves accuracy by more than a point."""


def split_notes(splits: Mapping[SplitName, Split]) -> tuple[str, ...]:
    """In sentences: few test images, splits of another brightness, images in more than one split or class."""
    few = len(splits["test"])
    small = f"There are {few} test images: each moves accuracy by {100 / few:.1f} points." if few < FEW else ""
    notes = (small, _brightness_note(splits), *_repeated_notes(splits))
    return tuple(note for note in notes if note)


def _brightness_note(splits: Mapping[SplitName, Split]) -> str:
    brightest = {name: int(split.images.max()) for name, split in splits.items()}
    if min(brightest.values()) * DARK > max(brightest.values()):
        return ""
    said = ", ".join(f"{value} in {name}" for name, value in brightest.items())
    return f"The splits' brightest pixels are {said}, of 255: they may not be on one scale."


def _repeated_notes(splits: Mapping[SplitName, Split]) -> tuple[str, str]:
    labels: dict[bytes, set[int]] = defaultdict(set)
    sums: dict[SplitName, list[bytes]] = {}
    for name, split in splits.items():
        sums[name] = [hashlib.blake2b(image.numpy().tobytes(), digest_size=16).digest() for image in split.images]
        for one, label in zip(sums[name], split.labels.tolist(), strict=True):
            labels[one].add(label)
    trained = set(sums["train"])
    others = [one for name, each in sums.items() if name != "train" for one in each]
    repeated = sum(one in trained for one in others)
    torn = sum(len(labels[one]) > 1 for each in sums.values() for one in each)
    total = sum(map(len, sums.values()))
    return (
        f"{repeated:,} of {len(others):,} validation and test images are training images too, pixel for pixel."
        if repeated
        else "",
        f"{torn:,} of {total:,} images are in several classes, pixel for pixel." if torn else "",
    )
