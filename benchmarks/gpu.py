"""What a GPU gives: the same chips, how many a second, and a full-width training.

    python -m benchmarks.gpu                       # on a CUDA device, in under ten minutes
    python -m benchmarks.gpu --torch-device cpu --quick   # that the script itself works, anywhere

1. **Equality.** Three backbones on eight chips at three sigma_d, on the device and on a CPU core: the largest
   difference in accuracy, in images; a chip is the same wherever it is tried, sums round otherwise.
2. **Rates.** Chips a second of several networks, beside one CPU core, and by how many lie side by side.
3. **The large case.** 1,000 chips x 10,000 images of the full-width VGG-8 at 32 x 32 (goal: 90 s or less on an H100).
4. **Reduced precision.** TF32 products and bfloat16 networks: how much faster, and by how much accuracies differ.
5. **A pass by its parts.** The operators that take the most time, as the profiler says.
6. **Training.** Seconds an epoch of the full-width VGG-8 at 32 x 32 (50,000 images), for noise injection, OVF and IRS.

Images are random where no data set has so many: what is measured is speed. Each part says what it could not do.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import get_args

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from benchmarks.montecarlo import Case
from neft.chips.arithmetic import USUAL, Arithmetic
from neft.chips.deployed import ChipLaw, DeployedNetwork
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets.base import ImageData, Split
from neft.evaluation.monte_carlo import evaluate
from neft.methods import METHODS
from neft.networks.backbones import Vgg8
from neft.networks.network import InputShape, build_network, initialise
from neft.seeding import generator
from neft.training.loop import train

SIGMA_DS = (0.0, 0.1, 0.2)
EQUAL_ON = (("mlp", 1.0, 8), ("vgg8", 0.125, 8), ("resnet18", 0.125, 16))
RATES_OF = (("mlp", 1.0, 8), ("vgg8", 0.125, 8), ("vgg8", 0.25, 16), ("vgg8", 1.0, 32))
SIDE_BY_SIDE = (1, 4, 16, 64)
TRAINED_BY = ("noise_injection", "ovf", "irs")


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    chips: int
    images: int
    large_chips: int
    large_images: int
    large_width: float
    large_image: int
    training_images: int

    @classmethod
    def whole(cls) -> "Size":
        """As the numbers are reported."""
        return cls(64, 2000, 1000, 10_000, 1.0, 32, 50_000)

    @classmethod
    def quick(cls) -> "Size":
        """Enough to see that it works."""
        return cls(4, 64, 6, 128, 1 / 16, 16, 256)


def seconds(work: Callable[[], object], torch_device: str) -> float:
    """How long it takes, to the end of what the device was given."""
    synchronise(torch_device)
    started = time.perf_counter()
    _ = work()
    synchronise(torch_device)
    return time.perf_counter() - started


def synchronise(torch_device: str) -> None:
    """Wait for the device."""
    if torch_device.startswith("cuda"):
        torch.cuda.synchronize(torch_device)


def random_data(size: Size, num_train: int) -> ImageData:
    """Coloured images of noise with ten classes, on which nothing can be learnt."""
    rng = generator(0, "images")
    _, data, _ = Case("vgg8", 1 / 16, 8).load(32)

    def some(count: int) -> Split:
        images = torch.randint(256, (count, 3, size.large_image, size.large_image), generator=rng, dtype=torch.uint8)
        return Split(images=images, labels=torch.randint(10, (count,), generator=rng))

    return replace(
        data,
        train=some(num_train),
        validation=some(64),
        test=some(size.large_images),
        mean=(127.5,) * 3,
        std=(63.75,) * 3,
        maximum=255,
    )


def large_network(size: Size) -> nn.Module:
    """An untrained VGG-8 for such images."""
    shape = InputShape(num_channels=3, image_size=size.large_image, num_classes=10)
    network = build_network(Vgg8(width=size.large_width), shape)
    initialise(network, generator(0, "initial_weights"))
    return network.eval()


def equality(torch_device: str, size: Size) -> Iterator[str]:
    """A line per backbone."""
    for backbone, width, image_size in EQUAL_ON:
        case = Case(backbone, width, image_size)
        network, data, law = case.load(min(size.images, 397))
        here, there = (
            evaluate(network, data, law, sigma_ds=SIGMA_DS, num_instances=8, seed=0, torch_device=device)
            for device in ("cpu", torch_device)
        )
        images = (here["accuracy"] - there["accuracy"]).abs() * len(data.test)
        yield f"{case!s:28} at most {images.max():.0f} of {len(data.test)} images otherwise on a chip"


def rates(torch_device: str, size: Size) -> Iterator[str]:
    """A line per network."""
    yield f"{'chips x sigma_d a second':28} {'one core':>9} " + " ".join(f"{count:>8}" for count in SIDE_BY_SIDE)
    for backbone, width, image_size in RATES_OF:
        if size == Size.quick() and width == 1.0 and backbone != "mlp":
            continue
        case = Case(backbone, width, image_size)
        few = max(2, size.chips // 32) if width == 1.0 and backbone != "mlp" else size.chips // 2

        alone = rate(case, size, "cpu", few, 1)
        _ = rate(case, size, torch_device, 2, 1)  # warm
        found = [rate(case, size, torch_device, max(size.chips, count), count) for count in SIDE_BY_SIDE]
        yield f"{case!s:28} {alone:9.1f} " + " ".join(f"{one:8.1f}" for one in found)


def rate(case: Case, size: Size, torch_device: str, count: int, at_once: int) -> float:
    """Chips at a sigma_d a second."""
    network, data, law = case.load(size.images)

    def tried() -> object:
        return evaluate(
            network,
            data,
            law,
            sigma_ds=(0.1, 0.2),
            num_instances=count,
            seed=0,
            torch_device=torch_device,
            chips_at_once=at_once,
        )

    return 2 * count / seconds(tried, torch_device)


def large_case(torch_device: str, size: Size) -> str:
    """The one that has a goal."""
    network, data, law = large_network(size), random_data(size, 64), _law()
    took = seconds(
        lambda: evaluate(
            network, data, law, sigma_ds=(0.1,), num_instances=size.large_chips, seed=0, torch_device=torch_device
        ),
        torch_device,
    )
    return f"{size.large_chips:,} chips x {size.large_images:,} images of vgg8: {took:.1f} s, in fp32"


def precisions(torch_device: str, size: Size) -> Iterator[str]:
    """A line per precision: time of a pass, and how many images are told otherwise."""
    network, data, law = large_network(size), random_data(size, 64), _law()
    images = data.normalise(data.test.images[: min(2048, size.large_images)]).to(torch_device)
    arithmetics = [one for one in get_args(Arithmetic) if one != "tf32" or torch_device != "cpu"]
    plain, wanted = float("nan"), torch.zeros(0)
    with torch.inference_mode():
        for arithmetic in arithmetics:
            deployed = DeployedNetwork(network, replace(law, arithmetic=arithmetic), torch_device=torch_device)
            deployed.draw(0, 0)
            deployed.program(sigma_d=0.1)
            told = deployed.logits(images).argmax(dim=1)
            took = min(seconds(lambda: deployed.logits(images), torch_device) for _ in range(5))  # noqa: B023 - at once
            if arithmetic == USUAL:
                plain, wanted = took, told
                yield f"{arithmetic:12} {1e3 * took:8.2f} ms a pass over {len(images)} images"
            else:
                other = int((told != wanted).sum())
                yield f"{arithmetic:12} {1e3 * took:8.2f} ms, {plain / took:.2f} x; {other} images otherwise"


def parts(torch_device: str, size: Size) -> str:
    """The operators of one chip's pass by their time."""
    network, data, law = large_network(size), random_data(size, 64), _law()
    images = data.normalise(data.test.images[:512]).to(torch_device)
    is_cuda = torch_device.startswith("cuda")
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if is_cuda else [])]
    with torch.inference_mode():
        deployed = DeployedNetwork(network, law, torch_device=torch_device)
        for instance in range(2):
            deployed.draw(0, instance)
            deployed.program(sigma_d=0.1)
            _ = deployed.logits(images)
        with profile(activities=activities) as found:
            deployed.draw(0, 2)
            deployed.program(sigma_d=0.1)
            _ = deployed.logits(images)
            synchronise(torch_device)
    by = "self_cuda_time_total" if is_cuda else "self_cpu_time_total"
    return found.key_averages().table(sort_by=by, row_limit=12, max_name_column_width=48)


def trainings(torch_device: str, size: Size) -> Iterator[str]:
    """A line per method: seconds of the second epoch."""
    data = random_data(size, size.training_images)
    for name in TRAINED_BY:
        config = RunConfig(
            backbone=Vgg8(width=size.large_width),
            method=METHODS[name](),
            training=TrainingConfig(epochs=2, validation_instances=1),
            evaluation=EvaluationConfig(sigma_ds=(0.1,), num_instances=2),
        )
        history = train(config, data, torch_device=torch_device).history
        yield f"{name:16} {history[-1]['seconds']:8.1f} s an epoch of {size.training_images:,} images"


def _law() -> ChipLaw:
    return Case("vgg8", 1 / 16, 8).load(32)[2]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("--torch-device", default="cuda")
    _ = parser.add_argument("--quick", action="store_true", help="Little of everything.")
    arguments = parser.parse_args()
    torch_device: str = arguments.torch_device
    if torch_device.startswith("cuda") and not torch.cuda.is_available():
        parser.error("there is no CUDA device here; --torch-device cpu --quick tries the script itself")
    size = Size.quick() if arguments.quick else Size.whole()
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False  # fp32 is fp32
    name = torch.cuda.get_device_name(torch_device) if torch_device.startswith("cuda") else "CPU"
    print(f"{name}, torch {torch.__version__}")
    begun = time.perf_counter()
    for title, found in (
        ("Equality with the CPU", lambda: equality(torch_device, size)),
        ("Rates, by chips side by side", lambda: rates(torch_device, size)),
        ("The large case", lambda: iter([large_case(torch_device, size)])),
        ("Reduced precision", lambda: precisions(torch_device, size)),
        ("A chip's pass by its parts", lambda: iter([parts(torch_device, size)])),
        ("Training", lambda: trainings(torch_device, size)),
    ):
        print(f"\n{title} ({time.perf_counter() - begun:.0f} s so far)", flush=True)
        try:
            for line in found():
                print(f"  {line}", flush=True)
        except (RuntimeError, NotImplementedError) as failure:  # out of memory, or not known on this device
            print(f"  not done: {str(failure).splitlines()[0]}", flush=True)


if __name__ == "__main__":
    main()
