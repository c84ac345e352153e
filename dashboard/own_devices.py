"""A user's own device: where it starts, what a file of measurements says of it, its tables, commands and words."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import sentences
from dashboard.data import RunRecord
from dashboard.sentences import SIGMA_D
from neft import columns
from neft.component import build
from neft.config import RunConfig
from neft.device_measurements import MeasuredLevels, read_measurements
from neft.devices import PUBLISHED, Measured, Rram1, parse_stds
from neft.devices.spreads import FITTED, scaled
from neft.errors import ConfigError
from neft.mapping import BitSlicing
from neft.options import command_line, option_words, shown
from neft.preview import Preview

__all__ = ["Measured", "MeasuredLevels", "Start"]

DEFAULT = "rram_wan_1d"
DEFAULT_BITS = 2
MAX_BITS = 4
"""An editor of more than 16 levels is no editor."""
DIGITS = 4
"""Significant digits to which levels are kept in the address: finer than they can be measured."""
INTERVAL = "interval"
TRIED_AT = (0, 0.5, 1, 1.5, 2)
"""In units of the device's sigma_d."""
EXAMPLE_COUNT = 60
"""Measurements a level of the example file."""


@dataclass(frozen=True)
class Start:
    """A device to start from."""

    label: str
    stds: tuple[float, ...]
    sigma_d: float | None
    """Where it was measured; None where the model leaves it open."""
    source: str


def start_labels() -> dict[str, str]:
    """What a device may start from: names and labels, measured ones first."""
    measured = {name: spread.label for name, spread in FITTED.items()}
    return measured | {name: f"{device.label} (NeFT)" for name, device in PUBLISHED.items()}


def start_called(title: str) -> str | None:
    """The starting point that gives its device this title."""
    return next((name for name in start_labels() if start(name, DEFAULT_BITS).label == title), None)


def has_bits(name: str, bits: int) -> bool:
    """Whether a starting point has devices of so many bits."""
    return len(start(name, bits).stds) == 2**bits


def start(name: str, bits: int) -> Start:
    """A device to start from; those that have four levels only are of 2 bits, whatever is asked for."""
    if name in FITTED:
        spread = FITTED[name]
        sigma_d, stds = scaled(spread.relative_stds(bits))
        return Start(spread.label, brief(stds), rounded(sigma_d), spread.source)
    device = PUBLISHED[name]()
    asked = bits if isinstance(device, Rram1) else DEFAULT_BITS
    return Start(device.label, brief(device.level_stds(asked).tolist()), None, device.source)


def rounded(value: float) -> float:
    """To as many digits as the address keeps.

    >>> rounded(0.0748762)
    0.07488
    """
    return float(f"{value:.{DIGITS}g}")


def brief(stds: Sequence[float]) -> tuple[float, ...]:
    """Level stds to as many digits as the address keeps."""
    return tuple(rounded(std) for std in stds)


def resampled(stds: Sequence[float], bits: int) -> tuple[float, ...]:
    """Level stds of a device with other bits, on straight lines between those given.

    >>> resampled((1, 2), 2)
    (1.0, 1.333, 1.667, 2.0)
    """
    places = np.linspace(0, 1, 2**bits)
    return brief(np.interp(places, np.linspace(0, 1, len(stds)), stds).tolist())


def edited(stds: Sequence[float], rows: Mapping[int, Mapping[str, float | None]]) -> tuple[float, ...]:
    """Level stds after changes in the editor, given by row; a cell that was emptied keeps its value.

    >>> edited((1, 1.8), {1: {"level_std": 2.0}, 0: {"level_std": None}})
    (1.0, 2.0)
    """
    given = {int(row): change.get(columns.LEVEL_STD) for row, change in rows.items()}
    return brief([std if (new := given.get(level)) is None else new for level, std in enumerate(stds)])


def own_device(text: str, title: str) -> Measured:
    """The device that the address describes.

    Raises:
        ConfigError: level stds or a title that cannot be, or more levels than the page edits.
    """
    device = build(Measured, {"stds": parse_stds(text), "title": title.strip()})
    if device.device_bits > MAX_BITS:
        message = f"This page edits up to {2**MAX_BITS} levels; got {len(device.stds)}."
        raise ConfigError(message)
    return device


def levels_text(stds: Sequence[float]) -> str:
    """Level stds as the address and the command line write them."""
    return shown(tuple(stds))


@st.cache_resource(max_entries=4, show_spinner="Reading the measurements …")
def measurements(content: bytes, g_max: float | None) -> MeasuredLevels:
    """What a user's CSV says.

    Raises:
        ConfigError: which line or column is wrong, and what is allowed.
    """
    return read_measurements(content, g_max=g_max)


def is_as_measured(device: Measured, measured: MeasuredLevels) -> bool:
    """Whether a device's levels are still those of the file."""
    return device.stds == brief(measured.level_stds)


# ---------------------------------------------------------------- tables
def level_table(device: Measured, sigma_d: float, measured: MeasuredLevels | None) -> pd.DataFrame:
    """A row per level: level, level_std, std, lower, upper (over the maximal conductance), num_measurements, bias.

    What no file tells is NaN.
    """
    stds = np.array(device.stds)
    table = pd.DataFrame({columns.LEVEL: range(len(stds)), columns.LEVEL_STD: stds, columns.STD: sigma_d * stds})
    told = [columns.LOWER, columns.UPPER, columns.NUM_MEASUREMENTS, columns.BIAS]
    return table.assign(**{name: np.nan if measured is None else measured.levels[name].to_numpy() for name in told})


def editor_table(device: Measured, sigma_d: float, measured: MeasuredLevels | None) -> pd.DataFrame:
    """Likewise, in per cent and without what no file tells."""
    table = level_table(device, sigma_d, measured)
    shares = table[[columns.STD, columns.LOWER, columns.UPPER, columns.BIAS]] * 100
    ends = zip(shares[columns.LOWER], shares[columns.UPPER], strict=True)
    shown_table = table.assign(
        **{
            columns.STD: shares[columns.STD],
            INTERVAL: [f"{low:.3g} to {high:.3g}" for low, high in ends],
            columns.BIAS: shares[columns.BIAS],
        }
    )
    always = [columns.LEVEL, columns.LEVEL_STD, columns.STD]
    known = table[columns.NUM_MEASUREMENTS].notna().all()
    return shown_table[[*always, *((INTERVAL, columns.BIAS) if known else ())]]


def published_levels(device: Measured, sigma_d: float) -> pd.DataFrame:
    """The published devices of as many levels: device, label, level, level_std, std over the maximal conductance."""
    found = [
        pd.DataFrame({columns.DEVICE: name, columns.LABEL: kind.label, columns.LEVEL_STD: stds})
        for name, kind in PUBLISHED.items()
        for stds in [kind().level_stds(device.device_bits).tolist() if _fits(name, device) else []]
        if stds
    ]
    table = pd.concat(found, ignore_index=True)
    levels = table.groupby(columns.DEVICE, sort=False).cumcount()
    return table.assign(**{columns.LEVEL: levels, columns.STD: sigma_d * table[columns.LEVEL_STD]})


def code_table(device: Measured, mapping: BitSlicing) -> pd.DataFrame:
    """A row per magnitude code: code, the weight's std over (sigma_d w_max) on this device and on RRAM1."""
    own, even = (one.code_stds(mapping).double().numpy() for one in (device, Rram1()))
    return pd.DataFrame({columns.CODE: range(len(own)), columns.STD: own, columns.CLOSED_FORM_STD: even})


def _fits(name: str, device: Measured) -> bool:
    return name == Rram1().name or device.device_bits == DEFAULT_BITS


# ---------------------------------------------------------------- files and commands
def as_csv(device: Measured, sigma_d: float) -> bytes:
    """A file that `measurements` reads as this device: std over the maximal conductance, by level."""
    table = level_table(device, sigma_d, None)
    return table[[columns.LEVEL, columns.STD]].to_csv(index=False, float_format="%.6g").encode()


def as_json(device: Measured, sigma_d: float, mapping: BitSlicing) -> bytes:
    """The part of a config that `neft train --config` takes over."""
    part = {
        "device": device.model_dump(mode="json"),
        "mapping": mapping.model_dump(mode="json"),
        "training": {"sigma_d": sigma_d},
    }
    return (json.dumps(part, indent=2, ensure_ascii=False) + "\n").encode()


def example_csv() -> bytes:
    """Raw measurements as they may be uploaded: a draw from a published fit, in µS."""
    spread = FITTED[DEFAULT]
    rng = np.random.default_rng(0)
    stds = spread.relative_stds(DEFAULT_BITS)
    targets = np.linspace(0, spread.g_max, len(stds))
    rows = pd.DataFrame(
        {
            columns.LEVEL: np.repeat(np.arange(len(stds)), EXAMPLE_COUNT),
            "target (µS)": np.repeat(targets, EXAMPLE_COUNT).round(3),
            "measured (µS)": np.concatenate(
                [rng.normal(at, std * spread.g_max, EXAMPLE_COUNT) for at, std in zip(targets, stds, strict=True)]
            ).round(3),
        }
    )
    note = f"# An example, drawn at random from a published fit: {spread.source}\n"
    return (note + rows.to_csv(index=False)).encode()


def mapping_on(record: RunRecord | None, device: Measured) -> BitSlicing:
    """How a run's weights lie on a device: as many bits as they have, where K divides them."""
    own = BitSlicing() if record is None else BitSlicing.model_validate(record.config["mapping"])
    return own.on_devices_of(device.device_bits)


def config_on(record: RunRecord, device: Measured, mapping: BitSlicing, sigma_d: float) -> RunConfig:
    """A run's settings on this device: trained at its sigma_d, tried at 0 to twice that.

    Raises:
        ConfigError: they do not fit.
    """
    config = RunConfig.from_json(json.dumps(record.config))
    parts = {name: getattr(config, name).model_dump() for name in RunConfig.model_fields}
    parts["device"], parts["mapping"] = device.model_dump(), mapping.model_dump()
    parts["training"] |= {"sigma_d": sigma_d}
    parts["evaluation"] |= {"device": None, "sigma_ds": tuple(rounded(share * sigma_d) for share in TRIED_AT)}
    return RunConfig.make(**parts)


def fits_as_it_is(record: RunRecord, mapping: BitSlicing) -> bool:
    """Whether a stored network lies on the device without being sliced anew."""
    return mapping == BitSlicing.model_validate(record.config["mapping"])


def train_command(config: RunConfig) -> str:
    """The command that trains so."""
    return command_line(config)


def evaluate_command(record: RunRecord, config: RunConfig) -> str:
    """The command that tries the run's own network on real chips of the device."""
    values = {"test_device": config.device.short_name, "test_sigma_d": config.evaluation.sigma_ds}
    return option_words(f"neft evaluate {record.id}", values)


# ---------------------------------------------------------------- words
def spread_words(device: Measured) -> str:
    """How much wider the worst level misses than the best."""
    stds = device.stds
    worst, best = stds.index(max(stds)), stds.index(min(stds))
    name = device.title or "Your device"
    if stds[worst] == stds[best]:
        return f"**{name}** misses alike in all of its {len(stds)} levels."
    if stds[best] == 0:
        return f"**{name}** misses most in level {worst}; in level {best} it hits its target."
    ratio = stds[worst] / stds[best]
    return f"**{name}** misses most in level {worst}: {ratio:.2g} times as far as in its best level, {best}."


def pass_words(label: str, last: Preview) -> str:
    """How much of a preview is computed."""
    if last.num_chips == last.num_images:
        return f"{label}: {last.num_images} images, each on a chip of its own"
    return f"{label}: {last.num_images} images on {last.num_chips} chips"


def code_words(codes: pd.DataFrame) -> str:
    """How far the smallest and the largest weights miss, beside an even device."""
    ratio = codes[columns.STD] / codes[columns.CLOSED_FORM_STD]
    return (
        f"Weights near zero miss {ratio.iloc[0]:.2f} times as far as on RRAM1, the largest {ratio.iloc[-1]:.2f} times."
    )


def kept_words(
    record: RunRecord, curve: pd.DataFrame, own: pd.DataFrame, *, own_label: str, sigma_d: float, num_images: int
) -> str:
    """What a stored network keeps on this device, beside its own device, at one sigma_d."""
    here, there = (_at(one, sigma_d) for one in (curve, own))
    facts = record.facts
    trained = f"trained at {SIGMA_D} = {facts.train_sigma_d:g}" if facts.train_sigma_d else "trained clean"
    return (
        f"At its {SIGMA_D} = {sigma_d:g} the network ({facts.label}, {facts.backbone_label} on {facts.dataset_label}, "
        f"{trained}) keeps {here} of test images right; on {own_label}, the device it was tested on, {there} at the "
        f"same {SIGMA_D}. Means over chips, by {num_images} images each."
    )


def _at(curve: pd.DataFrame, sigma_d: float) -> str:
    row = curve.iloc[(curve[columns.SIGMA_D] - sigma_d).abs().argmin()]
    return sentences.with_interval(row[columns.MEAN], row[columns.CI95])
