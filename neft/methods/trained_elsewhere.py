"""No training here: the network came trained."""

from typing import ClassVar, Literal

from jaxtyping import Float, Int
from torch import Tensor
from typing_extensions import override

from neft.errors import ConfigError
from neft.methods.base import NoisyForward, SinglePassMethod


class TrainedElsewhere(SinglePassMethod):
    """How a network of one's own was trained is not known."""

    name: Literal["trained_elsewhere"] = "trained_elsewhere"
    label: ClassVar[str] = "Trained elsewhere"
    source: ClassVar[str] = "A program of the user's."
    order: ClassVar[int] = 99
    uses_noise: ClassVar[bool] = False
    is_given: ClassVar[bool] = True

    @override
    def loss(
        self, forward: NoisyForward, labels: Int[Tensor, " batch"], *, sigma_d: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch classes"]]:
        """There is none.

        Raises:
            ConfigError: always.
        """
        message = "A network that was trained elsewhere is not trained here."
        raise ConfigError(message)
