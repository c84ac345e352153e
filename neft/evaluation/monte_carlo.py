"""Try a network on sampled chips, at every sigma_d, on a data set or on batches of one's own."""

from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, nn

from neft import columns
from neft.chips.counts import decided_floor
from neft.chips.deployed import ChipLaw, DeployedNetwork, channels_last
from neft.chips.sampling import Weights
from neft.datasets.base import ImageData, Split
from neft.devices import Rram1
from neft.errors import ConfigError, StoppedError
from neft.evaluation.calibration import fit_temperature
from neft.evaluation.stopping import RunningMean
from neft.mapping.bit_slicing import BitSlicing
from neft.metrics import METRICS, Predictions
from neft.networks.device_layers import parameter_table

CALIBRATION_INSTANCES = 8
"""Chips on which the calibration temperature is fitted."""
MANY_CHIPS = 32
MANY_WEIGHTS = 2**28
"""On a GPU so many chips, and so many of their weights in all, lie side by side."""
DRAWN_AHEAD = 4
"""Chips that the host draws while a GPU computes."""

OnInstance = Callable[[int, float], None]


@dataclass(frozen=True)
class Tried:
    """How a network fared on sampled chips."""

    instances: pd.DataFrame
    """A row per sigma_d and instance: `sigma_d`, `instance`, one column a metric."""
    parameters: pd.DataFrame
    """A row per parameter: where it lies, in devices or digital, and why (`device_layers.parameter_table`)."""
    notes: tuple[str, ...]
    """What could not be made fast, and why."""


def evaluate(
    network: nn.Module,
    data: ImageData,
    law: ChipLaw,
    *,
    sigma_ds: Sequence[float],
    num_instances: int,
    seed: int,
    precision: float | None = None,
    min_instances: int | None = None,
    split: Split | None = None,
    torch_device: str = "cpu",
    chips_at_once: int | None = None,
    on_instance: OnInstance = lambda _instance, _accuracy: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> pd.DataFrame:
    """Try a network on sampled chips.

    Args:
        network: the deployed network.
        data: the data set; its test split is used unless `split` is given.
        law: how chips are made.
        sigma_ds: device variations, std over maximal conductance.
        num_instances: chips, the same ones at every sigma_d; with a precision, at most so many.
        seed: where chips come from.
        precision: stop at each sigma_d when its mean accuracy is known to this half-width (`neft.evaluation.stopping`).
        min_instances: chips that a precision cannot do without; by the precision (`neft.chips.counts`) where None.
        split: another split of the same data set.
        torch_device: where torch computes.
        chips_at_once: chips that are computed side by side; by default one on the CPU, which has nothing to gain, and
            on a GPU as many as fill it.
        on_instance: told after each chip how many are done and its accuracy at the largest sigma_d still open.
        should_stop: asked after each chip, or after those computed side by side.

    Returns:
        A row per sigma_d and instance: `sigma_d`, `instance`, one column a metric, and the temperature to which the
        calibrated ones were calibrated, on validation images and chips of their own.

    Raises:
        ConfigError: fewer chips than the precision takes.
        StoppedError: `should_stop` said so.
    """
    means = _means(sigma_ds, precision, num_instances=num_instances, floor=min_instances)
    split = data.test if split is None else split
    with torch.inference_mode():
        deployed = DeployedNetwork(network, law, torch_device=torch_device)
        images = channels_last(data.normalise(split.images.to(torch_device)))
        fitted = _calibrate(deployed, data, sigma_ds=sigma_ds, seed=seed)
        bench = _Bench(deployed, [images], split.labels.to(torch_device), dict(zip(sigma_ds, fitted, strict=True)))
        return _try_chips(
            bench,
            sigma_ds=sigma_ds,
            num_instances=num_instances,
            seed=seed,
            chips_at_once=chips_at_once or _fitting(deployed),
            means=means,
            on_instance=on_instance,
            should_stop=should_stop,
        )


def try_network(
    network: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    sigma_ds: Sequence[float],
    num_instances: int = 100,
    law: ChipLaw | None = None,
    in_devices: Collection[str] | None = None,
    seed: int = 0,
    precision: float | None = None,
    min_instances: int | None = None,
    torch_device: str = "cpu",
    chips_at_once: int = 1,
    on_instance: OnInstance = lambda _instance, _accuracy: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Tried:
    """Try any network on sampled chips, with inputs of one's own.

    Args:
        network: a classifier: inputs in, logits of shape [inputs, classes] out. It is left alone.
        batches: pairs of inputs, as the network takes them, and labels; kept in memory.
        sigma_ds: device variations, std over maximal conductance.
        num_instances: chips, the same ones at every sigma_d; with a precision, at most so many.
        law: how chips are made; RRAM1 with the paper's bit slicing where None.
        in_devices: names of the parameters that lie in devices, where not all weights of linear, convolution and
            attention layers; the result's `parameters` say which were taken.
        seed: where chips come from.
        precision: stop at each sigma_d when its mean accuracy is known to this half-width (`neft.evaluation.stopping`).
        min_instances: chips that a precision cannot do without; by the precision (`neft.chips.counts`) where None.
        torch_device: where torch computes.
        chips_at_once: chips that are computed side by side, for a network that `torch.vmap` can take.
        on_instance: told after each chip how many are done and its accuracy at the largest sigma_d still open.
        should_stop: asked after each chip, or after those computed side by side.

    Raises:
        ConfigError: no batches; what the network puts out or the labels are no classification; nothing lies in
            devices, or an unknown parameter; a count or device variation that cannot be, or fewer chips than the
            precision takes.
        StoppedError: `should_stop` said so.
    """
    _check_counts(sigma_ds, num_instances=num_instances, chips_at_once=chips_at_once)
    means = _means(sigma_ds, precision, num_instances=num_instances, floor=min_instances)
    law = law or ChipLaw(device=Rram1(), mapping=BitSlicing())
    parameters = parameter_table(network, in_devices)
    with torch.inference_mode():
        deployed = DeployedNetwork(network, law, in_devices=in_devices, torch_device=torch_device)
        pairs = [(channels_last(inputs.to(torch_device)), labels.to(torch_device)) for inputs, labels in batches]
        _check_batches(deployed, pairs)
        bench = _Bench(
            deployed, [inputs for inputs, _ in pairs], torch.cat([labels for _, labels in pairs]).long(), None
        )
        instances = _try_chips(
            bench,
            sigma_ds=sigma_ds,
            num_instances=num_instances,
            seed=seed,
            chips_at_once=chips_at_once,
            means=means,
            on_instance=on_instance,
            should_stop=should_stop,
        )
    return Tried(instances, parameters, () if deployed.note is None else (deployed.note,))


class _Bench:
    """A deployed network and the inputs it is tried on."""

    def __init__(
        self,
        deployed: DeployedNetwork,
        batches: Sequence[Tensor],
        labels: Tensor,
        temperatures: Mapping[float, float] | None,
    ) -> None:
        self.deployed = deployed
        self.temperatures = temperatures
        self.metrics = {name: m for name, m in METRICS.items() if temperatures is not None or not m.calibrated}
        self._batches = batches
        self._labels = labels
        self._clean: Tensor | None = None
        self._most = 2**31
        """Chips side by side for which there is memory, as far as is known."""

    def measure(
        self, chips: Sequence[Weights], sigma_ds: Sequence[float]
    ) -> dict[str, Float[Tensor, "chips sigma_ds"]]:
        """Each metric of each chip at each sigma_d, by the metric's name; on the host, brought there at once."""
        values = self._measured(chips, sigma_ds).cpu()
        return dict(zip(self.metrics, values.unbind(-1), strict=True))

    def _measured(self, chips: Sequence[Weights], sigma_ds: Sequence[float]) -> Float[Tensor, "chips sigma_ds metrics"]:
        if len(chips) == 1:
            self.deployed.place(chips[0])
            return torch.stack([self._one(sigma_d) for sigma_d in sigma_ds])[None]
        if len(chips) > self._most:
            parts = [chips[start : start + self._most] for start in range(0, len(chips), self._most)]
            return torch.cat([self._measured(part, sigma_ds) for part in parts])
        try:
            self.deployed.place_many(chips)
            return torch.stack([self._many(sigma_d, len(chips)) for sigma_d in sigma_ds], dim=1)
        except torch.OutOfMemoryError:
            self._most = len(chips) // 2
        return self._measured(chips, sigma_ds)

    def _one(self, sigma_d: float) -> Float[Tensor, " metrics"]:
        if sigma_d == 0 and self._clean is not None:  # without variation every chip is the same one
            return self._clean
        self.deployed.program(sigma_d=sigma_d)
        logits = torch.cat([self.deployed.logits(batch) for batch in self._batches])
        found = self._metrics(logits, sigma_d)
        if sigma_d == 0:
            self._clean = found
        return found

    def _many(self, sigma_d: float, count: int) -> Float[Tensor, "chips metrics"]:
        if sigma_d == 0:
            return self._one(0.0).expand(count, -1)
        logits = torch.cat([self.deployed.logits_of_many(batch, sigma_d=sigma_d) for batch in self._batches], dim=1)
        return torch.stack([self._metrics(chip, sigma_d) for chip in logits])

    def _metrics(self, logits: Float[Tensor, "images classes"], sigma_d: float) -> Float[Tensor, " metrics"]:
        plain = Predictions.from_logits(logits, self._labels)
        if self.temperatures is None:
            return torch.stack([metric.compute(plain) for metric in self.metrics.values()])
        calibrated = Predictions.from_logits(logits, self._labels, temperature=self.temperatures[sigma_d])
        return torch.stack([m.compute(calibrated if m.calibrated else plain) for m in self.metrics.values()])


class _Means:
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


def _means(sigma_ds: Sequence[float], precision: float | None, *, num_instances: int, floor: int | None) -> _Means:
    if precision is None:
        return _Means({})
    floor = decided_floor(precision, num_instances=num_instances) if floor is None else floor
    return _Means({sigma_d: RunningMean(precision=precision, floor=floor) for sigma_d in sigma_ds})


def _try_chips(
    bench: _Bench,
    *,
    sigma_ds: Sequence[float],
    num_instances: int,
    seed: int,
    chips_at_once: int,
    means: _Means,
    on_instance: OnInstance,
    should_stop: Callable[[], bool],
) -> pd.DataFrame:
    found: list[dict[str, float]] = []
    ahead = 0 if bench.deployed.torch_device == "cpu" else DRAWN_AHEAD
    with closing(_drawn(bench.deployed, seed, num_instances, ahead=ahead)) as chips:
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
    instances = pd.DataFrame(found)
    if bench.temperatures is not None:
        instances[columns.CALIBRATION_TEMPERATURE] = instances[columns.SIGMA_D].map(bench.temperatures)
    return instances.sort_values([columns.SIGMA_D, columns.INSTANCE], ignore_index=True)


def _drawn(deployed: DeployedNetwork, seed: int, count: int, *, ahead: int) -> Generator[Weights]:
    """Chips 0, 1, … in order; some of them drawn ahead, in threads, while others are computed."""
    if not ahead:
        for instance in range(count):
            yield deployed.normals(seed, "chip", instance)
        return
    with ThreadPoolExecutor(ahead) as pool:
        waiting: deque[Future[Weights]] = deque()
        try:
            for instance in range(count + ahead):
                if instance < count:
                    waiting.append(pool.submit(deployed.normals, seed, "chip", instance))
                if instance >= ahead:
                    yield waiting.popleft().result()
        finally:
            for future in waiting:
                _ = future.cancel()


def _fitting(deployed: DeployedNetwork) -> int:
    return 1 if deployed.torch_device == "cpu" else max(1, min(MANY_CHIPS, MANY_WEIGHTS // deployed.num_weights))


def _check_counts(sigma_ds: Sequence[float], *, num_instances: int, chips_at_once: int) -> None:
    if not sigma_ds or min(sigma_ds) < 0 or len(set(sigma_ds)) < len(sigma_ds):
        message = f"sigma_ds (device variations) must be different numbers, at least one, none below 0; got {sigma_ds}."
        raise ConfigError(message)
    for name, count in (("num_instances (chips)", num_instances), ("chips_at_once", chips_at_once)):
        if count < 1:
            message = f"{name} must be at least 1; got {count}."
            raise ConfigError(message)


def _check_batches(deployed: DeployedNetwork, pairs: Sequence[tuple[Tensor, Tensor]]) -> None:
    if not pairs:
        message = "batches are empty; at least one pair of inputs and labels is needed."
        raise ConfigError(message)
    for inputs, labels in pairs:
        if labels.shape != inputs.shape[:1] or labels.is_floating_point() or labels.dtype == torch.bool:
            message = (
                "labels must be whole numbers, one for each input; got "
                f"{list(labels.shape)} of {labels.dtype} for inputs {list(inputs.shape)}."
            )
            raise ConfigError(message)
    deployed.program(sigma_d=0.0)
    logits = deployed.network(pairs[0][0][:1])
    if not isinstance(logits, Tensor) or logits.dim() != 2:
        got = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        message = f"The network must put out logits of shape [inputs, classes]; got {got} for one input."
        raise ConfigError(message)
    labels = torch.cat([labels for _, labels in pairs])
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= logits.shape[1]:
        message = f"labels must lie from 0 to {logits.shape[1] - 1}, the last class; got {lowest} to {highest}."
        raise ConfigError(message)


def _calibrate(deployed: DeployedNetwork, data: ImageData, *, sigma_ds: Sequence[float], seed: int) -> list[float]:
    """The calibration temperature at each sigma_d, from validation images on chips that no test image meets."""
    images = channels_last(data.normalise(data.validation.images.to(deployed.torch_device)))
    outputs: list[list[Tensor]] = [[] for _ in sigma_ds]
    for instance in range(CALIBRATION_INSTANCES):
        deployed.draw(seed, instance, purpose="calibration_chip")
        for found, sigma_d in zip(outputs, sigma_ds, strict=True):
            if sigma_d or not found:
                deployed.program(sigma_d=sigma_d)
                found.append(deployed.logits(images))
    labels = data.validation.labels
    return [fit_temperature(torch.cat(found), labels.repeat(len(found))) for found in outputs]
