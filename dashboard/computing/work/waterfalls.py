"""A stored network taken down its steps, a few chips at a time; what is found is stored at its end."""

import time
from collections.abc import Iterator

from dashboard.computing.answers import WaterfallPart
from dashboard.computing.work import restored
from dashboard.computing.work.in_progress import InProgress
from neft.inspection.waterfall import WaterfallState, take_steps
from neft.pipeline import law_of_chips
from neft.runs.store import Stores


class Descent:
    """The steps, as far as they were taken."""

    def __init__(self, states: Iterator[WaterfallState]) -> None:
        self._states = states
        self.last: WaterfallState | None = None

    def go_on(self, seconds: float) -> WaterfallPart:
        """Try chips for about so long."""
        started = time.perf_counter()
        while self.last is None or self.last.record is None:
            self.last = next(self._states)
            if time.perf_counter() - started > seconds:
                break
        last = self.last
        return WaterfallPart(last.steps, last.done, last.total, is_stored=last.record is not None)


_DESCENTS = InProgress[Descent](16, "waterfall")


def go_on(run_id: str, checksum: str, *, sigma_d: float, num_instances: int, seconds: float) -> WaterfallPart:
    """Begin to take a stored network down its steps, or go on with it, for about so many seconds.

    Raises:
        NeftError: the network or its data are not there, as many are taken down already as there is room
            for, or what was found cannot be stored.
    """
    asked = (run_id, checksum, sigma_d, num_instances)
    descent = _DESCENTS.get(asked, lambda: _begin(*asked))
    try:
        return descent.go_on(seconds)
    except Exception:
        _DESCENTS.drop(asked)  # one that failed cannot go on
        raise


def forget() -> None:
    """Let go of everything that is kept."""
    _DESCENTS.clear()


def _begin(run_id: str, checksum: str, sigma_d: float, num_instances: int) -> Descent:
    found = restored.stored(run_id, checksum)
    store = Stores.default().holder(run_id)
    record = store.record(run_id)
    return Descent(
        take_steps(
            record,
            found.network,
            found.images,
            law_of_chips(found.config, found.network, found.images),
            has_real_weights=not store.keeps_codes(record),
            sigma_d=sigma_d,
            num_instances=num_instances,
            cores=restored.CORES,
        )
    )
