"""The worst case of a stored run's network, searched step by step and then kept."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neft.chips.deployed import ChipLaw
from neft.datasets.base import ImageData
from neft.evaluation.search_settings import SearchSettings
from neft.evaluation.worst_case import WorstCase, worst_case_steps
from neft.networks.network import Network
from neft.runs import worst_cases
from neft.runs.records import RunRecord
from neft.runs.worst_cases import WorstCaseRecord


@dataclass(frozen=True)
class SearchState:
    """How far a search is."""

    done: int
    total: int
    """Passes through the network, about so many."""
    rows: tuple[dict[str, float | str], ...]
    """Of the table, as far as it is known."""
    record: WorstCaseRecord | None = None
    """What was kept, once all is known."""


def search_stored(
    run: RunRecord,
    network: Network,
    data: ImageData,
    law: ChipLaw,
    *,
    th_gs: Sequence[float],
    settings: SearchSettings,
    torch_device: str = "cpu",
    cores: int = 1,
) -> Iterator[SearchState]:
    """Search the worst case of a run's network on its test images, pass by pass; the last state's record is stored.

    Args:
        run: the stored run.
        network: its network.
        data: its data.
        law: what its devices aim at.
        th_gs: largest deviations of a weight over its layer's largest weight.
        settings: how hard it is searched.
        torch_device: where torch computes.
        cores: over how many a pass is spread, on the CPU; it changes no number.

    Raises:
        RunNotFoundError: the run was stored without its weights.
        ConfigError: no th_g, or one outside [0, 1].
        StoreError: what was found cannot be written.
    """
    _ = worst_cases.weights_of(run)
    found: list[WorstCase] = []
    seconds = 0.0
    started = time.perf_counter()
    done = total = 0
    steps = worst_case_steps(network, data, law, th_gs=th_gs, settings=settings, torch_device=torch_device, cores=cores)
    for step in steps:
        done, total = step.done, step.total
        if step.found is not None:
            found.append(step.found)
        # only what is computed counts, not how long whoever watches takes
        seconds += time.perf_counter() - started
        yield SearchState(done, total, tuple(one.row for one in found))
        started = time.perf_counter()
    record = worst_cases.save(
        run,
        [one.row for one in found],
        [one.deviation if one.th_g > 0 else {} for one in found],
        settings=settings,
        num_images=len(data.test),
        seconds=seconds,
    )
    yield SearchState(total, total, tuple(one.row for one in found), record)
