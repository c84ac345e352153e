"""A preview of a network of one's own: its mean accuracy on chips, with every input on a chip of its own.

As `neft.evaluation.preview`, layer by layer where each layer in devices is a plain linear or convolution layer that a
pass runs once on every input, and in groups on real chips elsewhere. Which it is, is seen on a few inputs.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, SupportsFloat

import pandas as pd
import torch
from torch import Tensor, nn

from neft import columns
from neft.chips.chance import own_chance
from neft.chips.deployed import ChipLaw, DeployedNetwork
from neft.devices import Rram1
from neft.errors import ConfigError
from neft.evaluation.layer_noise import NoisyLayer
from neft.evaluation.local_reparametrisation import NoisyNetwork, refused_law, refused_layers
from neft.evaluation.own_answers import Answers, read_answers
from neft.evaluation.own_batches import OwnBatches, read_batches
from neft.evaluation.own_network import OnChips, own_module, put_on_chips
from neft.evaluation.own_settings import WeightsAs, check_count, check_settings, one_or_more
from neft.evaluation.preview import IMAGES_A_PASS, Preview, PreviewOf, Subject
from neft.evaluation.watching import Asked, alike
from neft.mapping.bit_slicing import BitSlicing
from neft.networks.copying import in_a_line
from neft.networks.device_layers import layer_name, parameter_table

MAX_PASSES = 8
LOOKED_AT = (3, 2)
"""Inputs of the passes by which it is seen how layers are run; two numbers, as one may be a layer's own by chance."""


@dataclass(frozen=True)
class PreviewedNetwork:
    """The mean accuracy of a network on chips, by a preview."""

    curve: pd.DataFrame
    """A row per sigma_d: `sigma_d`, `mean`, `ci95`, `lower`, `upper` (accuracy, fractions)."""
    clean_accuracy: float
    """Without variation: of all inputs, or of the `neft.evaluation.preview.MAX_IMAGES`, drawn at random, that stand
    for more."""
    num_passes: int
    num_images: int
    """Inputs seen in all passes."""
    num_chips: int
    """Chips that they met: as many, or fewer where groups of inputs shared one."""
    unequal: tuple[str, ...]
    """Layers whose weights do not all miss alike within a channel."""
    refusal: str | None
    """Why inputs shared real chips in groups; None where each met a chip of its own, drawn layer by layer."""
    parameters: pd.DataFrame
    """A row per parameter: where it lies, in devices or digital, and why (`device_layers.parameter_table`)."""
    notes: tuple[str, ...]
    """What is to be known of how it was computed: what `try_network` says before it tries a chip, that some inputs
    stand for all, and how many answers were no numbers."""


def preview_network(
    network: nn.Module,
    batches: Iterable[Any],
    *,
    sigma_ds: SupportsFloat | Iterable[float],
    law: ChipLaw | None = None,
    in_devices: Collection[str] | None = None,
    weights: WeightsAs = "stored",
    logits: Callable[[Any], Any] | None = None,
    ignore_index: int = -100,
    seed: int = 0,
    precision: float | None = None,
    max_passes: int = MAX_PASSES,
    images_a_pass: int = IMAGES_A_PASS,
    disjoint: bool = False,
    cores: int = 1,
) -> PreviewedNetwork:
    """The mean accuracy of any network on chips, sooner than by trying it on whole chips, which `try_network` does.

    Every input meets a chip of its own ([Kingma2015b], section 2.3, [Wen2018]; `neft.evaluation.preview`). The mean
    alone: how much chips differ, percentiles and the worst chip need `try_network`.

    Args:
        network: a classifier: inputs in, logits out, with one label an input. It is left alone. It must be one that
            `try_network` computes fast, which a note of its says otherwise.
        batches: as of `try_network`; inputs are tensors of one shape.
        sigma_ds: device variations, std over maximal conductance; or a single one.
        law: how chips are made; RRAM1 with the paper's bit slicing where None.
        in_devices: names of the parameters that lie in devices, as of `try_network`.
        weights: whether deviations are put on weights as they are `stored` or `used`, as of `try_network`.
        logits: what makes logits of the network's outputs, where they are no tensor and have no `logits`.
        ignore_index: the label of what does not count.
        seed: where draws come from.
        precision: end once every mean is known to this half-width of its 95 % interval; after `max_passes` in any case.
        max_passes: over some of the inputs each.
        images_a_pass: inputs of a pass, at most all.
        disjoint: let inputs share real chips in groups, even where each can have one of its own.
        cores: over which such chips are spread on the CPU.

    Raises:
        ConfigError: as of `try_network`; several labels an input, or inputs of several shapes; the network cannot be
            computed in parts of a batch, as a preview must.
    """
    found = one_or_more(sigma_ds)
    check_settings(
        num_instances=1,
        chips_at_once=1,
        cores=cores,
        min_instances=None,
        ignore_index=ignore_index,
        precision=precision,
        weights=weights,
        logits=logits,
        torch_device="cpu",
    )
    check_count("max_passes", max_passes, 1)
    check_count("images_a_pass", images_a_pass, 2)
    network = own_module(network)
    parameters = parameter_table(network, in_devices)
    asked = Asked(law or ChipLaw(Rram1(), BitSlicing()), in_devices, seed, tuple(found), "cpu", logits)
    with own_chance("cpu"):
        own = read_batches(batches, network, torch_device="cpu")
        on_chips = put_on_chips(network, own, asked, chips_at_once=1, weights=weights)
        outputs = on_chips.watched.outputs
        answers = read_answers(
            outputs,
            own.labels,
            ignore_index=ignore_index,
            after_sigmoid=on_chips.watched.after_sigmoid,
            told=logits is not None,
        )
        previewer = PreviewOf(_subject(on_chips, own, answers, asked), cores=cores)
        last = _last_pass(
            previewer,
            found,
            seed=seed,
            precision=precision,
            max_passes=max_passes,
            images_a_pass=images_a_pass,
            disjoint=disjoint,
        )
    return PreviewedNetwork(
        curve=last.curve,
        clean_accuracy=previewer.clean_accuracy,
        num_passes=last.num_passes,
        num_images=last.num_images,
        num_chips=last.num_chips,
        unequal=() if disjoint else tuple(previewer.unequal),
        refusal="It was asked for (disjoint)." if disjoint else previewer.refusal,
        parameters=parameters,
        notes=(*on_chips.notes, *answers.notes, *_on_some(previewer, answers), *_on_lost(last, len(found))),
    )


def _on_some(previewer: PreviewOf, answers: Answers) -> tuple[str, ...]:
    """That some inputs stand for all, if so."""
    known, total = previewer.num_known, len(answers.labels)
    if known == total:
        return ()
    note = (
        f"{known} of {total} inputs, drawn at random, stand for all: the clean accuracy is theirs, and the intervals "
        "of means allow for the others."
    )
    return (note,)


def _on_lost(last: Preview, conditions: int) -> tuple[str, ...]:
    """How many answers were no numbers, if any."""
    if not last.num_lost:
        return ()
    note = (
        f"{last.num_lost} of {last.num_images * conditions} outputs were not finite (NaN, or infinite): each counts as "
        "wrong."
    )
    return (note,)


def _last_pass(
    previewer: PreviewOf,
    sigma_ds: list[float],
    *,
    seed: int,
    precision: float | None,
    max_passes: int,
    images_a_pass: int,
    disjoint: bool,
) -> Preview:
    passes = previewer.curve(
        sigma_ds,
        seed=seed,
        max_passes=max_passes,
        first_pass=images_a_pass,
        images_a_pass=images_a_pass,
        disjoint=disjoint or previewer.refusal is not None,
    )
    found = next(passes)
    while found.num_passes < max_passes and not (precision is not None and _is_known(found, precision)):
        found = next(passes)
    return found


def _is_known(preview: Preview, precision: float) -> bool:
    return bool((preview.curve[columns.CI95] <= precision).all())


def _subject(on_chips: OnChips, own: OwnBatches, answers: Answers, asked: Asked) -> Subject:
    """What is previewed.

    Raises:
        ConfigError: it cannot be.
    """
    deployed = on_chips.deployed
    if not isinstance(deployed, DeployedNetwork):
        message = (
            f"A preview takes a network that can be computed in parts of a batch: {on_chips.why_plain}. "
            "neft.try_network tries it on whole chips."
        )
        raise ConfigError(message)
    inputs, labels = _joined(on_chips.batches, "inputs"), _joined(own.labels, "labels")
    counted = answers.counted(labels)
    if counted is None:
        message = (
            f"A preview takes one label an input; got labels of shape {list(labels.shape)}. neft.try_network takes "
            "several."
        )
        raise ConfigError(message)
    kept = counted.nonzero()[:, 0]
    if len(kept) < 2:
        message = f"A preview takes at least two inputs whose labels count; got {len(kept)}."
        raise ConfigError(message)
    refusal = refused_law(asked.law) or refused_layers(deployed.network, list(deployed.targets))
    integrated = False
    if refusal is None:
        with torch.inference_mode():
            refusal, integrated = _seen_at_work(deployed, inputs, sigma_d=asked.sigma_d)
    return Subject(
        deployed=deployed,
        inputs=lambda indices: inputs[kept[indices]],
        labels=answers.labels,
        logits=lambda outputs, indices: answers.logits(outputs, labels[kept[indices]]),
        refusal=refusal,
        integrated=integrated and answers.are_outputs,
    )


def _joined(batches: list[Tensor], what: str) -> Tensor:
    shapes = {tuple(batch.shape[1:]) for batch in batches}
    if len(shapes) > 1:
        shown = ", ".join(str(list(shape)) for shape in sorted(shapes))
        message = f"A preview takes {what} of one shape; got {shown}. neft.try_network takes several."
        raise ConfigError(message)
    return torch.cat(batches)


def _seen_at_work(deployed: DeployedNetwork, inputs: Tensor, *, sigma_d: float) -> tuple[str | None, bool]:
    """Why the layers cannot be given noise of their own, if so, and whether the last one gives the outputs."""
    gives = True
    for count in LOOKED_AT:
        some = inputs[torch.arange(count) % len(inputs)]
        raised, outputs, at_end = "", inputs, False
        layers: list[NoisyLayer] = []
        try:
            noisy = NoisyNetwork(deployed, integrated=False)
            layers = noisy.layers
            if sigma_d:  # first, so that what is kept is seen without variation
                _ = noisy.seen_at_work(some, sigma_d=sigma_d)
            outputs, at_end = noisy.seen_at_work(some, sigma_d=0.0)
        except Exception as failure:  # noqa: BLE001 - whatever a user's network raises once its layers are replaced
            raised = f"With its layers replaced by noisy ones, the network raises {in_a_line(failure)}."
        for name, layer in zip(deployed.targets, layers, strict=False):
            if layer.sizes != [count] and (layer.sizes or not raised):
                return _words(layer_name(name), layer.sizes, count), False
        if raised:
            return raised, False
        deployed.program(sigma_d=0.0)
        if not alike(outputs, deployed.logits(some)):
            return "With its layers replaced by noisy ones, the network puts out other numbers.", False
        gives = gives and at_end
    return None, gives


def _words(name: str, sizes: list[int], count: int) -> str:
    if not sizes:
        return f"A pass does not run layer {name} itself, but reads its weight."
    if len(sizes) > 1:
        return f"A pass runs layer {name} {len(sizes)} times, with the same weights."
    return f"Layer {name} is given {sizes[0]} rows of {count} inputs: one of its axes does not count inputs."
