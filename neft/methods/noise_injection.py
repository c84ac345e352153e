"""Noise injection: train on a freshly sampled chip in every step."""

from typing import ClassVar, Literal

from neft.methods.base import SinglePassMethod


class NoiseInjection(SinglePassMethod):
    """CE(O / T, y) at W + dW. At T = N + 1 it is the control for feedback training: the same division, no feedback."""

    name: Literal["noise_injection"] = "noise_injection"
    label: ClassVar[str] = "Noise injection"
    source: ClassVar[str] = "the baseline with noise of NeFT's figures"
