"""A full disk is told in one sentence, leaves no draft, and whatever was asked goes on when there is room."""

import io
import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from dashboard.data import exchange
from dashboard.jobs import jobs
from neft.config import RunConfig
from neft.errors import BundleError, NeftError
from neft.pipeline import Settings, run
from neft.runs import notes, plans
from neft.runs.bundles import export_runs
from neft.runs.files import DRAFT, TEMPORARY
from neft.runs.places import neft_home
from neft.runs.plans import PlanEntry, PlanRecord, load_plans
from neft.runs.records import RunRecord
from neft.runs.store import WEIGHTS, RunStore, Stores
from tests.cli.conftest import Neft

REFUSED = "File too large"
"""What the system says where a file may not grow; of a full disk it says another word, at the same place."""
NOWHERE = RunStore(Path("/nonexistent"), read_only=True)


def no_process(_job_id: str, _words: Sequence[str]) -> int:
    """None is needed to write a job down."""
    return os.getpid()


@contextmanager
def no_room(num_bytes: int = 0) -> Generator[None]:
    """No file of this process can grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary folders."""
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")
    monkeypatch.setattr(jobs, "begin", no_process)
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
def record(filled_store: RunStore) -> RunRecord:
    return filled_store.record(filled_store.ids()[0])


def drafts(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if DRAFT.fullmatch(path.name) or TEMPORARY.fullmatch(path.name)]


def a_plan(record: RunRecord, _config: RunConfig) -> bool:
    entry = PlanEntry(experiment="a", series="b", setting="c", position=0, sigma_d=0.1, seed=0, run_id=record.id)
    plans.save_plan(neft_home() / "runs", PlanRecord(name="a", preset="a", command="neft sweep a", entries=(entry,)))
    return "a" in load_plans(neft_home() / "runs")[0]


def a_note(record: RunRecord, _config: RunConfig) -> bool:
    notes.write_note(record.id, notes.make_note("A note"))
    return notes.read_note(record.id) is not None


def a_job(_record: RunRecord, config: RunConfig) -> bool:
    job_id = jobs.start(config.to_json(), run_id=config.run_id, command="neft train", num_epochs=2)
    return [job.id for job in jobs.jobs()] == [job_id]


@pytest.mark.parametrize("write", [a_plan, a_note, a_job])
def test_full_disk_is_told_in_one_sentence_and_what_was_asked_goes_on_when_there_is_room(
    write: Callable[[RunRecord, RunConfig], bool], record: RunRecord, small_config: RunConfig
) -> None:
    with no_room(), pytest.raises(NeftError) as refused:
        write(record, small_config)

    assert f"cannot be written to '{neft_home()}" in str(refused.value)
    assert str(refused.value).endswith(f": {REFUSED}.")
    assert len(str(refused.value)) <= 300
    assert drafts(neft_home()) == []
    assert write(record, small_config)


def test_export_onto_a_full_disk(
    neft: Neft,
    filled_store: RunStore,
    record: RunRecord,
    tmp_path: Path,
) -> None:
    (neft_home()).mkdir()
    (neft_home() / "runs").symlink_to(filled_store.root)
    words = ("export", record.id, "--out", str(tmp_path / "runs.zip"))
    with no_room(1000):
        answer = neft(*words)

    assert answer.err.strip() == f"Error: --out: 'runs.zip' cannot be written to '{tmp_path}': {REFUSED}."
    assert drafts(tmp_path) == []
    assert not (tmp_path / "runs.zip").exists()
    assert neft(*words).code == 0


@pytest.fixture(scope="module")
def two(
    filled_store: RunStore, small_config: RunConfig, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, int, str]:
    """A bundle of two runs, so many bytes that only the files of the second, without weights, fit, and its id."""
    root = tmp_path_factory.mktemp("two")
    shutil.copytree(filled_store.root, root / "runs")
    stores = Stores(own=RunStore(root / "runs"), shipped=NOWHERE)
    training = small_config.training.model_dump() | {"seed": 1, "epochs": 1}
    other = RunConfig.make(**small_config.model_dump() | {"training": training})
    light = run(other, Settings(store=stores.own, weights="none", unfinished_root=root / "unfinished"))
    path = root / "two.zip"
    with path.open("w+b") as file:
        export_runs([small_config.run_id, light.id], stores, file)
    room = filled_store.record(small_config.run_id).files[WEIGHTS].num_bytes - 1
    assert all(one.stat().st_size < room for one in (root / "runs" / light.id).iterdir())
    return path, room, light.id


def test_import_onto_a_full_disk_takes_what_fits_and_says_what_it_took(
    two: tuple[Path, int, str],
    record: RunRecord,
    neft: Neft,
) -> None:
    path, room, light = two
    with no_room(room):
        answer = neft("import", str(path))

    home = neft_home() / "runs"
    words = f"Run '{record.id}' cannot be written to '{home}': {REFUSED}."
    assert answer.err.splitlines()[-1] == f"Error: 1 of 2 runs is refused (1 taken): {words}"
    assert RunStore(home).ids() == [light]
    assert drafts(neft_home()) == []

    assert neft("import", str(path)).code == 0
    assert RunStore(home).ids() == sorted([light, record.id])


@pytest.mark.parametrize("place", ["full", "nowhere"])
def test_look_into_a_file_without_room_for_temporary_folders(
    two: tuple[Path, int, str],
    place: str,
    temporary: Path,
    neft: Neft,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = temporary if place == "full" else temporary / "nowhere"
    why = REFUSED if place == "full" else "No such file or directory"
    with monkeypatch.context() as patch, no_room(two[1]):
        patch.setattr(tempfile, "tempdir", str(given))
        answer = neft("import", str(two[0]), "--dry-run")

    assert answer.err.strip() == f"Error: What is in the file cannot be written to '{given}': {why}."
    assert (answer.code, answer.out, drafts(temporary)) == (2, "", [])
    assert neft("import", str(two[0]), "--dry-run").code == 0


def test_file_given_to_a_page_without_room_for_temporary_folders(temporary: Path) -> None:
    with no_room(), pytest.raises(BundleError, match=rf"The file cannot be written to '{temporary}': {REFUSED}\."):
        exchange.take_in(io.BytesIO(b"content"), ())

    assert list(temporary.iterdir()) == []
