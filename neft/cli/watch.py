"""Watching one run: a progress bar for people, an event file for programs, and Ctrl-C that loses nothing."""

import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from neft import columns
from neft.cli.printing import say_beside
from neft.errors import ConfigError, NeftError
from neft.pipeline import Progress as RunProgress
from neft.runs.events import Evaluating, EventFile, Failed, Loading, Searching, Storing, Training

SECONDS_BETWEEN_EVENTS = 0.1


def failure(error: BaseException) -> Failed:
    """Why it ended: an expected error in its own words."""
    expected = isinstance(error, NeftError)
    return Failed(message=str(error) if expected else f"{type(error).__name__}: {error}")


class RunWatcher:
    """Shows a run's progress on standard error and writes it to the event file."""

    def __init__(self, progress: Progress, events: EventFile) -> None:
        self._progress = progress
        self._events = events
        self._tasks: dict[str, TaskID] = {}
        self._last_event = 0.0

    def __call__(self, state: RunProgress) -> None:
        """Told by the pipeline."""
        match state.stage:
            case "loading":
                self._events.write(Loading(message=state.message))
                if state.message:
                    say_beside(state.message, style="dim", console=self._progress.console)
            case "storing":
                self._events.write(Storing(message=state.message))
            case "training":
                self._draw(state)
                self._events.write(Training(done=state.done, total=state.total, row=state.row))
            case "evaluating":
                self._draw(state)
                self._record(state, Evaluating(done=state.done, total=state.total, row=state.row))
            case "searching":
                self._draw(state)
                self._record(state, Searching(done=state.done, total=state.total))

    def _draw(self, state: RunProgress) -> None:
        if state.stage not in self._tasks:
            words = {"training": "Training", "evaluating": "Chips", "searching": "Worst case"}[state.stage]
            task = self._progress.add_task(words, total=state.total, completed=state.done, facts="")
            self._tasks[state.stage] = task
        self._progress.update(self._tasks[state.stage], completed=state.done, facts=_facts(state.row))

    def _record(self, state: RunProgress, event: Evaluating | Searching) -> None:
        # an event a chip or a pass would be thousands: ten a second are enough to look live
        urgent = state.done in (0, state.total)
        if urgent or time.monotonic() - self._last_event > SECONDS_BETWEEN_EVENTS:
            self._last_event = time.monotonic()
            self._events.write(event)


@contextmanager
def watching(events_path: Path | None) -> Generator[tuple[RunWatcher, EventFile]]:
    """A progress display for the time of one run."""
    events = EventFile(events_path)
    with Progress(
        TextColumn("[bold]{task.description:<8}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[facts]}"),
        TimeElapsedColumn(),
        TextColumn("[dim]left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:
        yield RunWatcher(progress, events), events


@contextmanager
def stop_on_signals() -> Generator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; a second Ctrl-C interrupts at once."""
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        del frame
        if asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            _ = signal.signal(number, handler)


def check_torch_device(torch_device: str) -> None:
    """See that torch can compute where it is asked to.

    Raises:
        ConfigError: it cannot.
    """
    import torch  # noqa: PLC0415 - slow, and not every verb needs it

    try:
        _ = torch.zeros(1, device=torch_device).item()
    except (RuntimeError, AssertionError, NotImplementedError):
        message = f"--torch-device: torch cannot compute on '{torch_device}' here; 'cpu' always works."
        raise ConfigError(message) from None


def _facts(row: dict[str, float | int]) -> str:
    shown = {
        columns.LOSS: ("loss", "{:.3f}", 1.0),
        columns.TRAIN_ACCURACY: ("train", "{:.1f} %", 100.0),
        columns.VALIDATION_ACCURACY: ("validation under variation", "{:.1f} %", 100.0),
        columns.ACCURACY: ("accuracy at the largest open σ_d", "{:.1f} %", 100.0),
    }
    return "  ".join(
        f"{words} {form.format(row[name] * scale)}" for name, (words, form, scale) in shown.items() if name in row
    )
