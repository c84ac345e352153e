"""The worst case: the lowest accuracy that deviations within a bound can bring a network to ([Yan2022], [Yan2024]).

min over delta of accuracy(W + delta w_max), abs(delta) <= th_g, w_max each layer's largest weight, W what the devices
aim at. Nobody knows the minimum: what is found is an upper bound on it, and a better search may find lower. The two
searches are in `neft.evaluation.adversary`; here both are tried at ascending th_g, the smaller bound's worst deviation
among the starting points, so that a larger th_g never ends higher. What is reported is what the plain network does
under the deviation that was found.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from pydantic import Field
from torch import nn

from neft import columns
from neft.chips.deployed import ChipLaw
from neft.chips.laws import Truncated
from neft.component import Component
from neft.datasets.base import ImageData
from neft.errors import ConfigError, StoppedError
from neft.evaluation.adversary import Deviation, Victim, lagrangian, projected
from neft.seeding import generator

FoundBy = Literal["none", "projected", "lagrangian"]
"""`none` where nothing may deviate."""

CUT = Truncated(1.0)
"""The Gaussian draws: std th_g, drawn anew until within th_g."""
RANDOM_COLUMNS = (
    (columns.UNIFORM_MEAN, columns.UNIFORM_MIN),
    (columns.GAUSSIAN_MEAN, columns.GAUSSIAN_MIN),
)


class SearchSettings(Component):
    """How hard the worst case is searched."""

    num_steps: int = Field(
        default=20, ge=1, le=10_000, title="steps", description="Sign-gradient steps of a projected search."
    )
    stride: float = Field(
        default=2.0,
        gt=0,
        le=100,
        title="stride",
        description="A step's length over th_g / steps; above 1 a weight can cross its bound and turn back.",
    )
    num_restarts: int = Field(
        default=1,
        ge=0,
        le=1000,
        title="restarts",
        description="Random points from which the projected search starts again: the worst of the draws, then others.",
    )
    num_multipliers: int = Field(
        default=3, ge=1, le=100, title="values of c", description="How many the Lagrangian form's outer search tries."
    )
    num_multiplier_steps: int = Field(
        default=10, ge=1, le=10_000, title="Adam steps", description="Of the Lagrangian form, for each c."
    )
    num_draws: int = Field(
        default=10, ge=1, le=10_000, title="draws", description="Random deviations of each law that stand beside."
    )
    seed: int = Field(default=0, ge=0, lt=2**31, title="seed", description="Of the random deviations and restarts.")


@dataclass(frozen=True)
class WorstCase:
    """What was found at one th_g."""

    th_g: float
    accuracy: float
    """Of the plain network under `deviation`: a fraction."""
    found_by: FoundBy
    """The search that found it; a smaller th_g's, where nothing lower came since."""
    deviation: Deviation
    """(W_p - W) / w_max by layer."""
    row: dict[str, float | str]
    """As it stands in the table."""


@dataclass(frozen=True)
class _Point:
    """A deviation and what the plain network does under it."""

    deviation: Deviation
    accuracy: float
    found_by: FoundBy


@dataclass(frozen=True)
class _Known:
    """What smaller bounds have brought."""

    th_g: float
    best: _Point
    projected: float
    by_lagrangian: _Point


def search_worst_case(
    network: nn.Module,
    data: ImageData,
    law: ChipLaw,
    *,
    th_gs: Sequence[float],
    settings: SearchSettings | None = None,
    torch_device: str = "cpu",
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[WorstCase]:
    """Search at ascending th_g, on the test images; each is yielded as soon as it is known.

    Where no image is left right, larger bounds are not searched: what was found lies within them too.

    Args:
        network: the deployed network; it is left alone.
        data: the data set.
        law: what the devices aim at.
        th_gs: largest deviations of a weight over its layer's largest weight.
        settings: how hard it is searched.
        torch_device: where torch computes.
        on_progress: told before each pass through the network how many are done, of about how many.
        should_stop: asked before each pass.

    Raises:
        ConfigError: no th_g, or one outside [0, 1].
        StoppedError: `should_stop` said so.
    """
    settings = settings or SearchSettings()
    ascending = sorted(set(th_gs))
    if not ascending or ascending[0] < 0 or ascending[-1] > 1:
        message = f"th_gs (largest deviations) must be numbers in [0, 1], at least one; got {list(th_gs)}."
        raise ConfigError(message)
    passes = _Passes(settings, len(ascending), on_progress, should_stop)
    victim = Victim(
        network,
        data.normalise(data.test.images.to(torch_device)),
        data.test.labels.to(torch_device),
        law,
        before_pass=passes.begin,
    )
    nothing = victim.nothing()
    clean = _Point(nothing, victim.accuracy(nothing), "none")
    known = _Known(0.0, clean, clean.accuracy, clean)
    for th_g in ascending:
        beside = _random_ones(victim, th_g, settings) if th_g > 0 else [(clean.accuracy, clean)] * len(RANDOM_COLUMNS)
        if th_g > 0 and known.best.accuracy > 0:
            known = _searched(victim, known, th_g, settings, [lowest for _, lowest in beside])
        passes.end_bound()
        row: dict[str, float | str] = {
            columns.TH_G: th_g,
            columns.ACCURACY: known.best.accuracy,
            columns.FOUND_BY: known.best.found_by,
            columns.PROJECTED_ACCURACY: known.projected,
            columns.LAGRANGIAN_ACCURACY: known.by_lagrangian.accuracy,
        }
        for (mean, minimum), (accuracy, lowest) in zip(RANDOM_COLUMNS, beside, strict=True):
            row |= {mean: accuracy, minimum: lowest.accuracy}
        yield WorstCase(th_g, known.best.accuracy, known.best.found_by, known.best.deviation, row)


def worst_case_table(found: Sequence[WorstCase]) -> pd.DataFrame:
    """A row per th_g: the lowest accuracy, which search found it, each search's own, and random deviations' beside."""
    return pd.DataFrame([one.row for one in found])


class _Passes:
    """Counts passes through the network: how far the search is, and where it may be stopped."""

    def __init__(
        self,
        settings: SearchSettings,
        num_bounds: int,
        on_progress: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> None:
        starts = 2 + settings.num_restarts
        self._each = (
            len(RANDOM_COLUMNS) * settings.num_draws
            + starts * (settings.num_steps + 2)
            + settings.num_multipliers * (settings.num_multiplier_steps + 1)
        )
        self._num_bounds = num_bounds
        self._ended = 0
        self._begun = 0
        self._on_progress = on_progress
        self._should_stop = should_stop

    def begin(self) -> None:
        """One more pass."""
        if self._should_stop():
            message = f"Stopped after {self._ended} of {self._num_bounds} values of th_g."
            raise StoppedError(message, epoch=-1)
        done = self._ended * self._each + min(self._begun, self._each)
        self._on_progress(done, self._num_bounds * self._each)
        self._begun += 1

    def end_bound(self) -> None:
        """One th_g is done, with however many passes."""
        self._ended += 1
        self._begun = 0


def _searched(victim: Victim, known: _Known, th_g: float, settings: SearchSettings, drawn: Sequence[_Point]) -> _Known:
    """Both searches at one th_g."""
    found = [known.best, *drawn]
    for start in _starts(victim, known, th_g, settings, drawn):
        met = projected(victim, start, th_g=th_g, num_steps=settings.num_steps, stride=settings.stride)
        found.append(_Point(met.deviation, victim.accuracy(met.deviation), "projected"))
        if found[-1].accuracy == 0:
            break
    by_projected = min(found, key=_accuracy)
    met = lagrangian(
        victim,
        known.by_lagrangian.deviation,
        th_g=th_g,
        num_steps=settings.num_multiplier_steps,
        num_multipliers=settings.num_multipliers,
        stride=settings.stride,
    )
    other = _Point(met.deviation, victim.accuracy(met.deviation), "lagrangian")
    by_lagrangian = min(known.by_lagrangian, other, key=_accuracy)
    return _Known(th_g, min(by_projected, by_lagrangian, key=_accuracy), by_projected.accuracy, by_lagrangian)


def _starts(
    victim: Victim, known: _Known, th_g: float, settings: SearchSettings, drawn: Sequence[_Point]
) -> Iterator[Deviation]:
    """The smaller bound's worst deviation, scaled up; none; random ones."""
    if known.th_g > 0:
        yield _scaled(known.best.deviation, th_g / known.th_g)
    yield victim.nothing()
    for restart in range(settings.num_restarts):
        if restart < len(drawn):
            yield drawn[restart].deviation
        else:
            yield _scaled(victim.uniform(generator(settings.seed, "worst_case_restart", restart)), th_g)


def _random_ones(victim: Victim, th_g: float, settings: SearchSettings) -> list[tuple[float, _Point]]:
    """The mean accuracy of each law's draws, and the worst of them; the same draws at every th_g, scaled."""

    def uniform(draw: int) -> Deviation:
        return victim.uniform(generator(settings.seed, "worst_case_uniform", draw))

    def gaussian(draw: int) -> Deviation:
        normals = victim.normals(generator(settings.seed, "worst_case_gaussian", draw))
        return {name: CUT.deviations(normal) for name, normal in normals.items()}

    summaries: list[tuple[float, _Point]] = []
    for law in (uniform, gaussian):
        accuracies: list[float] = []
        lowest = _Point({}, float("inf"), "projected")
        for draw in range(settings.num_draws):
            deviation = _scaled(law(draw), th_g)
            accuracies.append(victim.accuracy(deviation))
            if accuracies[-1] < lowest.accuracy:
                lowest = _Point(deviation, accuracies[-1], "projected")
        summaries.append((sum(accuracies) / len(accuracies), lowest))
    return summaries


def _scaled(deviation: Deviation, factor: float) -> Deviation:
    return {name: delta * factor for name, delta in deviation.items()}


def _accuracy(point: _Point) -> float:
    return point.accuracy
