"""Commands that are killed at random moments, and what must hold after each kill.

A server of forks has everything imported once; each command is a fork of it, so that nearly every kill falls into the
command's own work. After a kill the stores are read by the package's own readers: every run whole, those of before
unchanged, nothing beside them but hidden drafts. At the end the same command goes on and comes to what an undisturbed
one came to: nothing lost, nothing twice.
"""

import contextlib
import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from neft.cli import main as neft
from neft.run_id import is_run_id
from neft.runs import store as runs_store
from neft.runs.bundles import look_into
from neft.runs.notes import list_notes
from neft.runs.places import CACHED_RUNS
from neft.runs.plans import load_plans
from neft.runs.store import RunStore, Stores
from tests.kill.soon import ORPHANS, soon

VERBS = ("train", "evaluate", "worst_case", "import_", "export", "note", "delete", "leaderboard", "sweep")
SIZE = ("--backbone", "mlp", "--hidden-layers", "2", "--hidden-units", "16", "--max-train", "200")
CHIPS = ("--validation-instances", "1", "--test-sigma-d", "0,0.1", "--max-test", "50")
FIRST = ("train", *SIZE, *CHIPS, "--epochs", "1", "--num-instances", "3")


@dataclass(frozen=True)
class Scene:
    """A command that is killed."""

    name: str
    words: Callable[[Path, str], tuple[str, ...]]
    """The command line, for a home and the id of a run in it."""
    again: tuple[str, ...] = ()
    """What is added to go on."""
    share: float = 1.0
    """Of all kills, compared with the other scenes."""


SCENES = (
    Scene("train", lambda _home, _run: (*FIRST[:-4], "--epochs", "8", "--num-instances", "10"), again=("--resume",)),
    Scene("evaluate", lambda _home, run: ("evaluate", run, "--num-instances", "30", "--test-sigma-d", "0.2")),
    Scene("worst case", lambda _home, run: ("worst-case", run, "--th-g", "0:0.02:0.01", "--steps", "4")),
    Scene("import", lambda home, _run: ("import", str(home.parent / "bundle.zip"))),
    Scene("export", lambda home, run: ("export", run, "--out", str(home / "out.zip"), "--overwrite")),
    Scene("note", lambda _home, run: ("note", run, "--text", "a note " * 200, "--tag", "kept")),
    Scene("delete", lambda _home, run: ("delete", run, "--yes")),
    Scene(
        "leaderboard",
        lambda _home, _run: ("leaderboard", "--json", "--store", str(CACHED_RUNS), "--dataset", "fashion_mnist"),
        share=0.3,
    ),
    Scene(
        "sweep",
        lambda _home, _run: (
            *(
                "sweep",
                "classifier_noise",
                *SIZE,
                "--hidden-layers",
                "3",
                "--epochs",
                "2",
                "--validation-instances",
                "1",
                "--max-test",
                "50",
            ),
            *("--num-instances", "2", "--seeds", "1", "--workers", "2"),
        ),
        share=0.3,
    ),
)


ONCE = ("train", "evaluate", "delete")
"""Scenes whose command is refused once it has done what it is for."""
CHANGING = ("worst case", "delete")
"""Scenes that change a run that was there: a search adds what it found to the run's own folder."""


@dataclass
class Counts:
    """What happened, and everything that was not as it should be."""

    kills: int = 0
    """Blows that met a living process."""
    late: int = 0
    """Blows that came after the command's end."""
    faults: list[str] = field(default_factory=list)


def run_forked(words: tuple[str, ...], home: Path, *, kill_after: float | None = None) -> tuple[float, bool]:
    """Run a command line in a fork; returns the seconds it took and whether it was killed.

    Args:
        words: the command line behind `neft`.
        home: its NEFT_HOME.
        kill_after: seconds until SIGKILL; None lets it end.

    Raises:
        RuntimeError: it ended by itself with another code than 0.
    """
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _become(words, home)
    if kill_after is not None:
        time.sleep(kill_after)
    before = _offspring(pid)
    if kill_after is not None:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    seconds = time.monotonic() - began
    _demand_gone(before)
    if os.WIFSIGNALED(status):
        return seconds, True
    if os.WEXITSTATUS(status):
        message = f"neft {' '.join(words)} ended with {os.WEXITSTATUS(status)}: {_said(home)}"
        raise RuntimeError(message)
    return seconds, False


def _become(words: tuple[str, ...], home: Path) -> None:
    """In the fork: the command line, told as `neft` would be; never returns."""
    code = 1
    try:
        said = os.open(home.parent / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for output in (1, 2):
            _ = os.dup2(said, output)
        os.environ.update(NEFT_HOME=str(home), NEFT_CACHED_RUNS=str(home / "none"), OMP_NUM_THREADS="1")
        runs_store.CACHED_RUNS = home / "none"
        neft.main(args=list(words), prog_name="neft", standalone_mode=False)
        code = 0
    except SystemExit as ending:
        code = int(bool(ending.code))
    except BaseException as error:  # noqa: BLE001 - told to who reads the file
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


def _said(home: Path) -> str:
    return (home.parent / "said.txt").read_text(encoding="utf-8", errors="replace").strip()[-400:]


def _offspring(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _demand_gone(processes: list[psutil.Process]) -> None:
    """Fail where one is still there after so long.

    Raises:
        RuntimeError: it is.
    """
    if not soon(lambda: not psutil.wait_procs(processes, timeout=0)[1]):
        left = psutil.wait_procs(processes, timeout=0)[1]
        message = f"{len(left)} orphans after {ORPHANS:g} s: {[' '.join(one.cmdline())[:80] for one in left]}"
        raise RuntimeError(message)


# ---------------------------------------------------------------- what must hold
def faults_in(home: Path, before: dict[str, str]) -> Iterator[str]:
    """What is wrong with a home after a kill; nothing where all is whole.

    Args:
        home: the user's own folder.
        before: checksums of the runs that were there.
    """
    store = RunStore(home / "runs")
    listing = store.list()
    yield from (f"run {run_id} cannot be read: {why}" for run_id, why in listing.problems.items())
    for record in listing.records:
        try:
            _ = store.verify(record.id)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault
            yield f"run {record.id} is not whole: {error}"
    now = checksums(home)
    yield from (f"run {run_id} was lost or changed" for run_id, found in before.items() if now.get(run_id) != found)
    with living_in(home):
        yield from (f"the note on {run_id} cannot be read: {why}" for run_id, why in list_notes().problems.items())
    yield from (f"plan {name} cannot be read: {why}" for name, why in load_plans(store.root)[1].items())
    known = {"plans"} | {run_id for run_id in now if is_run_id(run_id)}
    for path in store.root.iterdir() if store.root.is_dir() else ():
        if path.name not in known and not path.name.startswith("."):
            yield f"{path.name} lies among the runs"
    if (home / "out.zip").exists():
        with (home / "out.zip").open("rb") as file:
            found = look_into(file, Stores(own=RunStore(home / "nowhere"), shipped=RunStore(home / "nowhere")))
        yield from (f"exported {one.run_id}: {one.words}" for one in found if one.status != "new")


def checksums(home: Path) -> dict[str, str]:
    """By run a checksum of all its files but for what may be added to it."""
    found: dict[str, str] = {}
    for folder in sorted((home / "runs").glob("*-*")):
        content = hashlib.sha256()
        for path in sorted(folder.iterdir()):
            content.update(path.name.encode() + path.read_bytes())
        found[folder.name] = content.hexdigest()
    return found


@contextlib.contextmanager
def living_in(home: Path) -> Generator[None]:
    """With this NEFT_HOME."""
    before = os.environ.get("NEFT_HOME")
    os.environ["NEFT_HOME"] = str(home)
    try:
        yield
    finally:
        del os.environ["NEFT_HOME"]
        if before is not None:
            os.environ["NEFT_HOME"] = before


# ---------------------------------------------------------------- playing
class Stage:
    """A home with a run in it and a bundle beside it, of which every scene plays on a copy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.first = folder / "first" / "home"
        self.first.mkdir(parents=True)
        for verb in VERBS:
            _ = importlib.import_module(f"neft.cli.{verb}")
        other = folder / "other" / "home"
        other.mkdir(parents=True)
        for seed in range(3):
            _ = run_forked((*FIRST, "--seed", str(seed + 1)), other)
        ids = sorted(checksums(other))
        _ = run_forked(("export", *ids, "--out", str(folder / "bundle.zip")), other)
        _ = run_forked(FIRST, self.first)
        (self.run_id,) = checksums(self.first)

    def copy(self, name: str) -> Path:
        """A home to play in."""
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        _ = shutil.copytree(self.first, place / "home")
        _ = shutil.copy(self.folder / "bundle.zip", place / "bundle.zip")
        return place / "home"

    def play(self, scene: Scene, kills: int, counts: Counts, rng: random.Random) -> None:
        """Kill a command again and again, each time from where the last one left off, then let it end."""
        seconds, wanted = self.undisturbed(scene)
        home, left = self.copy("disturbed"), kills
        while left:
            before = checksums(home)
            try:
                _, was_killed = run_forked(
                    (*scene.words(home, self.run_id), *scene.again), home, kill_after=rng.uniform(0, seconds)
                )
                counts.kills += was_killed
                counts.late += not was_killed
                counts.faults += [f"{scene.name}: {fault}" for fault in faults_in(home, self._kept(scene, before))]
                left -= was_killed
                if not was_killed or (scene.name in ONCE and numbers(home) == wanted):  # it is done: begin anew
                    counts.faults += self._ends(scene, home, wanted)
                    home = self.copy("disturbed")
            except RuntimeError as error:
                counts.faults.append(f"{scene.name}: {error}")
                home, left = self.copy("disturbed"), left - 1
        self._finish(scene, home, wanted, counts)

    def _finish(self, scene: Scene, home: Path, wanted: dict[str, str], counts: Counts) -> None:
        try:
            if numbers(home) != wanted or scene.name not in ONCE:
                _ = run_forked((*scene.words(home, self.run_id), *scene.again), home)
            counts.faults += self._ends(scene, home, wanted)
        except RuntimeError as error:
            counts.faults.append(f"{scene.name}, gone on with: {error}")

    def undisturbed(self, scene: Scene) -> tuple[float, dict[str, str]]:
        """How long the command takes, and the numbers that it comes to."""
        home = self.copy("undisturbed")
        seconds, _ = run_forked(scene.words(home, self.run_id), home)
        return seconds, numbers(home)

    def _kept(self, scene: Scene, before: dict[str, str]) -> dict[str, str]:
        return {} if scene.name in CHANGING else before

    def _ends(self, scene: Scene, home: Path, wanted: dict[str, str]) -> list[str]:
        found = numbers(home)
        if found != wanted:
            return [f"{scene.name}: ends with {sorted(found)}, not {sorted(wanted)}, or with other numbers"]
        if scene.name in ONCE:  # killed after it had stored its run; whoever asks again sweeps
            with contextlib.suppress(RuntimeError):
                _ = run_forked((*scene.words(home, self.run_id), *scene.again), home)
        left = [str(path) for path in (home / "unfinished").glob("*/state.safetensors")]
        return [f"{scene.name}: {path} is left" for path in left]


def numbers(home: Path) -> dict[str, str]:
    """By run a checksum of its chips, and of notes and plans what they say: alike however often it was killed."""
    found = {
        path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((home / "runs").glob("*-*/instances.parquet"))
    }
    for path in sorted((home / "notes").glob("*.json")):
        written = json.loads(path.read_text(encoding="utf-8"))
        found[f"note {path.stem}"] = f"{written['text']} {written['tags']}"
    plans, _ = load_plans(home / "runs")
    return found | {f"plan {name}": plan.model_dump_json() for name, plan in plans.items()}
