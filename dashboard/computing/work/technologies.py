"""What is known of device technologies, and their stds in every unit."""

from collections.abc import Mapping
from dataclasses import asdict

import pandas as pd

from dashboard.computing.answers import StdAt, Technology
from neft import columns
from neft.devices.conversion import UNITS, converted
from neft.devices.presets import PRESETS
from neft.errors import ConfigError
from neft.inspection.device_cards import MAX_BITS, NUM_SAMPLED, DeviceCard, card_names, device_card


def names() -> dict[str, str]:
    """Of every technology, and what it is called."""
    return {name: device_card(name).label for name in card_names()}


def technology(name: str, device_bits: int) -> Technology:
    """What is known of one, as devices of K bits.

    Raises:
        ConfigError: no such technology, or not of so many bits.
    """
    card = device_card(name, device_bits)
    return Technology(
        name=card.name,
        label=card.label,
        technology=card.technology,
        source=card.source,
        equation=card.equation,
        text=card.text,
        unit=card.unit,
        g_min=card.g_min,
        g_max=card.g_max,
        device_bits=card.device_bits,
        weight_bits=card.mapping.weight_bits,
        sigma_d=card.sigma_d,
        is_open=card.is_open,
        levels=card.levels,
        curve=card.curve,
        sampled=card.sampled(),
        num_sampled=NUM_SAMPLED,
        besides=card.besides,
        train=card.train,
        config_json=card.config.to_json(),
        effect_options=card.effect_options,
    )


def bits_of(name: str) -> tuple[int, ...]:
    """The bits of which there are devices of a technology."""
    return tuple(bits for bits in range(1, MAX_BITS + 1) if _card(name, bits) is not None)


def overview() -> pd.DataFrame:
    """A row per technology, as devices of the usual bits: label, technology, unit, range, sigma_d, stds, source.

    range_share and max_std are the smallest and the largest std over its range; sigma_d is NaN where it is left open.
    """
    cards = [device_card(name) for name in card_names()]
    return pd.DataFrame(
        {
            columns.LABEL: [card.label for card in cards],
            columns.TECHNOLOGY: [card.technology for card in cards],
            columns.G_MIN: [card.g_min if card.unit else float("nan") for card in cards],
            columns.G_MAX: [card.g_max if card.unit else float("nan") for card in cards],
            columns.SIGMA_D: [float("nan") if card.is_open else card.sigma_d for card in cards],
            columns.LEAST: [_share(card).min() if not card.is_open else float("nan") for card in cards],
            columns.MOST: [_share(card).max() if not card.is_open else float("nan") for card in cards],
            columns.SOURCE: [card.source for card in cards],
        }
    )


def std_at(name: str, conductance: float) -> StdAt | None:
    """std(g) of one conductance; None where a technology tells stds of its levels alone."""
    if name not in PRESETS:
        return None
    preset = PRESETS[name]
    return StdAt(float(preset.spread.stds([conductance])[0]), preset.warning(conductance))


def units() -> dict[str, str]:
    """In which a std can be given, by name."""
    return dict(UNITS)


def conversion(name: str, device_bits: int, value: float, unit: str, g_max: float) -> Mapping[str, float]:
    """A std in every unit, by the units' names, on this technology with a maximal conductance in µS.

    Raises:
        ConfigError: what cannot be converted.
    """
    return asdict(converted(value, unit, g_max=g_max, mapping=device_card(name, device_bits).mapping))


def _share(card: DeviceCard) -> pd.Series:
    return card.curve[columns.STD] / (card.g_max - card.g_min)


def _card(name: str, bits: int) -> DeviceCard | None:
    try:
        return device_card(name, bits)
    except ConfigError:
        return None
