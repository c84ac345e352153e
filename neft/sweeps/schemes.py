"""Schemes of one stored network tried on the same chips: every one an evaluation that is stored as a run of its own."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pandas as pd

from neft import columns
from neft.chips.deployed import ChipLaw
from neft.component import build, settings_from_text
from neft.config import EvaluationConfig, RunConfig
from neft.datasets.base import ImageData
from neft.errors import ConfigError, NeftError
from neft.evaluation.schemes import Scheme, scheme_costs
from neft.experiments.schemes import NUM_INSTANCES, SIGMA_DS, with_scheme
from neft.mapping.stack import Mapping
from neft.networks.converters import Converters
from neft.networks.network import Network
from neft.options import programming_from_text
from neft.pipeline import Progress, Settings, law_of_chips, load_data, reevaluate, restore_network, single_threaded
from neft.programming import PROGRAMMINGS, BaseProgramming
from neft.runs.facts import chip_words, stored_config
from neft.runs.records import RunRecord
from neft.runs.store import Stores
from neft.sigma_d import same_sigma_d


@dataclass(frozen=True)
class TriedScheme:
    """What a scheme keeps on its chips, and what it costs."""

    scheme: Scheme
    run_id: str
    """Under which its chips are stored."""
    chips: pd.DataFrame
    """scheme, sigma_d, instance, accuracy."""
    costs: pd.DataFrame
    """A row per sigma_d: scheme, labels, costs, noise (`neft.evaluation.schemes`)."""


@dataclass(frozen=True)
class RefusedScheme:
    """What cannot be."""

    scheme: Scheme
    label: str
    reason: str


@dataclass(frozen=True)
class Trying:
    """How far a comparison is."""

    number: int
    """Of the scheme that is tried, from 0 on."""
    count: int
    label: str
    done: int = 0
    total: int = 0
    """Chips of it."""


@dataclass(frozen=True)
class Tried:
    """All schemes that were asked for."""

    schemes: tuple[TriedScheme, ...]
    refused: tuple[RefusedScheme, ...]

    @property
    def chips(self) -> pd.DataFrame:
        """Of all schemes."""
        return pd.concat([one.chips for one in self.schemes], ignore_index=True)

    @property
    def costs(self) -> pd.DataFrame:
        """Of all schemes."""
        return pd.concat([one.costs for one in self.schemes], ignore_index=True)


@dataclass(frozen=True)
class Bench:
    """A stored network and where its evaluations lie."""

    source: RunRecord
    config: RunConfig
    """The source's, with its images where they are now."""
    settings: Settings
    sigma_ds: tuple[float, ...] = SIGMA_DS
    num_instances: int = NUM_INSTANCES


def try_schemes(
    bench: Bench,
    schemes: Sequence[Scheme],
    *,
    on_progress: Callable[[Trying], None] = lambda _trying: None,
    on_scheme: Callable[[TriedScheme | RefusedScheme], None] = lambda _tried: None,
) -> Tried:
    """Try schemes one after another on chips of the same numbers; what is stored already is not computed again.

    Args:
        bench: the stored network, device variations and chips. Its settings say where evaluations are stored, and are
            asked after every chip whether to stop; weights are kept with the source alone.
        schemes: what is compared; differences are to the first.
        on_progress: told before each scheme and after each chip.
        on_scheme: told of each scheme once it is known.

    Raises:
        RunNotFoundError: the run was stored without weights.
        DataMissingError: the images are not there.
        ConfigError: no scheme can be.
        StoppedError: the settings said so; schemes that are done stay stored.
    """
    config = bench.config
    data = load_data(config, bench.settings)
    stores = bench.settings.pretrained_stores
    network = restore_network(config, data, stores.holder(bench.source.id).weights(bench.source))
    tried: list[TriedScheme] = []
    refused: list[RefusedScheme] = []
    for number, scheme in enumerate(schemes):
        at = Trying(number, len(schemes), label(config, scheme))
        on_progress(at)
        try:
            found = _try(bench, scheme, network, data, at, on_progress)
            tried.append(found)
        except ConfigError as error:
            found = RefusedScheme(scheme, at.label, str(error))
            refused.append(found)
        on_scheme(found)
    if not tried:
        message = f"None of the schemes can be: {refused[0].reason}" if refused else "No schemes are given."
        raise ConfigError(message)
    return Tried(tuple(tried), tuple(refused))


def scheme_from_text(text: str, mapping: Mapping) -> Scheme:
    """A scheme as it is written: what is changed in a mapping, a programming, or both with `~` between.

    Raises:
        ConfigError: no such setting or programming, or one that cannot be.
    """
    parts = [part.strip() for part in text.split("~")]
    changes = parts[0] if len(parts) > 1 or parts[0].partition(":")[0] not in PROGRAMMINGS else ""
    if len(parts) > 2:
        message = f"A scheme is written 'mapping~programming', as 'scale=channel~residual:sides=one'; got '{text}'."
        raise ConfigError(message)
    written = RunConfig().programming if changes == text.strip() else programming_from_text(parts[-1])
    chosen = build(Mapping, mapping.model_dump() | settings_from_text(changes))
    return Scheme(chosen, cast("BaseProgramming", written))


def label(config: RunConfig, scheme: Scheme) -> str:
    """A scheme in words."""
    return ", ".join(chip_words(_alone(config, scheme))) or "as published"


def labels(config: RunConfig, scheme: Scheme) -> dict[str, str | int]:
    """In words, and what decides how it is drawn: the programming, and in what it departs from the run's mapping."""
    mapped = replace(scheme, programming=RunConfig().programming)
    name = scheme.programming.model_dump()["name"]
    is_plain = scheme.mapping == config.test_mapping and scheme.programming == scheme.programming.compared()[0]
    return {
        columns.LABEL: label(config, scheme),
        columns.MAPPING_LABEL: label(config, mapped),
        columns.PROGRAMMING: name,
        columns.PROGRAMMING_LABEL: scheme.programming.label,
        columns.METHOD_RANK: list(PROGRAMMINGS).index(name),
        columns.DEPARTURE: "" if is_plain else scheme.key,
    }


def _alone(config: RunConfig, scheme: Scheme) -> RunConfig:
    """The config with a scheme and nothing else that is said of chips."""
    update = {"mapping": scheme.mapping, "programming": scheme.programming, "evaluation": EvaluationConfig()}
    return config.model_copy(update=update | {"converters": Converters()})


def _try(
    bench: Bench,
    scheme: Scheme,
    network: Network,
    data: ImageData,
    at: Trying,
    on_progress: Callable[[Trying], None],
) -> TriedScheme:
    config = with_scheme(bench.config, scheme, sigma_ds=bench.sigma_ds, num_instances=bench.num_instances)
    law = law_of_chips(config, network, data)
    costs = _costs(bench.config, config, scheme, law, network, data)

    def tell(progress: Progress) -> None:
        if progress.total:  # nothing else is told of its chips
            on_progress(replace(at, done=progress.done, total=progress.total))

    record = stored_evaluation(config, bench.settings.pretrained_stores)
    if record is None:
        settings = replace(bench.settings, weights="none", on_progress=tell)
        record = reevaluate(bench.source, config, settings)
    chips = _chips(record, bench, scheme)
    return TriedScheme(scheme, record.id, chips, costs)


def _costs(
    base: RunConfig, config: RunConfig, scheme: Scheme, law: ChipLaw, network: Network, data: ImageData
) -> pd.DataFrame:
    image = data.normalise(data.test.images[:1])
    with single_threaded():
        costs = scheme_costs(
            network, image, law, sigma_ds=config.evaluation.sigma_ds, seed=config.evaluation.seed, name=scheme.key
        )
    return costs.assign(**labels(base, scheme))


def stored_evaluation(config: RunConfig, stores: Stores) -> RunRecord | None:
    """A stored run that tried these very chips, among others perhaps; None where there is none."""
    if config.run_id in stores:
        return stores.holder(config.run_id).record(config.run_id)
    training = config.run_id.rpartition("-")[0]  # before the key
    alike = [(store, run_id) for store in stores.all for run_id in store.ids() if run_id.rpartition("-")[0] == training]
    for store, run_id in alike:
        with suppress(NeftError):  # a damaged run is named in the list of runs
            record = store.record(run_id)
            if _covers(stored_config(record), config):
                return record
    return None


def _covers(held: RunConfig, asked: RunConfig) -> bool:
    """Whether an evaluation's chips are those asked for, and perhaps more of them, at perhaps more sigma_d."""
    fewer = {"sigma_ds": asked.evaluation.sigma_ds, "num_instances": asked.evaluation.num_instances, "worst_case": ()}
    evaluation = held.evaluation.model_copy(update=fewer)
    return (
        set(asked.evaluation.sigma_ds) <= set(held.evaluation.sigma_ds)
        and held.evaluation.num_instances >= asked.evaluation.num_instances
        and held.model_copy(update={"evaluation": evaluation}).decisive == asked.decisive
    )


def _chips(record: RunRecord, bench: Bench, scheme: Scheme) -> pd.DataFrame:
    """The chips that were asked for, of those that a run stored."""
    instances = bench.settings.pretrained_stores.holder(record.id).instances(record)
    at = np.logical_or.reduce([same_sigma_d(instances[columns.SIGMA_D], one) for one in bench.sigma_ds])
    kept = instances[at & (instances[columns.INSTANCE] < bench.num_instances)]
    return kept[[columns.SIGMA_D, columns.INSTANCE, columns.ACCURACY]].assign(**{columns.SCHEME: scheme.key})
