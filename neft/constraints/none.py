"""Weights as the optimiser leaves them."""

from typing import ClassVar, Literal

from neft.constraints.base import BaseConstraint


class NoConstraint(BaseConstraint):
    """Does nothing."""

    name: Literal["none"] = "none"
    label: ClassVar[str] = "No weight constraint"
    source: ClassVar[str] = "[Qin2025], whose training has none"
