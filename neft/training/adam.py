"""Adam, through torch's functional form.

`torch.optim.Adam` makes the very same steps, but its first use loads torch's compiler, which nothing here needs: more
than a second in every process that trains.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adam import adam

BETAS = (0.9, 0.999)
EPSILON = 1e-8
STEP, MEAN, SQUARE = "step", "exp_avg", "exp_avg_sq"
"""What is kept of each parameter, by the names that torch has for it."""


class Adam:
    """[Kingma2015], as torch computes it."""

    def __init__(self, parameters: Iterable[Tensor], rate: float) -> None:
        self.rate = rate
        """The learning rate, to be changed at will."""
        self.state: dict[Tensor, dict[str, Tensor]] = {parameter: {} for parameter in parameters}
        """Moments by parameter, empty before its first step."""

    def forget_gradients(self) -> None:
        """Before a backward pass."""
        for parameter in self.state:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        moved = [parameter for parameter in self.state if parameter.grad is not None]
        kept = [self._moments(parameter) for parameter in moved]
        adam(
            moved,
            [parameter.grad for parameter in moved if parameter.grad is not None],
            [moments[MEAN] for moments in kept],
            [moments[SQUARE] for moments in kept],
            [],
            [moments[STEP] for moments in kept],
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=self.rate,
            weight_decay=0.0,
            eps=EPSILON,
            maximize=False,
        )

    def _moments(self, parameter: Tensor) -> dict[str, Tensor]:
        moments = self.state[parameter]
        if not moments:
            # the count stays on the host, wherever the parameter is
            moments[STEP] = torch.tensor(0.0)
            moments[MEAN] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
            moments[SQUARE] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        return moments
