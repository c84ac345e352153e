"""The worst case in words, from numbers that `neft` computed."""

import pandas as pd

from dashboard.data.worst_cases import WorstChip
from dashboard.words.sentences import SIGMA_D, percent
from neft import columns
from neft.input_kinds import IMAGE, Called
from neft.sigma_d import sigma_d_text

WRITE_VERIFY = 0.03
"""What write-verify leaves: the bound that is said where it was tried ([Yan2022])."""
TOLERANCE = 1e-6
"""Bounds nearer to each other are one."""
HALF = 0.5
UPPER_BOUND = "What was found is an upper bound on the true minimum: a better search may find lower."


def finding(table: pd.DataFrame, chip: WorstChip | None, *, num_images: int, called: Called = IMAGE) -> str:
    """The page's first sentence: what an adversary leaves, what chance leaves, and from where on less than half.

    Args:
        table: a row per th_g, by ascending th_g, the first without deviations.
        chip: the worst sampled chip, where one is known.
        num_images: test inputs.
        called: what they are called.
    """
    at_verify = table[(table[columns.TH_G] - WRITE_VERIFY).abs() < TOLERANCE]
    row = (at_verify if len(at_verify) else table).iloc[-1]
    clean = table[columns.ACCURACY].iloc[0]
    lowest = min(row[columns.UNIFORM_MIN], row[columns.GAUSSIAN_MIN])
    first = (
        f"With no weight off by more than {bound_text(row[columns.TH_G])} of its layer's largest "
        f"($th_g$ = {row[columns.TH_G]:g}), an adversary who chooses the deviations brings the network from "
        f"{percent(clean)} % to **{percent(row[columns.ACCURACY])} %** of {num_images:,} test {called.many} right; of "
        f"random deviations within the same bound the worst leaves {percent(lowest)} %."
    )
    sentences = [first, half_words(table, called)]
    if chip is not None:
        sentences.append(
            f"The worst of {chip.num_chips:,} sampled chips at {SIGMA_D} = {sigma_d_text(chip.sigma_d)} keeps "
            f"{percent(chip.accuracy)} %."
        )
    return " ".join([*sentences, UPPER_BOUND])


def half_words(table: pd.DataFrame, called: Called = IMAGE) -> str:
    """The smallest bound that was tried at which less than half of the images are right."""
    fallen = table[table[columns.ACCURACY] < HALF]
    largest = bound_text(table[columns.TH_G].iloc[-1])
    if fallen.empty:
        return f"Up to {largest} more than half of the {called.many} stay right."
    first = fallen[columns.TH_G].iloc[0]
    if first == 0:
        return f"Even without deviations less than half of the {called.many} are right."
    words = f"Of the bounds tried, {bound_text(first)} is the smallest that leaves less than half of the "
    return f"{words}{called.many} right."


def bound_text(th_g: float) -> str:
    """A bound as a share.

    >>> bound_text(0.03), bound_text(0.004)
    ('3 %', '0.4 %')
    """
    return f"{100 * th_g:g} %"


def chip_name(chip: WorstChip | None) -> str:
    """What the line of the worst sampled chip is called in a legend."""
    if chip is None:
        return ""
    return f"worst of {chip.num_chips:,} sampled chips at σ<sub>d</sub> = {sigma_d_text(chip.sigma_d)}"
