"""Races as they are kept, from numbers written down by hand: nothing is raced."""

from pathlib import Path

from neft.runs.races import RaceQuestion, RaceRecord
from neft.runs.records import RunRecord, StoredFile
from neft.runs.store import RECORD, WEIGHTS
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


def with_weights(root: Path, record: RunRecord, weights: str) -> None:
    """Have a stored run say that it kept weights of this checksum; they are not there."""
    files = {**record.files, WEIGHTS: StoredFile(sha256=weights, num_bytes=1)}
    _ = (root / record.id / RECORD).write_text(record.model_copy(update={"files": files}).model_dump_json())


def keep_race(root: Path, race: RaceRecord) -> Path:
    """Write a race below a folder as it is kept."""
    path = root / "races" / race.run_id / f"{race.asked.key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    _ = path.write_text(race.model_dump_json())
    return path
