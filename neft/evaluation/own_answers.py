"""What a network of one's own answers, read from outputs and labels of any shape, and the numbers taken of it.

However outputs look, what is measured is the same: answers, each with logits over classes and a label. A yes or no (one
logit, or one of several labels) is an answer with two classes, of logits 0 and z: sigmoid(z) is their softmax.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from neft import columns
from neft.errors import ConfigError
from neft.evaluation.trials import Trial
from neft.metrics import METRICS, Predictions
from neft.metrics.balanced_accuracy import BALANCED_ACCURACY, class_accuracies

Kind = Literal["classes", "last", "yes_no", "one_hot"]
"""Classes on the second axis, or on the last; a yes or no for each output; one of several marked by a 1."""


Scale = Literal["logits", "logarithms", "odds"]
"""What is made of outputs: nothing; logarithms, of probabilities that sum to 1; log-odds, of others."""


@dataclass(frozen=True)
class Answers:
    """How answers and labels are read from a network's outputs and a batch's labels."""

    kind: Kind
    scale: Scale
    num_axes: int
    """Of a batch's outputs; a batch of a single input may have lost its first, as `squeeze` does."""
    ignore_index: int
    num_classes: int
    labels: Tensor
    """Of all answers that count, of all batches."""
    notes: tuple[str, ...]

    @property
    def are_outputs(self) -> bool:
        """Whether a batch's logits are its outputs just as they are, where all its answers count."""
        return self.kind in ("classes", "one_hot") and self.scale == "logits" and self.num_axes == 2

    def counted(self, labels: Tensor) -> Tensor | None:
        """Which inputs of a batch count, by its labels; None where an input has more than one label, or less."""
        if self.kind != "one_hot" and labels.numel() != len(labels):
            return None
        return _flat_labels(self.kind, labels) != self.ignore_index

    def logits(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Logits of a batch's answers that count, of shape [answers, classes].

        Raises:
            ConfigError: the outputs do not fit the labels.
        """
        outputs = _whole(outputs, labels, self.num_axes)
        if self.kind not in _kinds_of(outputs, labels) and self.kind != "one_hot":
            raise _misfit(outputs, labels)
        counted = _flat_labels(self.kind, labels) != self.ignore_index
        flat = _flat(self.kind, outputs.float())
        if self.scale == "logarithms":
            flat = flat.clamp(torch.finfo(flat.dtype).tiny, 1).log()
        if self.scale == "odds":
            flat = flat.logit(eps=1e-7)
        if flat.shape[1] == 1:
            flat = torch.cat([torch.zeros_like(flat), flat], dim=1)
        return flat[counted]


def read_answers(
    outputs: Sequence[Tensor], labels: Sequence[Tensor], *, ignore_index: int, after_sigmoid: bool, told: bool
) -> Answers:
    """Decide it by the outputs of all batches.

    Args:
        outputs: of all batches.
        labels: of all batches.
        ignore_index: the label of answers that do not count.
        after_sigmoid: whether a sigmoid was seen to give the outputs.
        told: whether outputs were said to be logits, with classes on the second axis where two axes might be.

    Raises:
        ConfigError: outputs and labels are no classification, or what they are cannot be told.
    """
    num_axes = max(one.dim() for one in outputs)
    outputs = [_whole(one, wanted, num_axes) for one, wanted in zip(outputs, labels, strict=True)]
    kind = _kind_of_all(outputs, labels, told=told)
    shape = outputs[0].shape
    flat = [_flat_labels(kind, one) for one in labels]
    num_classes = 2 if kind == "yes_no" else shape[-1] if kind == "last" else shape[1]
    whole = torch.cat(flat)
    counted = whole[whole != ignore_index]
    _check_range(counted, num_classes)
    notes: list[str] = []
    if len(counted) < len(whole):
        notes.append(f"{len(whole) - len(counted)} of {len(whole)} labels are {ignore_index} and do not count.")
    if kind == "yes_no" and labels[0].dim() > 1 and labels[0].shape[1] > 1:
        notes.append("Several labels to an input: each is a yes or no of its own, and accuracy is the share right.")
    if kind == "one_hot":
        notes.append("Labels are one-hot: the class is where the 1 is.")
    scale, note = _scale_of(torch.cat([_flat(kind, one.float()) for one in outputs]), kind, after_sigmoid, told=told)
    notes += note
    return Answers(kind, scale, num_axes, ignore_index, num_classes, counted, tuple(notes))


def _whole(outputs: Tensor, labels: Tensor, num_axes: int) -> Tensor:
    """A batch's outputs with their first axis, which those of a single input may have lost."""
    return outputs[None] if outputs.dim() == num_axes - 1 and labels.shape[:1] == (1,) else outputs


def _kind_of_all(outputs: Sequence[Tensor], labels: Sequence[Tensor], *, told: bool) -> Kind:
    kinds: list[Kind] = _kinds_of(outputs[0], labels[0])
    for one, wanted in zip(outputs, labels, strict=True):
        found = _kinds_of(one, wanted)
        kinds = [kind for kind in kinds if kind in found]
        if not kinds:
            raise _misfit(one, wanted)
    if len(kinds) > 1 and not told:
        shapes = f"{list(outputs[0].shape)} for labels {list(labels[0].shape)}"
        message = (
            f"Whether classes lie on the second or the last axis of outputs {shapes} cannot be told; say it by "
            "logits=lambda outputs: outputs where they lie on the second, by logits=lambda outputs: "
            "outputs.movedim(-1, 1) where on the last."
        )
        raise ConfigError(message)
    several = kinds[0] == "yes_no" and outputs[0].dim() > 1 and outputs[0].shape[1] > 1
    if several and all(_is_one_hot(one) for one in labels):
        return "one_hot"
    return kinds[0]


def _kinds_of(outputs: Tensor, labels: Tensor) -> list[Kind]:
    """Which axis of the outputs may count classes, if any."""
    shape, wanted = list(outputs.shape), list(labels.shape)
    if shape[:1] == wanted[:1] and _longer(shape) == _longer(wanted):
        return ["yes_no"]
    kinds: list[Kind] = []
    if len(shape) > 1 and (wanted == shape[:1] + shape[2:] or (len(shape) == 2 and wanted == [shape[0], 1])):
        kinds.append("classes")
    if len(shape) > 2 and wanted == shape[:-1]:
        kinds.append("last")
    if not kinds:
        raise _misfit(outputs, labels)
    return kinds


def _longer(shape: list[int]) -> list[int]:
    """The axes after the first that are longer than 1."""
    return [size for size in shape[1:] if size != 1]


def _scale_of(flat: Tensor, kind: Kind, after_sigmoid: bool, *, told: bool) -> tuple[Scale, list[str]]:  # noqa: FBT001
    """What is to be made of outputs, and what is to be said of it."""
    numbers = flat[flat.isfinite()]
    within = bool(len(numbers)) and bool(((numbers >= 0) & (numbers <= 1)).all())
    sure = "The outputs are probabilities, as after Softmax or Sigmoid: metrics are of the logits behind them (their "
    if kind != "yes_no" and _sum_to_1(flat):
        return "logarithms", [f"{sure}logarithms)."]
    if within and after_sigmoid:
        return "odds", [f"{sure}log-odds)."]
    if not within and not (kind == "yes_no" and len(numbers) and bool((numbers <= 0).all())):
        return "logits", []
    if kind == "yes_no" and within and not told:
        note = (
            "All outputs lie from 0 to 1 and are taken for probabilities: above 0.5 is a yes, and metrics are of their "
            "log-odds. Where they are logits, say so by logits=lambda outputs: outputs."
        )
        return "odds", [note]
    lie = "from 0 to 1" if within else "at 0 or below"
    return "logits", [f"All outputs lie {lie} and are taken for logits. Are they probabilities, or logarithms of some?"]


def _misfit(outputs: Tensor, labels: Tensor) -> ConfigError:
    if len(labels) == len(outputs) and labels.dim() < outputs.dim():
        got = f"{list(outputs.shape)} for labels {list(labels.shape)}"
        return ConfigError(f"The network must put out logits of shape [inputs, classes]; got {got}.")
    return ConfigError(
        f"labels must be whole numbers, one for each input; got {list(labels.shape)} of {labels.dtype} for outputs "
        f"{list(outputs.shape)}."
    )


def _flat(kind: Kind, outputs: Tensor) -> Tensor:
    if kind == "yes_no":
        return outputs.reshape(-1, 1)
    if kind == "classes":
        outputs = outputs.movedim(1, -1)
    return outputs.reshape(-1, outputs.shape[-1])


def _flat_labels(kind: Kind, labels: Tensor) -> Tensor:
    whole = not labels.is_floating_point() and labels.dtype != torch.bool
    if not whole and (kind in ("classes", "last") or not torch.equal(labels.float(), labels.float().round())):
        message = f"labels must be whole numbers, one for each input; got {list(labels.shape)} of {labels.dtype}."
        raise ConfigError(message)
    return labels.long().argmax(dim=1) if kind == "one_hot" else labels.reshape(-1).long()


def _is_one_hot(labels: Tensor) -> bool:
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(dim=1) == 1).all() and labels.dim() == 2)


def _check_range(labels: Tensor, num_classes: int) -> None:
    if not len(labels):
        message = "No label counts: every one is ignore_index."
        raise ConfigError(message)
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= num_classes:
        message = (
            f"labels must lie from 0 to {num_classes - 1}, the last class; got {lowest} to {highest}. ignore_index= "
            "names one that does not count."
        )
        raise ConfigError(message)


def _sum_to_1(flat: Tensor) -> bool:
    """Whether all rows that are numbers lie from 0 to 1 and sum to 1."""
    rows = flat[flat.isfinite().all(dim=1)]
    return bool(len(rows)) and bool((rows >= 0).all()) and bool(((rows.sum(dim=1) - 1).abs() < _SLACK).all())


_SLACK = 5e-3
"""How far sums of probabilities may lie from 1, in half precision, too."""


class Measured:
    """The numbers of a chip of a network of one's own: metrics, what was lost, and each class's accuracy."""

    def __init__(self, answers: Answers, labels: Sequence[Tensor]) -> None:
        self._answers = answers
        self._labels = labels
        self._metrics = {name: metric for name, metric in METRICS.items() if not metric.calibrated}
        self._metrics[BALANCED_ACCURACY.name] = BALANCED_ACCURACY
        self._classes = torch.unique(answers.labels)
        self.names = [*self._metrics, _LOST, *(f"{_CLASS}{number}" for number in self._classes.tolist())]

    def numbers(self, trials: Sequence[Trial]) -> Float[Tensor, "trials numbers"]:
        """Of each trial, in the order of `names`."""
        predictions = Predictions.from_logits(torch.stack([self._read(one) for one in trials]), self._answers.labels)
        metrics = torch.stack([metric.compute(predictions) for metric in self._metrics.values()], dim=1)
        each = class_accuracies(predictions, self._answers.num_classes)[:, self._classes]
        return torch.cat([metrics, predictions.lost.float().sum(dim=1, keepdim=True), each], dim=1)

    def _read(self, trial: Trial) -> Float[Tensor, "answers classes"]:
        batches = zip(trial.outputs, self._labels, strict=True)
        return torch.cat([self._answers.logits(batch, labels) for batch, labels in batches])

    def instances(self, found: pd.DataFrame) -> pd.DataFrame:
        """A row per sigma_d and instance, with the metrics."""
        return found[[columns.SIGMA_D, columns.INSTANCE, *self._metrics]]

    def classes(self, found: pd.DataFrame) -> pd.DataFrame:
        """A row per sigma_d, instance and class."""
        names = {f"{_CLASS}{number}": number for number in self._classes.tolist()}
        keys = [columns.SIGMA_D, columns.INSTANCE]
        table = found[[*keys, *names]].melt(keys, list(names), columns.CLASS, columns.ACCURACY)
        table[columns.CLASS] = table[columns.CLASS].map(names)
        counts = torch.bincount(self._answers.labels)
        table.insert(3, columns.NUM_LABELS, [int(counts[number]) for number in table[columns.CLASS]])
        return table.sort_values([columns.SIGMA_D, columns.INSTANCE, columns.CLASS], ignore_index=True)

    def notes(self, found: pd.DataFrame) -> tuple[str, ...]:
        """What is to be said of outputs that were no numbers."""
        lost, count = found[_LOST], len(self._answers.labels)
        if not lost.any():
            return ()
        note = (
            f"{int(lost.sum())} of {count * len(found)} outputs were not finite (NaN, or infinite), on "
            f"{int((lost > 0).sum())} of {len(found)} chips: each counts as wrong, and as sure of no class."
        )
        return (note,)


_LOST = "lost"
_CLASS = "class "
