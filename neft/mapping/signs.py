"""How a weight's sign lies on devices: the magnitudes its device sets aim at, and how they are read together.

A scheme turns a layer's weights into one or two sets of magnitudes in [0, w_max], each on devices of its own, and the
digital side reads sum_k gain_k magnitude_k + offset w_max. A device set's error counts with its gain, so that variances
add with gain squared.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from neft.errors import ConfigError

SignScheme = Literal["crossbar", "differential", "offset", "unipolar", "by_layer"]


@dataclass(frozen=True)
class DeviceSet:
    """The devices of one part of a layer's weights."""

    magnitude: Float[Tensor, "..."]
    """What they aim at, in weight units, in [0, w_max]."""
    gain: Float[Tensor, "..."] | float
    """What a magnitude counts when it is read: a number, or a sign of every weight."""


class Sign(ABC):
    """The interface; `maximum` is w_max of the layer, or of each output channel in a shape that broadcasts."""

    label: ClassVar[str]
    source: ClassVar[str]
    offset: ClassVar[float] = 0.0
    """What is added when a weight is read, over w_max."""
    step: ClassVar[float] = 1.0
    """The size of every gain."""
    errors_a_weight: ClassVar[int] = 1
    """Device sets whose errors a weight adds up."""
    devices_a_magnitude: ClassVar[int]
    """Device sets that a weight takes on the chip at most, the sign's own among them."""
    holds_both_signs: ClassVar[bool] = True
    """Whether a layer may have weights of both signs."""

    def device_sets(self, weight: Float[Tensor, "..."]) -> int:
        """Device sets that each weight of this layer takes on the chip, the sign's own among them."""
        del weight
        return self.devices_a_magnitude

    @abstractmethod
    def split(self, weight: Float[Tensor, "..."], maximum: Float[Tensor, "..."]) -> tuple[DeviceSet, ...]:
        """The sets; a gain of a zero weight is not zero, as its devices miss too."""


class SignCrossbar(Sign):
    """The magnitude on one set of devices, the sign apart on a second crossbar, as published: it is taken to hold."""

    label: ClassVar[str] = "Sign crossbar"
    source: ClassVar[str] = "[Qin2025], section 4.1"
    devices_a_magnitude: ClassVar[int] = 2

    @override
    def split(self, weight: Float[Tensor, "..."], maximum: Float[Tensor, "..."]) -> tuple[DeviceSet, ...]:
        """|W| with the gain sign(W)."""
        return (DeviceSet(weight.abs(), torch.where(weight < 0, -1.0, 1.0).to(weight)),)


class DifferentialPair(Sign):
    """w = g+ - g-: one device of each pair is idle, at level 0, and misses as that level does."""

    label: ClassVar[str] = "Differential pair"
    source: ClassVar[str] = "usual in analog crossbars, as in [Joshi2020]"
    errors_a_weight: ClassVar[int] = 2
    devices_a_magnitude: ClassVar[int] = 2

    @override
    def split(self, weight: Float[Tensor, "..."], maximum: Float[Tensor, "..."]) -> tuple[DeviceSet, ...]:
        """max(W, 0) with 1, max(-W, 0) with -1."""
        return DeviceSet(weight.clamp(min=0), 1.0), DeviceSet((-weight).clamp(min=0), -1.0)


class Offset(Sign):
    """g = (w + w_max) / 2 on one set of devices; a shared column of references, taken to hold, subtracts w_max / 2.

    Half the devices, but a device's whole range is twice w_max: every error counts double.
    """

    label: ClassVar[str] = "Offset"
    source: ClassVar[str] = "usual in analog crossbars"
    offset: ClassVar[float] = -1.0
    step: ClassVar[float] = 2.0
    devices_a_magnitude: ClassVar[int] = 1

    @override
    def split(self, weight: Float[Tensor, "..."], maximum: Float[Tensor, "..."]) -> tuple[DeviceSet, ...]:
        """(W + w_max) / 2 with the gain 2."""
        return (DeviceSet(((weight + maximum) / 2).clamp(min=0), self.step),)


class Unipolar(Sign):
    """A layer of one sign needs neither a second device nor a second crossbar."""

    label: ClassVar[str] = "Unipolar"
    source: ClassVar[str] = "[GarciaRedondo2019]"
    devices_a_magnitude: ClassVar[int] = 1
    holds_both_signs: ClassVar[bool] = False

    @override
    def split(self, weight: Float[Tensor, "..."], maximum: Float[Tensor, "..."]) -> tuple[DeviceSet, ...]:
        """|W| with the layer's sign.

        Raises:
            ConfigError: weights of both signs.
        """
        if has_both_signs(weight):
            message = (
                f"sign 'unipolar' holds layers whose weights are all >= 0 or all <= 0; here is one from "
                f"{float(weight.min()):g} to {float(weight.max()):g}. Allowed for it: crossbar, "
                "differential, offset, by_layer."
            )
            raise ConfigError(message)
        return (DeviceSet(weight.abs(), -1.0 if bool((weight < 0).any()) else 1.0),)


class ByLayer(Sign):
    """Unipolar layers as such; those of both signs with a second crossbar for the sign: the bipolar fallback."""

    label: ClassVar[str] = "Unipolar where a layer is"
    source: ClassVar[str] = "[GarciaRedondo2019], with the sign crossbar of [Qin2025] for the other layers"
    devices_a_magnitude: ClassVar[int] = 2

    @override
    def device_sets(self, weight: Float[Tensor, "..."]) -> int:
        """2 of a layer of both signs, 1 of another."""
        return 2 if has_both_signs(weight) else 1

    @override
    def split(self, weight: Float[Tensor, "..."], maximum: Float[Tensor, "..."]) -> tuple[DeviceSet, ...]:
        """As `SignCrossbar` or `Unipolar` does."""
        return (SignCrossbar() if has_both_signs(weight) else Unipolar()).split(weight, maximum)


def has_both_signs(weight: Float[Tensor, "..."]) -> bool:
    """Whether some weights of a layer are positive and some negative."""
    return bool((weight < 0).any()) and bool((weight > 0).any())


SIGNS: dict[str, Sign] = dict(
    zip(get_args(SignScheme), (SignCrossbar(), DifferentialPair(), Offset(), Unipolar(), ByLayer()), strict=True)
)
"""The schemes there are, by name."""
