"""How long does a chip of a small network take, and of that its products; and how long in bfloat16?

    python -m benchmarks.small_networks
    python -m benchmarks.small_networks --networks mlp:1:8 vgg8:0.25:16 --chips 40

For each network (backbone:width:image size), in one process and in turns: the evaluation that stores runs, its numbers
made one chip and sigma_d at a time with logarithms of probabilities class by class, as it was before; the evaluation as
it is; and the same in bfloat16. Milliseconds are the process's own, a chip and sigma_d, what is done once left out
(calibration); the best of several rounds. "Network" is the share of the network's own forward pass in the second. The
first two must give the same bits; of the third, the mean and the largest change of a chip's accuracy are printed.
"""

import argparse
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pandas as pd
import torch

from benchmarks.montecarlo import Case
from neft import columns
from neft.chips.deployed import ChipLaw, DeployedNetwork, channels_last
from neft.datasets.base import ImageData
from neft.evaluation import bench
from neft.evaluation.monte_carlo import evaluate
from neft.metrics import base
from neft.networks.network import Network

NETWORKS = ("mlp:1:8", "vgg8:0.125:8", "vgg8:0.25:8", "vgg8:0.25:16", "resnet18:0.25:16")
SIGMA_DS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
ROUNDS = 3


@contextmanager
def one_at_a_time() -> Generator[None]:
    """As numbers were made before."""
    before = bench.MOST_VALUES, base.MOST_ACROSS
    bench.MOST_VALUES, base.MOST_ACROSS = 0, 0
    try:
        yield
    finally:
        bench.MOST_VALUES, base.MOST_ACROSS = before


@dataclass(frozen=True)
class Timed:
    """An evaluation of many chips, and what a chip takes at one sigma_d."""

    milliseconds: float
    instances: pd.DataFrame


def timed(network: Network, data: ImageData, law: ChipLaw, *, chips: int) -> Timed:
    """An evaluation of few chips tells what is done once."""

    def one(count: int) -> tuple[float, pd.DataFrame]:
        started = time.process_time()
        found = evaluate(network, data, law, sigma_ds=SIGMA_DS, num_instances=count, seed=0)
        return time.process_time() - started, found

    few, (many, instances) = one(2)[0], one(2 + chips)
    varied = sum(sigma_d > 0 for sigma_d in SIGMA_DS)
    return Timed(1e3 * (many - few) / (chips * varied), instances)


@torch.inference_mode()
def forward(network: Network, data: ImageData, law: ChipLaw) -> float:
    """Milliseconds of the network's forward pass over the test images."""
    deployed = DeployedNetwork(network, law)
    deployed.program(sigma_d=0.0)
    images = channels_last(data.normalise(data.test.images))
    times: list[float] = []
    for _ in range(30):
        started = time.process_time()
        _ = deployed.logits(images)
        times.append(1e3 * (time.process_time() - started))
    return min(times)


def measure(case: Case, *, chips: int, images: int) -> str:
    """One line of the table."""
    network, data, law = case.load(images)
    before = now = rounded = alone = float("inf")
    for _ in range(ROUNDS):
        with one_at_a_time():
            old = timed(network, data, law, chips=chips)
        new = timed(network, data, law, chips=chips)
        half = timed(network, data, replace(law, arithmetic="bfloat16"), chips=chips)
        alone = min(alone, forward(network, data, law))
        before, now, rounded = (
            min(least, one.milliseconds) for least, one in ((before, old), (now, new), (rounded, half))
        )
    same = "same" if old.instances.equals(new.instances) else "OTHER"
    moved = half.instances[columns.ACCURACY] - new.instances[columns.ACCURACY]
    return (
        f"{case!s:24} {before:8.3f} {now:8.3f} {before / now:6.2f} {same:>6} {100 * alone / now:8.0f} % "
        f"{rounded:9.3f} {now / rounded:6.2f} {100 * moved.mean():+9.2f} {100 * moved.abs().max():8.2f}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("--networks", nargs="+", default=NETWORKS, metavar="BACKBONE:WIDTH:SIZE")
    _ = parser.add_argument("--chips", type=int, default=20)
    _ = parser.add_argument("--images", type=int, default=397, help="test images")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{arguments.images} test images, {len(SIGMA_DS)} sigma_d, one thread; ms a chip and sigma_d")
    print(
        f"{'network':24} {'before':>8} {'now':>8} {'ratio':>6} {'bits':>6} {'network':>10} {'bfloat16':>9} "
        f"{'ratio':>6} {'points':>9} {'at most':>8}"
    )
    for text in arguments.networks:
        backbone, width, size = text.split(":")
        print(measure(Case(backbone, float(width), int(size)), chips=arguments.chips, images=arguments.images))


if __name__ == "__main__":
    main()
