"""Schemes (a mapping and a programming) of a stored network, tried a few chips at a time; each is stored once known."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import pandas as pd

from dashboard.computing.answers import SchemesPart
from dashboard.computing.paced import Paced
from dashboard.computing.work import restored
from neft import columns
from neft.errors import ConfigError, StoppedError
from neft.evaluation.schemes import Scheme, budgeted_schemes, usual_schemes
from neft.experiments.schemes import with_scheme
from neft.inspection.scheme_microscope import weight_deviations
from neft.networks.device_layers import device_weights, layer_name
from neft.pipeline import Settings, law_of_chips
from neft.runs.facts import stored_config
from neft.runs.store import Stores
from neft.sweeps.schemes import (
    Bench,
    RefusedScheme,
    TriedScheme,
    Trying,
    labels,
    stored_evaluation,
    try_schemes,
)

Kind = Literal["usual", "budgets"]


class Comparison:
    """Schemes of one network, as far as they are known."""

    def __init__(self, run_id: str, kind: Kind, sigma_ds: tuple[float, ...], num_instances: int) -> None:
        stores = Stores.default()
        record = stores.holder(run_id).record(run_id)
        config = stored_config(record)
        self._bench = Bench(
            record,
            config,
            Settings(store=stores.own, pretrained_stores=stores, command=f"neft schemes {run_id}"),
            sigma_ds=sigma_ds,
            num_instances=num_instances,
        )
        self._budgeted = budgeted_schemes(config.test_mapping) if kind == "budgets" else ()
        wanted = [one.scheme for one in self._budgeted] or usual_schemes(config.test_mapping, config.test_programming)
        self.schemes: tuple[Scheme, ...] = tuple({one.key: one for one in wanted}.values())
        self._known: list[TriedScheme] = []
        self._refused: dict[str, str] = {}
        self._at = Trying(0, len(self.schemes), "")
        self._seconds = 0.0
        self.paced = Paced(self._try)

    @property
    def num_stored(self) -> int:
        """Schemes whose chips are stored, or that cannot be."""
        return sum(self._is_stored(scheme) for scheme in self.schemes)

    def go_on(self, seconds: float) -> SchemesPart:
        """Try chips for about so long."""
        started = time.perf_counter()
        self.paced.go_on(seconds)
        self._seconds += time.perf_counter() - started
        empty = [pd.DataFrame()]
        return SchemesPart(
            chips=pd.concat([one.chips for one in self._known] or empty, ignore_index=True),
            costs=pd.concat([one.costs for one in self._known] or empty, ignore_index=True),
            budgets=pd.DataFrame([self._budget(one) for one in range(len(self._budgeted))]),
            run_ids={one.scheme.key: one.run_id for one in self._known},
            refused=dict(self._refused),
            num_known=len(self._known) + len(self._refused),
            count=len(self.schemes),
            label=self._at.label,
            done=self._at.done,
            total=self._at.total,
            seconds=self._seconds,
            is_finished=self.paced.is_finished,
        )

    def _budget(self, place: int) -> dict[str, object]:
        one = self._budgeted[place]
        return {
            columns.SCHEME: one.scheme.key,
            columns.PROGRAMMING: one.scheme.programming.label,
            columns.CHOICE: one.choice,
            columns.BUDGET: one.share,
        }

    def _try(self, should_stop: Callable[[], bool]) -> None:
        def tell(at: Trying) -> None:
            self._at = at
            if not at.total and should_stop():  # before each scheme, too: stored ones try no chips
                message = "Cancelled."
                raise StoppedError(message, epoch=-1)

        def keep(found: TriedScheme | RefusedScheme) -> None:
            if isinstance(found, TriedScheme):
                self._known.append(found)
            else:
                self._refused[found.label] = found.reason

        bench = replace(self._bench, settings=replace(self._bench.settings, should_stop=should_stop))
        _ = try_schemes(bench, self.schemes, on_progress=tell, on_scheme=keep)

    def _is_stored(self, scheme: Scheme) -> bool:
        try:
            config = with_scheme(
                self._bench.config, scheme, sigma_ds=self._bench.sigma_ds, num_instances=self._bench.num_instances
            )
        except ConfigError:
            return True
        return stored_evaluation(config, self._bench.settings.pretrained_stores) is not None


def go_on(
    run_id: str, checksum: str, kind: Kind, *, sigma_ds: tuple[float, ...], num_instances: int, seconds: float
) -> SchemesPart:
    """Begin to try a stored network's schemes, or go on with it, for about so many seconds.

    Args:
        run_id: of the network.
        checksum: of its weights.
        kind: the usual schemes, or those that spend effort on ever larger shares of the weights.
        sigma_ds: device variations.
        num_instances: chips.
        seconds: after which the rest waits.

    Raises:
        NeftError: the network or its data are not there, or an evaluation cannot be stored.
    """
    comparison = _comparison(run_id, checksum, kind, sigma_ds, num_instances)
    try:
        return comparison.go_on(seconds)
    except Exception:
        _forget(comparison)  # one that failed cannot go on
        raise


def count(
    run_id: str, checksum: str, kind: Kind, *, sigma_ds: tuple[float, ...], num_instances: int
) -> tuple[int, int]:
    """How many schemes there are, and of how many the chips are stored."""
    del checksum
    asked = Comparison(run_id, kind, sigma_ds, num_instances)
    return len(asked.schemes), asked.num_stored


def cancel() -> None:
    """End what is under way; what is stored stays."""
    for comparison in list(_KEPT.values()):
        _forget(comparison)


def deviations(run_id: str, checksum: str, *, layer: str, number: int, sigma_d: float) -> pd.DataFrame:
    """By how much one weight misses under each of the usual schemes: a row per scheme and bin.

    Args:
        run_id: of the network.
        checksum: of its weights.
        layer: as pages call it.
        number: of the weight in its layer, output by output.
        sigma_d: device variation.

    Raises:
        NeftError: the network or its data are not there.
    """
    found = restored.stored(run_id, checksum)
    wanted = restored.layer_called(run_id, checksum, layer)
    weights = device_weights(found.network)
    parameter = next(name for name in weights if layer_name(name) == wanted)
    frames: list[pd.DataFrame] = []
    for scheme in usual_schemes(found.config.test_mapping, found.config.test_programming):
        try:
            config = with_scheme(found.config, scheme)
            law = law_of_chips(config, found.network, found.images)
            frame = weight_deviations(weights, law, layer=parameter, number=number, sigma_d=sigma_d)
        except ConfigError:  # what cannot be is said where schemes are compared
            continue
        frames.append(frame.assign(**{columns.SCHEME: scheme.key}, **labels(found.config, scheme)))
    return pd.concat(frames, ignore_index=True)


def forget() -> None:
    """Let go of everything that is kept."""
    cancel()


MOST = 4
"""Comparisons that are kept for the next question."""
_KEPT: dict[tuple[object, ...], Comparison] = {}


def _comparison(run_id: str, checksum: str, kind: Kind, sigma_ds: tuple[float, ...], num_instances: int) -> Comparison:
    key = (run_id, checksum, kind, sigma_ds, num_instances)
    if key not in _KEPT:
        for oldest in list(_KEPT.values())[: len(_KEPT) + 1 - MOST]:
            _forget(oldest)
        _KEPT[key] = Comparison(run_id, kind, sigma_ds, num_instances)
    return _KEPT[key]


def _forget(comparison: Comparison) -> None:
    comparison.paced.cancel()
    for key in [key for key, kept in _KEPT.items() if kept is comparison]:
        del _KEPT[key]
