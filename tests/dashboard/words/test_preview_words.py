"""What a preview says of how it comes by its chips."""

import pytest

from dashboard.computing.answers import PreviewWay
from dashboard.words.preview_words import own_words, shared_words
from neft.input_kinds import IMAGE, INPUT_KINDS, SERIES

EXACT = "meets a chip of its own, drawn layer by layer, which is exact."


@pytest.mark.parametrize(
    ("unequal", "drawn", "words"),
    [
        (0, 0, "A channel's weights miss alike on FeFET2, so its outputs' deviations are drawn directly."),
        (3, 0, "Weights on FeFET2 miss by different amounts; fully connected layers sum their variances."),
        (
            8,
            6,
            "by different amounts, so weights are drawn in 6 of 8 layers, for a few images at a time, each with signs",
        ),
        (8, 8, "weights are drawn in every layer, for a few images at a time"),
        (
            0,
            2,
            "To that end weights are drawn in 2 of 8 layers, for a few images at a time, each with signs of its own.",
        ),
    ],
)
def test_where_every_image_has_a_chip_it_is_said_what_is_drawn_and_why(unequal: int, drawn: int, words: str) -> None:
    found = own_words(PreviewWay(None, 8, unequal, drawn), IMAGE, device="FeFET2")

    assert found.startswith(f"Every image {EXACT}")
    assert words in found


def test_what_is_no_image_is_called_what_it_is() -> None:
    assert own_words(PreviewWay(None, 8, 0, 6), INPUT_KINDS[SERIES], device="RRAM1").startswith(f"Every series {EXACT}")


def test_where_chips_are_shared_it_is_said_why() -> None:
    assert shared_words("Because.", IMAGE) == (
        "Images share real chips here, in groups: the band narrows more slowly. Because."
    )
