"""How long trainings and experiments will take here, by what is stored; numbers from `neft.cost`."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from dashboard.form_answers import Duration, PlannedSweep
from neft import cost
from neft.config import RunConfig
from neft.cost import Estimate, Past
from neft.options import option_words
from neft.presets import PRESETS
from neft.records import RunRecord
from neft.scaling import rescaling
from neft.store import Stores


def of_run(config_json: str, stamp: str) -> Duration | None:
    """How long a run takes; None where nothing tells.

    Args:
        config_json: of the run.
        stamp: of what is stored; another one has it read anew.
    """
    return _duration(cost.estimate(RunConfig.from_json(config_json), _past(stamp)))


def of_sweep(experiment: str, options: Mapping[str, Any], stamp: str, *, seeds: int, workers: int) -> PlannedSweep:
    """The runs of an experiment that are not stored yet, as far as they are known now.

    Args:
        experiment: its name.
        options: by name, None where nothing is given.
        stamp: as in `of_run`.
        seeds: trainings of each setting.
        workers: processes that share the runs.

    Raises:
        ConfigError: options that cannot be.
    """
    preset, stored = PRESETS[experiment], _stored(stamp)
    planned = preset.plan(stored.get, rescale=rescaling(preset, {**options, "seeds": seeds}))
    absent = [one for one in planned if one.config.run_id not in stored]
    found = [cost.estimate(one.config, _past(stamp), trains=one.weights_of is None) for one in absent]
    known = [one for one in found if one is not None]
    return PlannedSweep(
        command=f"{option_words(f'neft sweep {experiment}', options)} --seeds {seeds}",
        num_planned=len(planned),
        num_missing=len(absent),
        duration=_duration(cost.together(known, workers=workers) if len(known) == len(found) else None),
    )


def _duration(found: Estimate | None) -> Duration | None:
    if found is None:
        return None
    said = cost.in_words(found)
    return Duration(found.training, found.evaluation, found.low, found.high, words=f"{said[0].upper()}{said[1:]}.")


@lru_cache(maxsize=1)
def _stored(stamp: str) -> dict[str, RunRecord]:
    del stamp
    return {record.id: record for record in Stores.default().list().records}


@lru_cache(maxsize=1)
def _past(stamp: str) -> Past:
    stored, own = _stored(stamp), Stores.default().own
    return cost.past(stored.values(), {run_id for run_id in stored if run_id in own})
