"""Try a network of one's own on sampled chips, on batches of one's own."""

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, SupportsFloat

import pandas as pd
import torch
from torch import nn

from neft.chips.chance import own_chance
from neft.chips.deployed import ChipLaw, DeployedNetwork
from neft.devices import Rram1
from neft.evaluation.bench import Bench, Means, OnInstance, make_means, try_chips
from neft.evaluation.own_answers import Answers, Measured, read_answers
from neft.evaluation.own_batches import OwnBatches, read_batches
from neft.evaluation.own_network import OnChips, own_module, put_on_chips
from neft.evaluation.own_settings import WeightsAs, check_settings, one_or_more
from neft.evaluation.watching import Asked
from neft.mapping.bit_slicing import BitSlicing
from neft.networks.device_layers import parameter_table

SIGNED_DIGITS = 2
"""Of numbers by which outputs are told apart: what rounding leaves alone."""


@dataclass(frozen=True)
class Tried:
    """How a network fared on sampled chips."""

    instances: pd.DataFrame
    """A row per sigma_d and instance: `sigma_d`, `instance`, one column a metric, `balanced_accuracy`."""
    classes: pd.DataFrame
    """A row per sigma_d, instance and class that has labels: `sigma_d`, `instance`, `class`, `num_labels`,
    `accuracy`."""
    num_classes: int
    parameters: pd.DataFrame
    """A row per parameter: where it lies, in devices or digital, and why (`device_layers.parameter_table`)."""
    notes: tuple[str, ...]
    """What is to be known of how it was computed: what could not be made fast and why, how outputs were read, what lies
    in no device."""
    run_id: str | None = None
    """Under which it is kept, if it is."""


@dataclass(frozen=True)
class Trial:
    """A network of one's own, seen on its batches and ready to be tried on chips."""

    own: OwnBatches
    on_chips: OnChips
    answers: Answers
    parameters: pd.DataFrame
    means: Means
    asked: Asked
    num_instances: int
    cores: int = 1

    @property
    def outputs_checksum(self) -> str:
        """Of what the network puts out of the batches, in few digits: sums in another order leave it alone."""
        digest = hashlib.sha256()
        for outputs in self.on_chips.watched.outputs:
            numbers = outputs.detach().double().flatten().cpu()
            finite = numbers.isfinite()
            size = numbers[finite].abs().mean().clamp_min(1e-30) if finite.any() else numbers.new_ones(())
            share = numbers.where(finite, 0.0) / size
            places = torch.arange(1, len(share) + 1, dtype=torch.float64)
            told = [
                share.mean(),
                share.square().mean(),
                *(torch.cos(places * k) @ share / len(share) for k in (1, 2, 3)),
            ]
            words = [f"{float(size):.{SIGNED_DIGITS}g}", *(f"{float(one):.{SIGNED_DIGITS}f}" for one in told)]
            digest.update(repr((tuple(outputs.shape), int(finite.sum()), words)).encode())
        return digest.hexdigest()

    def run(self, *, on_instance: OnInstance, should_stop: Callable[[], bool]) -> Tried:
        """Try it on the chips.

        Raises:
            StoppedError: `should_stop` said so.
        """
        on_chips, labels = self.on_chips, self.own.labels
        measured = Measured(self.answers, labels)
        bench = Bench(
            on_chips.deployed,
            on_chips.batches,
            measured.names,
            measured.numbers,
            on_chips.known,
            should_stop=should_stop,
        )
        with (
            own_chance(self.asked.torch_device),
            torch.inference_mode(mode=isinstance(on_chips.deployed, DeployedNetwork)),
        ):
            found = try_chips(
                bench,
                sigma_ds=self.asked.sigma_ds,
                num_instances=self.num_instances,
                seed=self.asked.seed,
                chips_at_once=on_chips.chips_at_once,
                means=self.means,
                on_instance=on_instance,
                should_stop=should_stop,
                cores=self.cores,
            )
        notes = (*on_chips.notes, *self.answers.notes, *measured.notes(found))
        return Tried(
            measured.instances(found), measured.classes(found), self.answers.num_classes, self.parameters, notes
        )


def prepare_trial(
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
) -> Trial:
    """See what is asked, run the network on its batches, and make it fast where that changes nothing.

    Args: as of `neft.own_runs.try_network`, which says what each is.

    Raises:
        ConfigError: no batches; what the network puts out or the labels are no classification; nothing lies in
            devices, or an unknown parameter; a count or device variation that cannot be, or fewer chips than the
            precision takes.
    """
    sigma_ds = one_or_more(sigma_ds)
    check_settings(
        num_instances=num_instances,
        chips_at_once=chips_at_once,
        cores=cores,
        min_instances=min_instances,
        ignore_index=ignore_index,
        precision=precision,
        weights=weights,
        logits=logits,
        torch_device=torch_device,
    )
    means = make_means(sigma_ds, precision, num_instances=num_instances, floor=min_instances)
    network = own_module(network)
    parameters = parameter_table(network, in_devices)
    law = law or ChipLaw(device=Rram1(), mapping=BitSlicing())
    asked = Asked(law, in_devices, seed, tuple(sigma_ds), torch_device, logits)
    with own_chance(torch_device):
        own = read_batches(batches, network, torch_device=torch_device)
        on_chips = put_on_chips(network, own, asked, chips_at_once=chips_at_once, weights=weights)
    watched = on_chips.watched
    answers = read_answers(
        watched.outputs,
        own.labels,
        ignore_index=ignore_index,
        after_sigmoid=watched.after_sigmoid,
        told=logits is not None,
    )
    return Trial(own, on_chips, answers, parameters, means, asked, num_instances, cores)
