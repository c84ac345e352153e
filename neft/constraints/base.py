"""What a weight constraint is: where weights are put back to after every step, whatever method made the step.

It acts on all weights that lie in devices while training, those of snapshot heads among them; biases and BatchNorm are
digital. The optimiser's own state is left alone.
"""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from neft.component import Component


class BaseConstraint(Component):
    """The interface; a constraint that does nothing, where nothing is overridden."""

    label: ClassVar[str]
    source: ClassVar[str]

    @property
    def variant(self) -> str:
        """The constraint with its settings; a key that goes behind a method's."""
        return str(getattr(self, "name", ""))

    @property
    def variant_label(self) -> str:
        """The variant in words, for legends."""
        return self.label

    def hold(self, weights: Mapping[str, Tensor]) -> None:
        """Change these weights in place; called under `no_grad` after every step of the optimiser.

        Args:
            weights: every layer that lies in devices, by name; output channels along the first axis.
        """
        del weights
