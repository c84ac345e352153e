"""What happens to programmed devices before they are read, each a switch with draws of its own.

Left out on purpose: IR drop, sneak paths and nonlinear I-V curves, which circuit simulators such as CrossSim do well.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor
from typing_extensions import override

from neft.component import Component
from neft.effects.drift import DriftLaw, exponents, factor_moments, factors
from neft.effects.retention import LONGEST, RetentionLaw, added_by_law, added_std
from neft.errors import ConfigError


class Effects(Component):
    """The effects on test chips; none by default."""

    drift_seconds: float = Field(
        default=0.0,
        ge=0,
        le=1e10,
        title="drift time",
        description="Conductances fall for so long after programming; no drift at 0.",
        json_schema_extra={"unit": "s"},
    )
    drift_law: DriftLaw = Field(
        default="pcm",
        title="drift law",
        description="Whose drift exponents: PCM's by level, those of a Hermes device, or the two given.",
    )
    drift_exponent: float = Field(
        default=0.05, ge=0, le=1, title="drift exponent", description="Mean drift exponent, where it is given."
    )
    drift_spread: float = Field(
        default=0.02,
        ge=0,
        le=1,
        title="std of the drift exponent",
        description="Its spread over devices, where it is given.",
    )
    drift_compensation: bool = Field(
        default=False,
        title="drift compensation",
        description="Multiply each layer by one digital factor that brings its summed conductance back.",
    )
    retention_seconds: float = Field(
        default=0.0,
        ge=0,
        le=1e10,
        title="retention time",
        description="Levels spread for so long after programming, as an RRAM's do; not at all at 0.",
        json_schema_extra={"unit": "s"},
    )
    retention_law: RetentionLaw = Field(
        default="ember",
        title="retention law",
        description="Whose spread: EMBER RRAM's, known up to 1e5 s, or a + b log10(t) as given, such as a file's own.",
    )
    retention_std: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="retention a",
        description="Std of levels 1 s after programming over the maximal conductance, where the law is given.",
    )
    retention_growth: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="retention b",
        description="What that std grows by with every decade of time, where the law is given.",
    )
    retention_programmed: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="std as programmed",
        description="Of that std, what devices miss by as programmed already, where the law is given.",
    )
    read_noise: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="read noise",
        description="Std of a device's reading over the maximal conductance, drawn once a chip.",
    )
    read_noise_each: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="read noise, each read",
        description="Likewise, drawn anew at every read: for each image, and each position of a convolution.",
    )
    stuck_low: float = Field(
        default=0.0, ge=0, le=1, title="stuck at 0", description="Share of devices stuck at level 0."
    )
    stuck_high: float = Field(
        default=0.0, ge=0, le=1, title="stuck at max", description="Share of devices stuck at the highest level."
    )
    common_mode: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="ρ",
        description="Share of the variance of programming that all devices of a chip, or a layer, have in common.",
        json_schema_extra={"noun": "common mode"},
    )
    common_to: Literal["chip", "layer"] = Field(
        default="chip", title="common to", description="The devices that have it in common."
    )
    level_bias: tuple[float, ...] = Field(
        default=(),
        max_length=256,
        title="level bias",
        description="How far each level's mean misses its target, over the maximal conductance, as '0,0.01,0.02,0'.",
        json_schema_extra={"default_text": "none"},
    )

    @model_validator(mode="after")
    def _shares_fit(self) -> "Effects":
        if any(abs(bias) > 1 for bias in self.level_bias):
            message = "every level_bias must lie in [-1, 1], over the maximal conductance"
            raise ValueError(message)
        if self.stuck_low + self.stuck_high > 1:
            message = f"stuck_low + stuck_high must be at most 1; got {self.stuck_low:g} + {self.stuck_high:g}"
            raise ValueError(message)
        if self.retention_seconds > LONGEST and self.retention_law == "ember":
            message = (
                f"retention_law 'ember' is known up to {LONGEST:g} s; retention_seconds is {self.retention_seconds:g}"
            )
            raise ValueError(message)
        if self.retention_seconds and self.retention_law == "given" and not self.retention_std + self.retention_growth:
            message = "retention_law 'given' needs retention_std (a) or retention_growth (b) greater than 0"
            raise ValueError(message)
        if self.drift_compensation and self.read_noise_each:
            message = (
                "read_noise_each (σ_r) does not go with drift_compensation, whose factor would multiply each read: "
                "leave one out, or take read_noise, which is frozen"
            )
            raise ValueError(message)
        if self.drift_compensation and not self.drift_seconds:
            message = "drift_compensation needs drift: drift_seconds must be greater than 0"
            raise ValueError(message)
        return self

    @property
    @override
    def idle_fields(self) -> frozenset[str]:
        """Settings of what is switched off, and of a drift law of the user's own where another one is taken."""
        found: set[str] = set()
        if not self.drift_seconds:
            found |= {"drift_law", "drift_exponent", "drift_spread"}
        if self.drift_law != "given":
            found |= {"drift_exponent", "drift_spread"}
        if not self.retention_seconds:
            found |= {"retention_law"}
        if not self.retention_seconds or self.retention_law != "given":
            found |= {"retention_std", "retention_growth", "retention_programmed"}
        if not self.common_mode:
            found |= {"common_to"}
        return super().idle_fields | found

    @property
    def is_none(self) -> bool:
        """Whether devices stay as they were programmed."""
        return not any(any(one) if isinstance(one, tuple) else one for one in self.switches)

    @property
    def draws(self) -> tuple[str, ...]:
        """The switches that draw something for every device, by name."""
        switched = {
            "drift": self.drift_seconds,
            "retention": self.retention_seconds,
            _STUCK: self.stuck_low + self.stuck_high,
            "read_noise": self.read_noise,
        }
        return tuple(name for name, value in switched.items() if value)

    def one_by_one(self) -> tuple[tuple[str, "Effects"], ...]:
        """What is switched on, by name in the order in which it happens, each with all that is before it."""
        found: list[tuple[str, Effects]] = []
        so_far = Effects()
        for name, fields in _SWITCHES.items():
            given = {field: getattr(self, field) for field in fields}
            more = so_far.model_copy(update=given)
            if any(given.values()) and more.switches != so_far.switches:
                so_far = more
                found.append((name, so_far))
        return tuple(found)

    @property
    def switches(self) -> tuple[object, ...]:
        """What decides whether anything happens."""
        return tuple(getattr(self, name) for name in _DECIDING)

    def retention_spread(self, lowest: float) -> float:
        """The std that retention adds to every level, over the maximal conductance.

        Args:
            lowest: level 0's conductance; EMBER's spread is told over the range, a given one over the maximum.
        """
        if self.retention_law == "ember":
            return added_std(self.retention_seconds) * (1 - lowest)
        return added_by_law(
            self.retention_seconds,
            at_1s=self.retention_std,
            per_decade=self.retention_growth,
            programmed=self.retention_programmed,
        )

    def bias(self, num_levels: int) -> Float[Tensor, " levels"]:
        """Of every level.

        Raises:
            ConfigError: not one a level.
        """
        if not self.level_bias:
            return torch.zeros(num_levels)
        if len(self.level_bias) != num_levels:
            message = (
                f"Effects.level_bias must be one number a level, {num_levels} for these devices; got "
                f"{len(self.level_bias)}."
            )
            raise ConfigError(message)
        return torch.tensor(self.level_bias)


_STUCK = "stuck"
_SWITCHES = {
    "common_mode": ("common_mode", "common_to"),
    "level_bias": ("level_bias",),
    "retention": (
        "retention_seconds",
        "retention_law",
        "retention_std",
        "retention_growth",
        "retention_programmed",
    ),
    "drift": ("drift_seconds", "drift_law", "drift_exponent", "drift_spread"),
    "stuck_devices": ("stuck_low", "stuck_high"),
    "read_noise": ("read_noise",),
    "read_noise_each": ("read_noise_each",),
    "drift_compensation": ("drift_compensation",),
}
"""Settings of each effect, in the order in which they happen; what is corrected comes last."""
_DECIDING = (
    "common_mode",
    "level_bias",
    "retention_seconds",
    "drift_seconds",
    "stuck_low",
    "stuck_high",
    "read_noise",
    "read_noise_each",
    "drift_compensation",
)


@dataclass(frozen=True)
class Devices:
    """Devices as they were programmed."""

    conductance: Float[Tensor, "..."]
    """What they hold, over the maximal one."""
    aimed: Float[Tensor, "..."]
    """What they aimed at."""
    levels: Int[Tensor, "..."]
    lowest: float
    """Level 0's conductance."""


def drawn(effect: str, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    """What an effect of `Effects.draws` draws for every device: normals, for stuck devices uniform numbers."""
    draw = torch.rand if effect == _STUCK else torch.randn
    return draw(shape, generator=rng)


def happened(effects: Effects, devices: Devices, draws: dict[str, Tensor], bias: Tensor) -> Float[Tensor, "..."]:
    """What devices conduct when they are read.

    Args:
        effects: what happens.
        devices: as programmed.
        draws: by the effect's name (`drawn`).
        bias: of every level (`Effects.bias`).
    """
    found = devices.conductance
    if effects.level_bias:
        found = found + bias.to(found)[devices.levels]
    if effects.retention_seconds:
        found = found + effects.retention_spread(devices.lowest) * draws["retention"]
    if effects.drift_seconds:
        mean, std = exponents_of(effects, devices.aimed)
        found = found * factors(mean, std, draws["drift"], seconds=effects.drift_seconds)
    if _STUCK in draws:
        found = torch.where(draws[_STUCK] < effects.stuck_low, devices.lowest, found)
        found = torch.where(draws[_STUCK] >= 1 - effects.stuck_high, 1.0, found)
    if effects.read_noise:
        found = found + effects.read_noise * draws["read_noise"]
    return found


def exponents_of(effects: Effects, aimed: Float[Tensor, "..."]) -> tuple[Tensor, Tensor]:
    """Mean and std of nu of devices that aim at this."""
    return exponents(aimed, effects.drift_law, mean=effects.drift_exponent, std=effects.drift_spread)


def moments(
    effects: Effects,
    *,
    aimed: Float[Tensor, " levels"],
    variance: Float[Tensor, " levels"],
    bias: Float[Tensor, " levels"],
    lowest: float,
) -> tuple[Float[Tensor, " levels"], Float[Tensor, " levels"]]:
    """Mean and variance of what a device of each level conducts when it is read, in closed form.

    Args:
        effects: what happens.
        aimed: every level's conductance.
        variance: of programming.
        bias: of every level.
        lowest: level 0's conductance.
    """
    mean = aimed + bias
    if effects.retention_seconds:
        variance = variance + effects.retention_spread(lowest) ** 2
    second = variance + mean.square()
    if effects.drift_seconds:
        exponent, spread = exponents_of(effects, aimed)
        first, squared = factor_moments(exponent, spread, seconds=effects.drift_seconds)
        mean, second = mean * first, second * squared
    moving = 1 - effects.stuck_low - effects.stuck_high
    mean = moving * mean + effects.stuck_low * lowest + effects.stuck_high
    second = moving * second + effects.stuck_low * lowest**2 + effects.stuck_high
    return mean, second - mean.square() + effects.read_noise**2
