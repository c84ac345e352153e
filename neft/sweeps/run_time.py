"""How long a run will take here, from what stored runs took.

A run's work is counted: passes, weights on which noise is drawn, and multiplications, in training and in evaluation.
What each costs is fitted to the stored runs' seconds (non-negative least squares on relative errors, so that a run ten
times as long counts no more than another). The runs most like the new one then say by how much that fit is off for
them, and the spread of those ratios is the range. Runs of one's own say how fast one's own machine is.
"""

import json
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neft.config import RunConfig
from neft.datasets.base import DataSize
from neft.errors import ConfigError
from neft.evaluation.monte_carlo import CALIBRATION_INSTANCES
from neft.input_kinds import IMAGES
from neft.networks.backbones import BaseBackbone
from neft.networks.network import InputShape, build_network
from neft.runs.records import RunRecord
from neft.sweeps.durations import span

Phase = Literal["training", "evaluation"]
PHASES: tuple[Phase, ...] = ("training", "evaluation")
ENOUGH = 5
"""So many stored runs say how far such estimates are off; with fewer, less similar ones are asked too."""
LATEST = 30
"""Of one's own runs so many count, the latest: a machine may change."""
OUTSIDE = 0.1
"""So much of the similar runs' ratios lies below the range, and as much above."""
LEAST_MARGIN = 1.15
"""No range is narrower than this factor on both sides: the same training never takes the same time twice."""
BACKWARD = 3
"""A pass with its gradients multiplies about three times as often as one without."""


@dataclass(frozen=True)
class Work:
    """What takes time, counted; a row of the fit."""

    passes: float
    """Through the network, a batch or a chip each."""
    draws: float
    """Weights on which noise is drawn, all passes together."""
    multiplications: float

    @property
    def row(self) -> tuple[float, float, float]:
        """As numbers."""
        return self.passes, self.draws, self.multiplications


@dataclass(frozen=True)
class TimedRun:
    """What a stored run took."""

    config: RunConfig
    seconds: dict[Phase, float]
    work: dict[Phase, Work]
    own: bool
    """Whether it was made here, rather than shipped with the package."""
    created: str


@dataclass(frozen=True)
class Past:
    """What stored runs took, the oldest first, and what a unit of each kind of work cost them."""

    runs: tuple[TimedRun, ...]
    prices: dict[Phase, NDArray[np.float64]]
    """Seconds by pass, draw and multiplication."""

    def predicted(self, counted: Work, phase: Phase) -> float:
        """Seconds by the fit alone."""
        return float(np.dot(counted.row, self.prices[phase]))

    def ratio(self, run: TimedRun, phase: Phase) -> float:
        """How much longer a run took than the fit says."""
        return run.seconds[phase] / self.predicted(run.work[phase], phase)


@dataclass(frozen=True)
class Estimate:
    """How long a run, or several, will take, in seconds."""

    training: float
    evaluation: float
    low: float
    high: float
    num_runs: int
    """Stored runs by which it was judged."""
    like: str
    """What those have in common with it, in words."""
    num_own: int = 0
    """How many of one's own runs told how fast this machine is."""

    @property
    def typical(self) -> float:
        """In the middle."""
        return self.training + self.evaluation


def work(config: RunConfig, phase: Phase) -> Work | None:
    """A run's work; None where the data set's size is known only once it is loaded."""
    size = config.dataset.size
    if size is None:
        return None
    return _training(config, size) if phase == "training" else _evaluation(config, size)


def past(records: Iterable[RunRecord], own: Collection[str]) -> Past:
    """What stored runs took, and what their work cost.

    Args:
        records: of the runs; those whose config no longer fits, or whose data set's size is unknown, are left out.
        own: ids of those that were made here.
    """
    runs = sorted(_timed_runs(records, own), key=lambda run: run.created)
    return Past(tuple(runs), {phase: _prices(runs, phase) for phase in PHASES})


def _timed_runs(records: Iterable[RunRecord], own: Collection[str]) -> list[TimedRun]:
    found: list[TimedRun] = []
    for record in records:
        try:
            config = RunConfig.from_json(json.dumps(record.config))
        except ConfigError:
            continue
        counted: dict[Phase, Work] = {phase: made for phase in PHASES if (made := work(config, phase)) is not None}
        provenance = record.provenance
        seconds: dict[Phase, float] = {
            "training": provenance.training_seconds,
            "evaluation": provenance.evaluation_seconds,
        }
        if len(counted) == len(PHASES) and min(seconds.values()) > 0:
            found.append(TimedRun(config, seconds, counted, record.id in own, provenance.created))
    return found


def estimate(config: RunConfig, past: Past, *, trains: bool = True) -> Estimate | None:
    """How long a run will take; None where nothing is known of its data set's size, or no run is stored.

    Args:
        config: of the run.
        past: what stored runs took.
        trains: False where stored weights are only evaluated.
    """
    if not past.runs:
        return None
    parts: dict[Phase, _Part] = {}
    for phase in PHASES:
        counted = work(config, phase)
        if counted is None:
            return None
        parts[phase] = _part(config, counted, phase, past)
    if not trains:
        parts["training"] = _Part(0.0, 0.0, 0.0, 0, "", 0)
    leading = max(parts.values(), key=lambda part: part.middle)
    return Estimate(
        training=parts["training"].middle,
        evaluation=parts["evaluation"].middle,
        low=sum(part.low for part in parts.values()),
        high=sum(part.high for part in parts.values()),
        num_runs=leading.num_runs,
        like=leading.like,
        num_own=leading.num_own,
    )


def together(estimates: Sequence[Estimate], *, workers: int = 1) -> Estimate | None:
    """How long several runs will take, shared by so many processes; None where there are none.

    The ranges are added as if all runs were off in the same direction: they would be on a slower machine.
    """
    if not estimates:
        return None
    longest = max(estimates, key=lambda one: one.typical)
    shares = max(1, min(workers, len(estimates)))
    return replace(
        longest,
        training=sum(one.training for one in estimates) / shares,
        evaluation=sum(one.evaluation for one in estimates) / shares,
        low=max(longest.low, sum(one.low for one in estimates) / shares),
        high=max(longest.high, sum(one.high for one in estimates) / shares),
    )


def _prices(runs: Sequence[TimedRun], phase: Phase) -> NDArray[np.float64]:
    """What a unit of each kind of work costs, in seconds."""
    if not runs:
        return np.zeros(3)
    rows = np.array([run.work[phase].row for run in runs], dtype=np.float64)
    relative = rows / np.array([[run.seconds[phase]] for run in runs])
    scale = relative.max(axis=0)
    scale[scale == 0] = 1.0
    from scipy.optimize import nnls  # noqa: PLC0415 - half a second, for estimates alone

    found, _ = nnls(relative / scale, np.ones(len(runs)))
    return found / scale


def in_words(found: Estimate) -> str:
    """`about 1 to 2 min; from 52 stored runs of this backbone`, and whose machine that is.

    >>> in_words(Estimate(60.0, 30.0, low=70.0, high=140.0, num_runs=52, like="of this backbone"))
    'about 70 s to 2.5 min; from 52 stored runs of this backbone, on the machine that made them'
    """
    runs = f"{found.num_runs} stored {'run' if found.num_runs == 1 else 'runs'} {found.like}"
    machine = (
        f"at the pace of your own {'run' if found.num_own == 1 else f'{found.num_own} runs'}"
        if found.num_own
        else "on the machine that made them"
    )
    return f"about {span(found.low, found.high)}; from {runs}, {machine}"


# ---------------------------------------------------------------- counting
def _training(config: RunConfig, size: DataSize) -> Work:
    training = config.training
    images = min(size.num_train, config.dataset.max_train or size.num_train)
    steps = -(-images // training.batch_size)
    passes = config.method.num_passes
    multiplications, weights = _network(config, size, num_snapshots=config.method.num_snapshots)
    bare, _ = _network(config, size, num_snapshots=0)
    noisy = config.validation_sigma_d > 0
    trainings = len(config.method.candidates(training.sigma_d, ()))
    validated = min(size.num_validation, training.max_validation or size.num_validation)
    tries = 1 + (training.validation_instances if noisy else 0)
    drawn = passes * steps * weights if config.train_sigma_d > 0 else 0
    return Work(
        passes=float(trainings * training.epochs * (passes * steps + tries)),
        draws=trainings * training.epochs * float(drawn),
        multiplications=trainings
        * training.epochs
        * float(BACKWARD * passes * images * multiplications + tries * validated * bare),
    )


def _evaluation(config: RunConfig, size: DataSize) -> Work:
    evaluation = config.evaluation
    multiplications, weights = _network(config, size, num_snapshots=0)
    levels = sum(sigma_d > 0 for sigma_d in evaluation.sigma_ds)
    images = min(size.num_test, evaluation.max_test or size.num_test)
    tried = levels * evaluation.num_instances
    calibrated = levels * CALIBRATION_INSTANCES
    return Work(
        passes=float(1 + tried + calibrated),
        draws=float((evaluation.num_instances + tried) * weights),
        multiplications=float((images * (1 + tried) + size.num_validation * calibrated) * multiplications),
    )


def _network(config: RunConfig, size: DataSize, *, num_snapshots: int) -> tuple[int, int]:
    # every data set of a known size has an image size, of its own or for all
    image_size = size.image_size or int(getattr(config.dataset, "image_size", 0))
    shape = InputShape(
        num_channels=size.num_channels,
        image_size=image_size,
        num_classes=size.num_classes,
        num_axes=IMAGES if config.dataset.num_axes is None else config.dataset.num_axes,
    )
    # frozen models are hashable, though their types do not say so
    return _counted(config.backbone, shape, num_snapshots)  # pyright: ignore[reportArgumentType]


def demand_size(config: RunConfig) -> None:
    """Refuse a network that is too large, as far as that is known before its data are loaded.

    Raises:
        ConfigError: it is.
    """
    if config.dataset.size is not None:
        _ = _network(config, config.dataset.size, num_snapshots=config.method.num_snapshots)


@lru_cache(maxsize=512)
def _counted(backbone: BaseBackbone, shape: InputShape, num_snapshots: int) -> tuple[int, int]:
    """Multiplications an image and weights in devices, counted while the shape of an image passes those of the layers.

    Not by torch's own counter: its first use loads torch's compiler, which takes seconds and a hundred megabytes.
    """
    with torch.device("meta"):
        network = build_network(backbone, shape, num_snapshots=num_snapshots).eval()
    counts: list[int] = []

    def count(layer: nn.Module, _inputs: object, output: Tensor) -> None:
        weight = layer.get_parameter("weight")
        counts.append(output.numel() * math.prod(weight.shape[1:]))

    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            _ = layer.register_forward_hook(count)
    with torch.no_grad():
        _ = network(shape.blank().to("meta"), snapshots=num_snapshots > 0)
    return sum(counts), sum(weight.numel() for weight in network.device_weights().values())


# ---------------------------------------------------------------- judging
@dataclass(frozen=True)
class _Part:
    """The estimate of one phase."""

    low: float
    middle: float
    high: float
    num_runs: int
    like: str
    num_own: int


Alike = Callable[[RunConfig, RunConfig], bool]
LIKENESS: tuple[tuple[str, Alike], ...] = (
    (
        "of this method on this backbone and data set",
        lambda a, b: a.backbone == b.backbone and a.dataset.name == b.dataset.name and a.method.name == b.method.name,
    ),
    (
        "of this backbone on this data set",
        lambda a, b: a.backbone == b.backbone and a.dataset.name == b.dataset.name,
    ),
    ("of this backbone", lambda a, b: a.backbone == b.backbone),
    ("of this backbone at other widths", lambda a, b: a.backbone.name == b.backbone.name),
    ("of other backbones", lambda _a, _b: True),
)
"""From the most to the least alike."""
OTHER_WIDTHS = 3
"""From here on the network is another."""


def _part(config: RunConfig, counted: Work, phase: Phase, past: Past) -> _Part:
    own = [run for run in past.runs if run.own][-LATEST:]
    shipped = [run for run in past.runs if not run.own]
    level, similar = _most_alike(config, own)
    num_own = len(similar)
    if level >= OTHER_WIDTHS or num_own < ENOUGH:
        level, similar = _most_alike(config, shipped or own)
        num_own = len(own)
    ratios = np.array([past.ratio(run, phase) for run in similar])
    if own and not similar[0].own:
        ratios = ratios * _slower(own, shipped, phase, past)
    low, middle, high = (float(value) for value in np.quantile(ratios, [OUTSIDE, 0.5, 1 - OUTSIDE]))
    predicted = past.predicted(counted, phase)
    margin = _margin(predicted, max(past.predicted(run.work[phase], phase) for run in similar))
    return _Part(
        low=predicted * min(low, middle / LEAST_MARGIN) / margin,
        middle=predicted * middle,
        high=predicted * max(high, middle * LEAST_MARGIN) * margin,
        num_runs=len(similar),
        like=LIKENESS[level][0],
        num_own=num_own,
    )


def _margin(predicted: float, longest: float) -> float:
    """How much wider the range is for a run that is longer than all by which it is judged: 1.5 for a factor of ten."""
    return max(1.0, predicted / longest) ** float(np.log10(1.5)) if longest > 0 else 1.0


def _most_alike(config: RunConfig, runs: Sequence[TimedRun]) -> tuple[int, list[TimedRun]]:
    """How alike the most similar runs are, and which these are: enough of them, where there are enough."""
    last = len(LIKENESS) - 1
    for level, (_, alike) in enumerate(LIKENESS):
        found = [run for run in runs if alike(run.config, config)]
        if len(found) >= ENOUGH or level == last:
            return level, found
    raise AssertionError  # the last level takes every run


def _slower(own: Sequence[TimedRun], shipped: Sequence[TimedRun], phase: Phase, past: Past) -> float:
    """By what factor one's own runs took longer than the shipped ones that are most like each."""
    factors: list[float] = []
    for run in own:
        _, similar = _most_alike(run.config, shipped)
        usual = float(np.median([past.ratio(other, phase) for other in similar]))
        factors.append(past.ratio(run, phase) / usual)
    return float(np.median(factors))
