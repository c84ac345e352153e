"""The training methods there are. To add one: a file with its class, and its line in `Method`.

A method makes losses; the loop around them is in `neft.training`, what holds weights in a range in `neft.constraints`.
"""

from typing import Annotated

from pydantic import Field

from neft.component import members
from neft.methods.a_trice import ATrice
from neft.methods.adversarial_weights import AdversarialWeights
from neft.methods.base import BaseMethod, Decay, FeedbackMethod, Moment, NoisyForward, TaughtMethod
from neft.methods.consistency import Consistency
from neft.methods.correctnet import CorrectNet
from neft.methods.distillation import Distillation
from neft.methods.irs import Irs
from neft.methods.noise_injection import NoiseInjection
from neft.methods.orthogonality import Orthogonality
from neft.methods.ovf import Ovf
from neft.methods.ramped import Ramped
from neft.methods.random_sigma import RandomSigma
from neft.methods.right_censored import RightCensoredNoise
from neft.methods.sharpness_aware import Asam, Sam
from neft.methods.trained_elsewhere import TrainedElsewhere
from neft.methods.vanilla import Vanilla

__all__ = [
    "METHODS",
    "ATrice",
    "AdversarialWeights",
    "Asam",
    "BaseMethod",
    "Consistency",
    "CorrectNet",
    "Decay",
    "Distillation",
    "FeedbackMethod",
    "Irs",
    "Method",
    "Moment",
    "NoiseInjection",
    "NoisyForward",
    "Orthogonality",
    "Ovf",
    "Ramped",
    "RandomSigma",
    "RightCensoredNoise",
    "Sam",
    "TaughtMethod",
    "TrainedElsewhere",
    "Vanilla",
]

Method = Annotated[
    Vanilla
    | NoiseInjection
    | Ovf
    | Irs
    | CorrectNet
    | RightCensoredNoise
    | ATrice
    | Orthogonality
    | Ramped
    | RandomSigma
    | Consistency
    | Sam
    | Asam
    | Distillation
    | AdversarialWeights
    | TrainedElsewhere,
    Field(discriminator="name"),
]

METHODS: dict[str, type[BaseMethod]] = members(Method)
