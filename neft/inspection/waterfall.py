"""Where the accuracy of a stored run's network goes, chip by chip, and then kept."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from neft.chips.deployed import ChipLaw
from neft.datasets.base import ImageData
from neft.evaluation.waterfall import ChipSteps, Waterfall
from neft.networks.network import Network
from neft.runs import waterfalls
from neft.runs.records import RunRecord
from neft.runs.waterfalls import WaterfallRecord, WaterfallStep


@dataclass(frozen=True)
class WaterfallState:
    """How far it is."""

    done: int
    total: int
    """Chips."""
    steps: tuple[WaterfallStep, ...]
    """As far as they are known."""
    record: WaterfallRecord | None = None
    """What was kept, once all is known."""


def take_steps(
    run: RunRecord,
    network: Network,
    data: ImageData,
    law: ChipLaw,
    *,
    has_real_weights: bool,
    sigma_d: float,
    num_instances: int,
    cores: int = 1,
) -> Iterator[WaterfallState]:
    """Take a run's network down the steps to its own chips, chip by chip; the last state's record is stored.

    Args:
        run: the stored run.
        network: its network.
        data: its data.
        law: how its chips are made.
        has_real_weights: whether the run kept the weights that were trained, not their codes alone.
        sigma_d: device variation, std over maximal conductance.
        num_instances: chips, the first of the run's evaluation.
        cores: over how many chips are spread; it changes no number.

    Raises:
        RunNotFoundError: the run was stored without its weights.
        ConfigError: no variation, or no chips.
        StoreError: what was found cannot be written.
    """
    _ = waterfalls.weights_of(run)
    started = time.perf_counter()
    down = Waterfall(network, data, law, has_real_weights=has_real_weights)
    chips = down.chips(sigma_d=sigma_d, num_instances=num_instances, seed=run.facts.chip_seed, cores=cores)
    seconds = 0.0
    found: list[ChipSteps] = []
    for chip in chips:
        found.append(chip)
        # only what is computed counts, not how long whoever watches takes
        seconds += time.perf_counter() - started
        yield WaterfallState(len(found), num_instances, _steps(down, found))
        started = time.perf_counter()
    steps = _steps(down, found)
    record = waterfalls.save(
        run,
        steps,
        sigma_d=sigma_d,
        has_real_weights=has_real_weights,
        num_training_images=down.num_training_images,
        num_test_images=down.num_test_images,
        seconds=seconds,
    )
    yield WaterfallState(num_instances, num_instances, steps, record)


def _steps(down: Waterfall, chips: list[ChipSteps]) -> tuple[WaterfallStep, ...]:
    steps = [
        WaterfallStep(step="training_images", accuracies=(down.training_images,)),
        WaterfallStep(step="test_images", accuracies=(down.test_images,)),
    ]
    if down.quantised is not None:
        steps.append(WaterfallStep(step="quantised", accuracies=(down.quantised,)))
    if down.mapped is not None:
        steps.append(WaterfallStep(step="mapping", accuracies=(down.mapped,)))
    of_chips = zip(*(chip.accuracies for chip in chips), strict=True)  # a step's accuracies after another's
    if down.is_misread:
        steps.append(WaterfallStep(step="programming", accuracies=next(of_chips)))
    steps += [WaterfallStep(step="variation", layer=layer, accuracies=next(of_chips)) for layer in down.layers]
    steps += [WaterfallStep(step="effect", effect=effect, accuracies=next(of_chips)) for effect in down.effects]
    return tuple(steps)
