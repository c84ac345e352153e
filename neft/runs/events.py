"""What a training or a sweep tells while it runs: one JSON object a line of a file, which a dashboard follows.

Each kind of event is a model; there is one writer and one reader. The reader passes over lines that are half written or
damaged, and counts those that a newer version of this package must have written.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from neft.runs.files import telling

EVENTS_VERSION = 1
"""Raised when a kind of event comes to mean something else; a line without one is of version 1."""


class _Event(BaseModel):
    # numbers may be NaN: that is how a training that goes wrong tells of it
    model_config = ConfigDict(frozen=True, extra="forbid")

    time: float = Field(default_factory=time.time)
    """Seconds since the epoch."""
    version: int = EVENTS_VERSION


class _Saying(_Event):
    message: str = ""


class _Counting(_Event):
    done: int = 0
    total: int = 0


class Starting(_Event):
    """A job's turn in the queue has come."""

    event: Literal["starting"] = "starting"


class Started(_Event):
    """A training is about to load its data."""

    event: Literal["started"] = "started"
    run_id: str = ""
    epochs: int = 0


class Loading(_Saying):
    """The data set is loaded, or fetched."""

    event: Literal["loading"] = "loading"


class Training(_Counting):
    """An epoch ended, or the training began or goes on."""

    event: Literal["training"] = "training"
    row: dict[str, float | int] = Field(default_factory=dict)
    """The epoch's row of the history; empty before the first."""


class Evaluating(_Counting):
    """So many chips were tried."""

    event: Literal["evaluating"] = "evaluating"
    row: dict[str, float | int] = Field(default_factory=dict)
    """The last one's accuracy, and by sigma_d (`0.1`) the mean over all so far."""


class Searching(_Counting):
    """So many passes of about so many of the search for the worst case."""

    event: Literal["searching"] = "searching"


class Storing(_Saying):
    """The run is being stored."""

    event: Literal["storing"] = "storing"


class EndedRun(BaseModel):
    """A run of a sweep that ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    seconds: float
    error: str | None = None


class Sweeping(_Counting):
    """A run of a sweep ended, or a round began."""

    event: Literal["sweeping"] = "sweeping"
    run: EndedRun | None = None


class Finished(_Saying):
    """All is stored."""

    event: Literal["finished"] = "finished"
    run_id: str = ""


class Stopped(_Saying):
    """It was asked to stop."""

    event: Literal["stopped"] = "stopped"


class Failed(_Saying):
    """It ended in an error, which the message says."""

    event: Literal["failed"] = "failed"


Event = (
    Starting | Started | Loading | Training | Evaluating | Searching | Storing | Sweeping | Finished | Stopped | Failed
)
Saying = Loading | Storing | Finished | Stopped | Failed
Counting = Training | Evaluating | Searching | Sweeping
KINDS = frozenset(kind.model_fields["event"].default for kind in get_args(Event))
_ADAPTER: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])


@dataclass(frozen=True)
class Told:
    """What was told so far."""

    events: tuple[Event, ...] = ()
    """In their order."""
    num_newer: int = 0
    """Events that only a newer version of this package understands."""

    @property
    def caveat(self) -> str:
        """What is left out and why; empty where nothing is."""
        if not self.num_newer:
            return ""
        plural = self.num_newer != 1
        return (
            f"{self.num_newer} event{'s' if plural else ''} of a newer version of neft "
            f"{'are' if plural else 'is'} left out."
        )


class EventFile:
    """Appends events to a file; to nothing where there is none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def write(self, event: Event) -> None:
        """Append one event, whole.

        Raises:
            StoreError: the file cannot be written.
        """
        if self._path is None:
            return
        line = json.dumps(event.model_dump()) + "\n"
        with telling("Events", self._path), self._path.open("a", encoding="utf-8") as file:
            _ = file.write(line)


def read_events(path: Path) -> Told:
    """What a file of events tells.

    Raises:
        OSError: it cannot be read.
    """
    read = [_parsed(line) for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    return Told(
        events=tuple(event for event in read if isinstance(event, Event)),
        num_newer=read.count("newer"),
    )


def _parsed(line: str) -> Event | Literal["newer"] | None:
    """An event, or that a newer version must have written it; None for a line that is damaged."""
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict) or not isinstance(raw.get("event"), str) or "time" not in raw:
        return None
    version = raw.get("version", EVENTS_VERSION)
    if raw["event"] not in KINDS or (isinstance(version, int) and version > EVENTS_VERSION):
        return "newer"
    try:
        return _ADAPTER.validate_python(raw)
    except ValidationError:
        return None
