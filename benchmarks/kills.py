"""How often can it be killed before something is lost? Commands, jobs and servers, killed at random moments.

    python -m benchmarks.kills
    python -m benchmarks.kills --kills 500 --seed 3

After each kill the whole store is checked: every run readable and unchanged, notes and plans whole, the list of jobs
readable, every process that was started gone within five seconds. At the end each command goes on, and must come to the
numbers of an undisturbed one. Prints how many kills met a living process, and every fault; the exit code is 1 where
there is one. The short version is in tests/kill.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.kill.scenes import SCENES, Counts, Stage
from tests.kill.served import play_jobs, play_server


def main() -> None:
    """Kill, check and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _ = parser.add_argument("--kills", type=int, default=220, help="about so many in all")
    _ = parser.add_argument("--seed", type=int, default=0)
    _ = parser.add_argument("--only", action="append", help="these scenes alone")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)  # noqa: S311 - not for secrets
    shares = {**{scene.name: scene.share for scene in SCENES}, "job": 1.0, "server": 0.5}
    wanted = {name: share for name, share in shares.items() if not arguments.only or name in arguments.only}
    total = Counts()
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        for name, share in wanted.items():
            counts, began = Counts(), time.monotonic()
            _play(stage, name, max(1, round(arguments.kills * share / sum(wanted.values()))), counts, rng)
            seconds = time.monotonic() - began
            print(f"{name:12} {counts.kills:4} kills  {len(counts.faults)} faults  {seconds:6.0f} s", flush=True)
            total.kills += counts.kills
            total.faults += counts.faults
    print(f"{'in all':12} {total.kills:4} kills  {len(total.faults)} faults")
    print("\n".join(total.faults))
    sys.exit(bool(total.faults))


def _play(stage: Stage, name: str, kills: int, counts: Counts, rng: random.Random) -> None:
    if name == "job":
        play_jobs(stage, kills, counts, rng)
    elif name == "server":
        play_server(stage, kills, counts, rng)
    else:
        stage.play(next(scene for scene in SCENES if scene.name == name), kills, counts, rng)


if __name__ == "__main__":
    main()
