"""The command line that makes a run again, with all that its numbers depend on."""

import shlex
from collections.abc import Mapping
from typing import Any

from neft.chips.counts import fewest_chips

THREADS = 1
"""That everything stored is computed with, but for runs of earlier versions that were asked for others."""
TORCH_DEVICE = "cpu"


def whole_command(command: str, *, threads: int, torch_device: str) -> str:
    """With what decides a run's last digits and is in no config: torch's device, where not the usual.

    Runs of earlier versions were made with as many threads of torch's as they say; this one takes one, and ends
    elsewhere in the last digits.

    >>> whole_command("neft train --seed 1", threads=2, torch_device="cpu")
    'neft train --seed 1 --threads 2'
    """
    if threads != THREADS:
        command = _with(command, "--threads", str(threads))
    if torch_device != TORCH_DEVICE:
        command = _with(command, "--torch-device", torch_device)
    return command


def with_fewest_chips(command: str, evaluation: Mapping[str, Any]) -> str:
    """With the fewest chips of a precision where the command alone would ask for others: once they were 30 for all.

    Args:
        command: as it was kept.
        evaluation: of the run's config, as JSON.
    """
    precision, fewest = evaluation.get("precision"), evaluation.get("min_instances")
    if not isinstance(precision, float) or not 0 < precision < 1 or not isinstance(fewest, int):
        return command
    asks = "--precision" in command.split()
    return _with(command, "--min-instances", str(fewest)) if asks and fewest != fewest_chips(precision) else command


def _with(command: str, flag: str, value: str) -> str:
    """Without a command nothing, and nothing twice."""
    return f"{command} {flag} {shlex.quote(value)}" if command and flag not in command.split() else command
