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
    plays = {scene.name: (scene.share, lambda *given, scene=scene: stage.play(scene, *given)) for scene in SCENES}
    plays |= {
        "job": (1.0, lambda *given: play_jobs(stage, *given)),
        "server": (0.5, lambda *given: play_server(stage, *given)),
    }
    wanted = {name: play for name, play in plays.items() if not arguments.only or name in arguments.only}
    shares = sum(share for share, _ in wanted.values())
    total = Counts()
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        for name, (share, play) in wanted.items():
            counts, began = Counts(), time.monotonic()
            play(max(1, round(arguments.kills * share / shares)), counts, rng)
            seconds = time.monotonic() - began
            print(f"{name:12} {counts.kills:4} kills  {len(counts.faults)} faults  {seconds:6.0f} s", flush=True)
            total.kills += counts.kills
            total.faults += counts.faults
    print(f"{'in all':12} {total.kills:4} kills  {len(total.faults)} faults")
    print("\n".join(total.faults))
    sys.exit(bool(total.faults))


if __name__ == "__main__":
    main()
