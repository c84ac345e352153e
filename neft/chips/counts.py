"""How many chips show a rare failure, and how rare a failure so many can miss."""

from math import ceil, log, log1p

from neft.errors import ConfigError

CONFIDENCE = 0.95
FLOOR = 30
"""Chips without which no spread is judged."""
MISSED = 0.0025
"""How often the fewest chips of a precision may show none of the failing chips that matter to it.

One in twenty would do to see one. But a mean that has met one failing chip where three were due still looks better
known than it is: with a share of 3 % at chance, stops at ± 0.01 from 299 chips on lie within it in 91 % of all cases,
from these 597 on in 95 % (from 30 on, in 56 %).
"""

FINEST = 1e-9
"""No precision is finer: it takes more chips than anyone can try."""


def chips_to_meet(share: float, *, confidence: float = CONFIDENCE) -> int:
    """Chips until one of the worst `share` of all is among them with this confidence: (1 - share)^n <= 1 - confidence.

    >>> chips_to_meet(0.01), chips_to_meet(0.05)
    (299, 59)
    """
    return ceil(log(1 - confidence) / log1p(-share))


def share_unseen(num_chips: int, *, confidence: float = CONFIDENCE) -> float:
    """The largest share of failing chips of which so many chips may show none, by the same equation.

    >>> round(share_unseen(30), 3), round(share_unseen(299), 3)
    (0.095, 0.01)
    """
    return 1.0 - (1 - confidence) ** (1 / num_chips)


def fewest_chips(precision: float) -> int:
    """The fewest chips after which a mean accuracy may count as known to this half-width.

    A share q of chips that fail lowers the mean by up to q. So shares down to the precision must be seen, and often
    enough: (1 - precision)^n <= 0.0025.

    >>> fewest_chips(0.005), fewest_chips(0.01), fewest_chips(0.02), fewest_chips(0.5)
    (1196, 597, 297, 30)
    """
    return max(FLOOR, chips_to_meet(max(precision, FINEST), confidence=1 - MISSED))


def decided_floor(precision: float, *, num_instances: int) -> int:
    """`fewest_chips`, where so many may be tried at all.

    Raises:
        ConfigError: they may not, so that the precision would never stop anything.
    """
    floor = fewest_chips(precision)
    if num_instances < floor:
        message = (
            f"A precision of {precision:g} takes num_instances (chips) of at least {floor}; got {num_instances}. "
            "Allow more, ask for a larger precision, or set min_instances (fewest chips): rare failures may go unseen."
        )
        raise ConfigError(message)
    return floor
