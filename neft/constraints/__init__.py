"""What a training step does to the weights after the optimiser; how losses are made is in `neft.methods`.

To add a constraint: a file with its class, and its line in `Constraint`.
"""

from typing import Annotated

from pydantic import Field

from neft.component import members
from neft.constraints.base import BaseConstraint
from neft.constraints.clip import Clip
from neft.constraints.none import NoConstraint

__all__ = ["CONSTRAINTS", "BaseConstraint", "Clip", "Constraint", "NoConstraint"]

Constraint = Annotated[NoConstraint | Clip, Field(discriminator="name")]

CONSTRAINTS: dict[str, type[BaseConstraint]] = members(Constraint)
