"""Try a network on sampled chips, at every sigma_d, on a data set or on batches of one's own."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, nn

from neft import columns
from neft.chips.deployed import ChipLaw, DeployedNetwork, channels_last
from neft.datasets.base import ImageData, Split
from neft.errors import StoppedError
from neft.evaluation.bench import Bench, OnInstance, Row, make_means, try_chips
from neft.evaluation.calibration import fit_temperature
from neft.evaluation.own_trial import Tried, prepare_trial
from neft.evaluation.spread import spread, team_of
from neft.evaluation.trials import Trial
from neft.metrics import METRICS, Predictions

CALIBRATION_INSTANCES = 8
"""Chips on which the calibration temperature is fitted."""
MANY_CHIPS = 32
MANY_WEIGHTS = 2**28
"""On a GPU so many chips, and so many of their weights in all, lie side by side."""


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
    cores: int = 1,
    on_instance: OnInstance = lambda _instance, _accuracy: None,
    should_stop: Callable[[], bool] = lambda: False,
    earlier: Sequence[Row] = (),
    keep: Callable[[list[Row]], None] = lambda _rows: None,
    on_rows: Callable[[Sequence[Row]], None] = lambda _rows: None,
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
        cores: over how many chips are spread, each in a thread; on the CPU alone. It changes no number.
        on_instance: told after each chip how many are done and its accuracy at the largest sigma_d still open.
        should_stop: asked before each batch of images.
        earlier: what `keep` was given when the same was computed before; those chips are not tried again.
        keep: given all that is found now and then, and when it is stopped.
        on_rows: shown all that is found after each chip, before `on_instance`.

    Returns:
        A row per sigma_d and instance: `sigma_d`, `instance`, one column a metric, and the temperature to which the
        calibrated ones were calibrated, on validation images and chips of their own.

    Raises:
        ConfigError: fewer chips than the precision takes.
        StoppedError: `should_stop` said so.
    """
    means = make_means(sigma_ds, precision, num_instances=num_instances, floor=min_instances)
    split = data.test if split is None else split
    with torch.inference_mode():
        deployed = DeployedNetwork(network, law, torch_device=torch_device)
        images = channels_last(data.normalise(split.images.to(torch_device)))
        temperatures = _calibrate(deployed, data, sigma_ds=sigma_ds, seed=seed, cores=cores, should_stop=should_stop)
        labels = split.labels.to(torch_device)
        metrics = dict(METRICS)

        def numbers(trials: Sequence[Trial]) -> Float[Tensor, "trials numbers"]:
            logits = torch.stack([torch.cat(list(trial.outputs)) for trial in trials])
            fitted = logits.new_tensor([temperatures[trial.sigma_d] for trial in trials], dtype=torch.float32)
            plain = Predictions.from_logits(logits, labels)
            calibrated = Predictions.from_logits(logits, labels, temperature=fitted)
            return torch.stack([m.compute(calibrated if m.calibrated else plain) for m in metrics.values()], dim=1)

        instances = try_chips(
            Bench(deployed, [images], list(metrics), numbers, should_stop=should_stop),
            sigma_ds=sigma_ds,
            num_instances=num_instances,
            seed=seed,
            chips_at_once=chips_at_once or _fitting(deployed),
            means=means,
            on_instance=on_instance,
            should_stop=should_stop,
            cores=cores,
            earlier=earlier,
            keep=keep,
            on_rows=on_rows,
        )
    return instances.assign(**{columns.CALIBRATION_TEMPERATURE: instances[columns.SIGMA_D].map(temperatures)})


def try_network(
    network: nn.Module,
    batches: Iterable[Any],
    *,
    on_instance: OnInstance = lambda _instance, _accuracy: None,
    should_stop: Callable[[], bool] = lambda: False,
    **asked: Any,
) -> Tried:
    """Try any network on sampled chips: as `neft.own_runs.try_network`, which says what each argument is; none is kept.

    Raises:
        ConfigError: as of `prepare_trial`.
        StoppedError: `should_stop` said so.
    """
    return prepare_trial(network, batches, **asked).run(on_instance=on_instance, should_stop=should_stop)


def _fitting(deployed: DeployedNetwork) -> int:
    return 1 if deployed.torch_device == "cpu" else max(1, min(MANY_CHIPS, MANY_WEIGHTS // deployed.num_weights))


def _calibrate(
    deployed: DeployedNetwork,
    data: ImageData,
    *,
    sigma_ds: Sequence[float],
    seed: int,
    cores: int,
    should_stop: Callable[[], bool],
) -> dict[float, float]:
    """By sigma_d the calibration temperature, from validation images on chips that no test image meets.

    Raises:
        StoppedError: `should_stop` said so.
    """

    def go_on() -> None:
        if should_stop():
            message = "Stopped before the first chip."
            raise StoppedError(message, epoch=-1)

    images = channels_last(data.normalise(data.validation.images.to(deployed.torch_device)))
    outputs: dict[float, list[Tensor]] = {sigma_d: [] for sigma_d in sigma_ds}

    def on_chip(own: DeployedNetwork, instance: int) -> dict[float, Tensor]:
        own.draw(seed, instance, purpose="calibration_chip")
        found: dict[float, Tensor] = {}
        for sigma_d in sigma_ds:
            if sigma_d or not instance or not own.is_clean_at_zero:
                own.program(sigma_d=sigma_d)
                found[sigma_d] = own.logits(images, before_each=go_on)
        return found

    team = team_of(deployed, min(cores, CALIBRATION_INSTANCES))
    with closing(spread(range(CALIBRATION_INSTANCES), on_chip, team)) as chips:
        for found in chips:
            for sigma_d, logits in found.items():
                outputs[sigma_d].append(logits)
    labels = data.validation.labels
    return {at: fit_temperature(torch.cat(found), labels.repeat(len(found))) for at, found in outputs.items()}
