"""How much longer does a chip take under each mapping, programming scheme and effect than one of plain bit slicing?

    python benchmarks/mappings.py
    python benchmarks/mappings.py --network vgg8:0.25:16 --rounds 5

One process, in turns, the best of several rounds, by CPU time: `neft.evaluation.try_network` on one chip after another
at four sigma_d. One Gaussian a weight should cost what plain chips cost; what is drawn device by device costs a draw
and a few steps a device.
"""

import argparse
import time

import torch
from montecarlo import SIGMA_DS, Case

from neft.chips.deployed import ChipLaw
from neft.config import RunConfig
from neft.datasets.base import ImageData
from neft.evaluation.monte_carlo import try_network
from neft.networks.network import Network
from neft.options import make_config
from neft.pipeline import chip_law

NUM_IMAGES = 400
SCHEMES: dict[str, dict[str, object]] = {
    "plain": {},
    "channel": {"scale": "channel"},
    "differential": {"sign": "differential"},
    "offset": {"sign": "offset"},
    "hadamard, channel": {"rotation": "hadamard", "scale": "channel"},
    "equal devices": {"significance_base": 1},
    "copies 4": {"copies": 4},
    "write-verify": {"programming": "write_verify"},
    "selective": {"programming": "selective", "chosen_by": "magnitude"},
    "residual": {"programming": "residual"},
    "drift": {"drift_seconds": 1e4},
    "stuck": {"stuck_low": 0.01},
    "all effects": {"drift_seconds": 1e4, "retention_seconds": 1e4, "read_noise": 0.01, "stuck_low": 0.01},
}


def seconds(network: Network, data: ImageData, law: ChipLaw, *, num_instances: int) -> float:
    """CPU time of so many chips."""
    batch = [(data.normalise(data.test.images), data.test.labels)]
    started = time.process_time()
    _ = try_network(network, batch, sigma_ds=list(SIGMA_DS), num_instances=num_instances, law=law)
    return time.process_time() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("--network", default="vgg8:0.125:8", help="backbone:width:image size")
    _ = parser.add_argument("--rounds", type=int, default=3)
    _ = parser.add_argument("--chips", type=int, default=10)
    given = parser.parse_args()
    torch.set_num_threads(1)
    backbone, width, size = given.network.split(":")
    network, data, _ = Case(backbone, float(width), int(size)).load(NUM_IMAGES)
    laws = {name: chip_law(make_config(settings, RunConfig())) for name, settings in SCHEMES.items()}
    best = dict.fromkeys(laws, float("inf"))
    for _ in range(given.rounds):
        for name, law in laws.items():
            best[name] = min(best[name], seconds(network, data, law, num_instances=given.chips))
    for name, found in best.items():
        each = 1000 * found / given.chips / len(SIGMA_DS)
        print(f"{name:20} {each:8.1f} ms a chip and sigma_d   {found / best['plain']:5.2f} x plain")


if __name__ == "__main__":
    main()
