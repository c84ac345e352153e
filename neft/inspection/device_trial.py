"""A stored network tried at once on another device: its mean accuracy over chips, beside that on its own device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from neft.chips.deployed import ChipLaw
from neft.component import build
from neft.datasets.base import ImageData
from neft.devices import BaseDevice, Measured
from neft.effects import Effects
from neft.evaluation.preview import Preview, Previewer
from neft.mapping.bit_slicing import BitSlicing
from neft.networks.network import Network

SEED = 0
NUM_PASSES = 8


@dataclass(frozen=True)
class DeviceTrial:
    """What a network keeps on two devices, at the same device variations."""

    here: pd.DataFrame
    """On the device: a row per sigma_d: mean, ci95, lower, upper (accuracy, fractions)."""
    there: pd.DataFrame
    """On the device of the run's own test chips."""
    num_images: int


def mapping_on(mapping: BitSlicing, device: BaseDevice) -> BitSlicing:
    """How a stored network's weights lie on a device: as the run's, but of as many bits as one's own device has."""
    return mapping.on_devices_of(device.device_bits) if isinstance(device, Measured) else mapping


def try_device(
    law: ChipLaw,
    network: Network,
    images: ImageData,
    device: BaseDevice,
    *,
    sigma_ds: Sequence[float],
    effects: Mapping[str, object] | None = None,
) -> DeviceTrial:
    """Try a stored network on a device.

    Args:
        law: how the run's own test chips are made.
        network: the run's, with its weights.
        images: the run's data.
        device: any.
        sigma_ds: at which device variations.
        effects: what happens to chips of that device beside what happens to the run's own; settings of `Effects`.

    Raises:
        NeftError: the network or the device do not fit.
    """
    happens = build(Effects, law.effects.model_dump() | dict(effects or {}))
    other = replace(law, device=device, mapping=mapping_on(law.mapping, device), effects=happens)
    here, there = (_last_pass(network, images, one, sigma_ds) for one in (other, law))
    return DeviceTrial(here.curve, there.curve, here.num_images)


def _last_pass(network: Network, images: ImageData, law: ChipLaw, sigma_ds: Sequence[float]) -> Preview:
    previewer = Previewer(network, images, law)
    passes = previewer.curve(sigma_ds, seed=SEED, max_passes=NUM_PASSES, disjoint=previewer.refusal is not None)
    *_, last = passes
    return last
