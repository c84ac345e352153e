"""Long work on a stored network, as far as it is: done a little at a time while a page is looked at."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from neft.errors import NeftError

A_STEP = 0.8
"""Seconds of computing a step: the page stays answerable."""


class Part(Protocol):
    """What the computing process says of work."""

    @property
    def is_finished(self) -> bool:
        """Whether all is known and stored."""
        ...


P = TypeVar("P", bound=Part)


class UnderWay(Generic[P]):
    """Work as far as it is; pages that show the same share it.

    Args:
        begun: what is said of it before its first step.
        go_on: takes a step of about so many seconds.
    """

    def __init__(self, begun: P, go_on: Callable[[float], P]) -> None:
        self.last = begun
        self.problem: NeftError | None = None
        """Why it cannot go on, if it cannot."""
        self._go_on = go_on

    @property
    def is_finished(self) -> bool:
        """Whether all is known and stored, or nothing more can be."""
        return self.last.is_finished or self.problem is not None

    def advance(self) -> None:
        """One step more, if any is left."""
        if self.is_finished:
            return
        try:
            self.last = self._go_on(A_STEP)
        except NeftError as error:
            self.problem = error
