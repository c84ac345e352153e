"""The whole way from a layer's weights to what its devices aim at: turned, scaled, clipped, split by sign, sliced.

Every part is a choice of its own; with the defaults it is the papers' mapping ([Qin2025], Eq. 4).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.clipping import best_clip
from neft.mapping.rotation import Rotation
from neft.mapping.rows import Rows
from neft.mapping.signs import SIGNS, DeviceSet, Sign, SignScheme

ScaleOf = Literal["layer", "channel"]
RotationName = Literal["none", "hadamard"]


class Mapping(BitSlicing):
    """How a layer's weights become what its devices aim at."""

    scale: ScaleOf = Field(
        default="layer",
        title="scale",
        description="Whose largest weight a device's range stands for: the layer's, or each output channel's own "
        "([Joshi2020]; one digital factor a column).",
    )
    sign: SignScheme = Field(
        default="crossbar",
        title="sign",
        description="Where the sign is: a second crossbar, as published; pairs of devices (g+ - g-); an offset, on "
        "half the devices with twice the error; nowhere, for layers of one sign; or by layer: nowhere where a layer "
        "has one sign, on a second crossbar where it has both.",
    )
    rotation: RotationName = Field(
        default="none",
        title="rotation",
        description="Turn a layer's inputs by a Hadamard matrix first, which spreads large weights over their row.",
    )
    clip_for: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="clip for σ_d",
        description="Programme clipped weights: as far as pays at this device variation; not at all at 0.",
    )
    on_off_ratio: float | None = Field(
        default=None,
        gt=1,
        le=1e9,
        title="r",
        description="A device's highest conductance over level 0's; no conductance there if not given.",
        json_schema_extra={"noun": "on/off ratio", "default_text": "infinite"},
    )
    copies: int = Field(
        default=1,
        ge=1,
        le=64,
        title="copies",
        description="Device sets that hold a layer, whose outputs are averaged (layer ensemble).",
    )

    @property
    def is_plain(self) -> bool:
        """Whether it is slicing alone, as published."""
        return self == Mapping(
            weight_bits=self.weight_bits, device_bits=self.device_bits, significance_base=self.significance_base
        )

    @property
    def lowest(self) -> float:
        """Level 0's conductance over the highest, 1 / r."""
        return 0.0 if self.on_off_ratio is None else 1 / self.on_off_ratio

    def conductance(self, levels: Int[Tensor, "..."], like: Tensor) -> Float[Tensor, "..."]:
        """A level's over the maximal one, in the type of another tensor."""
        return self.lowest + (1 - self.lowest) / self.max_level * levels.to(like.dtype)

    @property
    def error_factor(self) -> float:
        """What a device set's error over its range counts in a weight over w_max, copies and range included."""
        return SIGNS[self.sign].step / (1 - self.lowest) / self.copies**0.5

    @property
    def devices_a_weight(self) -> int:
        """Devices that hold one weight, at most."""
        return SIGNS[self.sign].devices_a_magnitude * self.num_slices * self.copies

    def num_devices(self, layers: Iterable[Float[Tensor, "..."]]) -> int:
        """Devices that hold these layers."""
        sets = sum(SIGNS[self.sign].device_sets(layer) * layer.numel() for layer in layers)
        return sets * self.num_slices * self.copies

    def digital_operations(self, *, num_outputs: int, num_inputs: int) -> int:
        """Additions and factors of one product with a layer that an ideal crossbar would not need.

        Channel factors, subtracting a column of references, summing copies, rotating the inputs. Joining slices is left
        out: every mapping of as many devices does it.
        """
        per_output = (self.scale == "channel") + (SIGNS[self.sign].offset != 0) + self.copies - 1
        turning = Rotation(num_inputs).additions if self.rotation == "hadamard" else 0
        return per_output * num_outputs + turning

    def lay(self, weight: Float[Tensor, "..."], *, transposed_groups: int | None = None) -> "LaidLayer":
        """A layer on its devices.

        Args:
            weight: with its output channels first, but for a transposed convolution's.
            transposed_groups: of a transposed convolution; None of any other layer.

        Raises:
            ConfigError: it cannot lie so.
        """
        rotation = None
        rows = Rows(tuple(weight.shape), transposed_groups)
        if self.rotation == "hadamard" and weight.dim() > 1:
            rotation = Rotation(weight.numel() // rows.num_outputs, transposed_groups)
        turned = weight if rotation is None else rotation.turned(weight)
        maximum = self._maximum(turned, rows)
        if self.clip_for:
            turned = torch.minimum(torch.maximum(turned, -maximum), maximum)
        return LaidLayer(mapping=self, rotation=rotation, turned=turned, maximum=maximum)

    def _maximum(self, weight: Tensor, rows: Rows) -> Tensor:
        per_channel = self.scale == "channel" and weight.dim() > 1
        magnitude = rows.of(weight).abs() if per_channel else weight.abs()
        axes = (1,) if per_channel else tuple(range(weight.dim()))
        if self.clip_for:
            sets = SIGNS[self.sign].errors_a_weight
            relative_std = self.closed_form_factor * self.error_factor * sets**0.5 * self.clip_for
            found = best_clip(magnitude, axes=axes, relative_std=relative_std)
        else:
            found = magnitude.amax(dim=axes)
        return rows.spread(found.reshape(-1)) if per_channel else found.reshape(())


def whole_mapping(slicing: BitSlicing) -> Mapping:
    """A mapping of which the bit slicing alone may have been given."""
    return slicing if isinstance(slicing, Mapping) else Mapping(**slicing.model_dump())


@dataclass(frozen=True)
class LaidLayer:
    """What a layer's devices aim at; weights, codes and gains are those of the turned layer."""

    mapping: Mapping
    rotation: Rotation | None
    turned: Float[Tensor, "outputs ..."]
    """The layer's weights, turned and clipped."""
    maximum: Float[Tensor, "..."]
    """What a device's range stands for, of the layer or in a shape that broadcasts."""

    @property
    def sign(self) -> Sign:
        """How the sign lies on devices."""
        return SIGNS[self.mapping.sign]

    @cached_property
    def sets(self) -> tuple[DeviceSet, ...]:
        """The device sets and what each aims at."""
        return self.sign.split(self.turned, self.maximum)

    @cached_property
    def codes(self) -> tuple[Int[Tensor, "outputs ..."], ...]:
        """Of every set."""
        return tuple(self.mapping.quantise(one.magnitude, self.maximum) for one in self.sets)

    def levels(self, index: int) -> Int[Tensor, "slices outputs ..."]:
        """Of one set's devices, least significant first."""
        return self.mapping.slice_levels(self.codes[index]).long()

    def target(self, *, quantise: bool) -> Float[Tensor, "outputs ..."]:
        """The weights that chips without variation hold."""
        if not quantise:
            return self.turned if self.rotation is None else self.rotation.turned_back(self.turned)
        step = self.maximum / self.mapping.max_code
        return self.joined([codes.to(self.turned) * step for codes in self.codes])

    def joined(self, magnitudes: Sequence[Float[Tensor, "outputs ..."]]) -> Float[Tensor, "outputs ..."]:
        """The weights that these magnitudes of the sets are read as, turned back."""
        found = sum(one.gain * magnitude for one, magnitude in zip(self.sets, magnitudes, strict=True))
        found = found + self.sign.offset * self.maximum
        return found if self.rotation is None else self.rotation.turned_back(found)
