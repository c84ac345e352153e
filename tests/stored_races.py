"""Races as they are kept, from numbers written down by hand: nothing is raced."""

from neft.runs.races import RaceQuestion, RaceRecord
from neft.tables.percentiles import last_rank


def a_race(
    run_id: str = "x",
    *,
    weights: str = "0" * 64,
    sigma_d: float = 0.2,
    num_instances: int = 10_000,
    worst: float = 0.25,
    still_in: tuple[tuple[int, int], ...] = (),
    is_own: bool | None = True,
) -> RaceRecord:
    """Chips 0, 1, … as the lowest, each a thousandth better than the one before."""
    asked = RaceQuestion(weights=weights, chips="0" * 16, sigma_d=sigma_d, num_instances=num_instances, percentile=1)
    count = last_rank(0.01, num_instances)
    return RaceRecord(
        run_id=run_id,
        asked=asked,
        instances=tuple(range(count)),
        accuracies=tuple(worst + rank / 1000 for rank in range(count)),
        num_images=397,
        num_whole=250,
        passes=1_000_000,
        still_in=still_in,
        chance_of_error=0.01,
        created="2026-01-01T00:00:00+00:00",
        seconds=60.0,
        is_own=is_own,
    )
