"""How much faster is the fast path than a plain loop over chips?

    python benchmarks/montecarlo.py --backbone vgg8 --width 0.25 --instances 10

The plain loop draws noise layer by layer and runs the module for every chip and sigma_d, as published code does. Both
run in one process on the same chips; the ratio of their times is printed, and the largest difference of accuracies.
"""

import argparse
import time
from pathlib import Path

import torch

from neft.config import RunConfig
from neft.datasets.base import DataAccess, ImageData
from neft.metrics import METRICS, Predictions
from neft.montecarlo import ChipLaw, evaluate, plain_logits
from neft.network import Network, build_network, initialise
from neft.options import make_config
from neft.seeding import generator
from neft.training import input_shape

SIGMA_DS = (0.05, 0.1, 0.15, 0.2)


def plain_loop(network: Network, data: ImageData, law: ChipLaw, *, num_instances: int) -> list[float]:
    """Accuracies, chip by chip, the plain way."""
    images = data.normalise(data.test.images)
    found: list[float] = []
    for sigma_d in SIGMA_DS:
        for instance in range(num_instances):
            logits = plain_logits(network, images, law, sigma_d=sigma_d, seed=0, instance=instance)
            found.append(float(METRICS["accuracy"].compute(Predictions.from_logits(logits, data.test.labels))))
    return found


def untrained(config: RunConfig, data: ImageData) -> Network:
    """A network with weights of a usual size; what it predicts does not matter here."""
    network = build_network(config.backbone, input_shape(data))
    initialise(network, generator(0, "initial_weights"))
    return network.eval()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    _ = parser.add_argument("--backbone", default="vgg8")
    _ = parser.add_argument("--width", type=float)
    _ = parser.add_argument("--image-size", type=int, default=8)
    _ = parser.add_argument("--instances", type=int, default=10)
    _ = parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config = make_config({"backbone": arguments.backbone, "width": arguments.width, "image_size": arguments.image_size})
    data = config.dataset.load(DataAccess(Path()))
    network = untrained(config, data)
    law = ChipLaw(config.device, config.mapping)
    count = arguments.instances
    times = {"plain": 0.0, "fast": 0.0}
    for _ in range(2):  # the first round warms up
        started = time.perf_counter()
        plain = plain_loop(network, data, law, num_instances=count)
        times["plain"] = time.perf_counter() - started
        started = time.perf_counter()
        fast = evaluate(network, data, law, sigma_ds=SIGMA_DS, num_instances=count, seed=0)
        times["fast"] = time.perf_counter() - started
    chips = count * len(SIGMA_DS)
    difference = max(abs(a - b) for a, b in zip(plain, fast["accuracy"], strict=True))
    print(f"{config.backbone.full_label}, {arguments.image_size}×{arguments.image_size}, {arguments.threads} thread(s)")
    print(f"plain loop {1e3 * times['plain'] / chips:8.2f} ms a chip")
    print(f"fast path  {1e3 * times['fast'] / chips:8.2f} ms a chip")
    print(f"the fast path is {times['plain'] / times['fast']:.2f} times as fast")
    print(f"largest difference of accuracies {difference:.2g}")


if __name__ == "__main__":
    main()
