"""How many bits converters have, and what their ranges are."""

from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import override

from neft.component import Component


class Converters(Component):
    """DACs in front of every layer that lies in devices and ADCs behind it; by default neither rounds anything.

    An ADC reads one output of one layer: the slices of its weights, and the two parts of their sign, are summed by
    their significance before it. Biases and BatchNorm are digital, behind the ADC.
    """

    dac_bits: int | None = Field(
        default=None,
        ge=2,
        le=16,
        title="DAC bits",
        description="Bits of the DACs at a layer's input, its sign among them; inputs are exact if not given.",
        json_schema_extra={"unit": "bits", "noun": "DAC bits"},
    )
    adc_bits: int | None = Field(
        default=None,
        ge=2,
        le=16,
        title="ADC bits",
        description="Bits of the ADCs at a layer's output, its sign among them; outputs are exact if not given.",
        json_schema_extra={"unit": "bits", "noun": "ADC bits"},
    )
    converter_ranges: Literal["calibrated", "learned"] = Field(
        default="calibrated",
        title="converter ranges",
        description="Where ranges come from: calibrated on validation images once the network is trained without "
        "converters, or learned, with converters in every training pass.",
    )
    scaling: Literal["layer", "uniform"] = Field(
        default="layer",
        title="scaling",
        description="Whose the ranges are: each layer's own, or one for inputs, weights and outputs of all layers "
        "(uniform scaling), so that one block of converters serves them all.",
    )
    scaling_penalty: float = Field(
        default=0.01,
        ge=0,
        le=100,
        title="λ",
        description="Weight of the penalty that pulls the peaks of every layer's inputs and outputs to the ranges that "
        "all share, while these are learned.",
        json_schema_extra={"noun": "penalty of uniform scaling"},
    )

    @property
    def is_none(self) -> bool:
        """Whether nothing is converted."""
        return self.dac_bits is None and self.adc_bits is None

    @property
    def are_learned(self) -> bool:
        """Whether ranges are trained, so that training passes meet the converters."""
        return not self.is_none and self.converter_ranges == "learned"

    @property
    def are_shared(self) -> bool:
        """Whether all layers have the same ranges."""
        return not self.is_none and self.scaling == "uniform"

    @property
    @override
    def idle_fields(self) -> frozenset[str]:
        """The penalty is of ranges that are both shared and learned."""
        return frozenset() if self.are_learned and self.are_shared else frozenset({"scaling_penalty"})

    @model_validator(mode="after")
    def _has_converters(self) -> "Converters":
        if self.is_none and (self.converter_ranges != "calibrated" or self.scaling != "layer"):
            message = (
                "converter_ranges and scaling are of converters, and there are none: give dac_bits, adc_bits or both"
            )
            raise ValueError(message)
        return self
