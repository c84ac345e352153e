"""How long trainings and experiments will take here, by what is stored; numbers from `neft.sweeps.run_time`."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from dashboard.computing.form_answers import Duration, PlannedSweep
from neft.config import RunConfig
from neft.experiments.presets import PRESETS
from neft.experiments.resizing import plan_at, rescaling
from neft.options import option_words
from neft.runs.records import RunRecord
from neft.runs.store import Stores
from neft.sweeps import run_time
from neft.sweeps.run_time import Estimate, Past


def of_run(config_json: str, stamp: str) -> Duration | None:
    """How long a run takes; None where nothing tells.

    Args:
        config_json: of the run.
        stamp: of what is stored; another one has it read anew.
    """
    return _duration(run_time.estimate(RunConfig.from_json(config_json), _past(stamp)))


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
    given = {**options, "seeds": seeds}
    planned = plan_at(preset, given, rescaling(preset, given))(stored.get)
    absent = [one for one in planned if one.run_id not in stored]
    found = [run_time.estimate(one.config, _past(stamp), trains=one.weights_of is None) for one in absent]
    known = [one for one in found if one is not None]
    return PlannedSweep(
        command=f"{option_words(f'neft sweep {experiment}', options)} --seeds {seeds}",
        num_planned=len(planned),
        num_missing=len(absent),
        duration=_duration(run_time.together(known, workers=workers) if len(known) == len(found) else None),
    )


def _duration(found: Estimate | None) -> Duration | None:
    if found is None:
        return None
    said = run_time.in_words(found)
    return Duration(found.training, found.evaluation, found.low, found.high, words=f"{said[0].upper()}{said[1:]}.")


@lru_cache(maxsize=1)
def _stored(stamp: str) -> dict[str, RunRecord]:
    del stamp
    return {record.id: record for record in Stores.default().list().records}


@lru_cache(maxsize=1)
def _past(stamp: str) -> Past:
    stored, own = _stored(stamp), Stores.default().own
    return run_time.past(stored.values(), {run_id for run_id in stored if run_id in own})
