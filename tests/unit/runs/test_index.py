"""An index makes listings fast and is never the truth: whatever becomes of it, a listing says what the runs say."""

import copy
import gc
import pickle
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from neft import tables
from neft.runs import index
from neft.runs import store as store_module
from neft.runs.packed import PackedRecord, pack, unpack
from neft.runs.places import CACHED_RUNS, neft_home
from neft.runs.records import RunRecord
from neft.runs.store import RECORD, RECORDS, RunStore, Stores

NUM_RUNS = 6


@pytest.fixture
def store(filled_store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """A store that is large enough to have an index."""
    monkeypatch.setattr(store_module, "FEWEST_INDEXED", 3)
    root = tmp_path / "runs"
    (record,) = filled_store.list().records
    for count in range(NUM_RUNS):
        run_id = f"{record.id[:-8]}{count:08x}"
        shutil.copytree(filled_store.root / record.id, root / run_id)
        changed = record.model_copy(update={"id": run_id})
        (root / run_id / RECORD).write_text(changed.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return RunStore(root)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids whose run.json was read."""
    found: list[str] = []
    plain = RunStore.record

    def noted(self: RunStore, run_id: str) -> RunRecord:
        found.append(run_id)
        return plain(self, run_id)

    monkeypatch.setattr(RunStore, "record", noted)
    return found


def forget() -> None:
    """What a process that begins now does not know."""
    store_module._LISTED.clear()
    store_module._MADE.clear()


def of_the_runs(store: RunStore) -> tuple[list[RunRecord], list[str]]:
    """What the runs themselves say: records, and the ids of those that cannot be read."""
    found: list[RunRecord] = []
    damaged: list[str] = []
    for run_id in store.ids():
        try:
            found.append(store.record(run_id))
        except store_module.StoreError:
            damaged.append(run_id)
    return found, damaged


def assert_says_what_the_runs_say(store: RunStore) -> None:
    forget()
    listing = store.list()
    assert (listing.records, [*listing.problems]) == of_the_runs(store)


def index_of(store: RunStore) -> Path:
    (path,) = (neft_home() / index.FOLDER).iterdir()
    return path


def kept_ids(store: RunStore) -> list[str]:
    return sorted(index.load(store.root, RECORDS))


# ---------------------------------------------------------------- what it is for
def test_another_process_reads_no_record_that_the_index_has(store: RunStore, read: list[str]) -> None:
    first = store.list().records
    forget()

    again = store.list().records

    assert again == first
    assert sorted(read) == store.ids()


def test_new_run_is_read_alone_and_a_removed_one_is_forgotten(store: RunStore, read: list[str]) -> None:
    store.list()
    gone, moved = store.ids()[0], store.ids()[1]
    new = f"{moved[:-8]}{99:08x}"
    shutil.rmtree(store.root / gone)
    record = store.record(moved).model_copy(update={"id": new})
    shutil.copytree(store.root / moved, store.root / new)
    (store.root / new / RECORD).write_text(record.model_dump_json(), encoding="utf-8")
    forget()
    read.clear()

    listing = store.list()

    assert read == [new]
    assert [one.id for one in listing.records] == store.ids() == kept_ids(store)


def test_small_store_has_no_index(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "FEWEST_INDEXED", NUM_RUNS + 1)

    store.list()

    assert not (neft_home() / index.FOLDER).exists()


def test_store_itself_is_left_as_it_is(store: RunStore) -> None:
    before = {path: path.stat().st_mtime_ns for path in [store.root, *store.root.rglob("*")]}

    RunStore(store.root, read_only=True).list()

    assert index_of(store).is_file()
    assert {path: path.stat().st_mtime_ns for path in [store.root, *store.root.rglob("*")]} == before


def test_index_of_a_store_that_is_no_more_goes_when_another_store_gets_one(store: RunStore, tmp_path: Path) -> None:
    store.list()
    lost = index_of(store)
    moved = RunStore(store.root.rename(tmp_path / "moved"))

    moved.list()

    assert not lost.exists()
    assert index_of(moved).is_file()


def test_listing_leaves_the_collection_of_garbage_as_it_was(store: RunStore) -> None:
    assert gc.isenabled()
    store.list()
    assert gc.isenabled()
    gc.disable()
    try:
        forget()
        store.list()
        assert not gc.isenabled()
    finally:
        gc.enable()


# ---------------------------------------------------------------- what it must not do
def test_record_that_was_written_anew_or_damaged_is_not_taken_from_the_index(store: RunStore) -> None:
    store.list()
    anew, damaged, other, newer = (store.root / run_id / RECORD for run_id in store.ids()[:4])
    text = anew.read_text(encoding="utf-8")
    anew.write_text(text.replace('"created": "20', '"created": "21'), encoding="utf-8")
    damaged.write_text("{}", encoding="utf-8")
    other.write_text(text, encoding="utf-8")
    newer.write_text(newer.read_text(encoding="utf-8").replace('"schema_version": ', '"schema_version": 9'), "utf-8")

    forget()
    listing = store.list()

    assert listing.records[0].provenance.created.startswith("21")
    assert [*listing.problems] == [path.parent.name for path in (damaged, other, newer)]
    assert_says_what_the_runs_say(store)


def overwritten(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def of_another_table(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE made (kind TEXT, id TEXT)")
        database.execute("INSERT INTO made VALUES ('records', 'x')")
        database.execute('CREATE TABLE "a""b" (x)')
        database.commit()


def of_other_code(path: Path) -> None:
    changed(path, "UPDATE made SET code = 'newer'")


def with_other_words(path: Path) -> None:
    """Records that could be read, but say something else."""
    with closing(sqlite3.connect(path)) as database:
        for run_id, text in database.execute("SELECT run_id, text FROM made WHERE kind = 'records'").fetchall():
            record = unpack(run_id, text)
            forged = pack(record.model_copy(update={"facts": record.facts.model_copy(update={"label": "Forged"})}))
            database.execute("UPDATE made SET text = ? WHERE run_id = ?", (forged, run_id))
        database.commit()


def with_odd_types(path: Path) -> None:
    changed(path, "UPDATE made SET text = 'words', crc = 'x', size = NULL")


def changed(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement)
        database.commit()


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(overwritten(b""), id="empty"),
        pytest.param(overwritten(b"no database" * 500), id="no database"),
        pytest.param(cut_short, id="torn"),
        pytest.param(of_another_table, id="foreign"),
        pytest.param(of_other_code, id="newer"),
        pytest.param(with_other_words, id="forged"),
        pytest.param(with_odd_types, id="odd types"),
        pytest.param(Path.unlink, id="missing"),
    ],
)
def test_index_that_is_not_right_is_made_again_and_costs_no_word(
    store: RunStore, read: list[str], harm: Callable[[Path], object]
) -> None:
    store.list()
    harm(index_of(store))

    assert_says_what_the_runs_say(store)

    forget()
    read.clear()
    store.list()
    assert not read
    assert kept_ids(store) == store.ids()


def test_any_byte_of_an_index_may_change_without_harm(store: RunStore) -> None:
    store.list()
    path = index_of(store)
    content = path.read_bytes()
    rng = random.Random(0)  # noqa: S311 - any bytes do
    for _ in range(60):
        place = rng.randrange(len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ rng.randrange(1, 256)]) + content[place + 1 :])
        assert_says_what_the_runs_say(store)


def test_index_of_one_store_is_not_anothers(store: RunStore, filled_store: RunStore, tmp_path: Path) -> None:
    store.list()
    first = index_of(store)
    copied = RunStore(Path(shutil.copytree(store.root, tmp_path / "copied")))
    shutil.rmtree(copied.root / copied.ids()[0])
    copied.list()
    (second,) = set((neft_home() / index.FOLDER).iterdir()) - {first}
    shutil.copyfile(first, second)

    assert_says_what_the_runs_say(copied)


@pytest.mark.parametrize("obstacle", ["file", "folder", "full disk"])
def test_index_that_cannot_be_written_is_done_without(store: RunStore, obstacle: str) -> None:
    store.list()
    path = index_of(store)
    path.unlink()
    if obstacle == "file":
        path.parent.rmdir()
        path.parent.write_text("in the way", encoding="utf-8")
    elif obstacle == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/full")

    assert_says_what_the_runs_say(store)
    assert not index.load(store.root, RECORDS)


def test_index_in_which_another_process_writes_is_done_without(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "PATIENCE", 0.05)
    store.list()
    with closing(sqlite3.connect(index_of(store), isolation_level=None)) as writing:
        writing.execute("BEGIN EXCLUSIVE")
        shutil.rmtree(store.root / store.ids()[0])

        assert_says_what_the_runs_say(store)


def test_several_processes_at_once_list_the_same_and_leave_a_whole_index(store: RunStore) -> None:
    script = (
        "import sys; from pathlib import Path; from neft.runs import index, store as s; s.FEWEST_INDEXED = 3\n"
        "root = Path(sys.argv[1])\n"
        "for _ in range(20):\n"
        "    s._LISTED.clear(); print(*(one.id for one in s.RunStore(root).list().records))\n"
        "    index._path(root).unlink(missing_ok=True)\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", script, str(store.root)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in started:
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert set(said.splitlines()) == {" ".join(store.ids())}

    assert_says_what_the_runs_say(store)
    assert kept_ids(store) == store.ids()


# ---------------------------------------------------------------- what is made of records
def test_text_is_made_once_of_a_record_and_anew_of_one_that_was_written_anew(store: RunStore) -> None:
    made: list[str] = []

    def make(record: RunRecord) -> bytes:
        made.append(record.id)
        return record.provenance.created.encode()

    first = store.made("created", make)
    forget()
    assert store.made("created", make) == first
    assert sorted(made) == store.ids() == sorted(first)
    changed = store.root / store.ids()[0] / RECORD
    changed.write_text(
        changed.read_text(encoding="utf-8").replace('"created": "20', '"created": "21'), encoding="utf-8"
    )
    made.clear()
    forget()

    again = store.made("created", make)

    assert made == [changed.parent.name]
    assert again[changed.parent.name].startswith(b"21")


def test_table_of_stored_runs_is_that_of_their_records(store: RunStore, tmp_path: Path) -> None:
    some = tmp_path / "shipped"
    some.mkdir()
    for run_id in RunStore(CACHED_RUNS).ids()[::40]:
        (some / run_id).symlink_to(CACHED_RUNS / run_id)
    stores = Stores(own=store, shipped=RunStore(some, read_only=True))
    records = stores.list().records
    wanted = tables.runs_table(records).assign(data_key=[tables.data_key(record) for record in records])

    for _ in range(2):
        pd.testing.assert_frame_equal(tables.stored_runs_table(stores), wanted)
        forget()


def test_table_of_no_stored_runs_has_its_columns(tmp_path: Path) -> None:
    nothing = RunStore(tmp_path / "none")

    found = tables.stored_runs_table(Stores(own=nothing, shipped=nothing))

    assert found.empty
    assert list(found.columns) == [*tables.RUN_COLUMNS, tables.DATA_KEY]


# ---------------------------------------------------------------- packed records
def test_packed_record_is_the_record(store: RunStore) -> None:
    record = store.record(store.ids()[0])
    packed = pack(record)
    assert packed is not None

    found = unpack(record.id, packed)

    assert isinstance(found, PackedRecord)
    for name in RunRecord.model_fields:
        assert getattr(found, name) == getattr(record, name)
    assert found == record
    assert record == found
    assert found == unpack(record.id, packed)
    assert dict(found) == dict(record)
    assert repr(found) == repr(record).replace("RunRecord(", "PackedRecord(", 1)
    assert copy.copy(found) == copy.deepcopy(found) == record
    assert found.model_dump() == record.model_dump()
    assert found.model_dump_json(indent=1) == record.model_dump_json(indent=1)
    assert found.model_copy(update={"id": "x"}) == record.model_copy(update={"id": "x"})
    assert found != record.model_copy(update={"id": "x"})
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = found.nothing


def test_shipped_records_can_all_be_packed() -> None:
    shipped = RunStore(CACHED_RUNS, read_only=True)
    for run_id in shipped.ids()[::40]:
        record = shipped.record(run_id)
        packed = pack(record)
        assert packed is not None
        assert unpack(run_id, packed) == record


def test_record_that_packing_would_change_stays_as_it_is(
    store: RunStore, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = store.ids()[0]

    def pack_others(record: RunRecord) -> bytes | None:
        return None if record.id == one else pack(record)

    monkeypatch.setattr("neft.runs.store.pack", pack_others)

    assert_says_what_the_runs_say(store)
    assert kept_ids(store) == sorted(store.ids())[1:]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_packed_record_can_be_handed_to_another_process(filled_store: RunStore, protocol: int) -> None:
    (record,) = filled_store.list().records
    packed = pack(record)
    assert packed is not None

    handed = pickle.loads(pickle.dumps(unpack(record.id, packed), protocol))  # noqa: S301 - our own, of a moment ago

    assert handed == record
