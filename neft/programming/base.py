"""What programming is: from what devices aim at to what they hold.

Conductances are over the device's maximal one. An error has the std sigma_d x level std, as in `neft.devices`.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, get_args

from jaxtyping import Bool, Float, Int
from torch import Tensor

from neft.component import Component
from neft.mapping.stack import Mapping as WeightMapping


@dataclass(frozen=True)
class Aim:
    """What the devices of one device set aim at."""

    mapping: WeightMapping
    level_stds: Float[Tensor, " levels"]
    """Of the device, over (sigma_d x maximal conductance)."""
    magnitude: Float[Tensor, "..."]
    """What each weight's devices are to come to together, over what they can: in [0, 1]."""
    levels: Int[Tensor, "slices ..."]
    """Of each device, least significant first."""
    verified: Bool[Tensor, "..."] | None = None
    """The weights that are chosen to be verified, for programming that chooses."""

    @cached_property
    def targets(self) -> Float[Tensor, "slices ..."]:
        """The conductance of every device's level."""
        return self.conductance(self.levels)

    @cached_property
    def stds(self) -> Float[Tensor, "slices ..."]:
        """The std of every device's error over sigma_d, before anything is verified."""
        return self.level_stds[self.levels]

    def conductance(self, levels: Int[Tensor, "..."]) -> Float[Tensor, "..."]:
        """A level's, over the maximal one: level 0 has the lowest."""
        return self.mapping.conductance(levels, self.level_stds)


@dataclass(frozen=True)
class Written:
    """What devices hold."""

    conductance: Float[Tensor, "slices ..."]
    """Over the maximal one."""
    levels: Int[Tensor, "slices ..."]
    """What they aimed at, in the end."""
    side: Float[Tensor, "slices ..."] | float = 1.0
    """1, or -1 where a device of the other side holds it and it counts negative."""


@dataclass(frozen=True)
class Effort:
    """What programming costs, a weight's device set, expected."""

    pulses: float | int
    reads: float | int


class BaseProgramming(Component):
    """The interface."""

    label: ClassVar[str]
    source: ClassVar[str]
    is_open_loop: ClassVar[bool] = False
    """Whether errors are Gaussian and independent, which one draw a weight stands for."""
    budget_field: ClassVar[str] = ""
    """The setting that says on what share of the weights effort is spent; empty where all are treated alike."""
    choice_field: ClassVar[str] = ""
    """The setting that says which weights those are."""

    @classmethod
    def compared(cls) -> tuple["BaseProgramming", ...]:
        """The forms of it that a comparison of schemes tries."""
        return (cls(),)

    @classmethod
    def choices(cls) -> tuple[str, ...]:
        """The ways in which it chooses weights; none where it treats all alike."""
        return get_args(cls.model_fields[cls.choice_field].annotation) if cls.choice_field else ()

    @property
    def needs_scores(self) -> bool:
        """Whether it chooses by how much each weight matters to the loss."""
        return False

    @property
    def num_reads(self) -> int:
        """Sets of normals that `write` takes beside the errors': one where it reads with an error of its own."""
        return 0

    def choose(
        self, weights: Mapping[str, Tensor], scores: Mapping[str, Tensor] | None
    ) -> dict[str, Bool[Tensor, "..."]]:
        """The weights that it treats better than others, by layer; no layer where it treats all alike.

        Args:
            weights: of every layer.
            scores: how much each weight matters, where it is known.

        Raises:
            ConfigError: it goes by scores that are not known.
        """
        del weights, scores
        return {}

    @abstractmethod
    def write(
        self,
        aim: Aim,
        errors: Float[Tensor, "slices ..."],
        reads: Float[Tensor, "slices ..."] | None,
        *,
        sigma_d: float,
    ) -> Written:
        """What the devices of one chip hold.

        Args:
            aim: what they aim at.
            errors: standard normals, one a device.
            reads: standard normals for reading errors, one a device; None where nothing is misread.
            sigma_d: device variation.
        """

    @abstractmethod
    def level_variance(
        self, level_stds: Float[Tensor, " levels"], *, sigma_d: float, verified: bool
    ) -> Float[Tensor, " levels"] | None:
        """Variance of every level's error over the maximal conductance squared; None where it is known by sampling."""

    @abstractmethod
    def effort(self, aim: Aim, *, sigma_d: float) -> Effort:
        """Expected pulses and reads of one weight's device set, averaged over the weights."""


def spread(aim: Aim, sigma_d: float) -> Float[Tensor, "slices ..."]:
    """The std of every device's error before anything is verified."""
    return aim.stds * sigma_d
