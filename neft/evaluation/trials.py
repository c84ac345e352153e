"""What a chip puts out at one sigma_d, of which its numbers are made."""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Trial:
    """A chip at one sigma_d."""

    outputs: Sequence[Tensor]
    """Batch by batch."""
    sigma_d: float


Numbers = Callable[[Sequence[Trial]], Float[Tensor, "trials numbers"]]
"""Of each trial its numbers. Trials that are handed in together have outputs of the same shapes, and the numbers that
each has alone: of small outputs, a step costs more to begin than to do."""


def few_at_once(trials: Iterable[Trial], most: int) -> Generator[list[Trial]]:
    """All trials in order, some at once: with so many values at most, but one trial at least.

    They are taken one by one, so that no more outputs are held than are at once.
    """
    held: list[Trial] = []
    num_values = 0
    for trial in trials:
        size = sum(batch.numel() for batch in trial.outputs)
        if held and num_values + size > most:
            yield held
            held, num_values = [], 0
        held.append(trial)
        num_values += size
    if held:
        yield held
