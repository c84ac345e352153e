"""A user's own device: what its levels and a file of measurements say, where it may start, what can be done with it."""

import json
from collections.abc import Mapping, Sequence

import pandas as pd

from dashboard.computing.answers import (
    Example,
    FileChoices,
    FileColumn,
    FileColumns,
    Handover,
    Measurements,
    OwnDevice,
    Start,
    WeightsOnDevice,
)
from neft import columns
from neft.component import build
from neft.config import RunConfig
from neft.devices import PUBLISHED, BaseDevice, Measured, parse_stds
from neft.devices.lab_files.examples import EXAMPLES
from neft.devices.lab_files.levels import CHOICES
from neft.devices.lab_files.roles import ROLES
from neft.devices.lab_files.tables import read_table
from neft.devices.lab_files.unfolding import unfolded
from neft.devices.measurements import FileOptions, read_measurements
from neft.devices.presets import PRESETS, USUAL
from neft.devices.spreads import scaled
from neft.errors import ConfigError
from neft.mapping.stack import Mapping as WeightMapping
from neft.options import command_line, option_words
from neft.reference.citations import cite

MAX_BITS = 8
"""Of one device."""
FIRST_ROWS = 5
"""Of a file, that are shown."""


def device(text: str, title: str, file_sha256: str) -> OwnDevice:
    """The device of these level stds, separated by commas.

    Raises:
        ConfigError: level stds, a title or a checksum that cannot be.
    """
    found = _measured(parse_stds(text), title, file_sha256)
    return OwnDevice(
        name=found.name,
        label=found.label,
        stds=found.stds,
        title=found.title,
        device_bits=found.device_bits,
        untitled=_measured(found.stds, "").short_name,
        file_sha256=found.file_sha256,
    )


def starts(bits: int) -> dict[str, Start]:
    """What a device may start from, by name, measured ones first: those whose level 0 conducts nothing.

    A device that has no so many bits is of the nearest number that it has.
    """
    found: dict[str, Start] = {}
    for name, preset in PRESETS.items():
        if preset.on_off_ratio is None:  # others need the mapping's, which is no part of a device
            sigma_d, stds = scaled(preset.relative_stds(bits))
            found[name] = Start(preset.label, preset.label, stds, sigma_d, cite(preset.source))
    for name, kind in PUBLISHED.items():
        one = kind()
        nearest = sorted(range(1, MAX_BITS + 1), key=lambda other: (abs(other - bits), other))
        stds = _level_stds(one, next(other for other in nearest if _has(one, other)))
        found[name] = Start(one.label, f"{one.label} (NeFT)", stds, None, cite(one.source))
    return found


def usual_start() -> str:
    """The name of what an editor starts with."""
    return USUAL


def measurements(content: bytes, g_max: float | None, choices: FileChoices, max_bits: int) -> Measurements:
    """What a laboratory's file says; the maximal conductance is in its unit.

    Raises:
        ConfigError: which line or column is wrong, and what is allowed; or what the file looks like instead.
    """
    options = FileOptions(
        columns=dict(choices.columns),
        units=dict(choices.units),
        cycle=choices.cycle,
        read_voltage=choices.read_voltage,
        at_time=choices.at_time,
        choice=choices.choice,
        device_bits=choices.device_bits,
        max_bits=max_bits,
    )
    found = read_measurements(content, g_max=g_max, options=options)
    retention, later = found.effects.retention, choices.later
    return Measurements(
        sigma_d=found.sigma_d,
        level_stds=found.level_stds,
        levels=found.levels,
        histograms=found.histograms,
        notes=found.notes,
        shape=found.shape,
        checksum=found.checksum,
        unit=found.unit,
        roles={str(role): name for role, name in found.roles.columns.items()},
        cycle=found.roles.cycle,
        num_file_levels=len(found.file_levels),
        unmodelled=found.effects.words,
        effect_options=option_words("", found.asked_effects if later is None else found.effects_at(later)),
        times=pd.DataFrame({columns.TIME: [], columns.STD: []}) if retention is None else retention.times,
        never_misses=found.never_misses,
    )


def file_columns(content: bytes) -> FileColumns:
    """What columns a file has.

    Raises:
        ConfigError: it holds no table.
    """
    table = unfolded(read_table(content))
    found = tuple(FileColumn(column.name, column.label) for column in table.columns)
    first = {column.label: column.first(FIRST_ROWS) for column in table.columns}
    return FileColumns(found, pd.DataFrame(first))


def roles() -> dict[str, str]:
    """What a column can be, by role, in words."""
    return {str(role): words for role, words in ROLES.items()}


def level_choices() -> tuple[str, ...]:
    """How the levels of a device may be chosen from those of a file."""
    return CHOICES


def published_levels(device_bits: int) -> pd.DataFrame:
    """The published devices of so many bits: device, label, level, level_std."""
    devices = {name: kind() for name, kind in PUBLISHED.items()}
    found = [
        pd.DataFrame(
            {
                columns.DEVICE: name,
                columns.LABEL: one.label,
                columns.LEVEL: range(2**device_bits),
                columns.LEVEL_STD: _level_stds(one, device_bits),
            }
        )
        for name, one in devices.items()
        if _has(one, device_bits)
    ]
    return pd.concat(found, ignore_index=True)


def weights_on_device(stds: Sequence[float], mapping: Mapping[str, int] | None) -> WeightsOnDevice:
    """How weights lie on a device, and how far each of their codes misses, beside a device whose levels all do alike.

    Args:
        stds: the device's level stds.
        mapping: how a run's weights lie on its own device; None for the default.
    """
    one = _measured(stds, "")
    own = WeightMapping() if mapping is None else build(WeightMapping, dict(mapping))
    found = own.on_devices_of(one.device_bits)
    even = _measured((1.0,) * len(one.stds), "")
    here, alike = (kind.code_stds(found).double().numpy() for kind in (one, even))
    return WeightsOnDevice(
        weight_bits=found.weight_bits,
        device_bits=found.device_bits,
        num_slices=found.num_slices,
        codes=pd.DataFrame({columns.CODE: range(len(here)), columns.STD: here, columns.CLOSED_FORM_STD: alike}),
    )


def handover(
    stds: Sequence[float],
    title: str,
    file_sha256: str,
    *,
    run_id: str,
    config: str,
    sigma_d: float,
    tried_at: tuple[float, ...],
) -> Handover:
    """How to train and to try a run's network on a device.

    Args:
        stds: the device's level stds.
        title: what it is called.
        file_sha256: the checksum of its file; empty where from none.
        run_id: the run.
        config: the run's config as JSON.
        sigma_d: at which it is trained.
        tried_at: the device variations of its test chips.

    Raises:
        ConfigError: the run's settings and the device do not fit.
    """
    own = RunConfig.from_json(config)
    one = _measured(stds, title, file_sha256)
    mapping = own.mapping.on_devices_of(one.device_bits)
    parts = {name: getattr(own, name).model_dump() for name in RunConfig.model_fields}
    parts["device"], parts["mapping"] = one.model_dump(), mapping.model_dump()
    parts["training"] |= {"sigma_d": sigma_d}
    parts["evaluation"] |= {"device": None, "sigma_ds": tried_at}
    made = RunConfig.make(**parts)
    as_it_is = option_words(f"neft evaluate {run_id}", {"test_device": one.short_name, "test_sigma_d": tried_at})
    part = {
        "device": one.model_dump(mode="json"),
        "mapping": mapping.model_dump(mode="json"),
        "training": {"sigma_d": sigma_d},
    }
    return Handover(
        train=command_line(made),
        evaluate=as_it_is if mapping == own.mapping else None,
        json=(json.dumps(part, indent=2, ensure_ascii=False) + "\n").encode(),
    )


def examples() -> tuple[Example, ...]:
    """Files as they may be uploaded, one a layout: draws from a published fit."""
    return tuple(Example(one.label, one.file_name, one.content()) for one in EXAMPLES.values())


def _measured(stds: Sequence[float], title: str, file_sha256: str = "") -> Measured:
    return build(Measured, {"stds": tuple(stds), "title": title, "file_sha256": file_sha256})


def _has(one: BaseDevice, bits: int) -> bool:
    try:
        _ = one.level_stds(bits)
    except ConfigError:
        return False
    return True


def _level_stds(one: BaseDevice, bits: int) -> tuple[float, ...]:
    return tuple(one.level_stds(bits).tolist())
