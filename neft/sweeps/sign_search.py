"""Signs and width of a network whose layers have one sign each, searched on validation accuracy and area.

[GarciaRedondo2019] chooses them by architecture search. *Reconstruction*: merit is validation accuracy - mu * area,
area the devices over those of the same network with both signs everywhere; trials are proposed by Optuna's
tree-structured Parzen estimator. Needs what `pip install "neft[search]"` brings.

Every trial is a stored training, and the study a journal beside the runs: a search that was stopped goes on with the
trials that it would have made.
"""

import hashlib
import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neft.component import build
from neft.config import RunConfig
from neft.constraints.unipolar import BOTH, FACTORS, Unipolar
from neft.errors import ConfigError, NeftError
from neft.networks.device_layers import device_weights
from neft.networks.network import InputShape, build_network
from neft.options import command_line
from neft.pipeline import Settings, run
from neft.runs import files, searches
from neft.runs.records import RunRecord
from neft.runs.searches import SearchRecord, SearchTrial
from neft.runs.store import RunStore

if TYPE_CHECKING:
    import optuna

SIGNS = (BOTH, *FACTORS)
FIRST_AT_RANDOM = 8
"""Trials before the estimator is asked."""


@dataclass(frozen=True)
class SignSearch:
    """What is searched."""

    base: RunConfig
    """Everything but signs, width and mapping of the sign."""
    shape: InputShape
    """Of the data."""
    widths: tuple[float, ...] = (1.0,)
    """Factors on the width of the base's backbone, 1 among them."""
    area_weight: float = 0.1
    """Mu: what the whole area of the network with both signs counts, in validation accuracy."""
    max_drop: float = 0.02
    """How far the chosen network's validation accuracy may lie below that of both signs everywhere."""
    num_trials: int = 30
    seed: int = 0
    """Of the proposals."""

    @property
    def key(self) -> str:
        """Eight hex digits of what decides a trial's merit and which are proposed."""
        text = f"{self.base.decisive} {self.widths} {self.area_weight} {self.seed}"
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @cached_property
    def layers(self) -> dict[str, int]:
        """The weights of each layer that gets a sign, from the input to the output."""
        found = device_weights(build_network(self.base.backbone, self.shape))
        return {name: weight.numel() for name, weight in found.items()}

    def config(self, signs: str, width: float) -> RunConfig:
        """A trial's training, tried on one chip: what it is judged by is on validation images."""
        base = self.base
        backbone = base.backbone
        if width != 1.0:
            wider = width * float(getattr(backbone, "width", 1.0))
            backbone = build(type(backbone), backbone.model_dump() | {"width": wider})
        constraint = Unipolar(signs=signs)
        evaluation = base.evaluation.model_copy(update={"sigma_ds": (base.training.sigma_d,), "num_instances": 1})
        parts = {name: getattr(base, name) for name in RunConfig.model_fields}
        parts |= {
            "backbone": backbone,
            "constraint": constraint,
            "mapping": base.mapping.model_copy(update={"sign": "by_layer"}),
            "evaluation": evaluation,
        }
        return RunConfig.make(**parts)


def search_signs(
    search: SignSearch,
    settings: Settings,
    *,
    on_trial: Callable[[SearchRecord], None] = lambda _record: None,
    on_word: Callable[[str], None] = lambda _word: None,
) -> SearchRecord:
    """Make the trials that are missing, then fall back to both signs, layer by layer, where too much is lost.

    Args:
        search: what is searched.
        settings: where and how runs are made; a trial that is stored is not trained again. Its command is the search's.
        on_trial: shown all trials after each that is new, once they are kept.
        on_word: told what is to be known beside the trials, in a sentence.

    Returns:
        All trials (`neft.tables.sign_search` judges them); also kept in `neft.runs.searches`.

    Raises:
        NeftError: Optuna is not installed.
        ConfigError: a width for a backbone that has none.
        StoppedError: the settings' `should_stop` said so; whole trials are kept.
        StoreError: the trials cannot be written down.
    """
    optuna = _optuna()
    if search.widths != (1.0,) and not hasattr(search.base.backbone, "width"):
        message = f"widths are of backbones with a width; '{search.base.backbone.short_name}' has none."
        raise ConfigError(message)
    if 1.0 not in search.widths:
        message = f"widths must hold 1, which the others are compared with; got {search.widths}."
        raise ConfigError(message)
    for width in search.widths:
        _ = search.config(BOTH, width)  # one that cannot be is refused before the first trial
    judge = _Judge(search, settings)
    trials: list[SearchTrial] = []
    with _quiet(optuna):
        study = _study(optuna, searches.journal(search.key), on_word)
        num_known = len(_done(optuna, study))
        for number in range(search.num_trials):
            trials.append(_next_trial(optuna, study, search, judge, number))
            if number + 1 >= num_known:  # what is kept holds those of before already
                on_trial(judge.kept(trials))
        for trial in _fallbacks(search, trials, judge):
            trials.append(trial)
            on_trial(judge.kept(trials))
    return judge.kept(trials)


class _Judge:
    """Trains what is proposed, once."""

    def __init__(self, search: SignSearch, settings: Settings) -> None:
        self._search = search
        self._settings = settings

    def trial(self, signs: str, width: float) -> SearchTrial:
        """A network, trained and judged."""
        record, whole = self._record(signs, width), self._whole
        return SearchTrial(
            signs=signs,
            width=width,
            validation_accuracy=float(record.summary.validation_accuracy or 0.0),
            area_share=record.summary.num_devices / whole.summary.num_devices,
            run_id=record.id,
        )

    def kept(self, trials: Sequence[SearchTrial]) -> SearchRecord:
        """The trials so far, written down."""
        search = self._search
        return searches.save(
            search.key,
            self._whole.facts,
            trials,
            area_weight=search.area_weight,
            max_drop=search.max_drop,
            num_trials=search.num_trials,
            command=self._settings.command,
        )

    @cached_property
    def _whole(self) -> RunRecord:
        return self._record(BOTH * len(self._search.layers), 1.0)

    def _record(self, signs: str, width: float) -> RunRecord:
        config = self._search.config(signs, width)
        store: RunStore = self._settings.store
        if config.run_id in store:
            return store.record(config.run_id)
        return run(config, replace(self._settings, weights="none", resume=True, command=command_line(config)))


def _next_trial(optuna: Any, study: "optuna.Study", search: SignSearch, judge: _Judge, number: int) -> SearchTrial:
    """The trial of this number: as it was, or proposed and made now."""
    done = _done(optuna, study)
    if number < len(done):
        return judge.trial(*_proposed(done[number].params, search))
    # a sampler of its own for every trial: one that was stopped is proposed again as it was
    study.sampler = optuna.samplers.TPESampler(
        seed=1000 * search.seed + number,
        n_startup_trials=FIRST_AT_RANDOM,
        multivariate=True,
    )
    if number < 2:  # the references: both signs everywhere, and one everywhere
        fixed: dict[str, Any] = {"width": 1.0, **dict.fromkeys(search.layers, SIGNS[number])}
        if not _in_state(optuna, study, "WAITING"):  # one that was stopped may have left it there
            study.enqueue_trial(fixed)
    trial = study.ask()
    params: dict[str, Any] = {layer: trial.suggest_categorical(layer, SIGNS) for layer in search.layers}
    params["width"] = trial.suggest_categorical("width", search.widths)
    try:
        made = judge.trial(*_proposed(params, search))
    except BaseException:
        _ = study.tell(trial, state=optuna.trial.TrialState.FAIL)
        raise
    _ = study.tell(trial, made.merit(search.area_weight))
    return made


def _done(optuna: Any, study: "optuna.Study") -> "list[optuna.trial.FrozenTrial]":
    return _in_state(optuna, study, "COMPLETE")


def _in_state(optuna: Any, study: "optuna.Study", state: str) -> "list[optuna.trial.FrozenTrial]":
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state == optuna.trial.TrialState[state]]


def _proposed(params: dict[str, Any], search: SignSearch) -> tuple[str, float]:
    return "".join(params[layer] for layer in search.layers), float(params["width"])


def _fallbacks(search: SignSearch, trials: Sequence[SearchTrial], judge: _Judge) -> Iterator[SearchTrial]:
    """Where the best merit is of a network that loses too much: both signs for one layer more, the smallest first."""
    least = trials[0].validation_accuracy - search.max_drop
    sizes = list(search.layers.values())
    last = max(trials, key=lambda trial: trial.merit(search.area_weight))
    while last.validation_accuracy < least and set(last.signs) != {BOTH}:
        left = [index for index, sign in enumerate(last.signs) if sign != BOTH]
        index = min(left, key=sizes.__getitem__)
        last = judge.trial(last.signs[:index] + BOTH + last.signs[index + 1 :], last.width)
        yield last


def _study(optuna: Any, journal: Path, on_word: Callable[[str], None]) -> "optuna.Study":
    with files.telling("The journal of a search", journal.parent):
        files.make_folder(journal.parent)
        _cut_torn(optuna, journal, on_word)
        backend = optuna.storages.journal.JournalFileBackend(str(journal))
    storage = optuna.storages.JournalStorage(backend)
    return optuna.create_study(study_name="signs", direction="maximize", storage=storage, load_if_exists=True)


def _cut_torn(optuna: Any, journal: Path, on_word: Callable[[str], None]) -> None:
    """Drop what follows a journal's last whole line: of a killed process or a full disk. Trials are stored runs."""
    if not journal.is_file() or _whole(journal.read_bytes()) == journal.stat().st_size:
        return
    lock = optuna.storages.journal.JournalFileSymlinkLock(str(journal))
    _ = lock.acquire()  # it may have been read while another process wrote its line
    try:
        content = journal.read_bytes()
        whole = _whole(content)
        if whole == len(content):
            return
        files.write_whole(journal, content[:whole], what="The journal of a search")
    finally:
        lock.release()
    count = content[:whole].count(b"\n")
    on_word(
        f"The search's journal '{journal.name}' was torn after {count} lines: the search goes on from there, and "
        "trials that are stored are not trained again."
    )


def _whole(content: bytes) -> int:
    """The bytes of a journal's lines until the first that is none."""
    num_bytes = 0
    for line in content.splitlines(keepends=True):
        try:
            is_entry = line.endswith(b"\n") and isinstance(json.loads(line), dict)
        except (ValueError, RecursionError):
            is_entry = False
        if not is_entry:
            break
        num_bytes += len(line)
    return num_bytes


def _optuna() -> Any:
    try:
        import optuna  # noqa: PLC0415 - an optional package
    except ImportError:
        message = 'Searching signs needs Optuna: pip install "neft[search]".'
        raise NeftError(message) from None
    return optuna


@contextmanager
def _quiet(optuna: Any) -> Generator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
