"""What a weight constraint is: where weights are put back to after every step, whatever method made the step.

It acts on all weights that lie in devices while training, those of snapshot heads among them; biases and BatchNorm are
digital. The optimiser's own state is left alone.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor

from neft.component import Component


class BaseConstraint(Component):
    """The interface; a constraint that does nothing, where nothing is overridden."""

    label: ClassVar[str]
    source: ClassVar[str]
    reparametrises: ClassVar[bool] = False
    """Whether what lies in devices is a function of what is trained: `effective`."""
    searched: ClassVar[Mapping[str, Sequence[float]]] = {}
    """Its settings that are worth tuning and the values to try, the usual one first."""

    @property
    def kind(self) -> str:
        """The constraint without the settings that are tuned; a key."""
        return str(getattr(self, "name", ""))

    @property
    def kind_label(self) -> str:
        """The kind in words."""
        return self.label

    @property
    def variant(self) -> str:
        """The constraint with its settings; a key that goes behind a method's."""
        return str(getattr(self, "name", ""))

    @property
    def variant_label(self) -> str:
        """The variant in words, for legends."""
        return self.label

    def one_signed(self, count: int) -> tuple[bool, ...]:
        """Of each of a network's layers, from the input to the output, whether all its weights have one sign."""
        return (False,) * count

    def hold(self, weights: Mapping[str, Tensor]) -> None:
        """Change these weights in place; called under `no_grad` after every step of the optimiser.

        Args:
            weights: every layer that lies in devices, by name; output channels along the first axis.
        """
        del weights

    def initial(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """What a training from scratch begins with, of Kaiming's draws; both of what is trained, by name.

        Args:
            weights: every layer that lies in devices, by name; output channels along the first axis.
        """
        return weights

    def effective(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The weights that lie in devices, of those that are trained; gradients flow through.

        Args:
            weights: every layer that lies in devices, by name; output channels along the first axis.
        """
        return weights

    def trainable(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The reverse of `effective`, as near as there is: what to train so that these weights are what it begins with.

        Args:
            weights: as they lie in devices, by name.
        """
        return weights
