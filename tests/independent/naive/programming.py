"""What the devices of one weight hold after they were written, and what writing them costs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from statistics import NormalDist
from typing import Any

from tests.independent.naive.mapping import Plan, levels

NORMAL = NormalDist()


@dataclass(frozen=True)
class Job:
    """One weight's devices of one set, on one chip."""

    plan: Plan
    code: int
    of_level: list[float]
    sigma_d: float
    errors: Sequence[float]
    """A standard normal a slice."""
    reads: Sequence[float] | None
    verified: bool
    settings: Mapping[str, Any]


Slice = tuple[float, int, float]
"""Conductance, level aimed at, side."""


def open_loop(job: Job) -> list[Slice]:
    """One write: g = target + sigma_d s(level) z (NeFT, section 4.1)."""
    found: list[Slice] = []
    for level, z in zip(levels(job.code, job.plan), job.errors, strict=True):
        found.append((job.plan.conductance(level) + job.sigma_d * job.of_level[level] * z, level, 1.0))
    return found


def within(z: float, std: float, tolerance: float) -> float:
    """An error of this std that is within the tolerance: the quantile of the cut law that z is of the whole."""
    if std == 0:
        return 0.0
    low = NORMAL.cdf(-tolerance / std)
    quantile = low + NORMAL.cdf(z) * (1 - 2 * low)
    return std * NORMAL.inv_cdf(quantile) if 0 < quantile < 1 else std * z


def write_verify(job: Job) -> list[Slice]:
    """Written until within epsilon: SWIM (arXiv 2202.08395)."""
    found: list[Slice] = []
    for level, z in zip(levels(job.code, job.plan), job.errors, strict=True):
        missed = within(z, job.sigma_d * job.of_level[level], job.settings["tolerance"])
        found.append((job.plan.conductance(level) + missed, level, 1.0))
    return found


def selective(job: Job) -> list[Slice]:
    """The chosen weights are verified, others are not: SWIM (arXiv 2202.08395)."""
    return write_verify(job) if job.verified else open_loop(job)


def residual(job: Job) -> list[Slice]:
    """From the most significant slice on, each aims at what those before it left: Song et al., Science 383:903."""
    plan, steps = job.plan, job.plan.significance
    found: list[Slice] = [(0.0, 0, 1.0)] * len(steps)
    left = float(job.code)
    for j in reversed(range(len(steps))):
        wanted = left / steps[j]
        if job.settings["sides"] == "two":
            side, level = (-1.0 if wanted < 0 else 1.0), min(round(abs(wanted)), plan.max_level)
        else:
            nearest = round(wanted) if j == 0 else floor(wanted)
            side, level = 1.0, min(max(nearest, 0), plan.max_level)
        held = plan.conductance(level) + job.sigma_d * job.of_level[level] * job.errors[j]
        seen = held if job.reads is None else held + job.settings["read_error"] * job.reads[j]
        left -= side * (seen - plan.lowest) / (1 - plan.lowest) * plan.max_level * steps[j]
        found[j] = (held, level, side)
    return found


WRITES: dict[str, Callable[[Job], list[Slice]]] = {
    "open_loop": open_loop,
    "write_verify": write_verify,
    "selective": selective,
    "residual": residual,
}


# ---------------------------------------------------------------- effort of one weight's set, expected
def effort(name: str, job: Job) -> tuple[float, float]:
    """Pulses and reads: one a device; verified 1 / P(|error| <= epsilon) each; residual reads all but the last."""
    slices = levels(job.code, job.plan)
    if name == "residual":
        return len(slices), len(slices) - 1
    if name == "write_verify" or (name == "selective" and job.verified):
        cycles = 0.0
        for level in slices:
            std = job.sigma_d * job.of_level[level]
            a = job.settings["tolerance"] / std if std else float("inf")
            cycles += 1 / (2 * NORMAL.cdf(a) - 1)
        return cycles, cycles
    return len(slices), 0


def chosen(magnitudes: Sequence[float], scores: Sequence[float] | None, share: float) -> set[int]:
    """The round(p n) weights of the largest scores, of equal ones the larger; by magnitude where there are none."""
    keys = [((scores[i] if scores is not None else 0.0), m) for i, m in enumerate(magnitudes)]
    order = sorted(range(len(keys)), key=lambda i: (-keys[i][0], -keys[i][1], i))
    return set(order[: round(share * len(keys))])
