"""What a claim is: a contrast of one experiment's arms that it says is positive, with the published number."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neft import columns
from neft.experiments.questions import CONTROL
from neft.reference import NEAREST_PANEL, published_accuracy, published_ekl, published_settings
from neft.tables.arms import Arm

Unit = Literal["points", "percent", "share"]
"""Points of accuracy; percent of the reference's EKL; share of trainings."""

POINT = 0.01
"""The smallest difference in accuracy that would matter: one point."""
TENTH = float(np.log(1.1))
"""The smallest ratio of EKL that would matter: a tenth."""
ONE_IN_TEN = 0.1

Weights = Mapping[Arm, float]


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
    published: Callable[[], float] | None = None
    """The published effect, in the claim's unit."""
    failures: tuple[str, str] | None = None
    """For a claim on failing trainings: ours and theirs, as series."""

    @property
    def unit(self) -> Unit:
        """What the effect is measured in."""
        if self.failures:
            return "share"
        return "points" if self.metric == columns.ACCURACY else "percent"

    @property
    def margin(self) -> float:
        """The smallest effect that would matter, on the scale of the contrast."""
        return {"points": POINT, "percent": TENTH, "share": ONE_IN_TEN}[self.unit]


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


def published_gain(ours: str, theirs: str) -> Callable[[], float]:
    """The largest of the published differences in accuracy, over sigma_d, in the nearest panel ("up to")."""

    def gain() -> float:
        rows = published_accuracy()
        near = rows[rows[columns.PANEL] == NEAREST_PANEL]
        table = near.pivot_table(index=columns.SIGMA_D, columns=columns.VARIANT, values=columns.ACCURACY)
        return float((table[ours] - table[theirs]).max())

    return gain


def published_ekl_ratio(ours: str, theirs: str) -> Callable[[], float]:
    """The published EKL's mean log ratio (theirs over ours) over the sigma_d of 0.05 to 0.2."""

    def ratio() -> float:
        rows = published_ekl()
        near = rows[rows[columns.SIGMA_D].between(0.04, 0.21)]
        table = near.pivot_table(index=columns.SIGMA_D, columns=columns.VARIANT, values=columns.EKL)
        return float(np.log(table[theirs] / table[ours]).mean())

    return ratio


def published_setting(experiment: str, ours: Arm, theirs: Arm) -> Callable[[], float]:
    """The published difference of two settings (ResNet-18, CIFAR-10, sigma_d = 0.3)."""

    def difference() -> float:
        rows = published_settings()
        rows = rows[rows[columns.EXPERIMENT] == experiment]
        known = rows.set_index([columns.VARIANT, columns.SETTING])[columns.ACCURACY]
        return float(known[ours] - known[theirs])

    return difference


def lower(ours: str, theirs: str) -> Callable[[set[Arm]], Weights]:
    """Theirs minus ours, averaged over all settings that both have: positive where ours is lower."""
    return versus(theirs, ours)
