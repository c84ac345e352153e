"""Does any damaged file do more than be refused? Random mutations of every stored file, read in every way.

    python -m benchmarks.mutations
    python -m benchmarks.mutations --seconds 600 --seed 3

Makes a home with one of each file that the package writes, and again and again changes one of them (bytes, or values of
its JSON), reads it in every way, also by the command line, and puts it back. A fault is anything but a refusal of one
line of at most 300 characters without control characters, or a row that says what cannot be read. Prints the cases by
file and every kind of fault once; the exit code is 1 where there is one. The short version is in tests/mutation.
"""

import argparse
import logging
import os
import random
import re
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets.digits import Digits
from neft.networks.backbones import Mlp
from neft.pipeline import Settings, run
from neft.runs import store
from neft.runs.store import RunStore, Stores
from tests.mutation.readers import Home

CONFIG = RunConfig(
    dataset=Digits(max_train=200),
    backbone=Mlp(hidden_layers=2, hidden_units=16),
    training=TrainingConfig(epochs=2, validation_instances=2),
    evaluation=EvaluationConfig(sigma_ds=(0.0, 0.1), num_instances=3),
)


def main() -> None:
    """Change, read and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("--seconds", type=float, default=300.0)
    _ = parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    logging.disable()
    warnings.simplefilter("ignore")
    rng = random.Random(arguments.seed)  # noqa: S311 - not for secrets
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ["NEFT_HOME"] = str(folder / "home")
        store.CACHED_RUNS = folder / "none"
        made = RunStore(folder / "made")
        _ = run(CONFIG, Settings(store=made, pretrained_stores=Stores(own=made, shipped=made)))
        home = Home(folder / "home", made, CONFIG)
        cases, faults = _play(home, rng, arguments.seconds)
    for name, count in sorted(cases.items()):
        print(f"{count:6}  {name}")
    print(f"{cases.total():6}  in all, {faults.total()} faults of {len(faults)} kinds")
    for fault, count in faults.most_common():
        print(f"{count:6}  {fault}")
    sys.exit(bool(faults))


def _play(home: Home, rng: random.Random, seconds: float) -> tuple[Counter[str], Counter[str]]:
    cases, faults = Counter[str](), Counter[str]()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        path = rng.choice(home.files)
        cases[path.name] += 1
        faults.update(re.sub(r"\d+", "0", fault)[:300] for fault in home.case(path, rng))
    return cases, faults


if __name__ == "__main__":
    main()
