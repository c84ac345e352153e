"""How devices are written. To add a scheme: a file with its class, and its line in `Programming`."""

from typing import Annotated

from pydantic import Field

from neft.component import members
from neft.programming.base import Aim, BaseProgramming, Effort, Written
from neft.programming.open_loop import OpenLoop
from neft.programming.residual import Residual
from neft.programming.selective import Selective
from neft.programming.write_verify import WriteVerify

__all__ = [
    "PROGRAMMINGS",
    "Aim",
    "BaseProgramming",
    "Effort",
    "OpenLoop",
    "Programming",
    "Residual",
    "Selective",
    "WriteVerify",
    "Written",
]

Programming = Annotated[OpenLoop | WriteVerify | Selective | Residual, Field(discriminator="name")]

PROGRAMMINGS: dict[str, type[BaseProgramming]] = members(Programming)
