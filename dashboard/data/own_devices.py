"""A user's own device: where it starts, what a file of measurements says of it, its tables and commands."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.computing import process
from dashboard.computing.answers import (
    Example,
    FileChoices,
    FileColumns,
    Handover,
    Measurements,
    OwnDevice,
    Start,
    WeightsOnDevice,
)
from dashboard.data.stored import RunRecord
from neft import columns
from neft.component import number_text
from neft.errors import ConfigError

if TYPE_CHECKING:
    from dashboard.computing.work import own_devices as work
else:
    work = process.remote("dashboard.computing.work.own_devices")

__all__ = [
    "Example",
    "FileChoices",
    "FileColumns",
    "Handover",
    "Measurements",
    "OwnDevice",
    "Start",
    "WeightsOnDevice",
]

DEFAULT_BITS = 2
MAX_BITS = 4
"""An editor of more than 16 levels is no editor."""
DIGITS = 4
"""Significant digits to which levels are kept in the address: finer than they can be measured."""
INTERVAL = "interval"
GUESSED = FileChoices()
"""Where a user says nothing."""
TRIED_AT = (0, 0.5, 1, 1.5, 2)
"""In units of the device's sigma_d."""


@st.cache_resource(max_entries=MAX_BITS, show_spinner="Reading the technologies …")
def starts(bits: int) -> dict[str, Start]:
    """What a device of so many bits may start from, by name, measured ones first; some have four levels only."""
    return {
        name: replace(found, stds=brief(found.stds), sigma_d=None if found.sigma_d is None else rounded(found.sigma_d))
        for name, found in work.starts(bits).items()
    }


@st.cache_resource(max_entries=1, show_spinner=False)
def usual_start() -> str:
    """What an editor starts with."""
    return work.usual_start()


def start_labels() -> dict[str, str]:
    """What a device may start from: names and labels."""
    return {name: found.choice for name, found in starts(DEFAULT_BITS).items()}


def start_called(title: str) -> str | None:
    """The starting point that gives its device this title."""
    return next((name for name, found in starts(DEFAULT_BITS).items() if found.label == title), None)


def has_bits(name: str, bits: int) -> bool:
    """Whether a starting point has devices of so many bits."""
    return len(start(name, bits).stds) == 2**bits


def start(name: str, bits: int) -> Start:
    """A device to start from; those that have four levels only are of 2 bits, whatever is asked for."""
    return starts(bits)[name]


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


def own_device(text: str, title: str, file_sha256: str = "") -> OwnDevice:
    """The device that the address describes.

    Raises:
        ConfigError: level stds, a title or a checksum that cannot be, or more levels than the page edits.
    """
    device = _device(text, title.strip(), file_sha256.strip())
    if device.device_bits > MAX_BITS:
        message = f"This page edits up to {2**MAX_BITS} levels; got {len(device.stds)}."
        raise ConfigError(message)
    return device


def levels_text(stds: Sequence[float]) -> str:
    """Level stds as the address and the command line write them.

    >>> levels_text((1.0, 1.8))
    '1,1.8'
    """
    return ",".join(number_text(std) for std in stds)


def measurements(content: bytes, g_max: float | None, choices: FileChoices = GUESSED) -> Measurements:
    """What a laboratory's file says.

    Raises:
        ConfigError: which line or column is wrong, and what is allowed; or what the file looks like instead.
    """
    return _measurements(content, hashlib.sha256(content).hexdigest(), g_max, choices)


@st.cache_resource(max_entries=4, show_spinner="Reading the measurements …")
def _measurements(_content: bytes, checksum: str, g_max: float | None, choices: FileChoices) -> Measurements:
    del checksum
    return work.measurements(_content, g_max, choices, MAX_BITS)


def file_columns(content: bytes) -> FileColumns:
    """What columns a file has.

    Raises:
        ConfigError: it holds no table.
    """
    return _file_columns(content, hashlib.sha256(content).hexdigest())


@st.cache_resource(max_entries=4, show_spinner=False)
def _file_columns(_content: bytes, checksum: str) -> FileColumns:
    del checksum
    return work.file_columns(_content)


@st.cache_resource(max_entries=1, show_spinner=False)
def roles() -> dict[str, str]:
    """What a column of a file can be, by role, in words."""
    return work.roles()


@st.cache_resource(max_entries=1, show_spinner=False)
def level_choices() -> tuple[str, ...]:
    """How the levels of a device may be chosen from those of a file."""
    return work.level_choices()


def is_as_measured(device: OwnDevice, measured: Measurements) -> bool:
    """Whether a device's levels are still those of the file."""
    return device.stds == brief(measured.level_stds)


@st.cache_resource(max_entries=32, show_spinner="Reading the device …")
def _device(text: str, title: str, file_sha256: str) -> OwnDevice:
    return work.device(text, title, file_sha256)


# ---------------------------------------------------------------- tables
def level_table(device: OwnDevice, sigma_d: float, measured: Measurements | None) -> pd.DataFrame:
    """A row per level: level, level_std, std, lower, upper (over the maximal conductance), num_measurements, bias.

    What no file tells is NaN.
    """
    stds = np.array(device.stds)
    table = pd.DataFrame({columns.LEVEL: range(len(stds)), columns.LEVEL_STD: stds, columns.STD: sigma_d * stds})
    told = [columns.LOWER, columns.UPPER, columns.NUM_MEASUREMENTS, columns.BIAS]
    return table.assign(**{name: np.nan if measured is None else measured.levels[name].to_numpy() for name in told})


def editor_table(device: OwnDevice, sigma_d: float, measured: Measurements | None) -> pd.DataFrame:
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


def published_levels(device: OwnDevice, sigma_d: float) -> pd.DataFrame:
    """The published devices of as many levels: device, label, level, level_std, std over the maximal conductance."""
    table = _published_levels(device.device_bits)
    return table.assign(**{columns.STD: sigma_d * table[columns.LEVEL_STD]})


def weights_on_device(record: RunRecord | None, device: OwnDevice) -> WeightsOnDevice:
    """How a run's weights lie on a device: as many bits as they have, where K divides them."""
    return _weights_on_device(device.stds, None if record is None else record.config["mapping"])


@st.cache_data(max_entries=MAX_BITS, show_spinner=False)
def _published_levels(device_bits: int) -> pd.DataFrame:
    return work.published_levels(device_bits)


@st.cache_data(max_entries=16, show_spinner=False)
def _weights_on_device(stds: tuple[float, ...], mapping: Mapping[str, int] | None) -> WeightsOnDevice:
    return work.weights_on_device(stds, mapping)


# ---------------------------------------------------------------- files and commands
def as_csv(device: OwnDevice, sigma_d: float) -> bytes:
    """A file that `measurements` reads as this device: std over the maximal conductance, by level."""
    table = level_table(device, sigma_d, None)
    return table[[columns.LEVEL, columns.STD]].to_csv(index=False, float_format="%.6g").encode()


def handover(record: RunRecord, device: OwnDevice, sigma_d: float) -> Handover:
    """A run's settings on this device: trained at its sigma_d, tried at 0 to twice that.

    Raises:
        ConfigError: they do not fit.
    """
    return _handover(record.id, json.dumps(record.config), device, sigma_d)


@st.cache_resource(max_entries=1, show_spinner=False)
def examples() -> tuple[Example, ...]:
    """Files as they may be uploaded, one a layout: draws from a published fit."""
    return work.examples()


@st.cache_resource(max_entries=16, show_spinner=False)
def _handover(run_id: str, config: str, device: OwnDevice, sigma_d: float) -> Handover:
    tried_at = tuple(rounded(min(share * sigma_d, 1.0)) for share in TRIED_AT)
    return work.handover(
        device.stds,
        device.title,
        device.file_sha256,
        run_id=run_id,
        config=config,
        sigma_d=sigma_d,
        tried_at=tried_at,
    )
