"""What a network of one's own draws from: torch's, NumPy's and Python's global generators, lent and put back."""

import random
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neft.seeding import derive_seed, generator


@dataclass(frozen=True)
class Chance:
    """Where the global generators stand."""

    torch_states: dict[str, Tensor]
    """By torch device."""
    numpy_state: Any
    python_state: Any

    def put(self) -> None:
        """Let them stand so."""
        for place, state in self.torch_states.items():
            _ = torch.set_rng_state(state) if place == "cpu" else torch.cuda.set_rng_state(state, place)
        np.random.set_state(self.numpy_state)  # noqa: NPY002 - what a network of one's own may draw from
        random.setstate(self.python_state)

    def stands(self) -> bool:
        """Whether they do."""
        now = _as_it_is([*self.torch_states])
        return (
            all(torch.equal(state, now.torch_states[place]) for place, state in self.torch_states.items())
            and np.array_equal(self.numpy_state[1], now.numpy_state[1])
            and self.numpy_state[2:] == now.numpy_state[2:]
            and self.python_state == now.python_state
        )


def chance_of(seed: int, use: str, *, torch_device: str) -> Chance:
    """Where they stand for this use, by the root seed."""
    places = sorted({"cpu", torch_device}) if torch.device(torch_device).type == "cuda" else ["cpu"]
    own = derive_seed(seed, use)
    return Chance(
        {place: generator(seed, use, torch_device=place).get_state() for place in places},
        np.random.RandomState(own % 2**32).get_state(),
        random.Random(own).getstate(),  # noqa: S311 - no secret
    )


@contextmanager
def own_chance(torch_device: str) -> Generator[None]:
    """Meanwhile networks may draw from global generators, which stand where they stood afterwards."""
    cuda = [torch_device] if torch.device(torch_device).type == "cuda" else []
    before = _as_it_is(["cpu", *cuda])
    try:
        yield
    finally:
        before.put()


def _as_it_is(places: list[str]) -> Chance:
    states = {place: torch.get_rng_state() if place == "cpu" else torch.cuda.get_rng_state(place) for place in places}
    return Chance(states, np.random.get_state(), random.getstate())  # noqa: NPY002 - as above
