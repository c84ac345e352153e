"""What a claim is: a contrast of one experiment's arms that it says is positive, with the published number."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from neft import columns
from neft.experiments.questions import CONTROL
from neft.reference import NEAREST_PANEL, published_accuracy, published_beta, published_ekl, published_settings
from neft.sigma_d import same_sigma_d, sigma_d_text
from neft.tables.arms import Arm

Unit = Literal["points", "ratio", "share"]
"""Points of accuracy; the other's EKL over ours; trainings of a hundred."""

HALF_A_POINT = 0.005
"""Differences in accuracy this small do not matter."""
TENTH = float(np.log(1.1))
"""Ratios of EKL this near to one do not matter."""
ONE_IN_TEN = 0.1
"""Nor does one training in ten more that fails."""

Weights = Mapping[Arm, float]


@dataclass(frozen=True)
class Published:
    """The published number beside a claim."""

    effect: float
    """On the scale of the contrast; NaN where there is none of the same kind."""
    where: str
    """Network, data, sigma_d and beta that it was seen at; why there is none, where there is none."""


Publish = Callable[[Sequence[float]], Published]
"""The published number of the same statistic, over the sigma_d at which ours is taken."""


@dataclass(frozen=True)
class Claim:
    """One claim: that a contrast is positive."""

    key: str
    words: str
    """The claim in one sentence."""
    short: str
    """In a few words, for a chart."""
    paper: bool
    """Whether the paper makes it, or it is ours."""
    source: str
    experiment: str
    contrast: Callable[[set[Arm]], Weights] = lambda _known: {}
    """Weights over the arms there are; empty where the arms it needs are missing, or for a claim on failures."""
    metric: str = columns.ACCURACY
    published: Publish | None = None
    failures: tuple[str, str] | None = None
    """For a claim on failing trainings: ours and theirs, as series."""

    @property
    def unit(self) -> Unit:
        """What the effect is measured in."""
        if self.failures:
            return "share"
        return "points" if self.metric == columns.ACCURACY else "ratio"

    @property
    def margin(self) -> float:
        """Effects this small, on the scale of the contrast, do not matter."""
        return {"points": HALF_A_POINT, "ratio": TENTH, "share": ONE_IN_TEN}[self.unit]


def versus(ours: str, theirs: str) -> Callable[[set[Arm]], Weights]:
    """Ours minus theirs, averaged over all settings that both have."""

    def weights(known: set[Arm]) -> Weights:
        shared = sorted({setting for series, setting in known if series == ours and (theirs, setting) in known})
        return {
            arm: sign / len(shared)
            for setting in shared
            for arm, sign in (((ours, setting), 1.0), ((theirs, setting), -1.0))
        }

    return weights


def between(ours: Arm, theirs: Arm) -> Callable[[set[Arm]], Weights]:
    """One arm minus another."""
    return combined({ours: 1.0, theirs: -1.0})


def combined(fixed: Weights) -> Callable[[set[Arm]], Weights]:
    """Fixed weights, where all their arms are there."""
    return lambda known: fixed if set(fixed) <= known else {}


def half_of_the_gain(method: str) -> Callable[[set[Arm]], Weights]:
    """What the control gains over noise injection, minus half of what the method gains over it."""

    def weights(known: set[Arm]) -> Weights:
        gain = versus(CONTROL, "noise_injection")(known)
        whole = versus(method, "noise_injection")(known)
        if not gain or not whole:
            return {}
        return {arm: gain.get(arm, 0.0) - 0.5 * whole.get(arm, 0.0) for arm in {**gain, **whole}}

    return weights


def published_gain(ours: str, theirs: str) -> Publish:
    """The mean of the published differences in accuracy over our sigma_d, in the nearest panel, the largest beside."""

    def gain(sigma_ds: Sequence[float]) -> Published:
        rows = published_accuracy()
        near = rows[rows[columns.PANEL] == NEAREST_PANEL]
        table = near.pivot_table(index=columns.SIGMA_D, columns=columns.VARIANT, values=columns.ACCURACY)
        differences = table[ours] - table[theirs]
        where = f"{near[columns.PANEL_LABEL].iloc[0]}, {_beta_words(NEAREST_PANEL, ours)}"
        largest, at = float(differences.max()), float(str(differences.idxmax()))
        widest = f"the largest, {100 * largest:+.1f}, at σ_d = {sigma_d_text(at)}".replace("-", "−")
        return _mean_over(differences, sigma_ds, where=where, beyond=widest)

    return gain


def published_ekl_ratio(ours: str, theirs: str) -> Publish:
    """The published EKL's mean log ratio (theirs over ours) over our sigma_d."""

    def ratio(sigma_ds: Sequence[float]) -> Published:
        table = published_ekl().pivot_table(index=columns.SIGMA_D, columns=columns.VARIANT, values=columns.EKL)
        return _mean_over(
            pd.Series(np.log(table[theirs] / table[ours])), sigma_ds, where="network and data not named", beyond=""
        )

    return ratio


def published_setting(experiment: str, ours: Arm, theirs: Arm) -> Publish:
    """The published difference of two settings (ResNet-18, CIFAR-10, sigma_d = 0.3): at that sigma_d alone."""

    def difference(sigma_ds: Sequence[float]) -> Published:
        rows = published_settings()
        rows = rows[rows[columns.EXPERIMENT] == experiment]
        first = rows.iloc[0]
        known = rows.set_index([columns.VARIANT, columns.SETTING])[columns.ACCURACY]
        at = float(first[columns.SIGMA_D])
        words = f"{first[columns.BACKBONE]} on {first[columns.DATASET]} at σ_d = {sigma_d_text(at)}"
        same = any(bool(same_sigma_d(sigma_d, at)) for sigma_d in sigma_ds)
        beta = _beta_words("resnet18_cifar10", ours[0])
        return Published(float(known[ours] - known[theirs]), f"{words}{'' if same else ', not ours'}, {beta}")

    return difference


def _mean_over(values: "pd.Series[float]", sigma_ds: Sequence[float], *, where: str, beyond: str) -> Published:
    """The mean at these sigma_d, if there is a number at each of them."""
    at = [values[same_sigma_d(values.index.to_numpy(dtype=float), sigma_d)] for sigma_d in sigma_ds]
    told = "; ".join(words for words in (where, beyond) if words)
    if not at or any(found.empty for found in at):
        return Published(float("nan"), f"none at our σ_d; {told}")
    words = ", ".join(sigma_d_text(sigma_d) for sigma_d in sigma_ds)
    over = f"at σ_d = {words}" if len(at) == 1 else f"mean over σ_d = {words}"
    return Published(float(np.mean([found.iloc[0] for found in at])), f"{over}, as ours; {told}")


def _beta_words(panel: str, method: str) -> str:
    beta = published_beta(panel, method)
    return "no β" if beta is None else f"β = {beta:g}"


def lower(ours: str, theirs: str) -> Callable[[set[Arm]], Weights]:
    """Theirs minus ours, averaged over all settings that both have: positive where ours is lower."""
    return versus(theirs, ours)
