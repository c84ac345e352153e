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
from neft.evaluation.watching import Watched
from neft.metrics import METRICS, Predictions
from neft.metrics.balanced_accuracy import BALANCED_ACCURACY, class_accuracies

Kind = Literal["classes", "last", "yes_no", "one_hot"]
"""Classes on the second axis, or on the last; a yes or no for each output; one of several marked by a 1."""


@dataclass(frozen=True)
class Answers:
    """How answers and labels are read from a network's outputs and a batch's labels."""

    kind: Kind
    probabilities: bool
    """Whether the outputs are probabilities rather than logits."""
    ignore_index: int
    num_classes: int
    labels: Tensor
    """Of all answers that count, of all batches."""
    notes: tuple[str, ...]

    def logits(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Logits of a batch's answers that count, of shape [answers, classes].

        Raises:
            ConfigError: the outputs do not fit the labels.
        """
        if kind_of(outputs, labels) != self.kind and self.kind != "one_hot":
            raise _misfit(outputs, labels)
        counted = _flat_labels(self.kind, labels) != self.ignore_index
        flat = _flat(self.kind, outputs.float())
        if self.probabilities:
            flat = flat.clamp(torch.finfo(flat.dtype).tiny, 1).log() if flat.shape[1] > 1 else flat.logit(eps=1e-7)
        if flat.shape[1] == 1:
            flat = torch.cat([torch.zeros_like(flat), flat], dim=1)
        return flat[counted]


def read_answers(watched: Watched, labels: Sequence[Tensor], *, ignore_index: int) -> Answers:
    """Decide it by what was seen on the first batch.

    Args:
        watched: the network on its first batch.
        labels: of all batches.
        ignore_index: the label of answers that do not count.

    Raises:
        ConfigError: outputs and labels are no classification.
    """
    outputs, first = watched.clean, watched.labels
    kind = kind_of(outputs, first)
    if kind == "yes_no" and outputs.dim() > 1 and outputs.shape[1] > 1 and all(_is_one_hot(one) for one in labels):
        kind = "one_hot"
    flat = [_flat_labels(kind, one) for one in labels]
    num_classes = 2 if kind == "yes_no" else outputs.shape[-1] if kind == "last" else outputs.shape[1]
    whole = torch.cat(flat)
    counted = whole[whole != ignore_index]
    _check_range(counted, num_classes)
    notes: list[str] = []
    if len(counted) < len(whole):
        notes.append(f"{len(whole) - len(counted)} of {len(whole)} labels are {ignore_index} and do not count.")
    if kind == "yes_no" and first.dim() > 1 and first.shape[1] > 1:
        notes.append("Several labels to an input: each is a yes or no of its own, and accuracy is the share right.")
    if kind == "one_hot":
        notes.append("Labels are one-hot: the class is where the 1 is.")
    probabilities = watched.after_sigmoid if kind == "yes_no" else _sum_to_1(_flat(kind, outputs.float()))
    if probabilities:
        notes.append(
            "The outputs are probabilities, as after Softmax or Sigmoid: metrics are of the logits behind them (their "
            "logarithms, or log-odds)."
        )
    elif kind == "yes_no" and bool(((outputs >= 0) & (outputs <= 1)).all()):
        notes.append("All outputs lie from 0 to 1 and are taken for logits: above 0 is a yes. Are they probabilities?")
    return Answers(kind, probabilities, ignore_index, num_classes, counted, tuple(notes))


def kind_of(outputs: Tensor, labels: Tensor) -> Kind:
    """Which axis of the outputs counts classes, if any."""
    shape, wanted = list(outputs.shape), list(labels.shape)
    single = shape[1:2] == [1] and wanted in (shape[:1] + shape[2:], shape)
    if shape == wanted or single or wanted == [*shape, 1]:
        return "yes_no"
    if len(shape) > 1 and wanted == shape[:1] + shape[2:]:
        return "classes"
    if len(shape) > 1 and wanted == shape[:-1]:
        return "last"
    if len(shape) == 2 and wanted == [shape[0], 1]:
        return "classes"
    raise _misfit(outputs, labels)


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

    def numbers(self, outputs: Sequence[Tensor], sigma_d: float) -> Float[Tensor, " numbers"]:  # noqa: ARG002
        """Of a chip's outputs, batch by batch, in the order of `names`."""
        read = [self._answers.logits(batch, labels) for batch, labels in zip(outputs, self._labels, strict=True)]
        predictions = Predictions.from_logits(torch.cat(read), self._answers.labels)
        metrics = torch.stack([metric.compute(predictions) for metric in self._metrics.values()])
        each = class_accuracies(predictions, self._answers.num_classes)[self._classes]
        return torch.cat([metrics, predictions.lost.float().sum()[None], each])

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
