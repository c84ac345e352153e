"""What a device technology is: how far each of its levels misses, in units of sigma_d.

sigma_d is the standard deviation of one device's conductance error over its maximal conductance. A device with the same
spread in every level has level stds of 1; a state-dependent one has larger stds in its middle levels.
"""

from abc import abstractmethod
from math import sqrt
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from neft.component import Component, default_name
from neft.errors import ConfigError
from neft.mapping.bit_slicing import BitSlicing


class BaseDevice(Component):
    """The interface. Every level's error is Gaussian, independent, with a std proportional to sigma_d."""

    label: ClassVar[str]
    source: ClassVar[str]
    technology: ClassVar[str] = ""

    @property
    def short_name(self) -> str:
        """The device in one word, as the command line and a run's facts name it; `device_from_text` reads it."""
        return default_name(type(self))

    @property
    def full_label(self) -> str:
        """What charts and lists call it."""
        return self.label

    @property
    def equation(self) -> str:
        """Std of a level over the maximal conductance, as TeX; empty where it is given level by level."""
        return ""

    @property
    def formula(self) -> str:
        """The same in plain text."""
        return ""

    @abstractmethod
    def level_stds(self, device_bits: int) -> Float[Tensor, " levels"]:
        """Std of each level's error over (sigma_d x maximal conductance).

        Raises:
            ConfigError: where the device is not defined for that many bits.
        """

    @abstractmethod
    def one_factor(self, magnitude: Float[Tensor, "..."], mapping: BitSlicing) -> Float[Tensor, "..."] | float:
        """The one-factor approximation of a weight's std over (sigma_d w_max), given |W| / w_max."""

    def code_stds(self, mapping: BitSlicing) -> Float[Tensor, " codes"]:
        """The exact std of W_p - W_d over (sigma_d w_max), for every code 0 … 2^M - 1.

        Eq. 5 sums independent Gaussian slices, so a weight's deviation is itself Gaussian, with the variance
        sum_j (level_std(g_j) (2^K - 1) 2^{jK})^2 / (2^M - 1)^2. One normal draw per weight is therefore exact.
        """
        levels = mapping.slice_levels(torch.arange(mapping.max_code + 1, dtype=torch.int32))
        stds = self.level_stds(mapping.device_bits).double()[levels.long()]
        significance = torch.tensor(mapping.significance, dtype=torch.float64)
        variance = torch.tensordot(significance.square(), stds.square(), dims=1)
        return (variance.sqrt() * (mapping.max_level / mapping.max_code)).float()


class StateDependentDevice(BaseDevice):
    """Level stds sigma_d / n(s) x (1, s, s, 1), n(s) = sqrt(0.4 s^2 + 0.6) ([Qin2025], released configuration).

    n(s) keeps the devices comparable if 40 % of the weights lie in the middle; real layers have 18-24 %, so at equal
    sigma_d the devices do not inject equal RMS noise.
    """

    source: ClassVar[str] = "[Qin2025], released configuration"
    state_ratio: ClassVar[float]

    @property
    @override
    def equation(self) -> str:
        """sigma_d / n(s) x (1, s, s, 1)."""
        law = r"\sigma(\text{level}) = \frac{\sigma_d}{n(s)}\,(1, s, s, 1),\; n(s) = \sqrt{0.4\,s^2 + 0.6},\; s = "
        return f"{law}{self.state_ratio:g}"

    @property
    @override
    def formula(self) -> str:
        """The same in plain text."""
        return f"σ(level) = σ_d/n(s) × (1, s, s, 1), n(s) = √(0.4 s² + 0.6), s = {self.state_ratio:g}"

    @property
    def normalisation(self) -> float:
        """n(s)."""
        return sqrt(0.4 * self.state_ratio**2 + 0.6)

    @override
    def level_stds(self, device_bits: int) -> Float[Tensor, " levels"]:
        """(1, s, s, 1) / n(s); with s = 1, ones for any number of levels."""
        if self.state_ratio == 1:
            return torch.ones(2**device_bits)
        if device_bits != 2:
            message = (
                f"The device's level stds are defined for 4 levels: device_bits (K) must be 2; got {device_bits}. "
                "For other K choose a device that misses alike in every level."
            )
            raise ConfigError(message)
        ratio = self.state_ratio
        return torch.tensor([1.0, ratio, ratio, 1.0]) / self.normalisation

    @override
    def one_factor(self, magnitude: Float[Tensor, "..."], mapping: BitSlicing) -> Float[Tensor, "..."] | float:
        """C / n(s) x (s where 0.25 < |W|/w_max < 0.75, else 1), as in the released code."""
        factor = mapping.closed_form_factor / self.normalisation
        if self.state_ratio == 1:
            return factor
        middle = (magnitude > 0.25) & (magnitude < 0.75)
        return torch.where(middle, factor * self.state_ratio, factor)
