"""The results pages in words, from numbers that `neft` computed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pandas as pd

from dashboard.charts.frames import number_words
from dashboard.data.results import NUM_FAILED, SHARES, WITHIN, percentile_name
from dashboard.words.percentile_words import percentile_cell
from dashboard.words.sentences import SIGMA_D, digits_of, percent, signed, with_interval
from neft import columns
from neft.input_kinds import IMAGE, Called
from neft.sigma_d import same_sigma_d, sigma_d_text


class Growth(Protocol):
    """Chips that are being opened."""

    @property
    def num_chips(self) -> int:
        """How many there will be."""
        ...

    @property
    def num_images(self) -> int:
        """On how many images."""
        ...

    @property
    def seconds(self) -> float:
        """Spent on them so far."""
        ...

    @property
    def deployed(self) -> Sequence[Any]:
        """Those opened so far."""
        ...


NATS_DIGITS = 3
MANY_SEEDS = 10
MOSTLY = 0.5
"""A part that is more than this share of a variance is what it mostly is."""
PARTS = dict(zip(SHARES, ("the training", "the chip", "the chip in that training"), strict=True))


def variance_words(parts: pd.DataFrame) -> str:
    """What each method's spread mostly is."""
    if parts.empty:
        return ""
    if (parts[columns.NUM_SEEDS] < 2).all():
        return "With one training a method, trainings and chips cannot be told apart."
    by_verdict: dict[str, list[str]] = {}
    for row in parts.to_dict("records"):
        shares = {words: float(row[name]) for name, words in PARTS.items()}
        if not any(math.isnan(share) for share in shares.values()):
            most = max(shares, key=lambda words: shares[words])
            verdict = f"{'Mostly' if shares[most] > MOSTLY else 'First of all'} {most}"
            by_verdict.setdefault(verdict, []).append(str(row[columns.LABEL]))
    seeds = int(parts[columns.NUM_SEEDS].max())
    rough = f" The training's part is known from {seeds} seeds only." if seeds < MANY_SEEDS else ""
    each = ". ".join(f"{verdict}: {', '.join(labels)}" for verdict, labels in by_verdict.items())
    return f"{each}.{rough}" if each else ""


def differences_words(differences: pd.DataFrame, reference_label: str) -> str:
    """At how many device variations each method is told apart from the reference."""
    if differences.empty:
        return ""
    each: list[str] = []
    for label, rows in differences.groupby(columns.LABEL, sort=False):
        known = rows[rows[columns.CI95].notna() & (rows[columns.CI95] > 0)]
        counts = {"better": int((known[columns.LOWER] > 0).sum()), "worse": int((known[columns.UPPER] < 0).sum())}
        told = " and ".join(f"{verdict} at {count}" for verdict, count in counts.items() if count)
        each.append(f"{label} {told or 'at none'} of {len(rows)}")
    return f"Told apart from {reference_label}: {'; '.join(each)}."


def left_out_words(differences: pd.DataFrame, drawn: pd.DataFrame) -> str:
    """What is not in the picture, and how far it reaches."""
    if len(drawn) == len(differences):
        return ""
    gone = differences[~differences[columns.VARIANT].isin(drawn[columns.VARIANT])]
    low, high = (signed(value) for value in (gone[columns.MEAN].min(), gone[columns.MEAN].max()))
    return f"Not drawn, as it would flatten the rest: {gone[columns.LABEL].iloc[0]} ({low} to {high} points)."


def read_out_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The slice as people read it: a row per method, in words."""
    return pd.DataFrame(
        {
            "Method": rows[columns.LABEL],
            "Accuracy": [
                with_interval(mean, ci95) for mean, ci95 in zip(rows[columns.MEAN], rows[columns.CI95], strict=True)
            ],
            "N": [
                f"{seeds} × {chips}"
                for seeds, chips in zip(rows[columns.NUM_SEEDS], rows[columns.NUM_INSTANCES], strict=True)
            ],
            **{
                percentile_name(percentile): [percentile_cell(row, percentile) for row in rows.to_dict("records")]
                for percentile in (5, 1)
            },
            "Failed": [
                f"{int(failed)} of {int(seeds)}"
                for failed, seeds in zip(rows[NUM_FAILED], rows[columns.NUM_SEEDS], strict=True)
            ],
        }
    )


def weights_title(layers: pd.DataFrame, audit: pd.DataFrame, sigma_d: float) -> str:
    """The page's title: by how much weights miss, and what that is beside a typical weight, from layer to layer.

    Args:
        layers: from `neft.tables.layers_over_methods`, at least one.
        audit: from `neft.tables.noise_audit`.
        sigma_d: where.
    """
    beside = f"{_range(layers[columns.MEAN], 0)} % of a typical weight, by layer"
    at = f"At {SIGMA_D} = {sigma_d_text(sigma_d)}, "
    if audit.empty:
        return f"{at}a weight misses by {beside}"
    return f"{at}a weight misses by {_range(audit[columns.CLOSED_FORM_STD], 1)} % of its layer's largest: {beside}"


def _range(fractions: "pd.Series[float]", digits: int) -> str:
    low, high = (percent(float(value), digits) for value in (fractions.min(), fractions.max()))
    return low if low == high else f"{low} to {high}"


def audit_words(audit: pd.DataFrame) -> str:
    """How many layers lie outside the range of honest samples, and how many would by chance."""
    if audit.empty:
        return ""
    # networks of equal shape meet the same draws: their layers are counted once
    layers = audit.assign(ratio=audit["ratio"].round(4)).drop_duplicates([columns.LAYER, "ratio"])
    outside, count = int((~layers[WITHIN].astype(bool)).sum()), len(layers)
    by_chance = 0.05 * count
    return (
        f"{outside} of {count} sampled layers {'lies' if outside == 1 else 'lie'} outside; by chance "
        f"{by_chance:.1f} would."
    )


def sizes_words(sizes: pd.DataFrame) -> str:
    """How large a typical weight is beside the largest, and so a typical deviation beside a typical weight."""
    if sizes.empty:
        return ""
    means = sizes.groupby([columns.VARIANT, columns.LABEL], sort=False)[[columns.MEAN, "deviation_to_weight"]].mean()
    each = ", ".join(
        f"{label}: {percent(row[columns.MEAN], 0)} %" for (_, label), row in zip(means.index, _rows(means), strict=True)
    )
    return f"RMS weight over the largest, mean over layers: {each}."


def alike_words(num_methods: int, spread: float) -> str:
    """How little methods differ in the layer in which they differ the most, as a share of their mean.

    >>> alike_words(5, 0.06)
    'The 5 methods differ by at most 6 % of it.'
    """
    return f"The {num_methods} methods differ by at most {percent(spread, 0)} % of it." if num_methods > 1 else ""


def small_words(shares: Mapping[str, float], small: float) -> str:
    """How many of each method's weights are small beside the largest."""
    each = ", ".join(f"{label}: {percent(share, 0)} %" for label, share in shares.items())
    return f"Below {percent(small, 0)} % of their layer's largest lie: {each}."


def calibration_words(before: pd.DataFrame, sigma_d: float) -> str:
    """Each method's stored calibration error at the slice."""
    at = before[same_sigma_d(before[columns.SIGMA_D], sigma_d)]
    if at.empty:
        return ""
    each = ", ".join(
        f"{row[columns.LABEL]}: {with_interval(row[columns.MEAN], row[columns.CI95])}" for row in at.to_dict("records")
    )
    return f"At {SIGMA_D} = {sigma_d_text(sigma_d)}: {each}."


def opened_words(streams: Sequence[Growth], called: Called = IMAGE) -> str:
    """How far the opening of chips is."""
    done, wanted = sum(len(stream.deployed) for stream in streams), sum(stream.num_chips for stream in streams)
    seconds = sum(stream.seconds for stream in streams)
    most = max(stream.num_chips for stream in streams)
    one = "one network" if len(streams) == 1 else f"{len(streams)} networks"
    return (
        f"Chip {done} of {wanted}: up to {most} chips of {one} (the lowest seed of each method), "
        f"{streams[0].num_images} test {called.many} on each; {seconds:.2g} s."
    )


def never_right_words(never: pd.DataFrame, called: Called = IMAGE) -> str:
    """How many images have no EKL, as no chip gets them right."""
    each = ", ".join(f"{row[columns.LABEL]}: {row['num_never']}" for row in never.to_dict("records"))
    return f"Never right, so without EKL (of {called.count(int(never['num_images'].max()))}): {each}."


def mended_words(before: pd.DataFrame, after: pd.DataFrame) -> str:
    """Each method's calibration error before and after calibration, over the opened chips."""
    known = {} if after.empty else dict(zip(after[columns.VARIANT], after[columns.MEAN], strict=True))
    each = ", ".join(
        f"{row[columns.LABEL]}: {percent(row[columns.MEAN])} %"
        + (f" → {percent(known[row[columns.VARIANT]])} %" if row[columns.VARIANT] in known else "")
        for row in before.to_dict("records")
    )
    return f"Calibration error{' as deployed → calibrated' if known else ''}: {each}."


def gap_words(confidences: pd.DataFrame) -> str:
    """How many points surer each method is of its right answers than of its wrong ones."""
    means = confidences.pivot_table(
        index=[columns.VARIANT, columns.LABEL], columns="outcome", values=columns.MEAN, sort=False
    )
    if not {"right", "wrong"} <= set(means.columns):
        return ""
    gaps = (means["right"] - means["wrong"]).dropna()
    labels = gaps.index.get_level_values(columns.LABEL)
    each = ", ".join(f"{label}: {percent(float(gap))}" for label, gap in zip(labels, gaps, strict=True))
    return f"Surer of right than of wrong answers by, in points: {each}."


def nats_with_interval(mean: float, ci95: float) -> str:
    """A mean in nats: two digits of the interval decide the digits of both.

    >>> nats_with_interval(0.00431, 0.00043), nats_with_interval(0.065, float("nan"))
    ('0.00431 ± 0.00043', '0.065')
    """
    digits = digits_of(ci95, least=NATS_DIGITS)
    return f"{mean:.{digits}f}" if math.isnan(ci95) else f"{mean:.{digits}f} ± {ci95:.{digits}f}"


def nats_difference(mean: float, ci95: float) -> str:
    """A paired difference in nats with its verdict.

    >>> nats_difference(0.0132, 0.006), nats_difference(-0.001, 0.002)
    ('+0.0132 ± 0.0060, less sure', '−0.0010 ± 0.0020, not told apart')
    """
    digits = digits_of(ci95, least=NATS_DIGITS)
    difference = number_words(mean, f"+.{digits}f")
    if math.isnan(ci95):
        return difference
    verdict = "not told apart" if abs(mean) <= ci95 else "surer" if mean < 0 else "less sure"
    return f"{difference} ± {ci95:.{digits}f}, {verdict}"


def _rows(frame: pd.DataFrame) -> list[dict[str, float]]:
    return [{str(name): float(value) for name, value in row.items()} for row in frame.to_dict("records")]
