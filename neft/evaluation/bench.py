"""A network on chips and what it is tried on: chips are programmed one by one, or side by side, and measured."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from threading import Event
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from neft import columns
from neft.chips.counts import decided_floor
from neft.chips.deployed import DeployedNetwork, Draws, UntouchedNetwork
from neft.errors import StoppedError
from neft.evaluation.spread import spread
from neft.evaluation.stopping import RunningMean
from neft.evaluation.trials import Numbers, Trial, few_at_once

DRAWN_AHEAD = 4
"""Chips that the host draws while a GPU computes."""

MOST_VALUES = 2**17
MOST_VALUES_ELSEWHERE = 2**26
"""So many outputs are made numbers of at once: what stays in a core's cache; on a GPU what it has room for."""

KEPT_EVERY = 20.0
"""Seconds between keeping what is found."""

Row = dict[str, float]
"""A chip's numbers at one sigma_d."""
OnInstance = Callable[[int, float], None]


class AskedToStopError(Exception):
    """Within a chip: it is as if never begun."""


class Bench:
    """A network on chips, the batches it is tried on and what is measured.

    Args:
        deployed: the network.
        batches: as its `logits` takes them.
        names: of the numbers; the accuracy is one of them.
        numbers: what makes them of trials.
        known: outputs by sigma_d, batch by batch, that were computed already: of chip 0, or of all if all are alike.
        should_stop: asked before each batch.
    """

    def __init__(
        self,
        deployed: DeployedNetwork | UntouchedNetwork,
        batches: Sequence[Any],
        names: Sequence[str],
        numbers: Numbers,
        known: Mapping[float, list[Tensor]] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.deployed = deployed
        self._should_stop = should_stop
        self._known = dict(known or {})
        self._batches = batches
        self._names = names
        self._numbers = numbers
        self._clean: Tensor | None = None
        self._most = 2**31
        """Chips side by side for which there is memory, as far as is known."""

    def twins(self, count: int, should_stop: Callable[[], bool]) -> "list[Bench]":
        """So many others that measure the same, each for a thread; what is alike for all chips is computed before.

        Args:
            count: how many.
            should_stop: asked beside this one's own.

        Raises:
            TypeError: the network is computed as it was given, where two threads would meet.
        """
        if isinstance(self.deployed, UntouchedNetwork):
            message = "A network that is computed as it was given has no twin."
            raise TypeError(message)
        mine = self._should_stop
        made: list[Bench] = []
        for number in range(count):
            known = {} if number else self._known
            twin = Bench(
                self.deployed.twin(),
                self._batches,
                self._names,
                self._numbers,
                known,
                should_stop=lambda: should_stop() or mine(),
            )
            twin._clean = self._clean
            made.append(twin)
        return made

    def measure_alike(self, chip: Draws, sigma_ds: Sequence[float]) -> None:
        """Compute what is the same for all chips, if anything is.

        Args:
            chip: the first one.
            sigma_ds: device variations that are wanted.

        Raises:
            AskedToStopError: `should_stop` said so before it was computed.
        """
        if 0.0 in sigma_ds and self.deployed.is_clean_at_zero:
            self.deployed.place(chip)
            _ = self._placed([0.0])

    def measure(self, chips: Sequence[Draws], sigma_ds: Sequence[float]) -> dict[str, Float[Tensor, "chips sigma_ds"]]:
        """Each number of each chip at each sigma_d, by its name; on the host, brought there at once.

        Raises:
            AskedToStopError: `should_stop` said so before all was computed.
        """
        values = self._measured(chips, sigma_ds).cpu()
        return dict(zip(self._names, values.unbind(-1), strict=True))

    def _measured(self, chips: Sequence[Draws], sigma_ds: Sequence[float]) -> Float[Tensor, "chips sigma_ds numbers"]:
        if len(chips) == 1 or isinstance(self.deployed, UntouchedNetwork) or self.deployed.is_read_anew:
            return torch.stack([self._alone(chip, sigma_ds) for chip in chips])
        if len(chips) > self._most:
            parts = [chips[start : start + self._most] for start in range(0, len(chips), self._most)]
            return torch.cat([self._measured(part, sigma_ds) for part in parts])
        try:
            self.deployed.place_many(chips)
            return torch.stack([self._many(self.deployed, sigma_d, len(chips)) for sigma_d in sigma_ds], dim=1)
        except torch.OutOfMemoryError:
            self._most = len(chips) // 2
        return self._measured(chips, sigma_ds)

    def _alone(self, chip: Draws, sigma_ds: Sequence[float]) -> Float[Tensor, "sigma_ds numbers"]:
        self.deployed.place(chip)
        found = self._placed(sigma_ds)
        self._known = {}  # of the first chip alone
        return found

    def _placed(self, sigma_ds: Sequence[float]) -> Float[Tensor, "sigma_ds numbers"]:
        """Of the chip that is placed."""
        found = {at: self._clean for at in sigma_ds if self._clean is not None and self._is_alike(at)}
        computed = [sigma_d for sigma_d in sigma_ds if sigma_d not in found]
        if computed:
            found |= zip(computed, self._numbers_of(self._trial(sigma_d) for sigma_d in computed), strict=True)
        self._clean = next((found[sigma_d] for sigma_d in computed if self._is_alike(sigma_d)), self._clean)
        return torch.stack([found[sigma_d] for sigma_d in sigma_ds])

    def _numbers_of(self, trials: Iterable[Trial]) -> Float[Tensor, "trials numbers"]:
        if isinstance(self.deployed, UntouchedNetwork):  # which may put each trial's outputs where the last one's were
            return torch.cat([self._numbers([trial]) for trial in trials])
        most = MOST_VALUES if self.deployed.torch_device == "cpu" else MOST_VALUES_ELSEWHERE
        return torch.cat([self._numbers(few) for few in few_at_once(trials, most)])

    def _is_alike(self, sigma_d: float) -> bool:
        """Whether every chip is the same one, for there is no variation."""
        return sigma_d == 0 and self.deployed.is_clean_at_zero

    def _trial(self, sigma_d: float) -> Trial:
        outputs = self._known.pop(sigma_d, None)
        if outputs is None:
            self.deployed.program(sigma_d=sigma_d)
            outputs = [self.deployed.logits(batch, before_each=self._go_on) for batch in self._batches]
        return Trial(outputs, sigma_d)

    def _go_on(self) -> None:
        if self._should_stop():
            raise AskedToStopError

    def _many(self, deployed: DeployedNetwork, sigma_d: float, count: int) -> Float[Tensor, "chips numbers"]:
        self._go_on()
        if sigma_d == 0 and deployed.is_clean_at_zero:
            return self._placed([0.0]).expand(count, -1)
        outputs = [deployed.logits_of_many(batch, sigma_d=sigma_d) for batch in self._batches]
        return self._numbers_of(Trial([batch[chip] for batch in outputs], sigma_d) for chip in range(count))


class Means:
    """Which sigma_d still need chips; all of them, always, where no precision is asked for."""

    def __init__(self, means: dict[float, RunningMean]) -> None:
        self._means = means

    def unknown(self, sigma_ds: Sequence[float]) -> list[float]:
        """Those of these sigma_d whose mean is not known to the precision."""
        return [sigma_d for sigma_d in sigma_ds if sigma_d not in self._means or not self._means[sigma_d].suffices]

    def add(self, sigma_d: float, accuracy: float) -> None:
        """One more chip's accuracy."""
        if sigma_d in self._means:
            self._means[sigma_d].add(accuracy)


def make_means(sigma_ds: Sequence[float], precision: float | None, *, num_instances: int, floor: int | None) -> Means:
    """What is still to be known to this precision.

    Raises:
        ConfigError: fewer chips than the precision takes.
    """
    if precision is None:
        return Means({})
    floor = decided_floor(precision, num_instances=num_instances) if floor is None else floor
    return Means({sigma_d: RunningMean(precision=precision, floor=floor) for sigma_d in sigma_ds})


class Found:
    """The rows found so far, and what is told of them.

    Args:
        means: told of every accuracy.
        earlier: rows that were found before, chip by chip.
        keep: given all rows now and then, and when it is stopped.
    """

    def __init__(self, means: Means, earlier: Sequence[Row], keep: Callable[[list[Row]], None]) -> None:
        self.rows: list[Row] = []
        self._means = means
        self._keep = keep
        self._kept_at = time.monotonic()
        for row in earlier:
            self._add(dict(row))

    @property
    def num_chips(self) -> int:
        """Chips that need not be tried again."""
        return 1 + max((int(row[columns.INSTANCE]) for row in self.rows), default=-1)

    def take(
        self, measured: Mapping[str, list[list[float]]], chip: int, wanted: Sequence[float], instance: int
    ) -> bool:
        """Take one chip of those measured side by side; False where all means were known before it."""
        # a mean may have become known within the block: the chips after are as if never tried
        still = self._means.unknown(wanted)
        for sigma_d in still:
            at = wanted.index(sigma_d)
            values = {name: of_chips[chip][at] for name, of_chips in measured.items()}
            self._add({columns.SIGMA_D: sigma_d, columns.INSTANCE: instance} | values)
        return bool(still)

    def keep_now_and_then(self) -> None:
        """Keep the rows, if that was not done of late."""
        if time.monotonic() - self._kept_at > KEPT_EVERY:
            self._keep(self.rows)
            self._kept_at = time.monotonic()

    def stopped(self, num_instances: int) -> StoppedError:
        """Keep the rows, since it ends here."""
        self._keep(self.rows)
        return StoppedError(f"Stopped after {self.num_chips} of {num_instances} chips.", epoch=-1)

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        self._means.add(row[columns.SIGMA_D], row[columns.ACCURACY])


def try_chips(
    bench: Bench,
    *,
    sigma_ds: Sequence[float],
    num_instances: int,
    seed: int,
    chips_at_once: int,
    means: Means,
    on_instance: OnInstance,
    should_stop: Callable[[], bool],
    cores: int = 1,
    earlier: Sequence[Row] = (),
    keep: Callable[[list[Row]], None] = lambda _rows: None,
    on_rows: Callable[[Sequence[Row]], None] = lambda _rows: None,
) -> pd.DataFrame:
    """A row per sigma_d and instance: `sigma_d`, `instance` and the bench's numbers; what is asked is told elsewhere.

    Chips of which `earlier` has rows are not tried again; `keep` is given all rows now and then, and at the end of a
    trial that is stopped; `on_rows` is shown them after each chip, before `on_instance` is told of it. Chips are
    independent: over how many cores they are spread changes no number.

    Raises:
        StoppedError: `should_stop` said so.
    """
    found = Found(means, earlier, keep)
    first = found.num_chips
    blocks = [range(at, min(at + chips_at_once, num_instances)) for at in range(first, num_instances, chips_at_once)]
    cores = min(cores, len(blocks)) if can_spread(bench.deployed) else 1

    def wanted_now() -> list[float]:
        return means.unknown(sigma_ds)

    tries = (
        _spread(bench, blocks, wanted_now, seed=seed, cores=cores)
        if cores > 1
        else _one_by_one(bench, blocks, wanted_now, seed=seed)
    )
    with closing(tries) as tried:
        try:
            for block, wanted, values in tried:
                measured = {name: numbers.tolist() for name, numbers in values.items()}
                for at, instance in enumerate(block):
                    if found.take(measured, at, wanted, instance):
                        on_rows(found.rows)
                        on_instance(instance + 1, found.rows[-1][columns.ACCURACY])
                if should_stop():
                    raise found.stopped(num_instances)
                found.keep_now_and_then()
        except AskedToStopError:
            raise found.stopped(num_instances) from None
    return pd.DataFrame(found.rows).sort_values([columns.SIGMA_D, columns.INSTANCE], ignore_index=True)


def can_spread(deployed: DeployedNetwork | UntouchedNetwork) -> bool:
    """Whether chips may be tried in threads: not on a GPU, which is one, nor where the network may draw numbers."""
    return deployed.torch_device == "cpu" and isinstance(deployed, DeployedNetwork)


Try = tuple[range, list[float], dict[str, Tensor]]
"""A block of chips: which, at which sigma_d, and what `Bench.measure` says of them."""


def _one_by_one(
    bench: Bench, blocks: Sequence[range], wanted: Callable[[], list[float]], *, seed: int
) -> Generator[Try]:
    """Block after block, until nothing more is wanted."""
    ahead = 0 if bench.deployed.torch_device == "cpu" else DRAWN_AHEAD
    instances = [instance for block in blocks for instance in block]
    with closing(drawn(bench.deployed, seed, instances, ahead=ahead)) as chips:
        for block in blocks:
            sigma_ds = wanted()
            if not sigma_ds:
                return
            yield block, sigma_ds, bench.measure([next(chips) for _ in block], sigma_ds)


def _spread(
    bench: Bench, blocks: Sequence[range], wanted: Callable[[], list[float]], *, seed: int, cores: int
) -> Generator[Try]:
    """Likewise, over so many cores.

    What is wanted is asked when a block is begun: by the time that it is done, less may be.
    """
    bench.measure_alike(bench.deployed.normals(seed, "chip", blocks[0][0]), wanted())
    ended = Event()

    def tasks() -> Generator[tuple[range, list[float]]]:
        for block in blocks:
            sigma_ds = wanted()
            if not sigma_ds:
                return
            yield block, sigma_ds

    def measure(own: Bench, task: tuple[range, list[float]]) -> Try:
        block, sigma_ds = task
        chips = [own.deployed.normals(seed, "chip", instance) for instance in block]
        return block, sigma_ds, own.measure(chips, sigma_ds)

    with closing(spread(tasks(), measure, bench.twins(cores, ended.is_set), ended=ended)) as tries:
        for one in tries:
            if not wanted():
                return
            yield one


def drawn(
    deployed: DeployedNetwork | UntouchedNetwork, seed: int, instances: Sequence[int], *, ahead: int
) -> Generator[Draws]:
    """These chips in order; some of them drawn ahead, in threads, while others are computed."""
    if not ahead:
        for instance in instances:
            yield deployed.normals(seed, "chip", instance)
        return
    with ThreadPoolExecutor(ahead) as pool:
        waiting: deque[Future[Draws]] = deque()
        try:
            for at in range(len(instances) + ahead):
                if at < len(instances):
                    waiting.append(pool.submit(deployed.normals, seed, "chip", instances[at]))
                if at >= ahead:
                    yield waiting.popleft().result()
        finally:
            for future in waiting:
                _ = future.cancel()
