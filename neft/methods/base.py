"""What a training method is: losses made from noisy forward passes of one batch, an optimiser step each.

A method is handed a `NoisyForward` and sees no device, network or loader. What a step does to the weights after the
optimiser is a constraint's (`neft.constraints`).
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from pydantic import Field, field_validator
from pydantic.fields import FieldInfo
from torch import Tensor
from torch.nn.functional import cross_entropy
from typing_extensions import override

from neft.chips.laws import GAUSSIAN, Law
from neft.component import Component, number_text
from neft.run_id import is_run_id

Decay = Literal["paper", "reversed", "constant"]
PAPER_TEMPERATURE = 4
"""N + 1 at the papers' N = 3 feedback terms."""


@dataclass(frozen=True)
class Moment:
    """How far a training is."""

    epoch: int = 1
    """From 1."""
    step: int = 0
    """Of the epoch, from 0."""
    progress: float = 0.0
    """Of the whole training, in [0, 1)."""


@runtime_checkable
class NoisyForward(Protocol):
    """The network, run on this batch on a chip; and what else a loss may be made of.

    Every pass takes

    - sigma_d: device variation, of all layers, or by layer (a mapping that names every one of `weights`);
    - chip: deviations that `draw` gave, so that several passes meet one chip, also after the weights moved; a fresh
      Gaussian chip if not given;
    - added: tensors by layer, in weight units, on top of what the devices hold;
    - moves_batchnorm: whether it updates BatchNorm's running statistics.
    """

    @property
    def moment(self) -> Moment:
        """How far the training is."""
        ...

    @property
    def rng(self) -> torch.Generator:
        """For what a method draws beside chips: its own in every step of every epoch, on the CPU."""
        ...

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """The noise-free weights of every layer that lies in devices, to take gradients or penalties of.

        From the input to the output, snapshot heads last.
        """
        ...

    def draw(self, law: Law = GAUSSIAN) -> Mapping[str, Tensor]:
        """A chip's deviations under this law, by layer: what a pass multiplies by sigma_d and the weight's std."""
        ...

    def teacher(self) -> Tensor:
        """The teacher's logits of this batch, without gradients.

        Raises:
            ConfigError: the method is none with a teacher (`TaughtMethod`).
        """
        ...

    def __call__(
        self,
        *,
        sigma_d: float | Mapping[str, float],
        chip: Mapping[str, Tensor] | None = None,
        added: Mapping[str, Tensor] | None = None,
        moves_batchnorm: bool = True,
    ) -> Tensor:
        """Logits of the batch."""
        ...

    def with_features(
        self,
        *,
        sigma_d: float | Mapping[str, float],
        chip: Mapping[str, Tensor] | None = None,
        added: Mapping[str, Tensor] | None = None,
        moves_batchnorm: bool = True,
    ) -> tuple[Tensor, list[Tensor]]:
        """Logits, and the output of every stage of the backbone, shallowest first."""
        ...

    def with_snapshots(
        self,
        *,
        sigma_d: float | Mapping[str, float],
        classifier_noise: bool = True,
        chip: Mapping[str, Tensor] | None = None,
        added: Mapping[str, Tensor] | None = None,
        moves_batchnorm: bool = True,
    ) -> tuple[Tensor, list[Tensor]]:
        """Logits and every snapshot head's output, shallowest first; `classifier_noise`: are the heads noisy too."""
        ...


def variant_of(field: str, info: FieldInfo, shown: str) -> tuple[str, str] | None:
    """What a setting adds to a variant's key and to its label where it is not the default; None where neither tells it.

    A field says so by `json_schema_extra={"variant": [key, words]}`, with words that end in `=` before the value and
    others behind it; by `[key, words, whole]` where it has but two values and the whole says the other one; or by
    `{"variant": None}`. Otherwise its own name and its title are taken.
    """
    extra = info.json_schema_extra
    if not isinstance(extra, dict) or "variant" not in extra:
        return f"{field.replace('_', '')}{shown}", f"{info.title or field} = {shown}"
    written = extra["variant"]
    if not isinstance(written, list):
        return None
    key, words, *whole = map(str, written)
    said = whole[0] if whole else f"{words} {shown}" if words.endswith("=") else f"{shown} {words}"
    return f"{key}{shown}", said


class BaseMethod(Component):
    """The interface."""

    label: ClassVar[str]
    source: ClassVar[str]
    order: ClassVar[int]
    """Where the method stands among all, in lists and in the scale of colours; no two share one."""
    uses_noise: ClassVar[bool] = True
    """Whether training passes see device variation."""
    has_feedback: ClassVar[bool] = False
    """Whether outputs are fed back against the backbone's: what the temperature control has none of."""

    is_cross_entropy: ClassVar[bool] = False
    """Whether the loss is CE(O / T, y) of one pass, but for what is fed back."""

    searched: ClassVar[Mapping[str, Sequence[float]]] = {}
    """Its own settings that are worth tuning and the values to try, the usual one first."""

    @property
    def num_snapshots(self) -> int:
        """Snapshot heads the network needs while training."""
        return 0

    @property
    def num_passes(self) -> int:
        """Forward passes of the whole network that a step takes."""
        return 1

    @property
    def searches_sigma_d(self) -> bool:
        """Whether the training's sigma_d is searched while training, by `candidates`."""
        return False

    def candidates(self, sigma_d: float, chosen: Sequence[float]) -> Sequence[float]:
        """The sigma_d at which the coming epoch is trained; of several the best goes on, by validation chips.

        Args:
            sigma_d: the training's.
            chosen: of every epoch so far.
        """
        del chosen
        return (sigma_d,)

    @property
    def rank(self) -> int:
        """The order of this variant of the method, where a variant has a place of its own."""
        return self.order

    @property
    def is_control(self) -> bool:
        """Whether this is what feedback is held against: its temperature N + 1, without feedback."""
        return False

    @property
    @abstractmethod
    def effective_temperature(self) -> float:
        """By what the training logits are divided."""

    @property
    def variant(self) -> str:
        """The name and every setting that is not the default; a key for grouping and colour."""
        return "_".join([str(getattr(self, "name", "")), *(key for key, _ in self._departures())])

    @property
    def variant_label(self) -> str:
        """The label and every setting that is not the default, for legends."""
        return ", ".join([self.label, *(words for _, words in self._departures())])

    def _departures(self) -> list[tuple[str, str]]:
        """What differs from the method's defaults, as (key, words); `variant_of` says how a setting is written."""
        found: list[tuple[str, str]] = []
        for field, info in type(self).model_fields.items():
            value = getattr(self, field)
            if field == "name" or value == info.default:
                continue
            shown = str(value) if isinstance(value, str | bool | None) else number_text(value)
            written = variant_of(field, info, shown)
            if written is not None:
                found.append(written)
        return found

    @abstractmethod
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """The loss to minimise (of several the last) and the backbone's logits (undivided, to count hits)."""

    def losses(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> Iterator[tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]]:
        """The batch's losses, each with logits; the optimiser steps on each before the next is asked for."""
        yield self.loss(forward, labels, sigma_d=sigma_d)

    def deployed(self, weights: Mapping[str, Tensor], *, stds: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The weights to deploy, for validation and in the end; training goes on from those that were trained.

        Args:
            weights: as trained, every layer of the backbone that lies in devices, by name.
            stds: of each weight's deviation at the training's sigma_d, in weight units; a scalar where all are alike.
        """
        del stds
        return weights


class TaughtMethod(BaseMethod):
    """A method that learns from another run's network too: `forward.teacher()` gives its logits."""

    teacher_run: str | None = Field(
        default=None,
        title="teacher",
        description="Id of a stored run (same data shape) whose network, without variation, is the teacher.",
        json_schema_extra={"variant": None, "is_run": True},
    )

    @field_validator("teacher_run")
    @classmethod
    def _looks_like_an_id(cls, value: str | None) -> str | None:
        if value is not None and not is_run_id(value):
            message = "must be the id of a stored run"
            raise ValueError(message)
        return value


class SinglePassMethod(BaseMethod):
    """Cross entropy of one pass, its logits divided by a temperature."""

    is_cross_entropy: ClassVar[bool] = True

    temperature: float = Field(
        default=1.0,
        ge=1,
        le=1024,
        title="T",
        description="Divides the training logits; N+1 in NeFT, where it works as a softmax temperature.",
        json_schema_extra={"variant": ["t", "T ="]},
    )

    @property
    @override
    def effective_temperature(self) -> float:
        """T."""
        return self.temperature

    @override
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """CE(O / T, y)."""
        logits = forward(sigma_d=sigma_d)
        return cross_entropy(logits / self.temperature, labels), logits


class FeedbackMethod(BaseMethod):
    """Negative feedback training: L = CE((O_backbone - beta sum_n gamma_n Out_n) / T, y), T = N + 1 in the paper.

    [Qin2025], section 3.1. beta = 0 leaves noise injection at temperature T: the control that any claim for the
    feedback needs.
    """

    source: ClassVar[str] = "[Qin2025], section 3"
    has_feedback: ClassVar[bool] = True
    is_cross_entropy: ClassVar[bool] = True
    searched: ClassVar[Mapping[str, Sequence[float]]] = {"beta": (1e-3, 1e-2, 1e-1)}
    rising_gamma: ClassVar[bool]
    """Whether the paper's gamma grows with n (OVF) or falls (IRS)."""

    num_feedback: int = Field(
        default=3,
        ge=1,
        le=16,
        title="N",
        description="Number of feedback terms.",
        json_schema_extra={"noun": "feedback terms", "variant": ["n", "N ="]},
    )
    beta: float = Field(
        default=1e-3,
        ge=0,
        le=1,
        title="β",
        description="Feedback coefficient.",
        json_schema_extra={"noun": "feedback coefficient", "variant": ["b", "β ="]},
    )
    decay: Decay = Field(
        default="paper",
        title="γ schedule",
        description="Decay factors γ: the paper's, the same in reversed order, or all equal to 1.",
        json_schema_extra={"variant": ["", "γ"]},
    )
    decay_base: float = Field(
        default=10.0,
        gt=1,
        le=1000,
        title="γ base",
        description="Ratio of neighbouring decay factors.",
        json_schema_extra={"variant": ["base", "γ base ="]},
    )
    temperature: float | None = Field(
        default=None,
        ge=1,
        le=1024,
        title="T",
        description="Divides the training logits; N+1, as in the paper, if not given.",
        json_schema_extra={"default_text": "N+1", "variant": ["t", "T ="]},
    )

    @property
    @override
    def effective_temperature(self) -> float:
        """T, or N + 1 where none is given."""
        return self.num_feedback + 1.0 if self.temperature is None else self.temperature

    @property
    def gamma(self) -> tuple[float, ...]:
        """gamma_1 … gamma_N. Paper: base^(n-N) for OVF, base^(1-n) for IRS; `constant` (all 1) is a reconstruction."""
        if self.decay == "constant":
            return (1.0,) * self.num_feedback
        falling = tuple(self.decay_base**-n for n in range(self.num_feedback))
        rises = self.rising_gamma == (self.decay == "paper")
        return falling[::-1] if rises else falling

    def combine(self, logits: Tensor, feedback: list[Tensor], labels: Tensor) -> Tensor:
        """CE((O - beta sum_n gamma_n Out_n) / T, y)."""
        fed_back = logits
        for gamma, output in zip(self.gamma, feedback, strict=True):
            fed_back = fed_back - self.beta * gamma * output
        return cross_entropy(fed_back / self.effective_temperature, labels)
