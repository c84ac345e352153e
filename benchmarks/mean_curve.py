"""How long until the mean accuracy at eight sigma_d is known to ± 1 point (95 %)?

    python benchmarks/mean_curve.py
    python benchmarks/mean_curve.py RUN_ID --threads 2
    python benchmarks/mean_curve.py --kinds --precision 0.02

For a stored run that kept its weights, in one process:

- the published protocol: 1,000 chips at every sigma_d, in the plain loop of `benchmarks/montecarlo.py`;
- the plain loop with the fewest chips that reach it: at each sigma_d (1.96 s / 0.01)^2 chips, s being the spread over
  200 sampled chips; its time is the measured time of a plain chip, times their number;
- real chips on the fast path that stop when they know (`evaluate(precision=0.01)`);
- one chip per image (`neft.evaluation.preview`), until the widest interval of the curve is narrow enough; and its
  first pass.

The ratio is the time of the plain loop with the fewest chips over each row's. Errors are the largest difference, over
the sigma_d, to the means of those 200 chips.

With `--kinds`, for other chips and networks, at equal half-width: real chips on the fast path, as few as reach it by
their spread over 40, against one chip per image and against images that share chips in groups. The networks are stored
runs' and an untrained ResNet-18 of width 1/8, whose labels are what it says itself. Seconds of one core.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from montecarlo import plain_loop

from neft import columns
from neft.chips.deployed import ChipLaw
from neft.datasets.base import ImageData, Split
from neft.devices import Fefet2, Measured
from neft.evaluation.monte_carlo import evaluate
from neft.evaluation.own_preview import preview_network
from neft.evaluation.preview import Previewer
from neft.mapping.bit_slicing import BitSlicing
from neft.mapping.stack import Mapping
from neft.networks.backbones import Resnet18
from neft.networks.network import Network, build_network, initialise
from neft.pipeline import Settings, chip_law, load_data, restore_network
from neft.runs.facts import stored_config
from neft.runs.store import WEIGHTS, Stores
from neft.seeding import generator
from neft.training.loop import input_shape

SIGMA_DS = (0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2)
PRECISION = 0.01
PUBLISHED_INSTANCES = 1000
REFERENCE_INSTANCES = 200
FEWEST = 10


def default_runs(stores: Stores) -> list[str]:
    """One run a backbone: noise injection at temperature 4, the first seed, sigma_d 0.1."""
    found: dict[str, str] = {}
    for record in stores.list().records:
        facts = record.facts
        wanted = facts.dataset == "digits" and facts.variant == "noise_injection_t4" and facts.train_sigma_d == 0.1
        if wanted and facts.seed == 0 and WEIGHTS in record.files:
            _ = found.setdefault(facts.backbone, record.id)
    return list(found.values())


def compare(run_id: str, stores: Stores) -> None:
    """Measure and print one run's rows."""
    holder = stores.holder(run_id)
    record = holder.record(run_id)
    config = stored_config(record)
    data = load_data(config, Settings(store=stores.own))
    network = restore_network(config, data, holder.weights(record)).eval()
    law = chip_law(config)

    _ = plain_loop(network, data, law, sigma_ds=SIGMA_DS[:1], num_instances=1)
    started = time.perf_counter()
    _ = plain_loop(network, data, law, sigma_ds=SIGMA_DS, num_instances=2)
    plain_chip = (time.perf_counter() - started) / (2 * len(SIGMA_DS))

    chips = evaluate(network, data, law, sigma_ds=SIGMA_DS, num_instances=REFERENCE_INSTANCES, seed=1)
    accuracy = chips.groupby(columns.SIGMA_D)[columns.ACCURACY]
    truth = accuracy.mean().to_numpy()
    fewest = np.maximum(FEWEST, np.ceil((1.96 * accuracy.std().to_numpy() / PRECISION) ** 2)).sum()

    started = time.perf_counter()
    stopped = evaluate(network, data, law, sigma_ds=SIGMA_DS, num_instances=2000, seed=0, precision=PRECISION)
    real = time.perf_counter() - started
    real_error = np.abs(stopped.groupby(columns.SIGMA_D)[columns.ACCURACY].mean().to_numpy() - truth).max()

    started = time.perf_counter()
    first = one_each = first_error = each_error = float("nan")
    for preview in Previewer(network, data, law).curve(SIGMA_DS, seed=0, max_passes=1000, images_a_pass=len(data.test)):
        error = float(np.abs(preview.curve[columns.MEAN].to_numpy() - truth).max())
        if preview.num_passes == 1:
            first, first_error = time.perf_counter() - started, error
        one_each, each_error = time.perf_counter() - started, error
        if preview.curve[columns.CI95].max() <= PRECISION:
            break
    else:
        message = "One chip per image did not reach the precision in 1,000 passes."
        raise RuntimeError(message)

    published = plain_chip * PUBLISHED_INSTANCES * len(SIGMA_DS)
    plain = plain_chip * fewest
    print(f"\n{run_id}: {config.backbone.full_label}, {len(data.test)} images, {len(SIGMA_DS)} sigma_d")
    print(f"{'':34} {'seconds':>9} {'ratio':>8} {'largest error':>14}")
    rows = (
        (f"published protocol, {PUBLISHED_INSTANCES} chips", published, None),
        (f"plain loop, fewest chips ({fewest:.0f})", plain, None),
        (f"real chips that stop ({len(stopped)})", real, real_error),
        ("one chip per image, to ± 1 point", one_each, each_error),
        ("one chip per image, first curve", first, first_error),
    )
    for what, took, error in rows:
        said = "" if error is None else f"{100 * error:.1f} points"
        print(f"{what:34} {took:9.2f} {plain / took:8.1f} {said:>14}")
    print(f"published protocol over one chip per image: {published / one_each:.0f}")


KIND_SIGMA_DS = (0.05, 0.1, 0.15)
KIND_CHIPS = 40
UNEVEN = Measured(stds=(0.2, 0.4, 2.5, 1.0), title="uneven")


def laws(own: ChipLaw) -> dict[str, ChipLaw]:
    """Chips that miss otherwise than alike."""
    plain = BitSlicing(weight_bits=own.mapping.weight_bits, device_bits=own.mapping.device_bits)
    return {
        own.device.full_label: own,
        "FeFET2, state-dependent": replace(own, device=Fefet2()),
        "measured levels": replace(own, device=UNEVEN, mapping=plain),
        "FeFET2, scale by channel": replace(own, device=Fefet2(), mapping=Mapping(scale="channel")),
    }


def untrained(data: ImageData) -> tuple[Network, ImageData]:
    """A ResNet-18 and the images that it would be right of."""
    network = build_network(Resnet18(width=1 / 8), input_shape(data))
    initialise(network, generator(3, "initial_weights"))
    with torch.inference_mode():
        labels = network.eval()(data.normalise(data.test.images)).argmax(dim=1)
    return network, replace(data, test=Split(images=data.test.images, labels=labels.clone()))


def until(previewer: Previewer, precision: float, *, disjoint: bool) -> float:
    """Seconds until the widest interval is narrow enough."""
    started = time.process_time()
    for preview in previewer.curve(KIND_SIGMA_DS, seed=0, max_passes=1000, disjoint=disjoint):
        if preview.curve[columns.CI95].max() <= precision:
            return time.process_time() - started
    message = "The preview did not reach the precision in 1,000 passes."
    raise RuntimeError(message)


def real_seconds(network: Network, data: ImageData, law: ChipLaw, precision: float) -> float:
    """Of as few chips as reach the precision, at each sigma_d."""
    started = time.process_time()
    chips = evaluate(network, data, law, sigma_ds=KIND_SIGMA_DS, num_instances=KIND_CHIPS, seed=1)
    a_chip = (time.process_time() - started) / (KIND_CHIPS * len(KIND_SIGMA_DS))
    spread = chips.groupby(columns.SIGMA_D)[columns.ACCURACY].std().to_numpy()
    return a_chip * float(np.maximum(FEWEST, np.ceil((1.96 * spread / precision) ** 2)).sum())


def compare_kinds(name: str, network: Network, data: ImageData, own: ChipLaw, precision: float) -> None:
    """Measure and print the rows of one network."""
    print(f"\n{name}: {len(data.test)} images, to ± {100 * precision:g} points at {len(KIND_SIGMA_DS)} sigma_d")
    print(f"{'seconds':28} {'real chips':>11} {'own chips':>10} {'ratio':>6} {'groups':>8} {'ratio':>6}  drawn")
    for kind, law in laws(own).items():
        previewer = Previewer(network, data, law)
        real = real_seconds(network, data, law, precision)
        single, shared = (until(previewer, precision, disjoint=disjoint) for disjoint in (False, True))
        drawn = f"{len(previewer.drawn)} of {len(previewer.layers)}"
        print(f"{kind:28} {real:11.2f} {single:10.2f} {real / single:6.1f} {shared:8.2f} {real / shared:6.1f}  {drawn}")


def compare_own(network: Network, data: ImageData, own: ChipLaw, precision: float) -> None:
    """The same network as one of one's own."""
    batches = list(zip(data.normalise(data.test.images).split(128), data.test.labels.split(128), strict=True))
    law = replace(own, device=Fefet2())
    real = real_seconds(network, data, law, precision)
    started = time.process_time()
    found = preview_network(network, batches, sigma_ds=KIND_SIGMA_DS, law=law, precision=precision, max_passes=1000)
    took = time.process_time() - started
    way = "own chips" if found.refusal is None else "groups"
    print(f"{'given as one of its own':28} {real:11.2f} {took:10.2f} {real / took:6.1f}  {way}, made ready included")


def kinds(runs: Sequence[str], stores: Stores) -> Iterator[tuple[str, Network, ImageData, ChipLaw]]:
    """Networks, what they are tried on, and how their own chips are made."""
    for run_id in runs:
        holder = stores.holder(run_id)
        record = holder.record(run_id)
        config = stored_config(record)
        data = load_data(config, Settings(store=stores.own))
        yield run_id, restore_network(config, data, holder.weights(record)).eval(), data, chip_law(config)
        if run_id == runs[-1]:
            yield "ResNet-18, width 1/8, untrained", *untrained(data), chip_law(config)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("runs", nargs="*", metavar="RUN_ID")
    _ = parser.add_argument("--threads", type=int, default=1)
    _ = parser.add_argument("--kinds", action="store_true", help="other chips and networks, at equal half-width")
    _ = parser.add_argument("--precision", type=float, default=PRECISION, help="of --kinds")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    stores = Stores.default()
    runs = arguments.runs or default_runs(stores)
    if arguments.kinds:
        for name, network, data, law in kinds(runs, stores):
            compare_kinds(name, network, data, law, arguments.precision)
            compare_own(network, data, law, arguments.precision)
        return
    for run_id in runs:
        compare(run_id, stores)


if __name__ == "__main__":
    main()
