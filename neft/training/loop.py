"""Train a network on noisy chips: config and data in, weights and history out.

Every random draw has a path from the seed (epoch and step are part of it), so a training that goes on from a saved
state ends with the numbers of an uninterrupted one. Epochs are chosen on the validation split, under variation; test
is never seen.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import torch
from jaxtyping import Float, Num
from torch import Tensor
from torch.func import functional_call

from neft import columns
from neft.chips.deployed import channels_last, drawn_chip, draws_from
from neft.chips.sampling import Weights
from neft.config import RunConfig, TrainingConfig
from neft.corrections.batchnorm import gather_statistics
from neft.corrections.converter_ranges import calibrate_converters
from neft.datasets.base import ImageData, Split
from neft.errors import ConfigError, RunCorruptError, StoppedError
from neft.evaluation.spread import spread
from neft.methods import Moment, TaughtMethod
from neft.metrics import METRICS, Predictions
from neft.networks.copying import copied
from neft.networks.network import HEADS, RANGES, InputShape, Network, build_network, initialise
from neft.seeding import generator
from neft.training.adam import MEAN, SQUARE, STEP, Adam
from neft.training.forward import BatchForward, of_backbone, training_law

HistoryRow = dict[str, float | int]
REALISTIC_WORST = 0.01
"""Share of chips below the percentile by which a searched sigma_d is chosen."""


@dataclass
class TrainingState:
    """All that a training needs to go on: after `epoch` whole epochs."""

    epoch: int = 0
    weights: Weights = field(default_factory=dict)
    best_weights: Weights = field(default_factory=dict)
    best_epoch: int = 0
    optimiser: Weights = field(default_factory=dict)
    """Adam's moments, by parameter name and moment."""
    history: list[HistoryRow] = field(default_factory=list)


@dataclass(frozen=True)
class Trained:
    """What a training ends with."""

    network: Network
    """The deployed network: no heads, evaluation mode."""
    history: list[HistoryRow]
    selected_epoch: int


@dataclass(frozen=True)
class Hooks:
    """What happens around a training; none of it changes a number."""

    on_epoch: Callable[[TrainingState], None] = lambda _state: None
    should_stop: Callable[[], bool] = lambda: False
    """Asked after every step; a training that is told to stop raises `StoppedError`."""


def input_shape(data: ImageData) -> InputShape:
    """What a network must be built for to see these images."""
    return InputShape(
        num_channels=data.num_channels,
        image_size=data.image_size,
        num_classes=data.num_classes,
        num_axes=data.num_axes,
    )


def train(
    config: RunConfig,
    data: ImageData,
    *,
    state: TrainingState | None = None,
    initial_weights: Mapping[str, Tensor] | None = None,
    teacher: Network | None = None,
    torch_device: str = "cpu",
    cores: int = 1,
    hooks: Hooks | None = None,
) -> Trained:
    """Train one network.

    Args:
        config: what to train and how.
        data: the three splits; test is not touched.
        state: go on from here rather than from the start.
        initial_weights: a deployed network's state dict to start from (a pretrained run); heads start fresh.
        teacher: the network that a method with a teacher learns from.
        torch_device: where torch computes.
        cores: over how many the validation chips are spread, on the CPU; it changes no number.
        hooks: called around epochs and steps.

    Raises:
        StoppedError: a hook asked to stop; the state of the last whole epoch was handed to `on_epoch`.
        ConfigError: pretrained weights that do not fit; a method with a teacher, and none given.
    """
    hooks = hooks or Hooks()
    if isinstance(config.method, TaughtMethod) and teacher is None:
        message = (
            f"{type(config.method).__name__}.teacher_run (teacher) is required: the id of a stored run that "
            f"'{config.method.name}' learns from."
        )
        raise ConfigError(message)
    network = build_network(
        config.backbone,
        input_shape(data),
        num_snapshots=config.method.num_snapshots,
        converters=config.train_converters,
    )
    initialise(network, generator(config.training.seed, "initial_weights"))
    drawn = {name: weight.detach() for name, weight in network.device_weights().items()}
    begun = config.constraint.initial(drawn)
    if begun is not drawn:
        _ = network.load_state_dict(dict(begun), strict=False)
    if initial_weights is not None:
        load_backbone(network, initial_weights, setting="TrainingConfig.pretrained_run")
        given = {name: weight.detach() for name, weight in of_backbone(network.device_weights()).items()}
        _ = network.load_state_dict(dict(config.constraint.trainable(given)), strict=False)
    # torch's stub does not know memory_format
    _ = network.to(torch_device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    if teacher is not None:
        _ = teacher.to(torch_device).eval()
    optimiser = Adam(network.parameters(), rate=config.training.learning_rate)
    state = state or TrainingState()
    train_split = _on_device(data.train, torch_device)
    if state.epoch:
        _restore(network, optimiser, state)
    else:
        calibrate_converters(network.train(), data, train_split, _held(network, config))
    validator = _Validator(config, data, torch_device, cores)
    for epoch in range(state.epoch + 1, config.training.epochs + 1):
        started = time.perf_counter()
        stage = _Epoch(network, optimiser, config, data, train_split, epoch, hooks, teacher)
        chosen = [row[columns.SIGMA_D] for row in state.history] if config.method.searches_sigma_d else []
        candidates = config.method.candidates(config.training.sigma_d, chosen)
        if config.method.searches_sigma_d:
            row = _train_best(stage, validator, candidates)
        else:
            row = _train_epoch(stage, candidates[0]) | validator.measure(network)
        row[columns.SECONDS] = time.perf_counter() - started
        _advance(state, network, optimiser, row, keep_best=config.training.keep_best)
        hooks.on_epoch(state)
    return _finish(config, data, state)


def check_state(config: RunConfig, data: ImageData, state: TrainingState) -> None:
    """Refuse a state that no training of this config on these data can go on from.

    Raises:
        RunCorruptError: its tensors are another network's.
    """
    network = build_network(
        config.backbone,
        input_shape(data),
        num_snapshots=config.method.num_snapshots,
        converters=config.train_converters,
    )
    weights = network.state_dict()
    begun = {key.rpartition("/")[0] for key in state.optimiser}  # a parameter that no loss reaches has no moments
    moments = {
        f"{name}/{moment}": torch.zeros(()) if moment == STEP else parameter
        for name, parameter in network.named_parameters()
        if name in begun or not begun
        for moment in (STEP, MEAN, SQUARE)
    }
    _demand_shapes("weights", state.weights, weights)
    _demand_shapes("best weights", of_backbone(state.best_weights), of_backbone(weights))
    _demand_shapes("optimiser's moments", state.optimiser, moments)


def _demand_shapes(part: str, given: Mapping[str, Tensor], known: Mapping[str, Tensor]) -> None:
    pairs = {name: (given.get(name), known.get(name)) for name in sorted({*given, *known})}
    wrong = [name for name, (one, other) in pairs.items() if one is None or other is None or one.shape != other.shape]
    if wrong:
        message = f"The {part} of the interrupted training do not fit its network: '{wrong[0]}'."
        raise RunCorruptError(message)


def shuffled_batches(
    split: Split, data: ImageData, batch_size: int, rng: torch.Generator
) -> Iterator[tuple[Float[Tensor, "batch channels ..."], Tensor]]:
    """One epoch: shuffled, augmented, normalised. A last batch of a single image, useless to BatchNorm, is left out."""
    order = torch.randperm(len(split), generator=rng).to(split.labels.device)
    for chosen in order.split(batch_size):
        if len(chosen) < 2:
            continue
        images: Num[Tensor, "batch channels ..."] = data.augment(split.images[chosen], rng)
        yield channels_last(data.normalise(images)), split.labels[chosen]


def learning_rate(config: RunConfig, progress: float) -> float:
    """Half a cosine from the initial rate (progress 0) to zero (progress 1)."""
    return config.training.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


@dataclass(frozen=True)
class _Epoch:
    """What an epoch's steps need."""

    network: Network
    optimiser: Adam
    config: RunConfig
    data: ImageData
    split: Split
    epoch: int
    hooks: Hooks
    teacher: Network | None


def _train_best(stage: _Epoch, validator: "_Validator", candidates: Sequence[float]) -> HistoryRow:
    """Train the epoch at every sigma_d, each from where it began; go on from the best 1st percentile over chips.

    BatchNorm's statistics are gathered anew before each is validated.
    """
    network, optimiser, config = stage.network, stage.optimiser, stage.config
    start = TrainingState(weights=_copy(network.state_dict()), optimiser=_moments(network, optimiser))
    best = start
    rows: list[tuple[float, HistoryRow]] = []
    for sigma_d in candidates:
        _restore(network, optimiser, start)
        row = _train_epoch(stage, sigma_d) | {columns.SIGMA_D: sigma_d}
        gather_statistics(network, stage.data, of_backbone(_held(network, config)))
        row |= validator.measure(network)
        rows.append((validator.percentile, row))
        if max(merit for merit, _ in rows) == validator.percentile:  # of equals the larger sigma_d
            best = TrainingState(weights=_copy(network.state_dict()), optimiser=_moments(network, optimiser))
    _restore(network, optimiser, best)
    return max(reversed(rows), key=lambda pair: pair[0])[1]


def _train_epoch(stage: _Epoch, sigma_d: float) -> HistoryRow:
    network, optimiser, config, split, epoch = stage.network, stage.optimiser, stage.config, stage.split, stage.epoch
    training = config.training
    _ = network.train()
    # as published: the rate is constant within an epoch
    rate = learning_rate(config, (epoch - 1) / training.epochs)
    optimiser.rate = rate
    chips = generator(training.seed, "training_chips", epoch, torch_device=str(split.labels.device))
    total_loss = torch.zeros((), device=split.labels.device)
    hits = torch.zeros((), device=split.labels.device)
    seen = 0
    in_devices = network.device_weights()
    batches = shuffled_batches(split, stage.data, training.batch_size, generator(training.seed, "order", epoch))
    for step, (images, labels) in enumerate(batches):
        moment = _moment(training, epoch, step, num_images=len(split))
        forward = BatchForward(network, images, config, chips, moment=moment, teacher=stage.teacher)
        for loss, logits in config.method.losses(forward, labels, sigma_d=sigma_d):
            optimiser.forget_gradients()
            _ = (loss if network.ranges is None else loss + network.ranges.penalty()).backward()
            optimiser.step()
            with torch.no_grad():
                config.constraint.hold(in_devices)
            forward.weights_moved()
            seen += len(labels)
            total_loss += loss.detach() * len(labels)
            hits += (logits.detach().argmax(dim=1) == labels).sum()
        if stage.hooks.should_stop():
            message = f"Stopped in epoch {epoch} of {training.epochs}; {epoch - 1} whole epochs are kept."
            raise StoppedError(message, epoch=epoch - 1)
    return {
        columns.EPOCH: epoch,
        columns.LOSS: float(total_loss) / seen,
        columns.TRAIN_ACCURACY: float(hits) / seen,
        columns.LEARNING_RATE: rate,
    }


def _moment(training: TrainingConfig, epoch: int, step: int, *, num_images: int) -> Moment:
    of_epoch = step / math.ceil(num_images / training.batch_size)
    return Moment(epoch=epoch, step=step, progress=(epoch - 1 + of_epoch) / training.epochs)


class _Validator:
    """Accuracy on the validation split: clean, and on the same few chips in every epoch."""

    def __init__(self, config: RunConfig, data: ImageData, torch_device: str, cores: int) -> None:
        self._cores = cores if torch_device == "cpu" else 1
        self._config = config
        self._data = data
        self._split = _on_device(data.validation, torch_device)
        self.percentile = 0.0
        """The 1st percentile of accuracy over the chips that were measured last; clean where there are none."""

    @torch.no_grad()
    def measure(self, network: Network) -> HistoryRow:
        _ = network.eval()
        weights = deployed_weights(network, self._config)
        network.follow(weights)
        clean = self._accuracy(network, weights)
        sigma_d = self._config.validation_sigma_d
        noisy: list[float] = []
        if sigma_d:
            law = replace(training_law(self._config), sampler="exact", quantise=True)
            deployment = law.deploy(weights)

            def on_chip(own: Network, instance: int) -> float:
                source = draws_from(self._config.training.seed, "validation_chip", instance)
                return self._accuracy(own, drawn_chip(deployment, source, sigma_d=sigma_d))

            count = self._config.training.validation_instances
            others = min(self._cores, count) - 1
            team = [network, *(cast("Network", copied(network)) for _ in range(others))]
            noisy = list(spread(range(count), on_chip, team))
        self.percentile = float(np.quantile(noisy, REALISTIC_WORST)) if noisy else clean
        return {
            columns.VALIDATION_ACCURACY: sum(noisy) / len(noisy) if noisy else clean,
            columns.VALIDATION_CLEAN_ACCURACY: clean,
        }

    def _accuracy(self, network: Network, chip: Weights) -> float:
        logits = torch.cat(
            [
                cast("Tensor", functional_call(network, chip, (self._data.normalise(images),)))
                for images in self._split.images.split(512)
            ]
        )
        return float(METRICS["accuracy"].compute(Predictions.from_logits(logits, self._split.labels)))


def _on_device(split: Split, torch_device: str) -> Split:
    return Split(images=split.images.to(torch_device), labels=split.labels.to(torch_device))


def _advance(state: TrainingState, network: Network, optimiser: Adam, row: HistoryRow, *, keep_best: bool) -> None:
    state.epoch = int(row[columns.EPOCH])
    state.history.append(row)
    state.weights = _copy(network.state_dict())
    state.optimiser = _moments(network, optimiser)
    accuracies = [past[columns.VALIDATION_ACCURACY] for past in state.history]
    # of equals the later epoch: it has trained longer
    if not keep_best or not state.best_weights or accuracies[-1] >= accuracies[state.best_epoch - 1]:
        state.best_epoch = state.epoch
        state.best_weights = state.weights


def _finish(config: RunConfig, data: ImageData, state: TrainingState) -> Trained:
    network = build_network(config.backbone, input_shape(data), converters=config.train_converters)
    _ = network.load_state_dict(of_backbone(state.best_weights), strict=True)
    _ = network.load_state_dict(deployed_weights(network, config), strict=False)
    network.follow(network.device_weights())
    return Trained(network=network.eval(), history=list(state.history), selected_epoch=state.best_epoch)


def deployed_weights(network: Network, config: RunConfig) -> Weights:
    """What the devices are to aim at: the backbone's trained weights, unless the method shifts them."""
    weights = of_backbone(_held(network, config))
    stds = training_law(config).deploy_gaussian(weights).stds
    sigma_d = config.train_sigma_d
    return dict(config.method.deployed(weights, stds={name: sigma_d * std for name, std in stds.items()}))


def _held(network: Network, config: RunConfig) -> Weights:
    """What lies in devices without variation, of the backbone and the heads."""
    trained = {name: weight.detach() for name, weight in network.device_weights().items()}
    return dict(config.constraint.effective(trained))


def _copy(tensors: Mapping[str, Tensor]) -> Weights:
    return {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}


def _moments(network: Network, optimiser: Adam) -> Weights:
    return {
        f"{name}/{moment}": value.detach().cpu().clone()
        for name, parameter in network.named_parameters()
        for moment, value in optimiser.state[parameter].items()
    }


def _restore(network: Network, optimiser: Adam, state: TrainingState) -> None:
    _ = network.load_state_dict(state.weights, strict=True)
    for name, parameter in network.named_parameters():
        moments = {
            key.rpartition("/")[2]: value for key, value in state.optimiser.items() if key.rpartition("/")[0] == name
        }
        # Adam keeps its moments where and as the parameter is; its step count stays on the host
        optimiser.state[parameter] = {
            moment: value.clone() if moment == "step" else torch.empty_like(parameter).copy_(value)
            for moment, value in moments.items()
        }


def load_backbone(network: Network, weights: Mapping[str, Tensor], *, setting: str) -> None:
    """Write a deployed network's state dict into a network's backbone; heads stay as they are.

    Args:
        network: is changed.
        weights: of a stored run.
        setting: what asked for that run, for the error.

    Raises:
        ConfigError: they do not fit.
    """
    given = {name: value for name, value in weights.items() if not name.startswith(RANGES)}  # calibrated anew
    try:
        missing, unexpected = network.load_state_dict(given, strict=False)
    except RuntimeError as error:
        message = f"{setting}: its weights do not fit this network: {str(error).splitlines()[-1].strip()}"
        raise ConfigError(message) from None
    absent = [name for name in missing if not name.startswith((HEADS, RANGES))]
    if absent or unexpected:
        message = f"{setting}: its weights do not fit this network: {[*absent, *unexpected][0]}."
        raise ConfigError(message)
