"""A stored network taken down its steps, a few chips at a time; what is found is stored at its end."""

from collections.abc import Iterator

from dashboard.computing.answers import WaterfallPart
from dashboard.computing.work import restored
from dashboard.computing.work.in_progress import InProgress
from neft.inspection.waterfall import WaterfallState, take_steps
from neft.pipeline import law_of_chips
from neft.runs.store import Stores

_DESCENTS = InProgress[WaterfallState](16, "waterfall")


def go_on(run_id: str, checksum: str, *, sigma_d: float, num_instances: int, seconds: float) -> WaterfallPart:
    """Begin to take a stored network down its steps, or go on with it, for about so many seconds.

    Raises:
        NeftError: the network or its data are not there, as many are taken down already as there is room
            for, or what was found cannot be stored.
    """
    asked = (run_id, checksum, sigma_d, num_instances)
    last, _ = _DESCENTS.go_on(asked, lambda: _begin(*asked), seconds=seconds)
    return WaterfallPart(last.steps, last.done, last.total, is_finished=last.record is not None)


def forget() -> None:
    """Let go of everything that is kept."""
    _DESCENTS.clear()


def _begin(run_id: str, checksum: str, sigma_d: float, num_instances: int) -> Iterator[WaterfallState]:
    found = restored.stored(run_id, checksum)
    store = Stores.default().holder(run_id)
    record = store.record(run_id)
    return take_steps(
        record,
        found.network,
        found.images,
        law_of_chips(found.config, found.network, found.images),
        has_real_weights=not store.keeps_codes(record),
        sigma_d=sigma_d,
        num_instances=num_instances,
        cores=restored.CORES,
    )
