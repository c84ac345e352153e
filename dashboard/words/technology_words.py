"""Device technologies in words, from numbers that `neft` computed."""

from collections.abc import Mapping

import pandas as pd

from dashboard.computing.answers import StdAt, Technology
from dashboard.words.sentences import SIGMA_D
from neft import columns

OF_G_MAX = "of g_max"


def finding_words(found: Technology) -> str:
    """How far a technology misses, over its range, and what sigma_d that is."""
    shares = found.curve[columns.STD] / (found.g_max - found.g_min)
    least, most = shares.min(), shares.max()
    if found.is_open:
        return (
            f"**{found.label}** ({found.technology}): its source leaves {SIGMA_D} open; drawn is {SIGMA_D} = "
            f"{found.sigma_d:g}."
        )
    size = f"{100 * least:.2g} %" if least == most else f"{100 * least:.2g} to {100 * most:.2g} %"
    return (
        f"**{found.label}** ({found.technology}) misses by {size} of its range. As devices of {found.device_bits} "
        f"bits: {SIGMA_D} = {found.sigma_d:.4g}."
    )


def range_words(found: Technology) -> str:
    """Where its formula was measured."""
    return f"{found.g_min:g} to {found.g_max:g} {found.unit}" if found.unit else "0 to g_max (no µS told)"


def sampled_words(found: Technology) -> str:
    """How the sampled devices lie beside the formula."""
    inside = (found.sampled[columns.STD] >= found.sampled[columns.LOWER]) & (
        found.sampled[columns.STD] <= found.sampled[columns.UPPER]
    )
    return (
        f"Rings: {found.num_sampled:,} devices a level, drawn as chips draw them; the formula lies within the 95 % "
        f"interval of {int(inside.sum())} of {len(inside)} levels."
    )


def std_words(found: Technology, conductance: float, at: StdAt) -> str:
    """std(g) at one conductance."""
    unit = found.unit or OF_G_MAX
    share = at.std / (found.g_max - found.g_min)
    return f"At g = {conductance:g} {unit}: σ = **{at.std:.4g} {unit}**, {100 * share:.3g} % of the range."


def conversion_table(conversion: Mapping[str, float], units: Mapping[str, str]) -> str:
    """A std in every unit, to four digits, as a table in Markdown.

    >>> print(conversion_table({"a": 0.123456, "b": 5.0}, {"a": "A", "b": "B"}))
    | A | B |
    | ---: | ---: |
    | **0.1235** | **5** |
    """
    heads = " | ".join(units.values())
    values = " | ".join(f"**{conversion[name]:.4g}**" for name in units)
    return f"| {heads} |\n|{' ---: |' * len(units)}\n| {values} |"


def facts_table(found: Technology) -> Mapping[str, str]:
    """What a card tells, by what it is."""
    levels = f"{len(found.levels)}, evenly over the range"
    always = {
        "Technology": found.technology,
        "Source": found.source,
        "Valid range": range_words(found),
        "Levels": levels,
    }
    return always | ({"Besides": found.besides} if found.besides else {})


def shown_levels(found: Technology) -> pd.DataFrame:
    """A row per level as a table shows it, shares in per cent."""
    table = found.levels.assign(**{columns.SAMPLED_STD: found.sampled[columns.SAMPLED_STD]})
    table[columns.RANGE_SHARE] *= 100
    order = [columns.LEVEL, columns.CONDUCTANCE, columns.STD, columns.SAMPLED_STD]
    return table[[*order, columns.LEVEL_STD, columns.RANGE_SHARE]]
