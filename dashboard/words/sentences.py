"""Findings in words, from numbers that `neft.tables` computed."""

import math

import pandas as pd

from dashboard.address import Selection
from neft import columns
from neft.sigma_d import sigma_d_text

SIGMA_D = r"$\sigma_d$"
"""The symbol in Markdown."""


NOTABLE = 0.01
"""A loss of clean accuracy worth a sentence: a point."""


def percent(value: float, digits: int = 1) -> str:
    """A fraction as a percentage, without the sign.

    >>> percent(0.9306)
    '93.1'
    """
    return f"{100 * value:.{digits}f}"


def signed(difference: float) -> str:
    """A difference of fractions in points, with a true minus, and no sign on zero.

    >>> signed(-0.0123), signed(0.01), signed(-0.0001)
    ('−1.2', '+1.0', '0.0')
    """
    words = f"{100 * difference:+.1f}"
    return words.lstrip("+-") if float(words) == 0 else words.replace("-", "−")


def with_interval(mean: float, ci95: float) -> str:
    """`93.1 ± 0.6 %`; without the half-width where one run says nothing of it.

    >>> with_interval(0.931, 0.006), with_interval(0.5, float("nan"))
    ('93.1 ± 0.6 %', '50.0 %')
    """
    return f"{percent(mean)} %" if math.isnan(ci95) else f"{percent(mean)} ± {percent(ci95)} %"


def digits_of(half: float, *, least: int) -> int:
    """Digits behind the point that show two of an interval's half-width, and of the value beside it.

    >>> digits_of(0.00021, least=3), digits_of(0.02, least=3), digits_of(0.0, least=3)
    (5, 3, 3)
    """
    return least if math.isnan(half) or half <= 0 else max(least, 1 - math.floor(math.log10(half)))


def spread_words(curves: pd.DataFrame) -> str:
    """What an interval is over: `95 % interval over 3 seeds × 200 chips`."""
    if curves.empty:
        return "95 % interval"
    seeds = range_words(curves[columns.NUM_SEEDS], "seed")
    chips = range_words(curves[columns.NUM_INSTANCES], "chip")
    return f"95 % interval over {seeds} × {chips}"


def finding(selection: Selection, means: pd.DataFrame, differences: pd.DataFrame, control_label: str | None) -> str:
    """The page's first sentence: what each method keeps at the slice, and whether feedback beats its control."""
    at = f"{SIGMA_D} = {sigma_d_text(selection.sigma_d)}"
    where = f"At device variation {at} on {selection.dataset_label} with {selection.backbone_label}"
    kept = ", ".join(
        f"**{row[columns.LABEL]}**: {with_interval(row[columns.MEAN], row[columns.CI95])}"
        for row in means.to_dict("records")
    )
    sentences = [f"{where}, this share of images is right: {kept} ({spread_words(means)})."]
    if control_label is not None and not differences.empty:
        sentences.append(against_control(differences, control_label))
    return " ".join(sentences)


def against_control(differences: pd.DataFrame, control_label: str) -> str:
    """Each feedback method's paired difference to its control, with a plain verdict."""
    verdicts = [
        _verdict(str(row[columns.LABEL]), float(row[columns.MEAN]), float(row[columns.CI95]))
        for row in differences.to_dict("records")
    ]
    return f"Against the control ({control_label}), seed by seed and chip by chip: {'; '.join(verdicts)}."


def clean_words(clean: pd.DataFrame, *, has_batchnorm: bool) -> str:
    """What each method keeps without variation and, where noise-trained networks pay for it, a reason.

    Args:
        clean: the curves' rows at sigma_d = 0.
        has_batchnorm: whether the backbone's clean accuracy can suffer from statistics gathered under noise.
    """
    if clean.empty:
        return ""
    rows = clean.to_dict("records")
    kept = ", ".join(f"{row[columns.LABEL]}: {with_interval(row[columns.MEAN], row[columns.CI95])}" for row in rows)
    words = f"Without variation: {kept}."
    uses_noise = clean[columns.USES_NOISE].astype(bool)
    noise_free, noisy = clean[~uses_noise][columns.MEAN], clean[uses_noise][columns.MEAN]
    if len(noise_free) == 0 or len(noisy) == 0 or noise_free.iloc[0] - noisy.min() < NOTABLE:
        return words
    reason = (
        "; with BatchNorm one cause is that its statistics, gathered under noise, do not fit the clean network"
        if has_batchnorm
        else ""
    )
    return f"{words} Training at a large {SIGMA_D} costs clean accuracy{reason}."


def published_words(published: pd.DataFrame, images_words: str = "") -> str:
    """What the hollow marks are, whose, and what keeps them from being compared point by point.

    Args:
        published: the published rows that are drawn.
        images_words: what our accuracies owe to their test images.
    """
    if published.empty:
        return ""
    panel, source = (str(published[column].iloc[0]) for column in (columns.PANEL_LABEL, columns.SOURCE))
    return (
        f"Hollow: published for {panel} ({source}). Another network and other data (chance is drawn for ours), each "
        f"noise-trained mark trained at its own {SIGMA_D}, its best epoch chosen on noisy test accuracy: compare order "
        f"and gaps. {images_words}"
    ).rstrip()


def deviation_words(ratios: pd.DataFrame) -> str:
    """How large a typical deviation is beside a typical weight, method by method."""
    if ratios.empty:
        return ""
    each = ", ".join(f"{row[columns.LABEL]}: {100 * row[columns.MEAN]:.0f} %" for row in ratios.to_dict("records"))
    return f"A typical deviation as a share of a typical weight (RMS, mean over layers): {each}."


def difference_words(mean: float, ci95: float) -> str:
    """A paired difference of fractions with its verdict.

    >>> difference_words(-0.022, 0.01), difference_words(0.004, 0.006)
    ('−2.2 ± 1.0, worse', '+0.4 ± 0.6, not told apart')
    """
    if math.isnan(ci95):
        return signed(mean)
    verdict = "not told apart" if abs(mean) <= ci95 else "better" if mean > 0 else "worse"
    return f"{signed(mean)} ± {percent(ci95)}, {verdict}"


def _verdict(label: str, mean: float, ci95: float) -> str:
    difference, _, verdict = difference_words(mean, ci95).partition(", ")
    return f"{label}: {difference} points{f', {verdict}' if verdict else ' (one seed and chip: no interval)'}"


def range_words(counts: pd.Series, noun: str) -> str:
    """`3 seeds`, `1–5 seeds`."""
    low, high = int(counts.min()), int(counts.max())
    count = f"{low}" if low == high else f"{low}–{high}"
    return f"{count} {noun}{'' if high == 1 else 's'}"
