"""Noise injection: train on a freshly sampled chip in every step."""

from typing import ClassVar, Literal

from typing_extensions import override

from neft.methods.base import PAPER_TEMPERATURE, SinglePassMethod


class NoiseInjection(SinglePassMethod):
    """CE(O / T, y) at W + dW. At T = N + 1 it is the control for feedback training: the same division, no feedback."""

    name: Literal["noise_injection"] = "noise_injection"
    label: ClassVar[str] = "Noise injection"
    source: ClassVar[str] = "[Qin2025], figures: the baseline with noise"
    order: ClassVar[int] = 1

    @property
    @override
    def rank(self) -> int:
        """A place of its own for every temperature but 1: what feedback is held against."""
        return self.order if self.temperature == 1 else self.order + 1

    @property
    @override
    def is_control(self) -> bool:
        """At the papers' temperature."""
        return self.temperature == PAPER_TEMPERATURE
