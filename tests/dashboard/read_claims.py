"""The claims of the comparison of methods, decided a second time from the stored chips."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from math import comb, exp, log, nan

import pandas as pd

from tests.dashboard.read_back import SIGMA_DS, Files, Noted, assert_says, numbers_in
from tests.independent.naive import statistics
from tests.independent.naive.statistics import Mean, Values, crossed

PLAN = "paper_digits"
CONTROL, PLAIN = "noise_injection_t4", "noise_injection"
FAILS_BELOW = 0.05
"""A training that ends so far below its method's mean failed."""


@dataclass(frozen=True)
class Contrast:
    """What a claim says is positive: a weighted sum of series, averaged over device variations."""

    weights: Mapping[str, float]
    metric: str = "accuracy"

    @property
    def is_ratio(self) -> bool:
        """EKL is compared by its logarithm."""
        return self.metric != "accuracy"


def contrasts() -> dict[str, Contrast]:
    """By the claim's words, written down from them."""
    found: dict[str, Contrast] = {}
    at = "noise injection at the same temperature"
    for ours, label in (("ovf", "OVF"), ("irs", "IRS")):
        said = {
            f"{label} is more accurate than noise injection.": Contrast({ours: 1, PLAIN: -1}),
            f"{label} is less uncertain: its EKL is lower than noise injection's.": Contrast(
                {PLAIN: 1, ours: -1}, "ekl"
            ),
            f"{label} is more accurate than {at} (N + 1 = 4), without feedback.": Contrast({ours: 1, CONTROL: -1}),
            f"The temperature alone brings at least half of what {label} gains over noise injection.": Contrast(
                {CONTROL: 1, PLAIN: -1 + 0.5, ours: -0.5}
            ),
            f"{label}'s EKL is lower than that of {at}.": Contrast({CONTROL: 1, ours: -1}, "ekl"),
            f"{label}'s EKL is lower than noise injection's once each network's temperature is calibrated on "
            "validation data.": Contrast({PLAIN: 1, ours: -1}, "calibrated_ekl"),
            f"{label}'s calibrated EKL is lower than that of {at}.": Contrast({CONTROL: 1, ours: -1}, "calibrated_ekl"),
        }
        found |= said
    return found | {
        "Temperature 4 alone, without feedback, lowers noise injection's calibrated EKL.": Contrast(
            {PLAIN: 1, CONTROL: -1}, "calibrated_ekl"
        ),
        "OVF is more accurate where its first pass alone moves BatchNorm's statistics, not its noisier ones too.": (
            Contrast({"ovf_first_pass": 1, "ovf": -1})
        ),
        f"OVF whose first pass alone moves BatchNorm's statistics is more accurate than {at}.": Contrast(
            {"ovf_first_pass": 1, CONTROL: -1}
        ),
        "Noise injection at temperature 16, without feedback, is more accurate than IRS.": Contrast(
            {"noise_injection_t16": 1, "irs": -1}
        ),
        "Training without any noise at temperature 64 is more accurate on noisy chips than plain noise injection.": (
            Contrast({"vanilla_t64": 1, PLAIN: -1})
        ),
        "At temperature 64 noise in training still helps.": Contrast({"noise_injection_t64": 1, "vanilla_t64": -1}),
    }


def effects(stored: Files, contrast: Contrast, sigma_ds: tuple[float, ...] = SIGMA_DS) -> Values:
    """Seed by seed and chip by chip; chips without a value for some seed left out."""
    total: list[list[float]] = []
    for at in sigma_ds:
        for series, weight in contrast.weights.items():
            values = stored.table(stored.planned(PLAN, series, at), at, contrast.metric)
            if contrast.is_ratio:
                values = [[log(v) if v > 0 else nan for v in row] for row in values]
            part = [[weight * v / len(sigma_ds) for v in row] for row in values]
            # fewer chips were tried of some
            total = (
                [[a + b for a, b in zip(*rows, strict=False)] for rows in zip(total, part, strict=True)]
                if total
                else part
            )
    known = [c for c in range(len(total[0])) if not any(row[c] != row[c] for row in total)]
    return [[row[c] for c in known] for row in total]


def num_failed(stored: Files, contrast: Contrast) -> int:
    """Trainings behind a contrast whose accuracy is far below their method's mean."""
    count = 0
    for at in SIGMA_DS:
        for series in contrast.weights:
            means = [statistics.mean(row) for row in stored.table(stored.planned(PLAN, series, at), at)]
            count += sum(mean < statistics.mean(means) - FAILS_BELOW for mean in means)
    return count


def median_with_ends(values: list[float]) -> tuple[float, float, float, float]:
    """The median, the k-th smallest and largest value, and how often they hold it (the sign test's interval)."""
    ordered, n = sorted(values), len(values)

    def below(k: int) -> float:
        return sum(comb(n, i) for i in range(k)) / 2**n

    k = max([1, *(k for k in range(1, n // 2 + 1) if below(k) <= 0.025)])
    return statistics.quantile(ordered, 0.5), ordered[k - 1], ordered[-k], 1 - 2 * below(k)


def verdict(low: float, high: float, margin: float) -> str:
    """By one rule."""
    if -margin < low and high < margin:
        return "no effect beyond the margin"
    return "supported" if low > 0 else "opposite" if high < 0 else "undecided"


def shown_ends(mean: Mean, *, is_ratio: bool) -> list[float]:
    """Estimate and ends as they are written: points, or how many times lower or higher."""
    three = [mean.mean, mean.mean - mean.half, mean.mean + mean.half]
    if not is_ratio:
        return [100 * value for value in three]
    ratios = [exp(value) for value in three]
    return [max(ratio, 1 / ratio) for ratio in ratios]


PUBLISHED = {PLAIN: "with_noise", "ovf": "ovf", "irs": "irs"}
"""Series that the paper has, by what its figures call them."""


def published(contrast: Contrast) -> float:
    """The mean of the figures' differences at our device variations: VGG-8 on MNIST; of EKL how many times lower."""
    name, column = ("published_ekl", "ekl_x1e-2") if contrast.is_ratio else ("published_accuracy", "accuracy_percent")
    table = pd.read_csv(str(files("neft.reference") / f"{name}.csv"))
    if not contrast.is_ratio:
        table = table[table["panel"] == "vgg8_mnist"]
    values: list[float] = []
    for at in SIGMA_DS:
        there = table[(table["sigma_d"] - at).abs() < 1e-9].set_index("method")[column]
        known = {series: float(there[PUBLISHED[series]]) for series in contrast.weights}
        parts = {series: log(value) if contrast.is_ratio else value for series, value in known.items()}
        values.append(sum(weight * parts[series] for series, weight in contrast.weights.items()))
    return exp(statistics.mean(values)) if contrast.is_ratio else statistics.mean(values)


def claim_is_told(row: Noted, stored: Files, contrast: Contrast) -> Mean:
    """Everything that a row of a claim says; returns the effect."""
    values = effects(stored, contrast)
    mean = crossed(values)
    margin = log(1.1) if contrast.is_ratio else 0.005
    said = verdict(mean.mean - mean.half, mean.mean + mean.half, margin)
    failed = num_failed(stored, contrast)
    caveats = row["Keep in mind"]
    if failed:
        middle = median_with_ends([statistics.mean(one) for one in values])
        if said != verdict(middle[1], middle[2], margin):
            said = "undecided"
        assert numbers_in(caveats)[0] == failed
        told = [exp(v) if contrast.is_ratio else 100 * v for v in middle[:3]]
        assert_says(caveats, *(max(v, 1 / v) if contrast.is_ratio else v for v in told), 100 * middle[3])
    else:
        assert caveats == ""
    assert said in row["Verdict"], (row, mean)
    assert_says(row["Ours"], *shown_ends(mean, is_ratio=contrast.is_ratio))
    if contrast.is_ratio:
        assert ("lower" if mean.mean > 0 else "higher") in row["Ours"]
    if row["Published"] != "–":
        assert_says(row["Published"], published(contrast))
    assert numbers_in(row["Margin"]) == [1.1 if contrast.is_ratio else 0.5]
    assert (row["Seeds"], row["Chips"]) == (len(values), len(values[0]))
    assert re.findall(r"σ_d = 0.1, 0.2", row["Ours at"])
    return mean


def settings_are_told(rows: list[Noted], stored: Files, contrast: Contrast) -> None:
    """A claim at each device variation by itself."""
    assert [row["At"] for row in rows] == [f"σ_d = {at:g}" for at in SIGMA_DS]
    for row, at in zip(rows, SIGMA_DS, strict=True):
        values = effects(stored, contrast, (at,))
        mean = crossed(values)
        assert_says(row["Ours"], *shown_ends(mean, is_ratio=contrast.is_ratio))
        assert (row["Seeds"], row["Chips"]) == (len(values), len(values[0]))
