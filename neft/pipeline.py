"""run(config) -> RunRecord: the one place that joins data, training, Monte Carlo and the store."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pandas as pd
import torch
from torch import Tensor

from neft import columns
from neft.chips.arithmetic import check_arithmetic
from neft.chips.deployed import ChipLaw
from neft.config import RunConfig
from neft.corrections.batchnorm import recalibrate_batchnorm
from neft.corrections.converter_ranges import converter_use, with_converters
from neft.datasets.base import DataAccess, ImageData, Split
from neft.datasets.splits import take_evenly
from neft.errors import ConfigError, RunCorruptError, RunExistsError
from neft.evaluation.deviations import USUAL_SIGMA_D, layer_deviations
from neft.evaluation.monte_carlo import evaluate
from neft.evaluation.schemes import programming_effort
from neft.evaluation.search_settings import SearchSettings
from neft.evaluation.sensitivity import with_scores
from neft.evaluation.so_far import SoFar
from neft.evaluation.worst_case import search_worst_case, worst_case_table
from neft.input_kinds import INPUT_KINDS
from neft.methods import TaughtMethod
from neft.metrics import METRICS
from neft.networks.converters import Converters
from neft.networks.network import RANGES, Network, build_network, num_parameters
from neft.runs import checkpoint, unfinished
from neft.runs.commands import THREADS, TORCH_DEVICE
from neft.runs.facts import run_facts, stored_config
from neft.runs.places import default_data_dir
from neft.runs.records import EffortSummary, RunRecord, RunSummary, WorstCaseSummary, make_provenance
from neft.runs.store import RunStore, RunTables, Stores
from neft.tables import summarise
from neft.training.loop import Hooks, Trained, TrainingState, check_state, input_shape, load_backbone, train

WeightStorage = Literal["codes", "float32", "none"]


@dataclass(frozen=True)
class Progress:
    """Where a run stands; handed to whoever watches."""

    stage: Literal["loading", "training", "evaluating", "searching", "storing"]
    done: int = 0
    total: int = 0
    message: str = ""
    row: dict[str, float | int] = field(default_factory=dict)
    """The history row of the epoch that just ended; of chips the last accuracy, and the mean so far by sigma_d."""


@dataclass(frozen=True)
class Settings:
    """Where and how a run is made: nothing that its id is made of.

    Its numbers depend on one of them in their last bits, so that a run may end up to a point of accuracy elsewhere:
    `torch_device`, which is kept with it.
    """

    store: RunStore
    data_dir: Path = field(default_factory=default_data_dir)
    download: bool = False
    torch_device: str = TORCH_DEVICE
    cores: int = 1
    """Over which chips are spread, on the CPU. It changes no number: each core computes in one thread of torch's."""
    weights: WeightStorage = "float32"
    preset: str | None = None
    command: str = ""
    """One that makes the run again; torch's device is added where it is not the usual."""
    pretrained_stores: Stores = field(default_factory=Stores.default)
    unfinished_root: Path | None = None
    """Where the last whole epoch is kept; below NEFT_HOME if not given."""
    resume: bool = False
    """Go on from the last whole epoch, if there is one."""
    on_progress: Callable[[Progress], None] = lambda _progress: None
    should_stop: Callable[[], bool] = lambda: False


def run(config: RunConfig, settings: Settings) -> RunRecord:
    """Train, evaluate and store one run.

    Raises:
        RunExistsError: it is stored already.
        DataMissingError: the data set is not there.
        ConfigError: settings that do not fit, found before anything is computed where possible.
        StoreError: the store cannot be written, found before the training.
        StoppedError: `should_stop` said so; the last whole epoch and the chips that were tried are kept, nothing is
            stored.
    """
    config = identified(config)
    if config.run_id in settings.store:
        _sweep(config, settings)
        message = f"A run '{config.run_id}' is already stored; the same settings give the same numbers."
        raise RunExistsError(message)
    _check_storage(config, settings.weights)
    check_arithmetic(config.evaluation.arithmetic, settings.torch_device)
    settings.on_progress(Progress("loading", message=f"Loading {config.dataset.label}"))
    with single_threaded():
        data = load_data(config, settings)
        started = time.perf_counter()
        trained, earlier_seconds = _train(config, data, settings)
        training_seconds = earlier_seconds + time.perf_counter() - started
        record = _evaluate_and_store(config, data, trained, settings, training_seconds=training_seconds)
    unfinished.discard(config, settings.unfinished_root)
    return record


def _sweep(config: RunConfig, settings: Settings) -> None:
    """Forget a stored run's last epoch: a process may have been killed between storing the run and forgetting it."""
    unfinished.discard(config, settings.unfinished_root)


def identified(config: RunConfig) -> RunConfig:
    """The config with its images told apart by their content, where nothing else tells: only then is its id the run's.

    Raises:
        DataMissingError: the images are not there.
        ConfigError: it is not clear what they are, or the backbone does not take them.
    """
    dataset = config.dataset.identified()
    return config if dataset is config.dataset else RunConfig.make(**dict(config) | {"dataset": dataset})


def reevaluate(source: RunRecord, config: RunConfig, settings: Settings) -> RunRecord:
    """Evaluate a stored run's weights under another evaluation config and store the result as a run of its own.

    Raises:
        RunNotFoundError: the run was stored without weights.
        ConfigError: the config differs in more than its evaluation and the place of its images.
        DataMissingError: the images are not there, or not those of the training.
        RunExistsError: the result is stored already.
        StoreError: the store cannot be written, found before anything is computed.
        StoppedError: `should_stop` said so; the chips that were tried are kept, and the next call goes on from there.
    """
    _check_only_evaluated_otherwise(source, config)
    check_arithmetic(config.evaluation.arithmetic, settings.torch_device)
    if config.run_id in settings.store or config.run_id in settings.pretrained_stores:
        _sweep(config, settings)
        message = f"A run '{config.run_id}' is already stored; the same settings give the same numbers."
        raise RunExistsError(message)
    holder = settings.pretrained_stores.holder(source.id)
    weights = holder.weights(source)
    settings.store.ensure_writable(config.run_id)
    settings.on_progress(Progress("loading", message=f"Loading {config.dataset.label}"))
    data = load_data(config, settings)
    network = restore_network(stored_config(source), data, weights)
    trained = Trained(
        network=_as_trained(network, config, data),
        history=[
            {str(k): float(v) for k, v in row.items()} for row in holder.tables(source).history.to_dict("records")
        ],
        selected_epoch=source.summary.selected_epoch,
    )
    seconds = source.provenance.training_seconds
    with single_threaded():
        record = _evaluate_and_store(config, data, trained, settings, training_seconds=seconds)
    unfinished.discard(config, settings.unfinished_root)
    return record


def network_on_chips(source: RunRecord, config: RunConfig, settings: Settings) -> tuple[Network, ImageData, ChipLaw]:
    """A stored run's network as `reevaluate` tries it under another evaluation config, its data and its chips' law.

    Raises:
        RunNotFoundError: the run was stored without weights.
        ConfigError: the config differs in more than its evaluation and the place of its images.
        DataMissingError: the images are not there, or not those of the training.
    """
    _check_only_evaluated_otherwise(source, config)
    weights = settings.pretrained_stores.holder(source.id).weights(source)
    settings.on_progress(Progress("loading", message=f"Loading {config.dataset.label}"))
    data = load_data(config, settings)
    network = _as_trained(restore_network(stored_config(source), data, weights), config, data)
    deployed = _as_deployed(network, config, data)
    return deployed, data, law_of_chips(config, deployed, data)


def _check_only_evaluated_otherwise(source: RunRecord, config: RunConfig) -> None:
    trained = stored_config(source)
    if config.model_copy(update={"evaluation": trained.evaluation}).decisive != trained.decisive:
        message = "Only the evaluation may differ from the stored run's; train anew for the rest."
        raise ConfigError(message)


def _as_deployed(network: Network, config: RunConfig, data: ImageData) -> Network:
    """A network as test chips hold it: its BatchNorm recalibrated where that is asked for, between their converters."""
    if config.evaluation.recalibrate_batchnorm:
        network = recalibrate_batchnorm(network, data, chip_law(config))
    return _with_converters(network, config.test_converters, config, data)


def _as_trained(network: Network, config: RunConfig, data: ImageData) -> Network:
    """A stored network with the converters that it was trained with, as far as they are kept: calibrated ones go.

    Raises:
        ConfigError: BatchNorm is to be recalibrated between learned ranges that are gone.
    """
    trained = config.train_converters
    if network.ranges is None or network.ranges.settings == trained:
        return network
    if trained.are_learned and config.evaluation.recalibrate_batchnorm:
        message = (
            "recalibrate_batchnorm gathers statistics between the converters of the training, whose learned ranges "
            "these weights come without: evaluate the run that was trained."
        )
        raise ConfigError(message)
    return _with_converters(network, Converters(), config, data)


def _with_converters(network: Network, converters: Converters, config: RunConfig, data: ImageData) -> Network:
    return with_converters(
        network,
        converters,
        backbone=config.backbone,
        shape=input_shape(data),
        data=data,
        law=chip_law(config),
    )


@contextmanager
def single_threaded() -> Generator[None]:
    """Have torch compute with one thread meanwhile: with others a sum may round otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def load_data(config: RunConfig, settings: Settings) -> ImageData:
    """The run's data set.

    Raises:
        DataMissingError: it is not there.
    """

    def report(message: str) -> None:
        settings.on_progress(Progress("loading", message=message))

    data = config.dataset.load(DataAccess(data_dir=settings.data_dir, download=settings.download, report=report))
    return replace(
        data,
        validation=_few(data.validation, config.training.max_validation, "max_validation"),
        test=_few(data.test, config.evaluation.max_test, "max_test"),
    )


def _few(split: Split, count: int | None, setting: str) -> Split:
    if count is None:
        return split
    taken = take_evenly(split.labels, count, setting=setting)
    return Split(images=split.images[taken], labels=split.labels[taken])


def restore_network(config: RunConfig, data: ImageData, weights: dict[str, Tensor]) -> Network:
    """The deployed network of a stored run.

    Raises:
        ConfigError: its weights are those of another shape of images or number of classes.
    """
    network = build_network(config.backbone, input_shape(data), converters=config.test_converters)
    try:
        _ = network.load_state_dict(weights, strict=True)
    except RuntimeError:
        message = (
            f"The run's weights do not fit its data: there are {data.num_classes} classes of {data.shape_words} "
            f"{INPUT_KINDS[data.num_axes].many} in {config.dataset.full_label}; it was made with others."
        )
        raise ConfigError(message) from None
    return network.eval()


def chip_law(config: RunConfig) -> ChipLaw:
    """How a run's test chips are made."""
    return ChipLaw(
        device=config.test_device,
        mapping=config.test_mapping,
        sampler=config.evaluation.sampler,
        quantise=config.evaluation.quantise,
        programming=config.test_programming,
        effects=config.evaluation.effects,
        arithmetic=config.evaluation.arithmetic,
    )


def law_of_chips(config: RunConfig, network: Network, data: ImageData) -> ChipLaw:
    """The same with how much each weight of its network matters, where programming goes by that.

    Raises:
        ConfigError: the network has a layer of which that cannot be told.
    """
    return with_scores(chip_law(config), network, data)


def _train(config: RunConfig, data: ImageData, settings: Settings) -> tuple[Trained, float]:
    state = _last_epoch(config, data, settings) if settings.resume else None
    earlier = sum(row[columns.SECONDS] for row in state.history) if state else 0.0
    initial: dict[str, Tensor] | None = None
    if config.training.pretrained_run is not None:
        holder = settings.pretrained_stores.holder(config.training.pretrained_run)
        initial = holder.weights(holder.record(config.training.pretrained_run))

    teacher = _teacher(config, data, settings)

    def on_epoch(current: TrainingState) -> None:
        unfinished.save(config, current, settings.unfinished_root)
        epochs = config.training.epochs
        settings.on_progress(Progress("training", current.epoch, epochs, row=current.history[-1]))

    settings.store.ensure_writable(config.run_id)
    start_at = state.epoch if state else 0
    settings.on_progress(Progress("training", start_at, config.training.epochs))
    trained = train(
        config,
        data,
        state=state,
        initial_weights=initial,
        teacher=teacher,
        torch_device=settings.torch_device,
        cores=settings.cores,
        hooks=Hooks(on_epoch=on_epoch, should_stop=settings.should_stop),
    )
    return trained, earlier


def _last_epoch(config: RunConfig, data: ImageData, settings: Settings) -> TrainingState | None:
    """Where an interrupted training stands; one that is none is set aside, and the training starts anew."""
    try:
        state = unfinished.load(config, settings.unfinished_root)
        if state is not None:
            check_state(config, data, state)
        return state  # noqa: TRY300
    except RunCorruptError as error:
        place = unfinished.set_aside(config, settings.unfinished_root)
        message = f"The interrupted training starts anew: {error} Until it has ended, that file lies at '{place}'."
        settings.on_progress(Progress("loading", message=message))
        return None


def _teacher(config: RunConfig, data: ImageData, settings: Settings) -> Network | None:
    """The network that the method learns from, if it names one."""
    method = config.method
    if not isinstance(method, TaughtMethod) or method.teacher_run is None:
        return None
    holder = settings.pretrained_stores.holder(method.teacher_run)
    record = holder.record(method.teacher_run)
    config, weights = stored_config(record), holder.weights(record)
    is_whole = config.test_converters == config.train_converters  # it teaches as it was trained
    converters = config.train_converters if is_whole else Converters()
    teacher = build_network(config.backbone, input_shape(data), converters=converters)
    load_backbone(teacher, weights, setting=f"{type(method).__name__}.teacher_run")
    if teacher.ranges is not None:
        ranges = {name: value for name, value in weights.items() if name.startswith(RANGES)}
        _ = teacher.load_state_dict(ranges, strict=False)
    return teacher.eval()


def _evaluate_and_store(
    config: RunConfig, data: ImageData, trained: Trained, settings: Settings, *, training_seconds: float
) -> RunRecord:
    network = _as_deployed(trained.network, config, data)
    stored = _stored_weights(config, network, settings.weights)
    if settings.weights == "codes":  # what is evaluated is what is stored
        network = restore_network(config, data, checkpoint.decode(stored, config.mapping))
    law = law_of_chips(config, network, data)
    started = time.perf_counter()
    total = config.evaluation.num_instances
    earlier = unfinished.load_chips(config, checkpoint.checksum(network.state_dict()), settings.unfinished_root)

    so_far = SoFar()

    def on_instance(done: int, accuracy: float) -> None:
        row = {columns.ACCURACY: accuracy} | so_far.means()
        settings.on_progress(Progress("evaluating", done, total, row=row))

    def keep(rows: list[dict[str, float]]) -> None:
        seconds = earlier.seconds + time.perf_counter() - started
        unfinished.save_chips(config, replace(earlier, rows=rows, seconds=seconds), settings.unfinished_root)

    settings.on_progress(Progress("evaluating", len({row[columns.INSTANCE] for row in earlier.rows}), total))
    instances = evaluate(
        network,
        data,
        law,
        sigma_ds=config.evaluation.sigma_ds,
        num_instances=total,
        precision=config.evaluation.precision,
        min_instances=config.evaluation.min_instances,
        seed=config.evaluation.seed,
        torch_device=settings.torch_device,
        cores=settings.cores,
        on_instance=on_instance,
        should_stop=settings.should_stop,
        earlier=earlier.rows,
        keep=keep,
        on_rows=so_far.add,
    )
    layers, deviations = layer_deviations(
        network, law, seed=config.evaluation.seed, sigma_d=max(config.evaluation.sigma_ds) or USUAL_SIGMA_D
    )
    use = converter_use(network, data, law)
    if use is not None:
        layers = layers.merge(use, on=columns.LAYER, validate="one_to_one")
    worst_case = _worst_case(config, network, data, settings)
    evaluation_seconds = earlier.seconds + time.perf_counter() - started
    settings.on_progress(Progress("storing", message=config.run_id))
    record = RunRecord(
        id=config.run_id,
        facts=run_facts(config, num_classes=data.num_classes),
        config=config.model_dump(mode="json"),
        provenance=make_provenance(
            torch_device=settings.torch_device,
            threads=THREADS,
            training_seconds=training_seconds,
            evaluation_seconds=evaluation_seconds,
            preset=settings.preset,
            command=settings.command,
        ),
        summary=_summary(config, trained, law, instances, worst_case),
    )
    tables = RunTables(
        history=pd.DataFrame(trained.history),
        instances=instances,
        layers=layers,
        deviations=deviations,
        worst_case=worst_case,
    )
    return settings.store.save(record, tables, stored if settings.weights != "none" else None)


def _worst_case(config: RunConfig, network: Network, data: ImageData, settings: Settings) -> pd.DataFrame | None:
    """The table of the worst case on the test images; None where it is not asked for."""
    if not config.evaluation.worst_case:
        return None
    found = search_worst_case(
        network,
        data,
        chip_law(config),  # its targets alone count
        th_gs=config.evaluation.worst_case,
        settings=SearchSettings(seed=config.evaluation.seed),
        torch_device=settings.torch_device,
        cores=settings.cores,
        on_progress=lambda done, total: settings.on_progress(Progress("searching", done, total)),
        should_stop=settings.should_stop,
    )
    return worst_case_table(list(found))


def _stored_weights(config: RunConfig, network: Network, storage: WeightStorage) -> dict[str, Tensor]:
    state = dict(network.state_dict())
    if storage != "codes":
        return state
    _check_storage(config, storage)
    return checkpoint.encode(state, set(network.device_weights()), config.mapping)


def _check_storage(config: RunConfig, storage: WeightStorage) -> None:
    if storage == "codes" and not config.evaluation.quantise:
        message = "Weights can be stored as codes only where the evaluation quantises them."
        raise ConfigError(message)
    if storage == "codes" and not (config.mapping.is_plain and config.test_mapping == config.mapping):
        message = "Weights can be stored as codes only where they are mapped by bit slicing alone; store float32."
        raise ConfigError(message)


def _effort(config: RunConfig, weights: dict[str, Tensor], law: ChipLaw) -> dict[float, EffortSummary]:
    """By test sigma_d what programming takes; nothing for the usual chips."""
    if config.test_programming.is_open_loop and config.test_mapping.is_plain:
        return {}
    found = programming_effort(weights, law, sigma_ds=config.evaluation.sigma_ds)
    return {at: EffortSummary(pulses=effort.pulses, reads=effort.reads) for at, effort in found.items()}


def _summary(
    config: RunConfig, trained: Trained, law: ChipLaw, instances: pd.DataFrame, worst_case: pd.DataFrame | None
) -> RunSummary:
    weights = trained.network.device_weights()
    num_weights = sum(weight.numel() for weight in weights.values())
    num_devices = config.test_mapping.num_devices(weights.values())
    selected = trained.history[trained.selected_epoch - 1]
    return RunSummary(
        selected_epoch=trained.selected_epoch,
        num_epochs=len(trained.history),
        validation_accuracy=selected[columns.VALIDATION_ACCURACY],
        test=summarise(instances, METRICS, effort=_effort(config, weights, law)),
        worst_case=()
        if worst_case is None
        else tuple(
            WorstCaseSummary(th_g=th_g, accuracy=accuracy)
            for th_g, accuracy in zip(worst_case[columns.TH_G], worst_case[columns.ACCURACY], strict=True)
        ),
        num_parameters=num_parameters(trained.network),
        num_devices=num_devices,
        devices_a_weight=num_devices // num_weights if num_devices % num_weights == 0 else num_devices / num_weights,
    )
