"""Converters at the edge of the crossbars: DACs at a layer's input, ADCs at its output, and the ranges they share."""

from neft.networks.converters.layers import CONVERTED, convert_layers, without_converters
from neft.networks.converters.ranges import Ranges
from neft.networks.converters.settings import Converters

__all__ = ["CONVERTED", "Converters", "Ranges", "convert_layers", "without_converters"]
