"""Single chips, inputs and weights in words."""

from typing import Any

import pandas as pd
import pytest

from dashboard.data import weights
from dashboard.words import chip_words
from neft import columns
from tests.dashboard.told import assert_tells

NAMES = ("cat", "dog", "owl")
FACTS: dict[str, Any] = {
    "instance": 137,
    "rank": 2,
    "num_chips": 200,
    "sigma_d": 0.1,
    "accuracy": 0.612,
    "clean": 0.978,
    "mean": 0.784,
    "ci95": 0.009,
    "num_images": 2000,
}


def test_a_chip_is_named_with_its_rank_and_beside_the_mean_chip() -> None:
    said = chip_words.chip_finding(name="1st-percentile", **FACTS)
    itself = ("0.1", "chip 137", "1st-percentile", "2nd worst of 200", "61.2 %", "2,000 images")
    assert_tells(said, *itself, "78.4 ± 0.9 %", "95 % interval", "200 chips", "97.8 %")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": "", "rank": 100}, "**chip 137** is the 100th worst of 200: "),
        ({"name": "worst", "rank": 1}, "**chip 137** is the worst of 200: "),
        ({"name": "median", "rank": 1, "num_chips": 1, "ci95": float("nan")}, "keeps 78.4 % and the network"),
    ],
)
def test_what_needs_no_saying_is_left_out(changed: dict[str, Any], words: str) -> None:
    assert words in chip_words.chip_finding(**(FACTS | changed))


@pytest.mark.parametrize(
    ("flipped", "commonest", "facts"),
    [
        (68, (1, 0, 12), ("68 images", "dog → cat", "12", "3")),
        (4, (1, 0, 1), ("4 images", "3")),
        (1, (1, 0, 1), ("1 image", "3")),
        (0, None, ("no image", "3")),
    ],
)
def test_flips_are_counted_with_the_commonest(
    flipped: int, commonest: tuple[int, int, int] | None, facts: tuple[str, ...]
) -> None:
    assert_tells(chip_words.flip_words(flipped, 3, commonest, NAMES), *facts)


def test_a_chip_that_differs_from_the_stored_one_says_by_how_much() -> None:
    same = chip_words.check_words(0.5, 0.5, num_right=50, num_images=100, off_by=0)
    other = chip_words.check_words(0.5, 0.51, num_right=50, num_images=100, off_by=1)

    assert_tells(same, "50 of 100 images", "50.00 %", "exactly")
    assert_tells(other, "50 of 100 images", "50.00 %", "51.00 %", "1 image")


@pytest.mark.parametrize(
    ("counts", "others"),
    [
        ((0, 83, 17), ("17", "owl")),
        ((0, 100, 0), ("none",)),
        ((60, 30, 10), ("60", "cat", "10", "owl")),
    ],
)
def test_votes_are_said_with_their_interval_and_the_others(
    counts: tuple[int, int, int], others: tuple[str, ...]
) -> None:
    tally = pd.DataFrame(
        {columns.PREDICTED_CLASS: range(3), columns.NUM_VOTES: counts, columns.LOWER: 0.4, columns.UPPER: 0.6}
    )
    words = chip_words.votes_finding(tally, image=7, truth=1, num_chips=100, sigma_d=0.2, class_names=NAMES)
    votes = ("0.2", f"{counts[1]} of 100 chips", "image 7", "dog", "95 % interval 40 to 60 %")
    assert_tells(words, *votes, *others)


def test_votes_for_many_classes_are_cut() -> None:
    tally = pd.DataFrame(
        {columns.PREDICTED_CLASS: range(6), columns.NUM_VOTES: 2, columns.LOWER: 0.0, columns.UPPER: 1.0}
    )
    words = chip_words.votes_finding(tally, image=7, truth=1, num_chips=12, sigma_d=0.2, class_names="abcdef")
    assert words.endswith("2 say a, 2 say c, 2 say d and 2 classes more.")


def test_the_equations_hold_the_weights_numbers() -> None:
    # code 128 of 255: levels 2, 0, 0, 0, most significant first
    sliced = weights.slice_on("rram1", weight=-0.5, w_max=1.0, weight_bits=8, device_bits=2, sigma_d=0.1)
    rows = sliced.slices(3)

    target = weights.target_equation(sliced, rows)
    programmed = weights.programmed_equation(sliced, rows, 3)

    assert r"&= -\tfrac{1}{255}\,(2\cdot 64 + 0\cdot 16 + \\ &\quad 0\cdot 4 + 0\cdot 1)" in target
    assert target.endswith(r"&= -\tfrac{1}{255}\cdot 128 = -0.5020\end{aligned}")
    first = rows[columns.LEVEL_ERROR][0]
    assert rf"&= -0.5020 \\ &\quad -\tfrac{{1}}{{255}}\,({first:+.3f}\cdot 64" in programmed
    assert programmed.endswith(rf"&= {sliced.programmed[3]:.4f}\end{{aligned}}")


@pytest.mark.parametrize(
    ("device", "weight_bits", "device_bits"),
    [
        ("rram1", 8, [1, 2, 4, 8]),
        ("rram1", 5, [1, 5]),
        ("fefet6", 8, [2]),
        ("fefet6", 5, []),
        ("rram1", 16, [1, 2, 4, 8]),
    ],
)
def test_a_device_holds_bits_that_divide_the_weights_and_that_it_knows(
    device: str, weight_bits: int, device_bits: list[int]
) -> None:
    assert weights.device_bits_of(device, weight_bits) == device_bits
