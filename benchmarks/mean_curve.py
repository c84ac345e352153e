"""How long until the mean accuracy at eight sigma_d is known to ± 1 point (95 %)?

    python benchmarks/mean_curve.py
    python benchmarks/mean_curve.py RUN_ID --threads 2

For a stored run that kept its weights, in one process:

- the published protocol: 1,000 chips at every sigma_d, in the plain loop of `benchmarks/montecarlo.py`;
- the plain loop with the fewest chips that reach it: at each sigma_d (1.96 s / 0.01)^2 chips, s being the spread over
  200 sampled chips; its time is the measured time of a plain chip, times their number;
- real chips on the fast path that stop when they know (`evaluate(precision=0.01)`);
- one chip per image (`neft.evaluation.preview`), until the widest interval of the curve is narrow enough; and its
  first pass.

The ratio is the time of the plain loop with the fewest chips over each row's. Errors are the largest difference, over
the sigma_d, to the means of those 200 chips.
"""

import argparse
import time

import numpy as np
import torch
from montecarlo import plain_loop

from neft import columns
from neft.evaluation.monte_carlo import evaluate
from neft.evaluation.preview import Previewer
from neft.pipeline import Settings, chip_law, load_data, restore_network
from neft.runs.facts import stored_config
from neft.runs.store import WEIGHTS, Stores

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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("runs", nargs="*", metavar="RUN_ID")
    _ = parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    stores = Stores.default()
    for run_id in arguments.runs or default_runs(stores):
        compare(run_id, stores)


if __name__ == "__main__":
    main()
