"""What is known of each device technology, and that chips have it: its formula beside stds of sampled devices."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from scipy.stats import chi2

from neft import columns
from neft.chips.sampling import program
from neft.component import build
from neft.config import RunConfig
from neft.devices import PUBLISHED, BaseDevice
from neft.devices.presets import PRESETS, Preset
from neft.errors import ConfigError, unknown_name
from neft.mapping.stack import Mapping as WeightMapping
from neft.options import command_line, option_words
from neft.reference.citations import cite
from neft.seeding import generator

POINTS = 101
"""Of a formula that is drawn."""
NUM_SAMPLED = 2000
"""Devices a level."""
SEED = 0
USUAL_SIGMA_D = 0.1
"""Of devices whose source leaves it open."""
USUAL_BITS = 2
MAX_BITS = 4


@dataclass(frozen=True)
class DeviceCard:
    """One technology as devices of K bits."""

    name: str
    label: str
    technology: str
    source: str
    """In words (`neft.reference.citations.cite`)."""
    equation: str
    """TeX."""
    text: str
    """The equation in plain text."""
    unit: str
    """Of conductances and stds: µS, or empty where they are over the maximal conductance."""
    g_min: float
    g_max: float
    device_bits: int
    sigma_d: float
    """The root mean square of its levels' stds over the maximal conductance; a usual one where `is_open`."""
    is_open: bool
    """Whether the source leaves sigma_d open."""
    device: BaseDevice
    mapping: WeightMapping
    levels: pd.DataFrame
    """A row per level: level, conductance, std, level_std, range_share (std over the range)."""
    curve: pd.DataFrame
    """The formula: conductance, std; level by level where that is all it tells."""
    besides: str
    effects: Mapping[str, object]

    @property
    def config(self) -> RunConfig:
        """The settings of a training with it: the defaults otherwise."""
        return RunConfig.make(device=self.device, mapping=self.mapping, training={"sigma_d": self.sigma_d})

    @property
    def train(self) -> str:
        """The command that trains with it."""
        return command_line(self.config)

    @property
    def effect_options(self) -> str:
        """Options of `neft evaluate` for what else is known of it; empty where that is nothing."""
        return option_words("", self.effects)

    def sampled(self, *, num_devices: int = NUM_SAMPLED, seed: int = SEED) -> pd.DataFrame:
        """Stds of devices as chips draw them: conductance, std (the formula's), sampled_std, lower, upper (95 %).

        Each weight is one device, programmed by the same steps as a chip; the interval is that of a Gaussian's std.
        """
        one = build(WeightMapping, self.mapping.model_dump() | {"weight_bits": self.device_bits})
        levels = torch.arange(one.max_level + 1).repeat_interleave(num_devices)
        weight = levels.float() / one.max_level
        rng = generator(seed, "device_card")
        chip = program({"": weight}, device=self.device, mapping=one, sigma_d=self.sigma_d, rng=rng)[""]
        missed = (chip - weight).reshape(-1, num_devices).double().numpy() * (self.g_max - self.g_min)
        stds = missed.std(axis=1, ddof=1)
        ends = np.sqrt((num_devices - 1) / chi2.ppf([0.975, 0.025], num_devices - 1))
        return self.levels[[columns.CONDUCTANCE, columns.STD]].assign(
            **{columns.SAMPLED_STD: stds, columns.LOWER: stds * ends[0], columns.UPPER: stds * ends[1]}
        )


def card_names() -> tuple[str, ...]:
    """Of every technology: those with a measured spread, then the published devices."""
    return (*PRESETS, *PUBLISHED)


def device_card(name: str, device_bits: int = USUAL_BITS) -> DeviceCard:
    """What is known of one technology.

    Args:
        name: one of `card_names`.
        device_bits: K; 1 to 4.

    Raises:
        ConfigError: no such technology, or not of so many bits.
    """
    if not 1 <= device_bits <= MAX_BITS:
        message = f"device_bits (K) must lie in [1, {MAX_BITS}] bits; got {device_bits}."
        raise ConfigError(message)
    if name in PRESETS:
        return _of_preset(name, PRESETS[name], device_bits)
    if name in PUBLISHED:
        return _of_published(name, PUBLISHED[name](), device_bits)
    kind = "device technology"
    raise unknown_name(kind, name, card_names())


def _of_preset(name: str, preset: Preset, device_bits: int) -> DeviceCard:
    sigma_d, device = preset.device(device_bits)
    conductances = preset.conductances(POINTS)
    at_levels = preset.conductances(2**device_bits)
    return DeviceCard(
        name=name,
        label=preset.label,
        technology=preset.technology,
        source=cite(preset.source),
        equation=preset.spread.equation,
        text=preset.spread.text,
        unit=preset.unit,
        g_min=preset.g_min,
        g_max=preset.g_max,
        device_bits=device_bits,
        sigma_d=sigma_d,
        is_open=False,
        device=device,
        mapping=_mapping(device_bits, preset.on_off_ratio),
        levels=_levels(at_levels, preset.spread.stds(at_levels), sigma_d, preset.g_min, preset.g_max),
        curve=pd.DataFrame({columns.CONDUCTANCE: conductances, columns.STD: preset.spread.stds(conductances)}),
        besides=preset.besides,
        effects=preset.effects,
    )


def _of_published(name: str, device: BaseDevice, device_bits: int) -> DeviceCard:
    stds = USUAL_SIGMA_D * device.level_stds(device_bits).double().numpy()
    levels = _levels(np.linspace(0, 1, len(stds)), stds, USUAL_SIGMA_D, 0.0, 1.0)
    return DeviceCard(
        name=name,
        label=device.label,
        technology=device.technology,
        source=cite(device.source),
        equation=device.equation,
        text=device.formula,
        unit="",
        g_min=0.0,
        g_max=1.0,
        device_bits=device_bits,
        sigma_d=USUAL_SIGMA_D,
        is_open=True,
        device=device,
        mapping=_mapping(device_bits, None),
        levels=levels,
        curve=levels[[columns.CONDUCTANCE, columns.STD]],
        besides="",
        effects={},
    )


def _mapping(device_bits: int, on_off_ratio: float | None) -> WeightMapping:
    return WeightMapping(on_off_ratio=on_off_ratio).on_devices_of(device_bits)


def _levels(conductances: np.ndarray, stds: np.ndarray, sigma_d: float, g_min: float, g_max: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            columns.LEVEL: range(len(stds)),
            columns.CONDUCTANCE: conductances,
            columns.STD: stds,
            columns.LEVEL_STD: stds / (sigma_d * g_max),
            columns.RANGE_SHARE: stds / (g_max - g_min),
        }
    )
