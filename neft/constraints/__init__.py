"""What a training step does to the weights after the optimiser; how losses are made is in `neft.methods`.

To add a constraint: a file with its class, and its line in `Constraint`.
"""

from typing import Annotated

from pydantic import Field

from neft.component import members
from neft.constraints.base import BaseConstraint
from neft.constraints.binary import Binary
from neft.constraints.clip import Clip
from neft.constraints.none import NoConstraint
from neft.constraints.saturating import Saturating
from neft.constraints.unipolar import Unipolar

__all__ = ["CONSTRAINTS", "BaseConstraint", "Binary", "Clip", "Constraint", "NoConstraint", "Saturating", "Unipolar"]

Constraint = Annotated[NoConstraint | Clip | Saturating | Binary | Unipolar, Field(discriminator="name")]

CONSTRAINTS: dict[str, type[BaseConstraint]] = members(Constraint)
