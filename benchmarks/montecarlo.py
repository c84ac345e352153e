"""How fast are real chips, beside a plain loop and beside what this machine's matrix products could give?

    python benchmarks/montecarlo.py
    python benchmarks/montecarlo.py --networks vgg8:0.25:8 resnet18:1:32 --threads 2

For each network (backbone:width:image size) one process measures, in turns and the best of several rounds:

- the plain loop: for every chip and sigma_d, normals drawn for each layer, then a forward pass of the module with
  BatchNorm, as published code does; its rebuilding of the network for every chip is left out;
- the fast path: `neft.evaluation.try_network`, with the same metrics as in stored runs but for the calibrated ones;
- the rate of fp32 matrix products (1,024 x 1,024, best of many), and the share of it that the fast path's
  multiplications reach.

Full-width networks at 32x32 are tried on 64 images and 2 chips, to end in a minute. Memory: the peak of a process that
evaluates, over the peak of one that runs a single plain forward pass, both above the same process before its first pass
(Linux: VmHWM).
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import torch
from torch import Tensor
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from neft.chips.deployed import ChipLaw
from neft.chips.sampling import draw_normals
from neft.datasets.base import DataAccess, ImageData, Split
from neft.evaluation.monte_carlo import try_network
from neft.metrics import METRICS, Predictions
from neft.networks.network import Network, build_network, initialise
from neft.options import make_config
from neft.seeding import generator
from neft.training.loop import input_shape

NETWORKS = ("mlp:1:8", "vgg8:0.125:8", "vgg8:0.25:8", "vgg8:0.125:16", "vgg8:0.25:16", "vgg8:1:32", "resnet18:1:32")
SIGMA_DS = (0.05, 0.1, 0.15, 0.2)
ROUNDS = 3


@dataclass(frozen=True)
class Case:
    """A network with the images it is tried on."""

    backbone: str
    width: float
    image_size: int

    def load(self, num_images: int) -> tuple[Network, ImageData, ChipLaw]:
        """An untrained network of usual weights (what it predicts does not matter here), and so many test images."""
        size = {} if self.backbone == "mlp" else {"width": self.width}
        config = make_config({"backbone": self.backbone, "image_size": self.image_size, **size})
        data = config.dataset.load(DataAccess(Path()))
        data = replace(data, test=first(data.test, num_images), validation=first(data.validation, 32))
        network = build_network(config.backbone, input_shape(data))
        initialise(network, generator(0, "initial_weights"))
        return network.eval(), data, ChipLaw(config.device, config.mapping)

    def __str__(self) -> str:
        width = "" if self.backbone == "mlp" else f" width {self.width:g}"
        return f"{self.backbone}{width}, {self.image_size}x{self.image_size}"


def first(split: Split, count: int) -> Split:
    """The first images of a split, repeated if there are fewer."""
    repeats = -(-count // len(split))
    return Split(split.images.repeat(repeats, 1, 1, 1)[:count], split.labels.repeat(repeats)[:count])


@torch.no_grad()
def plain_loop(
    network: Network, data: ImageData, law: ChipLaw, *, num_instances: int, sigma_ds: Sequence[float] = SIGMA_DS
) -> list[float]:
    """Accuracies, chip by chip, the plain way; weights are quantised once."""
    images = data.normalise(data.test.images)
    weights = {name: weight.detach() for name, weight in network.device_weights().items()}
    deployment = law.deploy_gaussian(weights)
    found: list[float] = []
    for sigma_d in sigma_ds:
        for instance in range(num_instances):
            normals = draw_normals(weights, generator(0, "chip", instance))
            logits = cast("Tensor", functional_call(network, deployment.chip(normals, sigma_d=sigma_d), (images,)))
            found.append(float(METRICS["accuracy"].compute(Predictions.from_logits(logits, data.test.labels))))
    return found


def fast_path(network: Network, data: ImageData, law: ChipLaw, *, num_instances: int) -> list[float]:
    """The same accuracies the fast way."""
    images = data.normalise(data.test.images)
    tried = try_network(network, [(images, data.test.labels)], sigma_ds=SIGMA_DS, num_instances=num_instances, law=law)
    return [float(accuracy) for accuracy in tried.instances["accuracy"]]


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    _ = work()
    return time.perf_counter() - started


def matrix_product_rate(size: int = 1024, rounds: int = 12) -> float:
    """Floating-point operations a second of an fp32 matrix product."""
    left, right = torch.randn(size, size), torch.randn(size, size)
    return 2 * size**3 / min(seconds(lambda: left @ right) for _ in range(rounds))


def operations(network: Network, data: ImageData) -> float:
    """Floating-point operations of one pass over the test images."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        _ = network(data.normalise(data.test.images))
    return counter.get_total_flops()


def measure(case: Case, *, num_instances: int, num_images: int) -> str:
    """One line of the table."""
    network, data, law = case.load(num_images)
    chips = num_instances * len(SIGMA_DS)
    plain = fast = float("inf")
    rate = 0.0
    loop: list[float] = []
    quick: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        loop = plain_loop(network, data, law, num_instances=num_instances)
        between = time.perf_counter()
        quick = fast_path(network, data, law, num_instances=num_instances)
        plain, fast = min(plain, between - started), min(fast, time.perf_counter() - between)
        rate = max(rate, matrix_product_rate())
    difference = max(abs(a - b) for a, b in zip(loop, quick, strict=True))
    reached = operations(network, data) * chips / fast / rate
    return (
        f"{case!s:24} {1e3 * plain / chips:10.2f} {1e3 * fast / chips:10.2f} {plain / fast:7.2f} {rate / 1e9:10.1f} "
        f"{100 * reached:8.0f} {difference:10.2g}"
    )


def high_water_mark() -> int:
    """The most bytes this process has held; unlike ru_maxrss, not its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def peak(case: Case, num_images: int, how: str, answer: Connection) -> None:
    """In a process of its own: how many bytes the work adds to the peak."""
    torch.set_num_threads(1)
    network, data, law = case.load(num_images)
    before = high_water_mark()
    if how == "plain":
        with torch.no_grad():
            _ = network(data.normalise(data.test.images))
    else:
        _ = fast_path(network, data, law, num_instances=4)
    answer.send(high_water_mark() - before)


def memory(case: Case, num_images: int) -> str:
    """One line of the table of memory."""
    context = multiprocessing.get_context("spawn")
    found: dict[str, int] = {}
    for how in ("plain", "fast"):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=peak, args=(case, num_images, how, sender))
        process.start()
        found[how] = receiver.recv()
        process.join()
    plain, fast = found["plain"] / 2**20, found["fast"] / 2**20
    return f"{case!s:24} {plain:12.1f} {fast:12.1f} {fast / plain:7.2f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("--networks", nargs="+", default=NETWORKS, metavar="BACKBONE:WIDTH:SIZE")
    _ = parser.add_argument("--instances", type=int, default=6)
    _ = parser.add_argument("--images", type=int, default=397, help="Test images; those of digits where not given.")
    _ = parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cases: list[Case] = []
    for text in arguments.networks:
        backbone, width, size = text.split(":")
        cases.append(Case(backbone, float(width), int(size)))
    print(f"{arguments.images} test images, {len(SIGMA_DS)} sigma_d, {arguments.threads} thread(s)\n")
    headings = f"{'network':24} {'plain ms':>10} {'fast ms':>10} {'ratio':>7} {'GFLOP/s':>10} {'% of it':>8}"
    print(f"{headings} {'difference':>10}")
    for case in cases:
        large = case.image_size == 32 and case.width == 1
        images = min(arguments.images, 64) if large else arguments.images
        print(measure(case, num_instances=2 if large else arguments.instances, num_images=images), flush=True)
    print(f"\n{'peak memory':24} {'plain MiB':>12} {'fast MiB':>12} {'ratio':>7}")
    for case in cases:
        print(memory(case, arguments.images), flush=True)


if __name__ == "__main__":
    main()
