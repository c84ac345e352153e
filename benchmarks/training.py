"""How much more than the arithmetic it needs does a training step cost?

    python benchmarks/training.py --backbone vgg8 --width 0.125 --image-size 8 --rounds 20

Steps as training takes them are timed in turns with the same arithmetic written out by hand, in one process, on one
batch of digits. On one thread the times are the process's own, whatever else the machine does; on more they are the
wall clock's.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from neft.config import RunConfig
from neft.datasets.base import DataAccess, ImageData
from neft.networks.network import build_network, initialise
from neft.options import make_config
from neft.seeding import generator
from neft.training.forward import BatchForward
from neft.training.loop import input_shape, shuffled_batches

METHODS = ("vanilla", "noise_injection", "ovf", "irs")
LEGEND = """
needs    by hand: for every pass the bare module forward and backward (IRS: with its heads), all passes in one graph;
         for every noisy pass one normal for every device weight, scaled, added, and thrown away; each layer's largest
         weight once; one step of Adam
noisy    by hand as well: the same, but the passes run on the weights that were drawn
ratio    takes / needs and takes / noisy: of the best times, and the median of the rounds' own ratios
"""

Weights = dict[str, Tensor]
Times = dict[str, list[float]]


class Bench:
    """One method's network under training, and its step in three forms."""

    def __init__(self, config: RunConfig, data: ImageData, *, memory_format: torch.memory_format) -> None:
        self.config = config
        self.network = build_network(
            config.backbone, input_shape(data), num_snapshots=config.method.num_snapshots
        ).train()
        initialise(self.network, generator(0, "initial_weights"))
        _ = self.network.to(memory_format=memory_format)
        self.num_passes = config.method.num_passes
        batches = shuffled_batches(data.train, data, config.training.batch_size, generator(0, "order"))
        images, self.labels = next(batches)
        self.images = images.contiguous(memory_format=memory_format)
        self.chips = generator(0, "training_chips")
        # weights that stand still keep every round alike
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=1e-12)

    def step(self) -> None:
        """As training takes it."""
        forward = BatchForward(self.network, self.images, self.config, self.chips)
        loss, _ = self.config.method.loss(forward, self.labels, sigma_d=self.config.training.sigma_d)
        self.descend(loss)

    def plain_step(self) -> None:
        """By hand, without noise."""
        self.descend(self.loss([{}] * self.num_passes))

    def needed_step(self) -> None:
        """By hand, without noise; chips are drawn for nothing."""
        _ = self.draw()
        self.plain_step()

    def noisy_step(self) -> None:
        """By hand, on the chips that are drawn."""
        self.descend(self.loss(self.draw()))

    def draw(self) -> list[Weights]:
        """A chip for every pass."""
        if not self.config.method.uses_noise:
            return [{}] * self.num_passes
        weights = self.network.device_weights()
        scales = {name: 0.1 * weight.detach().abs().amax() for name, weight in weights.items()}
        return [
            {name: w + scales[name] * torch.randn(w.shape, generator=self.chips) for name, w in weights.items()}
            for _ in range(self.num_passes)
        ]

    def loss(self, chips: list[Weights]) -> Tensor:
        """Of the first pass's logits, less all other outputs."""
        options = {"snapshots": True} if self.config.method.num_snapshots else {}
        outputs: list[Tensor] = []
        for chip in chips:
            found = functional_call(self.network, chip, (self.images,), options, tie_weights=False)
            outputs += [found[0], *found[1]] if options else [found]
        logits, *others = outputs
        for other in others:
            logits = logits - 0.01 * other
        return cross_entropy(logits, self.labels)

    def descend(self, loss: Tensor) -> None:
        """Backward, and a step of Adam."""
        self.optimiser.zero_grad(set_to_none=True)
        _ = loss.backward()
        _ = self.optimiser.step()

    def flops(self) -> int:
        """Floating-point operations of a plain step's convolutions and matrix products, forward and backward."""
        with FlopCounterMode(display=False) as counter:
            self.plain_step()
        return counter.get_total_flops()


def timed(jobs: dict[str, Callable[[], object]], *, num_rounds: int, clock: Callable[[], float]) -> Times:
    """Milliseconds of every job in every round, after two rounds that warm up."""
    times: Times = {name: [] for name in jobs}
    for number in range(num_rounds + 2):
        for name, job in jobs.items():
            started = clock()
            _ = job()
            if number >= 2:
                times[name].append(1e3 * (clock() - started))
    return times


def ratio(ours: list[float], theirs: list[float], factor: float = 1) -> str:
    """How many times `factor` of the others ours are: of the best, and the median over the rounds."""
    rounds = [one / (factor * other) for one, other in zip(ours, theirs, strict=True)]
    return f"{min(ours) / (factor * min(theirs)):.2f} {median(rounds):.2f}"


def report(times: Times, benches: dict[str, Bench]) -> None:
    """Print the tables."""
    print(f"{'ms':32}  best  median")
    for name in ("plain", "plain, not channels-last", "plain, with heads", "draw of one chip"):
        print(f"{name:32}{min(times[name]):7.2f} {median(times[name]):7.2f}")
    print(f"\n{'step':16}{'takes':>8}{'needs':>8}{'ratio':>11}{'noisy':>8}{'ratio':>11}")
    for name in METHODS:
        ours, needs, noisy = (times[f"{name} {form}"] for form in ("step", "needs", "noisy"))
        print(
            f"{name:16}{min(ours):8.2f}{min(needs):8.2f}{ratio(ours, needs):>11}"
            f"{min(noisy):8.2f}{ratio(ours, noisy):>11}"
        )
    print(LEGEND)
    passes = benches["ovf"].num_passes
    heads = benches["irs"].flops() / benches["vanilla"].flops()
    plain, with_heads = times["plain"], times["plain, with heads"]
    injection, ovf, irs = (times[f"{name} step"] for name in ("noise_injection", "ovf", "irs"))
    lines = {
        f"ovf / ({passes} plain steps)": ratio(ovf, plain, passes),
        f"ovf / ({passes} noise_injection steps)": ratio(ovf, injection, passes),
        f"irs / ({heads:.3f} noise_injection steps)": ratio(irs, injection, heads),
        "plain, with heads / plain": ratio(with_heads, plain),
    }
    for words, numbers in lines.items():
        print(f"{words:40}{numbers}")
    print(f"{heads:.3f}: floating-point operations of a step with IRS's heads over those of one without")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("--backbone", default="vgg8")
    _ = parser.add_argument("--width", type=float)
    _ = parser.add_argument("--image-size", type=int, default=8)
    _ = parser.add_argument("--device")
    _ = parser.add_argument("--train-sampler")
    _ = parser.add_argument("--num-feedback", type=int, default=3, help="N, of OVF and of IRS")
    _ = parser.add_argument("--rounds", type=int, default=20)
    _ = parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    shared = {name: getattr(arguments, name) for name in ("backbone", "width", "image_size", "device", "train_sampler")}
    terms = {"num_feedback": arguments.num_feedback}
    configs = {
        name: make_config({**shared, "method": name, **(terms if name in ("ovf", "irs") else {})}) for name in METHODS
    }
    data = configs["vanilla"].dataset.load(DataAccess(Path()))
    benches = {name: Bench(config, data, memory_format=torch.channels_last) for name, config in configs.items()}
    other = Bench(configs["vanilla"], data, memory_format=torch.contiguous_format)
    jobs: dict[str, Callable[[], object]] = {
        "plain": benches["vanilla"].plain_step,
        "plain, not channels-last": other.plain_step,
        "plain, with heads": benches["irs"].plain_step,
        "draw of one chip": benches["noise_injection"].draw,
    }
    for name, bench in benches.items():
        jobs |= {f"{name} step": bench.step, f"{name} needs": bench.needed_step, f"{name} noisy": bench.noisy_step}
    clock = time.process_time if arguments.threads == 1 else time.perf_counter
    times = timed(jobs, num_rounds=arguments.rounds, clock=clock)
    label = configs["vanilla"].backbone.full_label
    size, threads = arguments.image_size, arguments.threads
    print(f"{label}, {size}×{size}, {threads} thread(s), {arguments.rounds} rounds, N = {arguments.num_feedback}\n")
    report(times, benches)


if __name__ == "__main__":
    main()
