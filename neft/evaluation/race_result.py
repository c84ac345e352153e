"""What a race of chips found (`neft.evaluation.race`); torch is not needed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RacedChip:
    """A chip that met all images."""

    instance: int
    accuracy: float


@dataclass(frozen=True)
class RaceResult:
    """What a race found."""

    lowest: tuple[RacedChip, ...]
    """The R chips of lowest accuracy, the worst first, of equal ones the lower number first. Of those that are equal to
    the last, there may be others than these."""
    num_whole: int
    """Chips that met all images at once."""
    passes: int
    """Images that chips met, all together; one that was met twice counts twice."""
    whole_passes: int
    """The same of the whole evaluation."""
    still_in: tuple[tuple[int, int], ...] = ()
    """Images, ascending, and how many chips met at least so many: from the fewest that one met to all."""
