"""The unlucky chips of very many: all chips meet few images, and only those that may be among the lowest meet more.

A race finds the R chips of lowest accuracy among N. The first chips (`num_pilots`) meet all images; what they teach
forecasts the others. Every other chip meets a few images, the most promising ones some more, and the R that then look
worst meet all. From then on the R-th largest number of wrong images of all chips that met every image is a bar. Chip
by chip, the rest meets images until "it errs on more than the bar" is refuted (`neft.evaluation.image_bets`) and the
chip is left out, or it proves so near that it meets all of them, which may raise the bar.

**The promise.** With a probability of at least 1 - delta the race's R lowest accuracies are those of the whole
evaluation, rank by rank, and every chip below the last of them is found. Proof. Let B be R chips with the most wrong
images, among equal ones any: B is fixed before the race. The bar is the R-th largest number of some chips, so it is
never above that of all, and it never falls. A chip is left out when "it errs on at least t images" was refuted, for t =
bar + 1 of that time. If no chip of B that was left out errs on more than the last bar, each of them errs on just so
many, as the bar is not above the R-th of all: all is as promised. Otherwise a chip of B was left out though it errs on
at least its own t: what was refuted was true. Of any one chip that happens with a probability of at most alpha = delta
/ R, since each meets the images in a random order of its own, of which other chips know nothing. B has R chips, so to
any of them it happens with at most delta. How many chips there are does not enter.

Outcomes are those of the whole evaluation but for last bits, in which an image's logits may depend on the images that
are computed beside it; the accuracies that are told come from all images at once, so they are the evaluation's own.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from math import inf, log
from typing import Protocol, runtime_checkable

import numpy as np
from scipy.special import ndtri

from neft.errors import ConfigError
from neft.evaluation.forecast import Forecaster
from neft.evaluation.image_bets import Bets, best_stake, most_log_coins
from neft.evaluation.race_result import RacedChip, RaceResult
from neft.seeding import numpy_generator

CHANCE_OF_ERROR = 0.01
"""delta."""
STEP = 64
"""Images that a chip meets at once: fewer would leave the processor idle."""
FEWEST_PILOTS, MOST_PILOTS, CHIPS_A_PILOT = 32, 128, 80
HEATS = ((4, 1), (2, 2))
"""Before there is a bar: of so many times R chips that look worst, each meets so many more steps."""
HOPELESS = 0.5
"""A chip that would take more than this share of all images to be left out meets all of them."""


NOTHING = np.empty(0, dtype=int)


@dataclass(frozen=True)
class Seen:
    """Some images as a chip saw them."""

    wrong: np.ndarray
    """Whether it erred."""
    margins: np.ndarray
    """The logit of the true class less the largest other one."""


@dataclass(frozen=True)
class SeenAll:
    """All images of the split as a chip saw them, in their order."""

    seen: Seen
    accuracy: float
    """As the evaluation gives it."""


@runtime_checkable
class Track(Protocol):
    """Chips and images, to be met one with the other."""

    @property
    def num_images(self) -> int:
        """Images of the split."""
        ...

    def see(self, instance: int, images: np.ndarray) -> Seen:
        """These images on this chip."""
        ...

    def see_all(self, instance: int) -> SeenAll:
        """All of them."""
        ...


@dataclass(frozen=True)
class RaceState:
    """How far a race is."""

    done: int
    total: int
    """Steps of chips: each begins, and each is decided."""
    passes: int
    result: RaceResult | None = None
    """Once all are decided."""


@dataclass
class _Lane:
    """A chip that has not met all images."""

    instance: int
    order: np.ndarray = field(default_factory=lambda: NOTHING)
    """All images in the order in which it meets them, which is its own; empty while it waits."""
    forecast: np.ndarray = field(default_factory=lambda: NOTHING)
    """Of all images; empty while it waits."""
    bets: list[Bets] = field(default_factory=list)
    margins: list[np.ndarray] = field(default_factory=list)
    num_met: int = 0
    num_wrong: int = 0
    expected: float = 0.0
    """Wrong images in all."""

    @property
    def met(self) -> np.ndarray:
        """Images."""
        return self.order[: self.num_met]

    @property
    def to_come(self) -> np.ndarray:
        """Images."""
        return self.order[self.num_met :]

    def resume(self, forecaster: Forecaster, seed: int, num_images: int) -> None:
        """Be ready to meet images, where it waited."""
        if not len(self.order):
            self.order = numpy_generator(seed, "race", self.instance).permutation(num_images)
            self.look_ahead(forecaster)

    def look_ahead(self, forecaster: Forecaster) -> None:
        """Forecast anew, from all that was met."""
        self.forecast = forecaster.tell(self.met, np.concatenate([np.empty(0), *self.margins]))
        self.expected = self.num_wrong + float(self.forecast[self.to_come].sum())

    def wait(self) -> None:
        """Be left alone for a while: what takes memory is made again."""
        self.order, self.forecast = NOTHING, NOTHING


class Race:
    """Find the chips of lowest accuracy among very many.

    Args:
        track: the chips and images.
        num_instances: N, chips 0 to N - 1.
        num_lowest: R.
        seed: where the orders of images come from.
        chance_of_error: delta.

    Raises:
        ConfigError: R is not between 1 and N, or delta not between 0 and 1.
    """

    def __init__(
        self,
        track: Track,
        *,
        num_instances: int,
        num_lowest: int,
        seed: int,
        chance_of_error: float = CHANCE_OF_ERROR,
    ) -> None:
        if not 1 <= num_lowest <= num_instances:
            message = f"num_lowest (R) must lie in [1, {num_instances}], the number of chips; got {num_lowest}."
            raise ConfigError(message)
        if not 0 < chance_of_error < 1:
            message = f"chance_of_error (δ) must lie in (0, 1); got {chance_of_error:g}."
            raise ConfigError(message)
        self._track = track
        self._num_instances = num_instances
        self._num_lowest = num_lowest
        self._seed = seed
        self._refuted = log(num_lowest / chance_of_error)
        """Logarithm of the coins at which a chip is left out."""
        self._wrong: dict[int, int] = {}
        self._accuracy: dict[int, float] = {}
        self._bar = -1
        """Nobody errs on fewer, so that nobody is left out before R chips met all images."""
        self._passes = 0
        self._done = 0

    def run(self) -> Iterator[RaceState]:
        """Race, chip by chip; the last state holds the result."""
        forecaster, guess = yield from self._meet_pilots()
        lanes: list[_Lane] = []
        for instance in range(len(self._wrong), self._num_instances):
            lane = _Lane(instance)
            self._step(lane, forecaster, guess)
            lane.wait()
            lanes.append(lane)
            yield self._state(1)
        yield from self._run_heats(lanes, forecaster, guess)
        for lane in _worst_first(lanes):
            self._decide(lane, forecaster)
            lane.wait()
            yield self._state(1)
        yield RaceState(self._done, self._done, self._passes, self._result(lanes))

    def _meet_pilots(self) -> Generator[RaceState, None, tuple[Forecaster, float]]:
        """Have the first chips meet all images; what they forecast, and about how many images the R-th chip errs on."""
        margins: list[np.ndarray] = []
        wrong: list[np.ndarray] = []
        for instance in range(num_pilots(self._num_instances)):
            seen = self._see_all(instance)
            margins.append(seen.margins)
            wrong.append(seen.wrong)
            yield self._state(2)
        counts = np.array(wrong).sum(axis=1)
        share = 1 - self._num_lowest / (self._num_instances + 1)
        guess = float(counts.mean() + counts.std() * ndtri(share))
        return Forecaster(np.array(margins), np.array(wrong)), guess

    def _run_heats(self, lanes: list[_Lane], forecaster: Forecaster, guess: float) -> Iterator[RaceState]:
        """Have the R chips that look worst, ever more closely, meet all images: then there is a bar."""
        left = lanes
        for times, steps in HEATS:
            left = _worst_first(left)[: times * self._num_lowest]
            for lane in left:
                for _ in range(steps):
                    self._step(lane, forecaster, guess)
                lane.wait()
                yield self._state(0)
        for lane in _worst_first(left)[: self._num_lowest]:
            _ = self._see_all(lane.instance)
            yield self._state(0)

    def _decide(self, lane: _Lane, forecaster: Forecaster) -> None:
        """Have a chip meet images until it is left out, or has met all."""
        while lane.instance not in self._wrong:
            at_least = self._bar + 1
            if self._is_refuted(lane, at_least):
                return
            lane.resume(forecaster, self._seed, self._track.num_images)
            more = _images_to_refute(lane, at_least, self._refuted)
            if more > HOPELESS * self._track.num_images:
                _ = self._see_all(lane.instance)
            else:
                self._step(lane, forecaster, at_least, steps=max(1, int(more / 2 / STEP)))

    def _is_refuted(self, lane: _Lane, at_least: int) -> bool:
        """Whether it cannot err on so many, or that is refuted."""
        if lane.num_wrong + self._track.num_images - lane.num_met < at_least:
            return True
        return lane.num_wrong < at_least and most_log_coins(lane.bets, at_least) >= self._refuted

    def _step(self, lane: _Lane, forecaster: Forecaster, at_least: float | int, *, steps: int = 1) -> None:
        """Have a chip meet more images, if there are any, and bet on them that it does not err on so many."""
        lane.resume(forecaster, self._seed, self._track.num_images)
        if not len(lane.to_come):
            return
        told = lane.forecast[lane.to_come]
        sum_told = float(told.sum())
        images = lane.to_come[: steps * STEP]
        seen = self._track.see(lane.instance, images)
        self._passes += len(images)
        stake = best_stake((at_least - lane.num_wrong - sum_told) / len(told), float((told * (1 - told)).mean()))
        lane.bets.append(
            Bets(
                num_before=len(told),
                wrong_before=lane.num_wrong,
                wrong=seen.wrong,
                forecast=told[: len(images)].copy(),  # what it is a part of need not be kept
                forecast_before=sum_told,
                stake=stake,
            )
        )
        lane.margins.append(seen.margins)
        lane.num_met += len(images)
        lane.num_wrong += int(seen.wrong.sum())
        lane.look_ahead(forecaster)

    def _see_all(self, instance: int) -> Seen:
        whole = self._track.see_all(instance)
        self._passes += self._track.num_images
        self._wrong[instance] = int(whole.seen.wrong.sum())
        self._accuracy[instance] = whole.accuracy
        if len(self._wrong) >= self._num_lowest:
            self._bar = sorted(self._wrong.values(), reverse=True)[self._num_lowest - 1]
        return whole.seen

    def _state(self, done: int) -> RaceState:
        self._done += done
        return RaceState(self._done, 2 * self._num_instances, self._passes)

    def _result(self, lanes: list[_Lane]) -> RaceResult:
        chips = sorted(
            (RacedChip(*one) for one in self._accuracy.items()), key=lambda chip: (chip.accuracy, chip.instance)
        )
        return RaceResult(
            lowest=tuple(chips[: self._num_lowest]),
            num_whole=len(chips),
            passes=self._passes,
            whole_passes=self._num_instances * self._track.num_images,
            still_in=self._still_in(lanes),
        )

    def _still_in(self, lanes: list[_Lane]) -> tuple[tuple[int, int], ...]:
        left_out = [lane.num_met for lane in lanes if lane.instance not in self._wrong]
        met = np.array(left_out + [self._track.num_images] * len(self._wrong))
        return tuple((int(images), int((met >= images).sum())) for images in np.unique(met))


def num_pilots(num_instances: int) -> int:
    """How many chips meet all images to begin with: enough to teach, few beside all.

    >>> num_pilots(20), num_pilots(1000), num_pilots(10_000)
    (20, 32, 125)
    """
    return min(max(num_instances // CHIPS_A_PILOT, FEWEST_PILOTS), MOST_PILOTS, num_instances)


def _worst_first(lanes: list[_Lane]) -> list[_Lane]:
    return sorted(lanes, key=lambda lane: -lane.expected)


def _images_to_refute(lane: _Lane, at_least: int, enough: float) -> float:
    """About how many more images it takes, if forecasts are right."""
    come = lane.forecast[lane.to_come]
    short = at_least - lane.expected
    if not len(come) or short <= 0:
        return inf
    missing = enough - max(float(np.concatenate([one.log_coins(at_least) for one in lane.bets]).sum()), -2.0)
    # a coin grows by about mean^2 / (2 variance) an image; fewer images are left to hide errors as more are seen
    with_return = missing * 2 * float((come * (1 - come)).mean()) / (short / len(come)) ** 2
    return with_return / (1 + with_return / len(come))
