"""How much faster are chips, a training and a worst case over several cores, and are their numbers the same?

    python -m benchmarks.cores
    python -m benchmarks.cores --cores 1 2 4 --networks vgg8:0.25:16

For each network (backbone:width:image size) Monte Carlo over so many chips at four sigma_d, calibration included; below
it a training's validation, chips that are opened again and the search of a worst case. The best of several rounds, in
turns; every row says whether all numbers are equal to the last bit.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import joblib
import pandas as pd
import torch

from benchmarks.montecarlo import Case, first
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.evaluation.monte_carlo import evaluate
from neft.evaluation.search_settings import SearchSettings
from neft.evaluation.worst_case import search_worst_case, worst_case_table
from neft.inspection.opened_chips import OpenedChips
from neft.methods import NoiseInjection
from neft.networks.backbones import Vgg8
from neft.training.loop import train

SIGMA_DS = (0.05, 0.1, 0.15, 0.2)
NETWORKS = ("mlp:1:8:400", "vgg8:0.125:8:150", "vgg8:0.25:8:80", "vgg8:0.25:16:30")
ROUNDS = 3


def row(name: str, work: Callable[[int], pd.DataFrame], cores: Sequence[int]) -> str:
    """One line of the table."""
    best = dict.fromkeys(cores, float("inf"))
    found: dict[int, pd.DataFrame] = {}
    for _ in range(ROUNDS):
        for count in cores:
            started = time.perf_counter()
            found[count] = work(count)
            best[count] = min(best[count], time.perf_counter() - started)
    equal = all(found[count].equals(found[cores[0]]) for count in cores)
    times = "".join(f"{best[count]:9.2f} {best[cores[0]] / best[count]:6.2f}" for count in cores)
    return f"{name:34}{times}   {'equal' if equal else 'NOT EQUAL'}"


def validated(data_case: Case, cores: int) -> pd.DataFrame:
    """A training of one epoch on few images that is validated on many chips."""
    _, data, _ = data_case.load(397)
    few = replace(data, train=first(data.train, 64))
    config = RunConfig(
        backbone=Vgg8(width=data_case.width),
        method=NoiseInjection(),
        training=TrainingConfig(epochs=1, validation_instances=40),
        evaluation=EvaluationConfig(sigma_ds=(0.1,), num_instances=2),
    )
    history = pd.DataFrame(train(config, few, cores=cores).history)
    return history.drop(columns="seconds")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("--networks", nargs="+", default=NETWORKS, metavar="BACKBONE:WIDTH:SIZE:CHIPS")
    _ = parser.add_argument("--cores", nargs="+", type=int, default=sorted({1, joblib.cpu_count()}))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cores: list[int] = arguments.cores
    print(f"{'':34}" + "".join(f"{f'{count} core(s) s':>9} {'ratio':>6}" for count in cores))
    for text in arguments.networks:
        backbone, width, size, chips = text.split(":")
        case = Case(backbone, float(width), int(size))
        network, data, law = case.load(397)
        asked = {"sigma_ds": SIGMA_DS, "num_instances": int(chips), "seed": 0}
        work = lambda count, n=network, d=data, of=law, a=asked: evaluate(n, d, of, cores=count, **a)  # noqa: E731
        print(row(f"{case}, {chips} chips", work, cores), flush=True)
    case = Case("vgg8", 0.25, 8)
    network, data, law = case.load(2000)
    few = replace(data, test=first(data.test, 397))

    def opened(count: int) -> pd.DataFrame:
        chips = OpenedChips(network, few, law, seed=0, cores=count).each(range(60), sigma_ds=SIGMA_DS)
        return pd.DataFrame([logits.flatten().numpy() for _, logits in chips])

    def worst(count: int) -> pd.DataFrame:
        quick = SearchSettings(num_steps=5, num_restarts=1, num_multipliers=2, num_multiplier_steps=3, num_draws=3)
        found = search_worst_case(network, data, law, th_gs=(0.01, 0.03), settings=quick, cores=count)
        return worst_case_table(list(found))

    print(row("an epoch with 40 validation chips", lambda count: validated(case, count), cores), flush=True)
    print(row("60 chips opened again", opened, cores), flush=True)
    print(row("worst case on 2,000 images", worst, cores), flush=True)


if __name__ == "__main__":
    main()
