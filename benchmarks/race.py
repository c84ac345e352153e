"""What does the 1st percentile of 10,000 chips cost by racing, beside the whole evaluation, and is it ever another?

    python benchmarks/race.py
    python benchmarks/race.py RUN_ID --num-instances 1000 --known 300 --races 200

For a stored run that kept its weights, in one process and one thread; seconds are the processor's, which are those of
the clock where nothing else runs:

- whole: all chips on all test images. What a chip takes is measured on some of them, before and after the race, and
  taken times their number;
- race: the same question raced (`neft.evaluation.race`), in passes (an image on a chip) and in time;
- races on known outcomes: some chips meet all images once, and are then raced again and again from what is known, each
  race with another order of images; how many give other chips or accuracies than they should, and at which cost. With
  few chips a race saves less: as many are near the lowest, and those that teach are a larger share.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
import torch

from neft.evaluation.race import CHANCE_OF_ERROR, Race, RaceResult, Seen, SeenAll, Track
from neft.evaluation.race_track import ChipTrack
from neft.pipeline import Settings, network_on_chips
from neft.runs.facts import stored_config
from neft.runs.races import NUM_INSTANCES
from neft.runs.store import WEIGHTS, Stores
from neft.runs.waterfalls import usual_sigma_d
from neft.tables.percentiles import last_rank, percentile_of_lowest

SHARE = 0.01
TIMED = 20
"""Chips on all images, before the race and after."""


@dataclass(frozen=True)
class Known:
    """Chips whose outcomes on all images are known."""

    margins: np.ndarray
    wrong: np.ndarray
    accuracies: np.ndarray

    @property
    def num_images(self) -> int:
        """Of the split."""
        return self.wrong.shape[1]

    def see(self, instance: int, images: np.ndarray) -> Seen:
        """From what is known."""
        return Seen(self.wrong[instance, images], self.margins[instance, images])

    def see_all(self, instance: int) -> SeenAll:
        """From what is known."""
        seen = Seen(self.wrong[instance], self.margins[instance])
        return SeenAll(seen, float(self.accuracies[instance]))


def default_run(stores: Stores) -> str:
    """Noise injection on Fashion-MNIST at sigma_d 0.1, tried on 2,000 images."""
    for record in stores.list().records:
        facts = record.facts
        wanted = facts.dataset == "fashion_mnist" and facts.variant == "noise_injection" and facts.train_sigma_d == 0.1
        if wanted and facts.seed == 0 and WEIGHTS in record.files and stored_config(record).evaluation.max_test == 2000:
            return record.id
    message = "No such run is stored; name one."
    raise SystemExit(message)


def raced(track: Track, num_instances: int, seed: int) -> RaceResult:
    """Race for the percentile."""
    num_lowest = last_rank(SHARE, num_instances)
    for state in Race(track, num_instances=num_instances, num_lowest=num_lowest, seed=seed).run():
        if state.result is not None:
            return state.result
    message = "A race ended without a result."
    raise RuntimeError(message)


def seconds_a_chip(track: ChipTrack) -> float:
    """Of the whole evaluation: a chip drawn, programmed and tried on all images; the median of some."""
    taken: list[float] = []
    for instance in range(TIMED):
        started = time.process_time()
        _ = track.see_all(instance)
        taken.append(time.process_time() - started)
    return float(np.median(taken))


def know(track: ChipTrack, count: int) -> Known:
    """The first chips' outcomes on all images."""
    found = [track.see_all(instance) for instance in range(count)]
    return Known(
        margins=np.array([one.seen.margins for one in found]),
        wrong=np.array([one.seen.wrong for one in found]),
        accuracies=np.array([one.accuracy for one in found]),
    )


def is_right(known: Known, result: RaceResult) -> bool:
    """Whether a race gave the lowest accuracies, rank by rank, and all chips below the last of them."""
    lowest = np.sort(known.accuracies)[: len(result.lowest)]
    below = np.flatnonzero(known.accuracies < lowest[-1]).tolist()
    found = {chip.instance for chip in result.lowest}
    return [chip.accuracy for chip in result.lowest] == lowest.tolist() and found.issuperset(below)


def race_known(known: Known, races: int) -> None:
    """Race chips whose outcomes are known, again and again, and print how often it went wrong."""
    count = len(known.accuracies)
    results = [raced(known, count, seed) for seed in range(races)]
    wrong = sum(not is_right(known, result) for result in results)
    costs = [result.passes / result.whole_passes for result in results]
    print(
        f"\n{races} races of {count:,} chips with known outcomes: {wrong} wrong, {CHANCE_OF_ERROR * races:g} "
        f"are allowed; passes {100 * np.mean(costs):.1f} % ({100 * min(costs):.1f} to {100 * max(costs):.1f})"
    )


def compare(run_id: str, stores: Stores, num_instances: int) -> ChipTrack:
    """Measure and print one run's whole evaluation and race."""
    record = stores.holder(run_id).record(run_id)
    config = stored_config(record)
    network, data, law = network_on_chips(record, config, Settings(store=stores.own, pretrained_stores=stores))
    sigma_d = usual_sigma_d(record)
    if sigma_d is None:
        message = f"'{run_id}' was neither trained nor tested under device variation."
        raise SystemExit(message)
    seed = config.evaluation.seed
    track = ChipTrack(network, data, law, sigma_d=sigma_d, seed=seed)

    before = seconds_a_chip(track)
    started = time.process_time()
    result = raced(track, num_instances, seed)
    race = time.process_time() - started
    after = seconds_a_chip(track)

    whole = num_instances * (before + after) / 2
    lowest = np.array([chip.accuracy for chip in result.lowest])
    found = percentile_of_lowest(lowest, num_instances, SHARE)
    print(f"{run_id}, σ_d = {sigma_d:g}: {num_instances:,} chips on {track.num_images:,} images")
    print(f"1st percentile {found.value:.4f} ({found.lower:.4f} to {found.upper:.4f})")
    print(f"{'':8} {'passes':>12} {'share %':>8} {'seconds':>9} {'share %':>8}")
    print(f"{'whole':8} {result.whole_passes:12,} {100:8.1f} {whole:9.1f} {100:8.1f}")
    print(
        f"{'race':8} {result.passes:12,} {100 * result.passes / result.whole_passes:8.1f} {race:9.1f} "
        f"{100 * race / whole:8.1f}"
    )
    print(f"{result.num_whole:,} chips met all images; a chip on all takes {1e3 * before:.1f}, {1e3 * after:.1f} ms")
    return track


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("run", nargs="?", metavar="RUN_ID")
    _ = parser.add_argument("--num-instances", type=int, default=NUM_INSTANCES)
    _ = parser.add_argument("--known", type=int, default=1000, help="chips whose outcomes are computed")
    _ = parser.add_argument("--races", type=int, default=200, help="races of these")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    stores = Stores.default()
    track = compare(arguments.run or default_run(stores), stores, arguments.num_instances)
    if arguments.races:
        race_known(know(track, arguments.known), arguments.races)


if __name__ == "__main__":
    main()
