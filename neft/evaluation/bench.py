"""A network on chips and what it is tried on: chips are programmed one by one, or side by side, and measured."""

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from neft import columns
from neft.chips.counts import decided_floor
from neft.chips.deployed import DeployedNetwork, Draws, UntouchedNetwork
from neft.errors import StoppedError
from neft.evaluation.stopping import RunningMean

DRAWN_AHEAD = 4
"""Chips that the host draws while a GPU computes."""

OnInstance = Callable[[int, float], None]
Numbers = Callable[[list[Tensor], float], Tensor]
"""Of a chip's outputs, batch by batch, at this sigma_d: its numbers, as a tensor of one axis."""


class Bench:
    """A network on chips, the batches it is tried on and what is measured.

    Args:
        deployed: the network.
        batches: as its `logits` takes them.
        names: of the numbers; the accuracy is one of them.
        numbers: what makes them of outputs.
        known: outputs by sigma_d, batch by batch, that were computed already: of chip 0, or of all if all are alike.
    """

    def __init__(
        self,
        deployed: DeployedNetwork | UntouchedNetwork,
        batches: Sequence[Any],
        names: Sequence[str],
        numbers: Numbers,
        known: Mapping[float, list[Tensor]] | None = None,
    ) -> None:
        self.deployed = deployed
        self._known = dict(known or {})
        self._batches = batches
        self._names = names
        self._numbers = numbers
        self._clean: Tensor | None = None
        self._most = 2**31
        """Chips side by side for which there is memory, as far as is known."""

    def measure(self, chips: Sequence[Draws], sigma_ds: Sequence[float]) -> dict[str, Float[Tensor, "chips sigma_ds"]]:
        """Each number of each chip at each sigma_d, by its name; on the host, brought there at once."""
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
        found = torch.stack([self._one(sigma_d) for sigma_d in sigma_ds])
        self._known = {}  # of the first chip alone
        return found

    def _one(self, sigma_d: float) -> Float[Tensor, " numbers"]:
        alike = sigma_d == 0 and self.deployed.is_clean_at_zero  # without variation every chip is the same one
        if alike and self._clean is not None:
            return self._clean
        outputs = self._known.pop(sigma_d, None)
        if outputs is None:
            self.deployed.program(sigma_d=sigma_d)
            outputs = [self.deployed.logits(batch) for batch in self._batches]
        found = self._numbers(outputs, sigma_d)
        if alike:
            self._clean = found
        return found

    def _many(self, deployed: DeployedNetwork, sigma_d: float, count: int) -> Float[Tensor, "chips numbers"]:
        if sigma_d == 0 and deployed.is_clean_at_zero:
            return self._one(0.0).expand(count, -1)
        outputs = [deployed.logits_of_many(batch, sigma_d=sigma_d) for batch in self._batches]
        return torch.stack([self._numbers([batch[chip] for batch in outputs], sigma_d) for chip in range(count)])


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
) -> pd.DataFrame:
    """A row per sigma_d and instance: `sigma_d`, `instance` and the bench's numbers; what is asked is told elsewhere.

    Raises:
        StoppedError: `should_stop` said so.
    """
    found: list[dict[str, float]] = []
    ahead = 0 if bench.deployed.torch_device == "cpu" else DRAWN_AHEAD
    with closing(drawn(bench.deployed, seed, num_instances, ahead=ahead)) as chips:
        for start in range(0, num_instances, chips_at_once):
            wanted = means.unknown(sigma_ds)
            if not wanted:
                break
            block = [next(chips) for _ in range(min(chips_at_once, num_instances - start))]
            measured = {name: values.tolist() for name, values in bench.measure(block, wanted).items()}
            for chip in range(len(block)):
                # a mean may have become known within the block: the chips after are as if never tried
                still = means.unknown(wanted)
                if not still:
                    break
                for sigma_d in still:
                    at = wanted.index(sigma_d)
                    values = {name: of_chips[chip][at] for name, of_chips in measured.items()}
                    found.append({columns.SIGMA_D: sigma_d, columns.INSTANCE: start + chip} | values)
                    means.add(sigma_d, values[columns.ACCURACY])
                on_instance(start + chip + 1, found[-1][columns.ACCURACY])
            if should_stop():
                message = f"Stopped after {start + len(block)} of {num_instances} chips."
                raise StoppedError(message, epoch=-1)
    return pd.DataFrame(found).sort_values([columns.SIGMA_D, columns.INSTANCE], ignore_index=True)


def drawn(deployed: DeployedNetwork | UntouchedNetwork, seed: int, count: int, *, ahead: int) -> Generator[Draws]:
    """Chips 0, 1, … in order; some of them drawn ahead, in threads, while others are computed."""
    if not ahead:
        for instance in range(count):
            yield deployed.normals(seed, "chip", instance)
        return
    with ThreadPoolExecutor(ahead) as pool:
        waiting: deque[Future[Draws]] = deque()
        try:
            for instance in range(count + ahead):
                if instance < count:
                    waiting.append(pool.submit(deployed.normals, seed, "chip", instance))
                if instance >= ahead:
                    yield waiting.popleft().result()
        finally:
            for future in waiting:
                _ = future.cancel()
