"""A stored run's network as it lies on a chip, for what it costs; without its weights and without its images."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch

from neft.config import RunConfig
from neft.datasets.base import DataAccess
from neft.errors import NeftError
from neft.hardware.costs import ConverterBits, Deployed, LayerShape
from neft.hardware.shapes import layer_shapes, layout_of
from neft.mapping.signs import SIGNS
from neft.networks.backbones import BaseBackbone
from neft.networks.network import InputShape, build_network
from neft.runs.facts import stored_config
from neft.runs.places import default_data_dir
from neft.runs.records import RunRecord
from neft.tables.hardware import hardware_key
from neft.training.loop import input_shape


def deployed_of(record: RunRecord) -> Deployed:
    """A run's layers, and what of its test chips' mapping decides costs.

    Raises:
        ConfigError: its network is not kept, as one that a user's program gave.
        DataMissingError: what its images are is only told by them, and they are not there.
    """
    config = stored_config(record)
    layout = layout_of(config.test_mapping)
    layers = _layers(config.backbone, _input_shape(config, record.facts.num_classes))
    one_sign = config.constraint.one_signed(len(layers))
    if not SIGNS[config.test_mapping.sign].holds_both_signs:  # no other network lies so
        one_sign = (True,) * len(layers)
    layers = tuple(replace(layer, is_one_sign=is_one) for layer, is_one in zip(layers, one_sign, strict=True))
    converters = config.test_converters
    bits = ConverterBits(converters.dac_bits, converters.adc_bits, shared=converters.are_shared)
    return Deployed(layers, layout, bits)


def deployed_of_each(records: Iterable[RunRecord]) -> dict[str, Deployed | NeftError]:
    """By run, or why it is not known; networks that several runs have are read once."""
    found: dict[str, Deployed | NeftError] = {}
    by_key: dict[str, Deployed | NeftError] = {}
    for record in records:
        key = hardware_key(record)
        if key not in by_key:
            try:
                by_key[key] = deployed_of(record)
            except NeftError as error:
                by_key[key] = error
        found[record.id] = by_key[key]
    return found


def _input_shape(config: RunConfig, num_classes: int) -> InputShape:
    dataset: Any = config.dataset
    size = dataset.size
    channels = size.num_channels if size else getattr(dataset, "channels", None)
    if channels is None or dataset.num_axes is None:
        return input_shape(dataset.load(DataAccess(data_dir=default_data_dir())))
    length = (size.image_size if size else None) or dataset.image_size
    return InputShape(channels, length, num_classes, dataset.num_axes)


def _layers(backbone: BaseBackbone, shape: InputShape) -> tuple[LayerShape, ...]:
    with torch.device("meta"):  # shapes alone
        network = build_network(backbone, shape)
        return layer_shapes(network, shape.blank())
