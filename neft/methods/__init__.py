"""The training methods there are. To add one: a file with its class, and its line in `Method`.

A method makes losses; the loop around them is in `neft.training`, what holds weights in a range in `neft.constraints`.
"""

from typing import Annotated

from pydantic import Field

from neft.component import members
from neft.methods.base import BaseMethod, Decay, FeedbackMethod, Moment, NoisyForward, TaughtMethod
from neft.methods.irs import Irs
from neft.methods.noise_injection import NoiseInjection
from neft.methods.ovf import Ovf
from neft.methods.vanilla import Vanilla

__all__ = [
    "METHODS",
    "BaseMethod",
    "Decay",
    "FeedbackMethod",
    "Irs",
    "Method",
    "Moment",
    "NoiseInjection",
    "NoisyForward",
    "Ovf",
    "TaughtMethod",
    "Vanilla",
]

Method = Annotated[Vanilla | NoiseInjection | Ovf | Irs, Field(discriminator="name")]

METHODS: dict[str, type[BaseMethod]] = members(Method)
