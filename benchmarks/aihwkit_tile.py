"""How long does a chip take beside IBM aihwkit's pure-torch tile?

    pip install --no-deps aihwkit==1.1.0
    python benchmarks/aihwkit_tile.py --backbone vgg8 --width 0.25

aihwkit converts the same module (`TorchInferenceRPUConfig`, perfect input and output, no drift compensation) and
programs it anew for every chip with a noise model of the same law: each weight misses by c sigma_d w_max. Both see the
same test images in one process, in turns; the best of several rounds is printed, and the mean accuracies, which should
agree.
"""

import argparse
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from aihwkit.inference.noise.base import BaseNoiseModel
from aihwkit.nn.conversion import convert_to_analog
from aihwkit.simulator.configs import TorchInferenceRPUConfig

from neft.chips.deployed import ChipLaw
from neft.datasets.base import DataAccess
from neft.evaluation.monte_carlo import try_network
from neft.metrics import METRICS, Predictions
from neft.networks.network import build_network
from neft.options import make_config
from neft.seeding import generator
from neft.training.loop import input_shape, train

if TYPE_CHECKING:
    from torch import Tensor

ROUNDS = 3


class SameLaw(BaseNoiseModel):
    """Gaussian deviations of std c sigma_d w_max, as RRAM1 has them with eight bits on four 2-bit devices."""

    def __init__(self, std: float, rng: torch.Generator) -> None:
        super().__init__()
        self.std, self.rng = std, rng

    def apply_programming_noise(self, weights: "Tensor") -> "tuple[Tensor, list[Tensor]]":
        """Every weight's deviation; no drift."""
        drawn = torch.randn(weights.shape, generator=self.rng)
        return weights + self.std * weights.abs().amax() * drawn, [torch.zeros_like(weights)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("--backbone", default="vgg8")
    _ = parser.add_argument("--width", type=float, default=0.25)
    _ = parser.add_argument("--instances", type=int, default=20)
    _ = parser.add_argument("--sigma-d", type=float, default=0.1)
    _ = parser.add_argument("--epochs", type=int, default=5)
    _ = parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    size: dict[str, Any] = {} if arguments.backbone == "mlp" else {"width": arguments.width}
    config = make_config({"backbone": arguments.backbone, "epochs": arguments.epochs, **size})
    data = config.dataset.load(DataAccess(Path()))
    network = train(config, data).network.eval()
    law = ChipLaw(config.device, config.mapping, quantise=False)
    factor = float(law.deploy({"w": torch.ones(1)}).stds["w"])

    rpu_config = TorchInferenceRPUConfig()
    rpu_config.forward.is_perfect = True
    rpu_config.drift_compensation = None
    plain = build_network(config.backbone, input_shape(data))
    _ = plain.load_state_dict(network.state_dict())
    analog = convert_to_analog(plain, rpu_config).eval()
    noise = SameLaw(factor * arguments.sigma_d, generator(1, "aihwkit"))
    images, labels = data.normalise(data.test.images), data.test.labels

    best = {"aihwkit": math.inf, "neft": math.inf}
    accuracy: dict[str, float] = {}
    for _ in range(ROUNDS):
        started = time.perf_counter()
        with torch.no_grad():
            found: list[float] = []
            for _ in range(arguments.instances):
                analog.program_analog_weights(noise)
                predictions = Predictions.from_logits(analog(images), labels)
                found.append(float(METRICS["accuracy"].compute(predictions)))
        best["aihwkit"] = min(best["aihwkit"], time.perf_counter() - started)
        started = time.perf_counter()
        tried = try_network(
            network, [(images, labels)], sigma_ds=[arguments.sigma_d], num_instances=arguments.instances, law=law
        )
        best["neft"] = min(best["neft"], time.perf_counter() - started)
        accuracy = {"aihwkit": sum(found) / len(found), "neft": float(tried.instances["accuracy"].mean())}
    print(
        f"{config.backbone.full_label}, {len(labels)} images, {arguments.instances} chips; threads: {arguments.threads}"
    )
    for name, took in best.items():
        print(f"{name:8} {1e3 * took / arguments.instances:8.2f} ms a chip, mean accuracy {100 * accuracy[name]:.1f} %")
    print(f"neft is {best['aihwkit'] / best['neft']:.1f} times as fast")


if __name__ == "__main__":
    main()
