"""A user's own device: what its levels and a file of measurements say, where it may start, what can be done with it."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from dashboard.computing.answers import Handover, Measurements, OwnDevice, Start, WeightsOnDevice
from neft import columns
from neft.component import build
from neft.config import RunConfig
from neft.devices import PUBLISHED, BaseDevice, Measured, parse_stds
from neft.devices.measurements import read_measurements
from neft.devices.spreads import FITTED, scaled
from neft.errors import ConfigError
from neft.mapping.bit_slicing import BitSlicing
from neft.options import command_line, option_words
from neft.reference.citations import cite

MAX_BITS = 8
"""Of one device."""
EXAMPLE_COUNT = 60
"""Measurements a level of the example file."""


def device(text: str, title: str) -> OwnDevice:
    """The device of these level stds, separated by commas.

    Raises:
        ConfigError: level stds or a title that cannot be.
    """
    found = _measured(parse_stds(text), title)
    return OwnDevice(
        name=found.name,
        label=found.label,
        stds=found.stds,
        title=found.title,
        device_bits=found.device_bits,
        untitled=_measured(found.stds, "").short_name,
    )


def starts(bits: int) -> dict[str, Start]:
    """What a device may start from, by name, measured ones first.

    A device that has no so many bits is of the nearest number that it has.
    """
    found: dict[str, Start] = {}
    for name, spread in FITTED.items():
        sigma_d, stds = scaled(spread.relative_stds(bits))
        found[name] = Start(spread.label, spread.label, stds, sigma_d, cite(spread.source))
    for name, kind in PUBLISHED.items():
        one = kind()
        nearest = sorted(range(1, MAX_BITS + 1), key=lambda other: (abs(other - bits), other))
        stds = _level_stds(one, next(other for other in nearest if _has(one, other)))
        found[name] = Start(one.label, f"{one.label} (NeFT)", stds, None, cite(one.source))
    return found


def measurements(content: bytes, g_max: float | None) -> Measurements:
    """What a user's CSV says; the maximal conductance is in its unit.

    Raises:
        ConfigError: which line or column is wrong, and what is allowed.
    """
    found = read_measurements(content, g_max=g_max)
    return Measurements(
        sigma_d=found.sigma_d,
        level_stds=found.level_stds,
        levels=found.levels,
        histograms=found.histograms,
        notes=found.notes,
        shape=found.shape,
    )


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
    own = BitSlicing() if mapping is None else build(BitSlicing, dict(mapping))
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
        run_id: the run.
        config: the run's config as JSON.
        sigma_d: at which it is trained.
        tried_at: the device variations of its test chips.

    Raises:
        ConfigError: the run's settings and the device do not fit.
    """
    own = RunConfig.from_json(config)
    one = _measured(stds, title)
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


def example_csv(name: str, bits: int) -> bytes:
    """Raw measurements as they may be uploaded: a draw from a published fit, in µS."""
    spread = FITTED[name]
    rng = np.random.default_rng(0)
    stds = spread.relative_stds(bits)
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
    note = f"# An example, drawn at random from a published fit: {cite(spread.source)}\n"
    return (note + rows.to_csv(index=False)).encode()


def _measured(stds: Sequence[float], title: str) -> Measured:
    return build(Measured, {"stds": tuple(stds), "title": title})


def _has(one: BaseDevice, bits: int) -> bool:
    try:
        _ = one.level_stds(bits)
    except ConfigError:
        return False
    return True


def _level_stds(one: BaseDevice, bits: int) -> tuple[float, ...]:
    return tuple(one.level_stds(bits).tolist())
