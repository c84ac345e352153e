"""Single chips, inputs and weights in words, from numbers that `neft` computed."""

from collections.abc import Sequence

import pandas as pd

from dashboard.words.sentences import SIGMA_D, percent, with_interval
from neft import columns
from neft.input_kinds import IMAGE, Called
from neft.sigma_d import sigma_d_text


def chip_finding(
    *,
    name: str,
    instance: int,
    rank: int,
    num_chips: int,
    sigma_d: float,
    accuracy: float,
    clean: float,
    mean: float,
    ci95: float,
    num_images: int,
    num_ranked: int | None = None,
    called: Called = IMAGE,
) -> str:
    """The chip page's first sentence: which chip this is, what it keeps, and what the mean chip keeps.

    Its rank is among `num_ranked` chips where those are others than the `num_chips` that the mean is of.
    """
    chips = f"{num_chips} chip{'' if num_chips == 1 else 's'}"
    place = rank_words(rank, num_chips if num_ranked is None else num_ranked)
    if name and not place.startswith("the "):
        which = f"the {name} chip, {place}"
    else:
        which = f"the {place.removeprefix('the ')}"
    interval = f" (95 % interval over {chips})" if num_chips > 1 else ""
    return (
        f"At device variation {SIGMA_D} = {sigma_d_text(sigma_d)}, **chip {instance}** is {which}: "
        f"**{percent(accuracy)} %** of {called.count(num_images)} right, where the mean chip keeps "
        f"{with_interval(mean, ci95)}{interval} and the network without variation {percent(clean)} %."
    )


def flip_words(
    num_flipped: int,
    num_mended: int,
    commonest: tuple[int, int, int] | None,
    class_names: Sequence[str],
    called: Called = IMAGE,
) -> str:
    """How many images a chip flips, mostly which, and how many it mends."""
    if commonest is None:
        return f"It flips no {called.one} and mends {num_mended}."
    true, said, count = commonest
    mostly = f"mostly {class_names[true]} → {class_names[said]} ({count})" if count > 1 else "no two alike"
    which = f", {mostly}," if num_flipped > 1 else ""
    return f"It flips {called.count(num_flipped)}{which} and mends {num_mended}."


def rank_words(rank: int, num_chips: int) -> str:
    """Where a chip stands, from the nearer end.

    >>> rank_words(2, 200), rank_words(1, 200), rank_words(199, 200), rank_words(100, 200)
    ('2nd worst of 200', 'the worst of 200', '2nd best of 200', '100th worst of 200')
    >>> rank_words(1, 1), rank_words(3, 10_000)
    ('the only one', '3rd worst of 10,000')
    """
    if num_chips == 1:
        return "the only one"
    from_above = num_chips - rank + 1
    place, end = (rank, "worst") if rank <= from_above else (from_above, "best")
    return f"the {end} of {num_chips:,}" if place == 1 else f"{ordinal(place)} {end} of {num_chips:,}"


def check_words(
    accuracy: float,
    stored: float,
    *,
    num_right: int,
    num_images: int,
    off_by: int,
    called: Called = IMAGE,
    by: str = "evaluation",
) -> str:
    """Whether the opened chip is the stored one, and by what that was stored."""
    opened = f"Opened again it has {num_right:,} of {called.count(num_images)} right, {percent(accuracy, 2)} %"
    if off_by == 0:
        return f"{opened}: exactly what the {by} stored."
    return (
        f"{opened}; the {by} stored {percent(stored, 2)} %, {called.count(off_by)} apart. Another machine's "
        f"arithmetic can tip {called.many} that lie between two classes."
    )


def votes_finding(
    tally: pd.DataFrame,
    *,
    image: int | None,
    truth: int,
    num_chips: int,
    sigma_d: float,
    class_names: Sequence[str],
    called: Called = IMAGE,
) -> str:
    """The votes page's first sentence: how many chips have the image right, and what else they say; None: a drawing."""
    right = tally.iloc[truth]
    true_name = class_names[truth]
    interval = f"{percent(right[columns.LOWER], 0)} to {percent(right[columns.UPPER], 0)} %"
    what = (
        f"your drawing is {true_name}, as you meant it"
        if image is None
        else f"{called.one} {image} is {true_name}, which it is"
    )
    words = (
        f"At device variation {SIGMA_D} = {sigma_d_text(sigma_d)}, **{int(right[columns.NUM_VOTES])} of {num_chips} "
        f"chips** say that {what} (95 % interval {interval})"
    )
    others = tally[(tally[columns.PREDICTED_CLASS] != truth) & (tally[columns.NUM_VOTES] > 0)]
    others = others.sort_values(columns.NUM_VOTES, ascending=False, kind="stable")
    said = ", ".join(
        f"{int(row[columns.NUM_VOTES])} say {class_names[int(row[columns.PREDICTED_CLASS])]}"
        for row in others.head(3).to_dict("records")
    )
    rest = f" and {len(others) - 3} classes more" if len(others) > 3 else ""
    return f"{words}; {said}{rest}." if said else f"{words}; none says otherwise."


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, `11th`.

    >>> ordinal(1), ordinal(12), ordinal(23)
    ('1st', '12th', '23rd')
    """
    if 10 < number % 100 < 14:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
