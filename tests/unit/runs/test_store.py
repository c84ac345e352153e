import gzip
import hashlib
import itertools
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neft import columns
from neft.errors import RunCorruptError, RunExistsError, RunNotFoundError, RunTooNewError, StoreError
from neft.run_id import is_run_id
from neft.runs import store as store_module
from neft.runs.places import default_data_dir, neft_home
from neft.runs.records import SCHEMA_VERSION, RunRecord
from neft.runs.store import (
    DEVIATIONS,
    DRAFTS,
    HISTORY,
    INSTANCES,
    MAX_UNPACKED,
    PLAIN_DEVIATIONS,
    RECORD,
    WEIGHTS,
    RunStore,
    RunTables,
    Stores,
)
from tests.as_a_user import as_a_user

FILES = ["history.csv", "instances.parquet", "layers.csv", "deviations.csv.gz", "weights.safetensors"]
TRY_TO_WRITE = """
import sys
from pathlib import Path
from neft.errors import StoreError
from neft.runs.store import RunStore
try:
    RunStore(Path(sys.argv[1])).ensure_writable()
except StoreError as error:
    print(error)
"""
NO_IDS = [
    "",
    ".",
    "..",
    "../x",
    "/etc/passwd",
    "a/../b-00000000",
    "a\0-00000000",
    "A-00000000",
    "a-0000000g",
    "..-00000000",
]


@pytest.fixture
def store(filled_store: RunStore, tmp_path: Path) -> RunStore:
    """A store with one run, to change at will."""
    return RunStore(Path(shutil.copytree(filled_store.root, tmp_path / "runs")))


@pytest.fixture
def record(store: RunStore) -> RunRecord:
    return store.record(store.ids()[0])


def beside(record: RunRecord) -> RunRecord:
    """The same run under another id."""
    return record.model_copy(update={"id": f"{record.id[:-8]}{0:08x}", "files": {}})


def everything_below(folder: Path) -> set[Path]:
    """Without the empty folder in which drafts are made."""
    return {path for path in folder.rglob("*") if path.name != DRAFTS}


# ---------------------------------------------------------------- round trip
def test_run_stored_before_ekl_was_calibrated_has_no_number_for_it(store: RunStore, record: RunRecord) -> None:
    tables = store.tables(record)
    later = [columns.CALIBRATED_EKL, columns.CALIBRATION_TEMPERATURE]
    old = replace(tables, instances=tables.instances.drop(columns=later))
    test = tuple(
        row.model_copy(update={"metrics": {name: one for name, one in row.metrics.items() if name not in later}})
        for row in record.summary.test
    )
    before = beside(record).model_copy(update={"summary": record.summary.model_copy(update={"test": test})})

    instances = store.instances(store.save(before, old))

    assert instances[columns.CALIBRATED_EKL].isna().all()
    pd.testing.assert_frame_equal(instances.drop(columns=columns.CALIBRATED_EKL), old.instances)


def test_run_survives_the_store(store: RunStore, record: RunRecord) -> None:
    tables, weights = store.tables(record), store.weights(record)

    saved = store.save(beside(record), tables, weights)

    loaded = store.record(saved.id)
    assert loaded == saved
    assert loaded.model_copy(update={"id": record.id, "files": record.files}) == record
    for name in ("history", "instances", "layers", "deviations"):
        pd.testing.assert_frame_equal(getattr(store.tables(loaded), name), getattr(tables, name))
    again = store.weights(loaded)
    assert list(again) == sorted(weights)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in again.items())


def with_deviations(store: RunStore, record: RunRecord, name: str, content: bytes) -> RunRecord:
    """A run whose deviations are this file, as its record says."""
    folder = store.root / record.id
    (folder / DEVIATIONS).unlink()
    (folder / name).write_bytes(content)
    described = {"sha256": hashlib.sha256(content).hexdigest(), "num_bytes": len(content)}
    raw = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    del raw["files"][DEVIATIONS]
    raw["files"][name] = described
    (folder / RECORD).write_text(json.dumps(raw), encoding="utf-8")
    return store.record(record.id)


def test_deviations_that_an_earlier_version_stored_unpacked_are_the_same_table(
    store: RunStore, record: RunRecord
) -> None:
    packed = store.tables(record).deviations
    content = gzip.decompress((store.root / record.id / DEVIATIONS).read_bytes())

    earlier = with_deviations(store, record, PLAIN_DEVIATIONS, content)

    pd.testing.assert_frame_equal(store.tables(earlier).deviations, packed)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(gzip.compress(bytes(MAX_UNPACKED + 1)), "unpacks to more than 64 MiB", id="bomb"),
        pytest.param(gzip.compress(b"layer,density\na,1\n")[:-4], "is not a table", id="cut short"),
        pytest.param(b"layer,density\na,1\n", "is not a table", id="not packed"),
        pytest.param(b"\x1f\x8b\x08" + bytes(7) + b"\xff" * 40, "is not a table", id="not deflated"),
    ],
)
def test_packed_table_that_cannot_be_unpacked_is_corrupt(
    store: RunStore, record: RunRecord, content: bytes, why: str
) -> None:
    odd = with_deviations(store, record, DEVIATIONS, content)

    with pytest.raises(RunCorruptError, match=why):
        store.tables(odd)


def test_equal_tables_are_packed_to_equal_bytes(store: RunStore, record: RunRecord) -> None:
    again = store.save(beside(record), store.tables(record))

    assert again.files[DEVIATIONS] == record.files[DEVIATIONS]


def test_stored_run_lists_every_file_with_its_sum(store: RunStore, record: RunRecord) -> None:
    assert sorted(record.files) == sorted(FILES)
    assert {path.name for path in (store.root / record.id).iterdir()} == {*FILES, RECORD}


def test_store_lists_what_it_holds(store: RunStore, record: RunRecord) -> None:
    store.save(beside(record), store.tables(record))

    listing = store.list()

    assert [one.id for one in listing.records] == store.ids() == sorted([record.id, beside(record).id])
    assert not listing.problems
    assert record.id in store


def test_listing_again_reads_what_is_new_alone(
    store: RunStore, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    plain = RunStore.record

    def noted(self: RunStore, run_id: str) -> RunRecord:
        read.append(run_id)
        return plain(self, run_id)

    monkeypatch.setattr(RunStore, "record", noted)

    assert RunStore(store.root).list().records == RunStore(store.root).list().records == [record]
    assert read == [record.id]


def test_listing_again_sees_a_record_that_was_written_anew_damaged_or_removed(
    store: RunStore, record: RunRecord
) -> None:
    path = store.root / record.id / RECORD
    assert store.list().records == [record]
    content = path.read_text(encoding="utf-8")

    _ = path.write_text(content.replace('"created": "20', '"created": "21'), encoding="utf-8")
    (anew,) = store.list().records
    assert anew.provenance.created.startswith("21")
    _ = path.write_text("{}", encoding="utf-8")
    assert list(store.list().problems) == [record.id]
    assert not store.list().records
    _ = path.write_text(content, encoding="utf-8")
    assert store.list().records == [record]
    shutil.rmtree(store.root / record.id)
    assert not store.list().records


def test_empty_store_lists_nothing(tmp_path: Path) -> None:
    assert RunStore(tmp_path / "none").list().records == []


def test_run_may_be_stored_without_weights(store: RunStore, record: RunRecord) -> None:
    saved = store.save(beside(record), store.tables(record))

    with pytest.raises(RunNotFoundError, match="without its weights"):
        store.weights(saved)


def test_run_is_never_overwritten(store: RunStore, record: RunRecord) -> None:
    with pytest.raises(RunExistsError, match="already stored"):
        store.save(record, store.tables(record))


def test_deleted_run_is_gone(store: RunStore, record: RunRecord) -> None:
    store.delete(record.id)

    assert record.id not in store
    assert everything_below(store.root) == set()


# ---------------------------------------------------------------- whole or absent
@pytest.mark.parametrize("table", ["history", "instances", "layers", "deviations"])
def test_run_whose_saving_fails_is_absent(store: RunStore, record: RunRecord, table: str) -> None:
    """A column of numbers and text cannot become parquet; a table that is none cannot be written at all."""
    before = everything_below(store.root)
    unwritable = pd.DataFrame({"mixed": [1, "a", object()]}) if table == "instances" else None
    tables = store.tables(record)
    object.__setattr__(tables, table, unwritable)

    with pytest.raises((AttributeError, ValueError)):
        store.save(beside(record), tables)

    assert everything_below(store.root) == before


def test_half_written_run_is_no_run(store: RunStore, record: RunRecord) -> None:
    """What a killed process leaves: a hidden draft, without a record."""
    for draft in (store.root / DRAFTS / ".draft-here-1-abcdefgh", store.root / ".draft-abcdefgh"):
        shutil.copytree(store.root / record.id, draft)
        (draft / RECORD).unlink()

    assert store.ids() == [record.id]
    assert not store.list().problems


def test_half_written_run_goes_when_another_is_stored_later(store: RunStore, record: RunRecord) -> None:
    """Of a killed process that wrote below `.drafts`, and of an earlier version's, which wrote among the runs."""
    earlier = store.root / ".draft-abcdefgh"
    shutil.copytree(store.root / record.id, earlier)
    os.utime(earlier, (1e9, 1e9))
    shutil.rmtree(store.root / DRAFTS, ignore_errors=True)
    store.ensure_writable()
    assert not earlier.exists()

    killed = store.root / DRAFTS / ".draft-elsewhere-1-abcdefgh"
    shutil.copytree(store.root / record.id, killed)
    os.utime(killed, (1e9, 1e9))
    store.save(beside(record), store.tables(record))

    assert list((store.root / DRAFTS).iterdir()) == []


def test_root_changes_when_a_run_comes_or_goes_and_at_nothing_else(store: RunStore, record: RunRecord) -> None:
    """Open pages read all runs again when it does."""
    tables, stamps = store.tables(record), list[int]()
    store.ensure_writable()
    for act in (
        store.ensure_writable,
        lambda: store.save(beside(record), replace(tables, history=pd.DataFrame())),
        store.ensure_writable,
        lambda: store.delete(record.id),
        store.ensure_writable,
    ):
        stamps.append(store.root.stat().st_mtime_ns)
        time.sleep(0.01)  # a coarse clock gives two moments one time
        act()
    stamps.append(store.root.stat().st_mtime_ns)

    changed = [later > earlier for earlier, later in itertools.pairwise(stamps)]
    assert changed == [False, True, False, True, False]


def test_store_whose_root_alone_is_not_writable_says_so_before_a_training(store: RunStore) -> None:
    store.ensure_writable()
    store.root.chmod(0o555)
    try:
        assert as_a_user(TRY_TO_WRITE, store.root) == f"Runs cannot be written to '{store.root}': Permission denied.\n"
    finally:
        store.root.chmod(0o755)


# ---------------------------------------------------------------- what cannot be read
@pytest.fixture
def lost(store: RunStore, record: RunRecord) -> str:
    """The id of a run whose folder is a link that leads to itself: of it the system tells nothing."""
    run_id = beside(record).id
    (store.root / run_id).symlink_to(store.root / run_id)
    return run_id


def test_run_of_which_the_system_tells_nothing_is_named_and_hides_no_other(
    store: RunStore, record: RunRecord, lost: str
) -> None:
    stores = Stores(own=store, shipped=RunStore(store.root / "none"))

    listing = stores.list()

    assert [one.id for one in listing.records] == [record.id]
    assert "run.json cannot be read: Too many levels of symbolic links" in listing.problems[lost]
    assert stores.find(record.id[:-7]) == record.id
    with pytest.raises(RunNotFoundError, match="No run 'another'"):
        stores.find("another")
    assert stores.find(lost) == lost
    for ask in (stores.holder, stores.__contains__, store.has_arrived):
        with pytest.raises(StoreError, match=r"run\.json' cannot be read: Too many levels of symbolic links"):
            ask(lost)


def test_store_whose_root_cannot_be_read_says_so(tmp_path: Path, record: RunRecord) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    store = RunStore(tmp_path / "loop")

    for ask in (store.ids, store.list, lambda: record.id in store):
        with pytest.raises(StoreError, match="cannot be read: Too many levels of symbolic links"):
            ask()


def test_what_cannot_be_read_is_deleted_like_any_run(store: RunStore, record: RunRecord, lost: str) -> None:
    bare = record.model_copy(update={"id": f"{record.id[:-8]}{1:08x}"}).id
    (store.root / bare).mkdir()
    (store.root / bare / HISTORY).write_text("")

    for run_id in (bare, lost):
        store.delete(run_id)
        with pytest.raises(RunNotFoundError, match=run_id):
            store.delete(run_id)

    assert store.list().problems == {}
    assert store.ids() == [record.id]


def test_folder_in_the_place_of_a_run_is_told_before_its_training(store: RunStore, record: RunRecord) -> None:
    other = beside(record)
    (store.root / other.id).mkdir()

    for act in (lambda: store.ensure_writable(other.id), lambda: store.save(other, store.tables(record))):
        with pytest.raises(
            RunExistsError, match=r"cannot be stored: something of its name, without run.json, is there"
        ):
            act()
    with pytest.raises(RunNotFoundError, match=r"it has no run.json"):
        Stores(own=store, shipped=RunStore(store.root / "none")).holder(other.id)


def test_folder_without_a_record_is_named(store: RunStore, record: RunRecord) -> None:
    (store.root / beside(record).id).mkdir()

    listing = store.list()

    assert [one.id for one in listing.records] == [record.id]
    assert "it has no run.json" in listing.problems[beside(record).id]


def test_store_that_cannot_be_written_says_so(record: RunRecord, store: RunStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="cannot be written"):
        RunStore(tmp_path / "file" / "runs").save(record, store.tables(record))


def test_full_disk_is_a_store_error(store: RunStore, record: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that takes no more bytes, as Linux offers one."""
    before = everything_below(store.root)
    tables = store.tables(record)
    monkeypatch.setattr(store_module, "HISTORY", "/dev/full")

    with pytest.raises(StoreError, match=r"cannot be written to .*: No space left on device"):
        store.save(beside(record), tables)

    assert everything_below(store.root) == before


@pytest.mark.parametrize("act", ["save", "delete"])
def test_shipped_runs_are_read_only(store: RunStore, record: RunRecord, act: str) -> None:
    shipped = RunStore(store.root, read_only=True)
    before = everything_below(store.root)

    with pytest.raises(StoreError, match="read-only"):
        shipped.save(beside(record), store.tables(record)) if act == "save" else shipped.delete(record.id)

    assert everything_below(store.root) == before


# ---------------------------------------------------------------- no way out of the folder
@pytest.mark.parametrize("name", NO_IDS)
def test_name_that_is_no_id_is_refused(store: RunStore, record: RunRecord, name: str) -> None:
    before = everything_below(store.root.parent)

    assert name not in store
    for act in (store.record, store.delete):
        with pytest.raises(RunNotFoundError, match="is not a run's id"):
            act(name)
    tables = store.tables(record)
    with pytest.raises(StoreError, match="is not a run's id"):
        store.save(record.model_copy(update={"id": name}), tables)
    with pytest.raises(StoreError):
        store.tables(record.model_copy(update={"id": name}))

    assert everything_below(store.root.parent) == before


@given(name=st.text(max_size=40) | st.from_regex(r"[a-z0-9./-]{1,20}-[0-9a-f]{8}", fullmatch=True))
def test_ids_stay_in_the_folder(name: str) -> None:
    root = Path("/store")
    if is_run_id(name):
        assert (root / name).resolve().parent == root


def test_run_that_names_itself_otherwise_is_corrupt(store: RunStore, record: RunRecord) -> None:
    (store.root / record.id).rename(store.root / beside(record).id)

    assert "names itself" in store.list().problems[beside(record).id]


# ---------------------------------------------------------------- damage
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["changed", "cut", "missing"])
def test_damaged_file_is_named_while_other_runs_work(
    store: RunStore, record: RunRecord, name: str, damage: str
) -> None:
    other = store.save(beside(record), store.tables(record), store.weights(record))
    path = store.root / record.id / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    {
        "changed": lambda: path.write_bytes(bytes(content)),
        "cut": lambda: path.write_bytes(bytes(content[:-1])),
        "missing": path.unlink,
    }[damage]()

    with pytest.raises(RunCorruptError, match=rf"Run '{record.id}' is corrupt: {name}"):
        _ = store.weights(record) if name == WEIGHTS else store.tables(record)
    assert len(store.list().records) == 2
    assert len(store.tables(other).instances) == 6
    assert store.weights(other)


def rewrite(store: RunStore, record: RunRecord, **changes: object) -> None:
    path = store.root / record.id / RECORD
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_run_of_a_newer_version_says_so(store: RunStore, record: RunRecord) -> None:
    rewrite(store, record, schema_version=SCHEMA_VERSION + 1, unheard_of="thing")

    with pytest.raises(RunTooNewError, match=r"made by a newer version of neft .* Update neft to open it"):
        store.record(record.id)
    assert "newer version" in store.list().problems[record.id]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b"\xff\xfe",
        b"{}",
        b'{"schema_version": Infinity}',
        b'{"schema_version": "x"}',
        b'{"schema_version": 1}',
        b"[" * 9000,
    ],
    ids=lambda content: repr(content[:30]),
)
def test_record_that_is_none_is_corrupt_while_other_runs_work(
    store: RunStore, record: RunRecord, content: bytes
) -> None:
    other = store.save(beside(record), store.tables(record))
    (store.root / record.id / RECORD).write_bytes(content)

    with pytest.raises(RunCorruptError, match=record.id):
        store.record(record.id)
    listing = store.list()
    assert [one.id for one in listing.records] == [other.id]
    assert list(listing.problems) == [record.id]


def test_record_that_cannot_be_read_is_corrupt(store: RunStore, record: RunRecord) -> None:
    (store.root / record.id / RECORD).unlink()
    (store.root / record.id / RECORD).mkdir()

    assert "run.json cannot be read" in store.list().problems[record.id]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 4000), byte=st.integers(0, 255))
def test_any_byte_of_a_record_may_change_without_harm(
    store: RunStore, filled_store: RunStore, position: int, byte: int
) -> None:
    """Listing answers, whatever a record holds."""
    run_id = store.ids()[0]
    content = bytearray((filled_store.root / run_id / RECORD).read_bytes())
    content[position % len(content)] = byte
    (store.root / run_id / RECORD).write_bytes(bytes(content))

    listing = store.list()

    assert len(listing.records) + len(listing.problems) == 1


def test_table_that_is_none_is_corrupt_though_its_sum_is_right(store: RunStore, record: RunRecord) -> None:
    path = store.root / record.id / INSTANCES
    path.write_bytes(b"no parquet")
    files = record.files | {INSTANCES: store_module._describe(path)}

    with pytest.raises(RunCorruptError, match=r"instances\.parquet is not a table"):
        store.instances(record.model_copy(update={"files": files}))


# ---------------------------------------------------------------- two stores as one
def test_own_run_wins_over_the_shipped_one(store: RunStore, record: RunRecord, tmp_path: Path) -> None:
    own = RunStore(tmp_path / "own")
    changed = record.model_copy(update={"provenance": record.provenance.model_copy(update={"command": "mine"})})
    own.save(changed, store.tables(record))
    stores = Stores(own=own, shipped=RunStore(store.root, read_only=True))

    assert [one.provenance.command for one in stores.list().records] == ["mine"]
    assert stores.holder(record.id) is own


def test_both_stores_are_listed(store: RunStore, record: RunRecord, tmp_path: Path) -> None:
    own = RunStore(tmp_path / "own")
    own.save(beside(record), store.tables(record))
    stores = Stores(own=own, shipped=store)

    assert [one.id for one in stores.list().records] == [beside(record).id, record.id]
    assert record.id in stores
    assert beside(record).id in stores


def test_run_that_neither_store_has_is_not_found(store: RunStore, record: RunRecord) -> None:
    with pytest.raises(RunNotFoundError, match="See `neft runs`"):
        Stores(own=store, shipped=store).holder(beside(record).id)


def renamed(record: RunRecord, run_id: str) -> RunRecord:
    return record.model_copy(update={"id": run_id, "files": {}})


IDS = [f"digits-mlp-{method}-seed{seed}-{seed:08x}" for method in ("irs", "ovf") for seed in range(4)]


@pytest.fixture
def many(store: RunStore, record: RunRecord, tmp_path: Path) -> Stores:
    """Eight runs in three stores, one of them in two."""
    stores = Stores(
        own=RunStore(tmp_path / "own"), others=(RunStore(tmp_path / "other"),), shipped=RunStore(tmp_path / "shipped")
    )
    tables = store.tables(record)
    for index, run_id in enumerate(IDS):
        stores.all[index % 3].save(renamed(record, run_id), tables)
    stores.shipped.save(renamed(record, IDS[0]), tables)
    return stores


def test_run_is_found_by_its_id_in_every_store(many: Stores) -> None:
    assert [many.find(run_id) for run_id in IDS] == IDS


@pytest.mark.parametrize(("beginning", "index"), [("digits-mlp-irs-seed0", 0), ("digits-mlp-ovf-seed3-0000", 7)])
def test_run_is_found_by_any_beginning_that_no_other_has(many: Stores, beginning: str, index: int) -> None:
    assert many.find(beginning) == IDS[index]


def test_beginning_of_several_runs_is_refused_with_some_of_them_and_their_number(many: Stores) -> None:
    few, all_of_them = "digits-mlp-irs", "digits"

    with pytest.raises(RunNotFoundError) as refused_few:
        many.find(few)
    with pytest.raises(RunNotFoundError) as refused_all:
        many.find(all_of_them)

    assert str(refused_few.value) == f"4 runs begin with '{few}': {', '.join(IDS[:3])}, …. Give more of the id."
    assert str(refused_all.value) == f"8 runs begin with 'digits': {', '.join(IDS[:3])}, …. Give more of the id."


def test_no_name_of_several_runs_is_cut_however_long(tmp_path: Path) -> None:
    ids = [f"{'d' * 55}-{number:08x}" for number in range(4)]
    for run_id in ids:
        (tmp_path / run_id).mkdir()
        (tmp_path / run_id / RECORD).touch()
    store = RunStore(tmp_path)

    with pytest.raises(RunNotFoundError) as refused:
        _ = Stores(own=store, shipped=store).find("d")

    assert ", ".join(ids[:3]) in str(refused.value)
    assert str(refused.value).endswith("Give more of the id.")


def test_run_that_is_not_there_is_refused_with_the_nearest(many: Stores) -> None:
    with pytest.raises(
        RunNotFoundError, match=r"No run 'digits-mlp-osf-seed2'\. Nearest: digits-mlp-ovf-seed2-00000002"
    ):
        many.find("digits-mlp-osf-seed2")


@pytest.mark.parametrize("name", [name for name in NO_IDS if name])
def test_beginning_never_leaves_the_folder(many: Stores, name: str) -> None:
    with pytest.raises(RunNotFoundError, match="See `neft runs`"):
        many.find(name)


def test_every_store_is_listed_once(many: Stores) -> None:
    assert sorted(one.id for one in many.list().records) == IDS


def test_another_folder_to_write_to_leaves_the_usual_ones_to_be_read(tmp_path: Path) -> None:
    usual, stores = Stores.default(), Stores.at(tmp_path / "elsewhere")

    assert [one.root for one in stores.all] == [tmp_path / "elsewhere", usual.own.root, usual.shipped.root]
    assert [one.root for one in Stores.at(None).all] == [one.root for one in usual.all]


# ---------------------------------------------------------------- many runs
LISTINGS: list[str] = []
WATCHING: list[Path] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if WATCHING and event in ("os.listdir", "os.scandir") and Path(str(arguments[0])) in WATCHING:
        LISTINGS.append(event)


sys.addaudithook(_watch)  # can never be taken away: it looks on only while a folder is watched


@pytest.fixture
def listings(many: Stores) -> Iterator[list[str]]:
    """Every listing of the own store's folder from now on."""
    LISTINGS.clear()
    WATCHING.append(many.own.root)
    yield LISTINGS
    WATCHING.clear()


def test_arrival_of_a_run_is_seen_without_listing_the_store(many: Stores, listings: list[str]) -> None:
    assert all(many.own.has_arrived(run_id) for run_id in many.own.ids() * 100)

    assert len(listings) == 1  # of `ids` itself


def test_run_that_seems_lost_is_looked_for_among_all(many: Stores, listings: list[str]) -> None:
    assert not many.own.has_arrived(IDS[1])

    assert len(listings) == 1


def test_writing_a_run_lists_no_other(many: Stores, record: RunRecord, store: RunStore, listings: list[str]) -> None:
    many.own.ensure_writable()
    many.own.save(renamed(record, beside(record).id), store.tables(record))

    assert listings == []


def test_folders_follow_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NEFT_DATA_DIR", str(tmp_path / "data"))

    assert neft_home() == tmp_path / "home"
    assert default_data_dir() == tmp_path / "data"
    assert Stores.default().own.root == tmp_path / "home" / "runs"
    assert Stores.default().shipped.read_only


def test_tables_are_plain_files(store: RunStore, record: RunRecord) -> None:
    """Anyone reads them without this package."""
    tables: RunTables = store.tables(record)

    assert len(pd.read_csv(store.root / record.id / HISTORY)) == record.summary.num_epochs == len(tables.history)
    assert replace(tables).history is tables.history


@pytest.mark.parametrize("terms", ["x", float("inf"), [3], {}])
def test_older_record_with_facts_of_no_sense_is_corrupt_while_others_work(
    store: RunStore, record: RunRecord, terms: object
) -> None:
    path = store.root / record.id / "run.json"
    raw = json.loads(path.read_text(encoding="utf-8"))
    facts = raw["facts"] | {"method": "ovf", "num_feedback": terms}
    other = store.save(beside(record), store.tables(record))
    path.write_text(json.dumps(raw | {"schema_version": 1, "facts": facts}), encoding="utf-8")

    listing = store.list()

    assert [one.id for one in listing.records] == [other.id]
    assert "num_feedback" in listing.problems[record.id]


def with_a_later_part(raw: dict[str, Any]) -> None:
    raw["config"]["later"] = 7


def with_a_part_of_a_long_name(raw: dict[str, Any]) -> None:
    raw["config"]["x" * 900] = [1]


def with_a_word_for_a_precision(raw: dict[str, Any]) -> None:
    raw["config"]["evaluation"] |= {"precision": "fine", "min_instances": 30}


def with_no_images_a_step(raw: dict[str, Any]) -> None:
    raw["config"]["training"]["batch_size"] = 0


def without_accuracy(raw: dict[str, Any]) -> None:
    del raw["summary"]["test"][0]["metrics"]["accuracy"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (with_a_later_part, "'later' of its config is no settings"),
        (with_a_part_of_a_long_name, "of its config is no settings"),
        (with_a_word_for_a_precision, "evaluation.precision of its config must be a number from 0 to 1; got 'fine'"),
        (with_no_images_a_step, "training.batch_size of its config must be a number from 1 to 1e+09; got 0"),
        (without_accuracy, "its summary lacks the accuracy"),
    ],
)
def test_record_whose_parts_are_of_no_use_is_corrupt(
    store: RunStore, record: RunRecord, change: Callable[[dict[str, Any]], None], why: str
) -> None:
    path = store.root / record.id / RECORD
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    change(raw)
    path.write_text(json.dumps(raw), encoding="utf-8")

    (said,) = store.list().problems.values()
    assert why in said
    assert len(said) <= 300


@pytest.mark.parametrize("column", [columns.SIGMA_D, columns.INSTANCE, columns.ACCURACY])
@pytest.mark.parametrize("made", ["absent", "words"])
def test_chips_without_the_numbers_of_every_chip_are_corrupt(
    store: RunStore, record: RunRecord, column: str, made: str
) -> None:
    tables = store.tables(record)
    chips = tables.instances
    changed = chips.drop(columns=column) if made == "absent" else chips.assign(**{column: "many"})
    other = record.model_copy(update={"id": f"{record.id[:-8]}00000000"})
    other = store.save(other, replace(tables, instances=changed))

    with pytest.raises(RunCorruptError, match=r"lack the column|must hold numbers alone"):
        store.instances(other)
