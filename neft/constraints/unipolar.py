"""Layers of one sign, whose weights need no second crossbar."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from neft.constraints.base import BaseConstraint
from neft.errors import ConfigError

FACTORS = {"+": 1.0, "-": -1.0}
BOTH = "b"
UNREAD = 0.01
"""What an initial weight that is not among the connections is of what it would have been."""


class Unipolar(BaseConstraint):
    """W_l = s_l abs(V_l) with a sign s_l for each layer, V is trained; or W_l = V_l where a layer keeps both signs.

    [GarciaRedondo2019] *Reconstruction*, no code is public. Where all weights of a layer have one sign its outputs are
    nearly alike: each is about the sum of all inputs, and what tells them apart drowns in it; from Kaiming's magnitudes
    VGG-8 does not learn at all. So each output begins by reading `connections` inputs, the largest of its initial
    weights, with the others 100 times smaller, at the same mean square. A weight that crosses 0 comes back.
    """

    name: Literal["unipolar"] = "unipolar"
    label: ClassVar[str] = "Unipolar weights"
    source: ClassVar[str] = "[GarciaRedondo2019], a reconstruction"
    reparametrises: ClassVar[bool] = True

    signs: str = Field(
        default="+",
        min_length=1,
        max_length=64,
        pattern=r"^[+\-b]+$",
        title="signs",
        description="The sign of every layer from the input to the output: '+', '-', or 'b' where it keeps both; one "
        "sign stands for all layers.",
        json_schema_extra={"noun": "signs"},
    )

    connections: int = Field(
        default=2,
        ge=1,
        le=100_000,
        title="connections",
        description="The inputs that each output reads when a training begins; its other weights are 100 times "
        "smaller.",
        json_schema_extra={"noun": "first connections"},
    )

    @property
    @override
    def kind(self) -> str:
        """`unipolar`, or with the signs where they are not all positive."""
        return self.variant

    @property
    @override
    def kind_label(self) -> str:
        """`Unipolar weights`, and which signs if not all positive."""
        return self.label if self.signs == "+" else f"{self.label} {self.signs}"

    @property
    @override
    def variant(self) -> str:
        """`unipolar`, `unipolar_pnb`, `unipolar_k4`: letters, as keys go into addresses and file names."""
        letters = self.signs.replace("+", "p").replace("-", "n")
        signs = "" if self.signs == "+" else f"_{letters}"
        usual = type(self).model_fields["connections"].default
        return f"{self.name}{signs}{'' if self.connections == usual else f'_k{self.connections}'}"

    @property
    @override
    def variant_label(self) -> str:
        """`unipolar`, which signs if not all positive, and how many first connections if not the usual."""
        usual = type(self).model_fields["connections"].default
        words = "" if self.connections == usual else f" of {self.connections} connections"
        return f"{self.name}{'' if self.signs == '+' else f' {self.signs}'}{words}"

    @override
    def one_signed(self, count: int) -> tuple[bool, ...]:
        """All but those that keep both."""
        return tuple(sign != BOTH for sign in self._by_layer(count))

    @override
    def effective(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """S abs(V); layers behind those that signs are given for, as those of snapshot heads, keep both.

        Raises:
            ConfigError: signs for more layers than there are.
        """
        return {
            name: weight if sign == BOTH else FACTORS[sign] * weight.abs()
            for (name, weight), sign in zip(weights.items(), self._by_layer(len(weights)), strict=True)
        }

    @override
    def initial(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A few large weights an output, of each layer of one sign."""
        return {
            name: weight if sign == BOTH else self._sparse(weight)
            for (name, weight), sign in zip(weights.items(), self._by_layer(len(weights)), strict=True)
        }

    @override
    def trainable(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weights themselves: of one with the other sign the magnitude is what it begins with."""
        return dict(weights)

    def _sparse(self, weight: Float[Tensor, "outputs ..."]) -> Float[Tensor, "outputs ..."]:
        magnitudes = weight.abs().flatten(1)
        few = magnitudes.topk(min(self.connections, magnitudes.shape[1]), dim=1).values[:, -1:]
        sparse = torch.where(magnitudes >= few, magnitudes, magnitudes * UNREAD).reshape(weight.shape)
        return sparse * (weight.square().mean() / sparse.square().mean()).sqrt()

    def _by_layer(self, count: int) -> str:
        if len(self.signs) == 1:
            return self.signs * count
        if len(self.signs) > count:
            message = (
                f"Unipolar.signs (signs) must name at most the network's {count} layers; got {len(self.signs)}, "
                f"'{self.signs}'."
            )
            raise ConfigError(message)
        return self.signs.ljust(count, BOTH)
