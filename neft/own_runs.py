"""Networks of one's own, tried on chips and, where asked for, kept as runs like any other."""

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, SupportsFloat

import pandas as pd
import torch
from torch import Tensor, nn

from neft import columns
from neft.chips.deployed import ChipLaw
from neft.component import build
from neft.config import EvaluationConfig, RunConfig
from neft.datasets import Dataset
from neft.datasets.own_batches import OwnBatches
from neft.devices import Rram1
from neft.errors import RunExistsError
from neft.evaluation.deviations import USUAL_SIGMA_D, layer_deviations
from neft.evaluation.own_batches import OwnBatches as GivenBatches
from neft.evaluation.own_network import own_module
from neft.evaluation.own_settings import WeightsAs
from neft.evaluation.own_trial import Tried, prepare_trial
from neft.evaluation.watching import only_tensor
from neft.mapping.bit_slicing import BitSlicing
from neft.methods import TrainedElsewhere
from neft.metrics import METRICS
from neft.networks.backbones import OwnNetwork
from neft.networks.device_layers import device_weights
from neft.networks.fingerprint import fingerprint
from neft.networks.network import num_parameters
from neft.pipeline import single_threaded
from neft.runs.facts import run_facts
from neft.runs.notes import MAX_TEXT, Note, write_note
from neft.runs.records import RunRecord, RunSummary, make_provenance
from neft.runs.store import RunStore, RunTables
from neft.tables import summarise

HISTORY = (
    columns.EPOCH,
    columns.SECONDS,
    columns.LOSS,
    columns.TRAIN_ACCURACY,
    columns.VALIDATION_ACCURACY,
    columns.VALIDATION_CLEAN_ACCURACY,
    columns.LEARNING_RATE,
)
"""Of no epochs."""
DIGITS = 16
"""Of a checksum."""
MAX_TITLE = 60
"""Characters."""


def try_network(
    network: nn.Module,
    batches: Iterable[Any],
    *,
    sigma_ds: SupportsFloat | Iterable[float],
    num_instances: int = 100,
    law: ChipLaw | None = None,
    in_devices: Collection[str] | None = None,
    weights: WeightsAs = "stored",
    logits: Callable[[Any], Any] | None = None,
    ignore_index: int = -100,
    seed: int = 0,
    precision: float | None = None,
    min_instances: int | None = None,
    torch_device: str = "cpu",
    chips_at_once: int = 1,
    cores: int = 1,
    on_instance: Callable[[int, float], None] = lambda _instance, _accuracy: None,
    should_stop: Callable[[], bool] = lambda: False,
    store: RunStore | None = None,
    dataset: Dataset | None = None,
    title: str = "",
    command: str = "",
) -> Tried:
    """Try any network on sampled chips, with inputs of one's own.

    What is computed is what the network itself computes of each batch, in evaluation mode, with a chip's weights. What
    makes that faster (`neft.chips.deployed`) is held against it on all batches, and left out where it would change the
    numbers; `notes` says so.

    With a store, the result is kept as a run that lists, comparisons, bundles and the dashboard know like any other:
    its data set and network are told by checksums, and are not kept themselves; the notes become the run's note.

    Args:
        network: a classifier: inputs in, logits of shape [inputs, classes] out. It is left alone. Also taken: one
            logit for a yes or no; one for each of several labels; a further axis or more, as for pixels; probabilities.
        batches: pairs of inputs and labels, or dictionaries, as data loaders give them; kept in memory. Inputs are a
            tensor, a tuple of arguments or a dictionary of them; further items are left aside.
        sigma_ds: device variations, std over maximal conductance; or a single one.
        num_instances: chips, the same ones at every sigma_d; with a precision, at most so many.
        law: how chips are made; RRAM1 with the paper's bit slicing where None.
        in_devices: names of the parameters that lie in devices, where not all weights of linear, convolution,
            recurrent and attention layers; the result's `parameters` say which were taken.
        weights: where a layer changes its weight before it uses it, as a quantiser does: whether deviations are put on
            the weight as it is `stored` or as it is `used`.
        logits: what makes logits of the network's outputs, where they are no tensor and have no `logits`.
        ignore_index: the label of what does not count.
        seed: where chips come from.
        precision: stop at each sigma_d when its mean accuracy is known to this half-width (`neft.evaluation.stopping`).
        min_instances: chips that a precision cannot do without; by the precision (`neft.chips.counts`) where None.
        torch_device: where torch computes.
        chips_at_once: chips that are computed side by side, for a network that `torch.vmap` can take.
        cores: over which chips are spread on the CPU, each in one thread of torch's with a copy of the network: where
            it is computed the fast way, and its forward changes nothing outside of itself.
        on_instance: told after each chip how many are done and its accuracy at the largest sigma_d still open.
        should_stop: asked after each chip, or after those computed side by side.
        store: where the result is kept, if it is to be.
        dataset: with a store, the data set whose test images these batches are, if they are one's.
        title: what the network is called; its class where not given.
        command: one that makes the run again, to be kept with it.

    Raises:
        ConfigError: no batches; what the network puts out or the labels are no classification; nothing lies in
            devices, or an unknown parameter; a count or device variation that cannot be, or fewer chips than the
            precision takes.
        RunExistsError: with a store, the same network was tried so on the same batches, found before it is tried.
        StoppedError: `should_stop` said so.
    """
    law = law or ChipLaw(device=Rram1(), mapping=BitSlicing())
    started = time.perf_counter()
    with single_threaded() if cores > 1 else nullcontext():
        trial = prepare_trial(
            network,
            batches,
            sigma_ds=sigma_ds,
            num_instances=num_instances,
            law=law,
            in_devices=in_devices,
            weights=weights,
            logits=logits,
            ignore_index=ignore_index,
            seed=seed,
            precision=precision,
            min_instances=min_instances,
            torch_device=torch_device,
            chips_at_once=chips_at_once,
            cores=cores,
        )
        plan: _Plan | None = None
        if store is not None:
            network = own_module(network)
            evaluation: dict[str, Any] = {
                "sigma_ds": trial.asked.sigma_ds,
                "num_instances": num_instances,
                "precision": precision,
                "seed": seed,
                "quantise": law.quantise,
                "sampler": law.sampler,
                "effects": law.effects,
            }
            evaluation |= {} if min_instances is None else {"min_instances": min_instances}
            scores = _digest(score.tolist() for score in (law.scores or {}).values())
            read_how = (sorted(in_devices or ()), weights, ignore_index, scores)
            config = RunConfig.make(
                dataset=dataset or _told_apart(trial.own),
                backbone=OwnNetwork(
                    checksum=fingerprint(str(network), network, logits, read_how, trial.outputs_checksum)[:DIGITS],
                    shapes=_digest(tuple(weight.shape) for weight in device_weights(network, in_devices).values()),
                    title=(title or type(network).__name__)[:MAX_TITLE],
                ),
                device=law.device,
                mapping=law.mapping,
                programming=law.programming,
                method=TrainedElsewhere(),
                evaluation=build(EvaluationConfig, evaluation),
            )
            plan = _Plan(config, network, law, in_devices, torch_device, command)
            plan.check(store)
        tried = trial.run(on_instance=on_instance, should_stop=should_stop)
        if plan is None or store is None:
            return tried
        record = plan.keep(tried, store, seconds=time.perf_counter() - started)
        return replace(tried, run_id=record.id)


@dataclass(frozen=True)
class _Plan:
    """A run of a network of one's own, before it is tried."""

    config: RunConfig
    network: nn.Module
    law: ChipLaw
    in_devices: Collection[str] | None
    torch_device: str
    command: str

    def check(self, store: RunStore) -> None:
        """Find out whether the run can be kept."""
        if self.config.run_id in store:
            message = f"A run '{self.config.run_id}' is already stored: the same network, so tried on the same batches."
            raise RunExistsError(message)
        store.ensure_writable(self.config.run_id)

    def keep(self, tried: Tried, store: RunStore, *, seconds: float) -> RunRecord:
        """Write the run, and its notes."""
        calibrated = [name for name, metric in METRICS.items() if metric.calibrated]
        instances = tried.instances.assign(**dict.fromkeys(calibrated, float("nan")))
        metrics = [str(name) for name in instances if name not in (columns.SIGMA_D, columns.INSTANCE)]
        evaluation = self.config.evaluation
        layers, deviations = layer_deviations(
            self.network,
            self.law,
            seed=evaluation.seed,
            sigma_d=max(evaluation.sigma_ds) or USUAL_SIGMA_D,
            in_devices=self.in_devices,
        )
        inside = tried.parameters[tried.parameters[columns.IN_DEVICES]]
        record = RunRecord(
            id=self.config.run_id,
            facts=run_facts(self.config, num_classes=max(2, tried.num_classes)),
            config=self.config.model_dump(mode="json"),
            provenance=make_provenance(
                torch_device=self.torch_device,
                threads=torch.get_num_threads(),
                training_seconds=0.0,
                evaluation_seconds=seconds,
                preset=None,
                command=self.command,
            ),
            summary=RunSummary(
                selected_epoch=0,
                num_epochs=0,
                validation_accuracy=None,
                test=summarise(instances, metrics),
                num_parameters=num_parameters(self.network),
                num_devices=self.config.test_mapping.devices_a_weight * int(inside[columns.NUM_WEIGHTS].sum()),
            ),
        )
        history = pd.DataFrame(columns=list(HISTORY))
        stored = store.save(record, RunTables(history, instances, layers, deviations))
        if tried.notes:
            write_note(record.id, Note(text="\n".join(tried.notes)[:MAX_TEXT]))
        return stored


def _told_apart(own: GivenBatches) -> OwnBatches:
    """The batches by their checksum."""
    digest = hashlib.sha256()
    for inputs, labels in zip(own.inputs, own.labels, strict=True):
        for part in _leaves((inputs.positional, dict(inputs.named), labels)):
            _update(digest, part)
    first = only_tensor(own.inputs[0])
    return OwnBatches(
        checksum=digest.hexdigest()[:DIGITS],
        num_inputs=sum(len(labels) for labels in own.labels),
        image_size=first.shape[2] if first is not None and first.dim() == 4 else 0,
    )


def _digest(parts: Iterable[object]) -> str:
    return hashlib.sha256(repr([*parts]).encode()).hexdigest()[:DIGITS]


def _leaves(value: Any) -> Iterator[Any]:
    """All parts of nested containers, with the keys of dictionaries, in order."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield key
            yield from _leaves(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def _update(digest: Any, value: Any) -> None:
    if isinstance(value, Tensor):
        plain = value.detach().cpu().contiguous().reshape(-1)
        digest.update(f"{value.dtype} {tuple(value.shape)} ".encode())
        digest.update(plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b"")
    else:
        digest.update(f"{value!r} ".encode())
