"""A run that is not finished: its last whole epoch and the chips it has met on disk, so that it can go on."""

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from neft import columns
from neft.config import RunConfig
from neft.errors import NeftError, RunCorruptError, StoreError
from neft.metrics import METRICS
from neft.runs import checkpoint, files
from neft.runs.places import neft_home
from neft.training.loop import TrainingState

STATE = "state.safetensors"
DAMAGED = "damaged.safetensors"
"""A state that could not be read."""
CHIPS = "chips.json"
PARTS = ("weights", "best_weights", "optimiser")
OF_EVERY_EPOCH = frozenset(
    {columns.EPOCH, columns.LOSS, columns.TRAIN_ACCURACY, columns.VALIDATION_ACCURACY, columns.SECONDS}
)
"""What the history of a training says of each of its epochs."""
OF_EVERY_CHIP = frozenset({columns.SIGMA_D, columns.INSTANCE, *METRICS})
"""What is kept of each chip at each sigma_d."""


@dataclass(frozen=True)
class TriedChips:
    """Chips that an unfinished run's network has met."""

    network: str
    """The checksum of what was evaluated."""
    rows: list[dict[str, int | float]] = field(default_factory=list)
    seconds: float = 0.0
    """What they took."""


@dataclass(frozen=True)
class _Facts:
    """What a state says of itself beside its tensors."""

    __pydantic_config__ = ConfigDict(strict=True)

    epoch: int
    best_epoch: int
    history: list[dict[str, int | float]]

    def fit(self, config: RunConfig) -> bool:
        """Whether a training of this config can have come so far."""
        needed = OF_EVERY_EPOCH | ({columns.SIGMA_D} if config.method.searches_sigma_d else set[str]())
        epochs = [row.get(columns.EPOCH) for row in self.history]
        return (
            1 <= self.best_epoch <= self.epoch <= config.training.epochs
            and epochs == list(range(1, self.epoch + 1))
            and all(needed <= row.keys() for row in self.history)
        )


_CHIPS = TypeAdapter(TriedChips)
_FACTS = TypeAdapter(_Facts)


def folder(config: RunConfig, root: Path | None = None) -> Path:
    """Where a config's unfinished training lies."""
    return (neft_home() / "unfinished" if root is None else root) / config.run_id


def exists(config: RunConfig, root: Path | None = None) -> bool:
    """Whether there is something to go on from.

    Raises:
        StoreError: the system does not tell.
    """
    return files.is_file(folder(config, root) / STATE)


def save(config: RunConfig, state: TrainingState, root: Path | None = None) -> None:
    """Keep a state: one file, replaced at once.

    Raises:
        StoreError: the folder cannot be written.
    """
    target = folder(config, root)
    tensors = {f"{part}:{name}": tensor for part in PARTS for name, tensor in getattr(state, part).items()}
    facts = asdict(_Facts(epoch=state.epoch, best_epoch=state.best_epoch, history=state.history))
    with files.whole_file(target / STATE, what="An unfinished training") as draft:
        checkpoint.save_tensors(draft, tensors, {"facts": json.dumps(facts), "config": config.to_json()})


def load(config: RunConfig, root: Path | None = None) -> TrainingState | None:
    """The last whole epoch, or None where there is none.

    Raises:
        RunCorruptError: the file cannot be read, or is no state of this training. Whether its tensors fit the network
            is for `neft.training.loop.check_state` to say.
        StoreError: the system does not tell whether there is one.
    """
    path = folder(config, root) / STATE
    if not files.is_file(path):
        return None
    tensors = checkpoint.load_tensors(path)
    parts = {
        part: {name.removeprefix(f"{part}:"): t for name, t in tensors.items() if name.startswith(f"{part}:")}
        for part in PARTS
    }
    facts = _facts(path)
    if not facts.fit(config):
        message = f"'{path.name}' is no state of this training: its epochs are not those of its history."
        raise RunCorruptError(message)
    return TrainingState(epoch=facts.epoch, best_epoch=facts.best_epoch, history=facts.history, **parts)


def _facts(path: Path) -> _Facts:
    try:
        return _FACTS.validate_json(checkpoint.load_metadata(path)["facts"])
    except (KeyError, ValidationError):
        message = f"'{path.name}' cannot be read as a training: it does not say how far it came."
        raise RunCorruptError(message) from None


def set_aside(config: RunConfig, root: Path | None = None) -> Path:
    """Move a state that is none out of the way, in place of any earlier one; returns where it lies now.

    Raises:
        StoreError: the system does not let it be read, so that it may be sound; it stays.
    """
    place = folder(config, root)
    try:
        _ = (place / STATE).read_bytes()
        return (place / STATE).replace(place / DAMAGED)
    except OSError as refused:
        message = f"The interrupted training cannot be read from '{place}': {refused.strerror or refused}."
        raise StoreError(message) from None


def save_chips(config: RunConfig, chips: TriedChips, root: Path | None = None) -> None:
    """Keep the chips that a network has met: one file, replaced at once.

    Raises:
        StoreError: the folder cannot be written.
    """
    with files.whole_file(folder(config, root) / CHIPS, what="An unfinished evaluation") as draft:
        _ = draft.write_text(json.dumps(asdict(chips)), encoding="utf-8")


def load_chips(config: RunConfig, network: str, root: Path | None = None) -> TriedChips:
    """The chips that this very network has met; none where none are kept, or only others'.

    Args:
        config: the run's.
        network: the checksum of what is evaluated.
        root: the folder of unfinished runs.
    """
    try:
        chips = _CHIPS.validate_json((folder(config, root) / CHIPS).read_bytes())
    except (OSError, ValueError, RecursionError):  # what cannot be read is computed again
        return TriedChips(network)
    return chips if chips.network == network and _are_of(config, chips.rows) else TriedChips(network)


def _are_of(config: RunConfig, rows: list[dict[str, int | float]]) -> bool:
    """Whether rows are of a config's first chips, at its sigma_d, whole and none twice."""
    if not all(row.keys() == OF_EVERY_CHIP for row in rows):
        return False
    tried: dict[float, list[int | float]] = {sigma_d: [] for sigma_d in config.evaluation.sigma_ds}
    for row in rows:
        tried.setdefault(row[columns.SIGMA_D], []).append(row[columns.INSTANCE])
    is_whole = config.evaluation.precision is not None or len({len(chips) for chips in tried.values()}) == 1
    firsts = all(chips == list(range(len(chips))) for chips in tried.values())
    at_most = max(map(len, tried.values())) <= config.evaluation.num_instances
    return is_whole and firsts and at_most and len(tried) == len(config.evaluation.sigma_ds)


def on_other_images(config: RunConfig, root: Path | None = None) -> tuple[RunConfig, int] | None:
    """The unfinished training that differs in nothing but which images lay under the same path, and its last epoch.

    One that cannot be read is none that could be gone on with.
    """
    for path in sorted(folder(config, root).parent.glob(f"*/{STATE}")):
        try:
            other = RunConfig.from_json(checkpoint.load_metadata(path).get("config", ""))
            if config.is_of_other_images(other):
                return other, _facts(path).epoch
        except NeftError:  # of another version, or damaged
            continue
    return None


def discard(config: RunConfig, root: Path | None = None) -> None:
    """Forget it."""
    shutil.rmtree(folder(config, root), ignore_errors=True)
