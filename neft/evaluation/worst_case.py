"""The worst case: the lowest accuracy that deviations within a bound can bring a network to ([Yan2022], [Yan2024]).

min over delta of accuracy(W + delta w_max), abs(delta) <= th_g, w_max each layer's largest weight, W what the devices
aim at. Nobody knows the minimum: what is found is an upper bound on it, and a better search may find lower. The two
searches are in `neft.evaluation.adversary`; here both are tried at ascending th_g, the smaller bound's worst deviation
among the starting points, so that a larger th_g never ends higher. What is reported is what the plain network does
under the deviation that was found.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import pandas as pd
from torch import nn

from neft import columns
from neft.chips.deployed import ChipLaw
from neft.chips.laws import Truncated
from neft.datasets.base import ImageData
from neft.errors import ConfigError, StoppedError
from neft.evaluation.adversary import Deviation, Victim, lagrangian, projected
from neft.evaluation.search_settings import SearchSettings
from neft.seeding import generator

T = TypeVar("T")
FoundBy = Literal["none", "projected", "lagrangian"]
"""`none` where nothing may deviate."""

CUT = Truncated(1.0)
"""The Gaussian draws: std th_g, drawn anew until within th_g."""
RANDOM_COLUMNS = (
    (columns.UNIFORM_MEAN, columns.UNIFORM_MIN),
    (columns.GAUSSIAN_MEAN, columns.GAUSSIAN_MIN),
)


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
class _Random:
    """Random deviations of one law at one th_g."""

    mean: float
    lowest: _Point


@dataclass(frozen=True)
class _Known:
    """What smaller bounds have brought."""

    th_g: float
    best: _Point
    projected: float
    lagrangian: float
    """NaN where it was not tried."""
    by_lagrangian: _Point


@dataclass(frozen=True)
class Step:
    """Where a search stands: before a pass through the network, or with what was found at one th_g."""

    done: int
    total: int
    """Passes, about so many; a bound that needs fewer jumps ahead."""
    found: WorstCase | None = None


def search_worst_case(
    network: nn.Module,
    data: ImageData,
    law: ChipLaw,
    *,
    th_gs: Sequence[float],
    settings: SearchSettings | None = None,
    torch_device: str = "cpu",
    cores: int = 1,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[WorstCase]:
    """Search as `worst_case_steps`; each th_g's worst case as soon as it is known.

    Args:
        network: the deployed network; it is left alone.
        data: the data set.
        law: what the devices aim at.
        th_gs: largest deviations of a weight over its layer's largest weight.
        settings: how hard it is searched.
        torch_device: where torch computes.
        cores: over how many a pass is spread, on the CPU; it changes no number.
        on_progress: told before each pass through the network how many are done, of about how many.
        should_stop: asked before each pass.

    Raises:
        ConfigError: no th_g, or one outside [0, 1].
        StoppedError: `should_stop` said so.
    """
    num_found = 0
    steps = worst_case_steps(network, data, law, th_gs=th_gs, settings=settings, torch_device=torch_device, cores=cores)
    for step in steps:
        if step.found is not None:
            num_found += 1
            yield step.found
        elif should_stop():
            message = f"Stopped after {num_found} of {len(set(th_gs))} values of th_g."
            raise StoppedError(message, epoch=-1)
        else:
            on_progress(step.done, step.total)


def worst_case_steps(
    network: nn.Module,
    data: ImageData,
    law: ChipLaw,
    *,
    th_gs: Sequence[float],
    settings: SearchSettings | None = None,
    torch_device: str = "cpu",
    cores: int = 1,
) -> Iterator[Step]:
    """Search at ascending th_g, on the test images, pass by pass.

    Where the projected search leaves no image right, nothing more is searched, there or at larger bounds, within which
    what it found lies too: the Lagrangian form has no accuracy of its own there.

    Args:
        network: the deployed network; it is left alone.
        data: the data set.
        law: what the devices aim at.
        th_gs: largest deviations of a weight over its layer's largest weight.
        settings: how hard it is searched.
        torch_device: where torch computes.
        cores: over how many a pass is spread, on the CPU; it changes no number.

    Raises:
        ConfigError: no th_g, or one outside [0, 1].
    """
    settings = settings or SearchSettings()
    ascending = sorted(set(th_gs))
    if not ascending or ascending[0] < 0 or ascending[-1] > 1:
        message = f"th_gs (largest deviations) must be numbers in [0, 1], at least one; got {list(th_gs)}."
        raise ConfigError(message)
    passes = _Passes(settings, len(ascending))
    images = data.normalise(data.test.images.to(torch_device))
    victim = Victim(network, images, data.test.labels.to(torch_device), law, cores=cores)
    yield passes.step()
    clean = _Point(victim.nothing(), victim.accuracy(victim.nothing()), "none")
    known = _Known(0.0, clean, clean.accuracy, clean.accuracy, clean)
    for th_g in ascending:
        beside = [_Random(clean.accuracy, clean)] * len(RANDOM_COLUMNS)
        if th_g > 0:
            beside = yield from passes.counted(_random_ones(victim, th_g, settings))
        if th_g > 0 and known.best.accuracy > 0:
            drawn = [one.lowest for one in beside]
            known = yield from passes.counted(_searched(victim, known, th_g, settings, drawn))
        yield passes.step(_worst_case(th_g, known, beside))


def worst_case_table(found: Sequence[WorstCase]) -> pd.DataFrame:
    """A row per th_g: the lowest accuracy, which search found it, each search's own, and random deviations' beside."""
    return pd.DataFrame([one.row for one in found])


def _worst_case(th_g: float, known: _Known, beside: Sequence[_Random]) -> WorstCase:
    best = known.best
    row: dict[str, float | str] = {
        columns.TH_G: th_g,
        columns.ACCURACY: best.accuracy,
        columns.FOUND_BY: best.found_by,
        columns.PROJECTED_ACCURACY: known.projected,
        columns.LAGRANGIAN_ACCURACY: known.lagrangian,
    }
    for (mean, minimum), one in zip(RANDOM_COLUMNS, beside, strict=True):
        row |= {mean: one.mean, minimum: one.lowest.accuracy}
    return WorstCase(th_g, best.accuracy, best.found_by, best.deviation, row)


class _Passes:
    """Counts passes through the network."""

    def __init__(self, settings: SearchSettings, num_bounds: int) -> None:
        starts = 2 + settings.num_restarts
        self._each = (
            len(RANDOM_COLUMNS) * settings.num_draws
            + starts * (settings.num_steps + 2)
            + settings.num_multipliers * (settings.num_multiplier_steps + 1)
        )
        self._total = num_bounds * self._each
        self._ended = 0
        self._begun = 0

    def step(self, found: WorstCase | None = None) -> Step:
        """One more pass begins, or one th_g is done, with however many passes."""
        if found is not None:
            self._ended, self._begun = self._ended + 1, 0
        done = self._ended * self._each + min(self._begun, self._each)
        self._begun += found is None
        return Step(done, self._total, found)

    def counted(self, search: Generator[None, None, T]) -> Generator[Step, None, T]:
        """A search's own passes, as steps."""
        while True:
            try:
                next(search)
            except StopIteration as end:
                return end.value
            yield self.step()


def _searched(
    victim: Victim, known: _Known, th_g: float, settings: SearchSettings, drawn: Sequence[_Point]
) -> Generator[None, None, _Known]:
    """Both searches at one th_g."""
    found = [known.best, *drawn]
    for start in _starts(victim, known, th_g, settings, drawn):
        met = yield from projected(victim, start, th_g=th_g, num_steps=settings.num_steps, stride=settings.stride)
        yield
        found.append(_Point(met.deviation, victim.accuracy(met.deviation), "projected"))
        if found[-1].accuracy == 0:
            break
    by_projected = min(found, key=_accuracy)
    if by_projected.accuracy == 0:  # nothing lower is to be found
        return replace(known, th_g=th_g, best=by_projected, projected=0.0, lagrangian=float("nan"))
    met = yield from lagrangian(
        victim,
        known.by_lagrangian.deviation,
        th_g=th_g,
        num_steps=settings.num_multiplier_steps,
        num_multipliers=settings.num_multipliers,
        stride=settings.stride,
    )
    yield
    other = _Point(met.deviation, victim.accuracy(met.deviation), "lagrangian")
    by_lagrangian = min(known.by_lagrangian, other, key=_accuracy)
    best = min(by_projected, by_lagrangian, key=_accuracy)
    return _Known(th_g, best, by_projected.accuracy, by_lagrangian.accuracy, by_lagrangian)


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


def _random_ones(victim: Victim, th_g: float, settings: SearchSettings) -> Generator[None, None, list[_Random]]:
    """The mean accuracy of each law's draws, and the worst of them; the same draws at every th_g, scaled."""

    def uniform(draw: int) -> Deviation:
        return victim.uniform(generator(settings.seed, "worst_case_uniform", draw))

    def gaussian(draw: int) -> Deviation:
        normals = victim.normals(generator(settings.seed, "worst_case_gaussian", draw))
        return {name: CUT.deviations(normal) for name, normal in normals.items()}

    summaries: list[_Random] = []
    for law in (uniform, gaussian):
        accuracies: list[float] = []
        lowest = _Point({}, float("inf"), "projected")
        for draw in range(settings.num_draws):
            deviation = _scaled(law(draw), th_g)
            yield
            accuracies.append(victim.accuracy(deviation))
            if accuracies[-1] < lowest.accuracy:
                lowest = _Point(deviation, accuracies[-1], "projected")
        summaries.append(_Random(sum(accuracies) / len(accuracies), lowest))
    return summaries


def _scaled(deviation: Deviation, factor: float) -> Deviation:
    return {name: delta * factor for name, delta in deviation.items()}


def _accuracy(point: _Point) -> float:
    return point.accuracy
