"""Runs survive a zip file; whatever else a zip file holds, the store stays as it was."""

import hashlib
import io
import json
import shutil
import stat
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neft.errors import BundleError, RunNotFoundError, StoreError
from neft.runs import checks
from neft.runs.bundles import Found, archive, export_runs, import_runs, look_into
from neft.runs.bundles.manifest import MANIFEST_VERSION
from neft.runs.notes import delete_note, make_note, read_note, write_note
from neft.runs.records import SCHEMA_VERSION, RunRecord, WorstCaseSummary
from neft.runs.store import DRAFTS, HISTORY, INSTANCES, RECORD, WEIGHTS, WORST_CASE, RunStore, Stores

Files = dict[str, bytes]
NOTHING = RunStore(Path("/nonexistent"), read_only=True)


@pytest.fixture(scope="session")
def record(filled_store: RunStore) -> RunRecord:
    return filled_store.record(filled_store.ids()[0])


@pytest.fixture(scope="session")
def bundle(filled_store: RunStore, record: RunRecord) -> bytes:
    """A bundle of one run."""
    target = io.BytesIO()
    export_runs([record.id], Stores(own=filled_store, shipped=NOTHING), target)
    return target.getvalue()


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    """Where to import to: an empty home."""
    return Stores(own=RunStore(tmp_path / "runs"), shipped=NOTHING)


def unzipped(content: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def zipped(files: Files) -> io.BytesIO:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return target


def in_hand(record: RunRecord, store: RunStore, folder: str = "") -> Files:
    """A run's own folder, as a file manager zips it."""
    return {f"{folder}{path.name}": path.read_bytes() for path in (store.root / record.id).iterdir()}


def changed_record(files: Files, change: Callable[[dict[str, object]], object], path: str = RECORD) -> Files:
    raw = json.loads(files[path])
    change(raw)
    return files | {path: json.dumps(raw).encode()}


def with_file(store: RunStore, record: RunRecord, name: str, content: bytes) -> Files:
    """A run's own folder with another file in the place of one, as its record says."""
    described = {"sha256": hashlib.sha256(content).hexdigest(), "num_bytes": len(content)}
    files = changed_record(
        in_hand(record, store),
        lambda raw: raw["files"].update({name: described}),  # type: ignore[union-attr]
    )
    return files | {name: content}


def everything_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.name != DRAFTS} if folder.is_dir() else set()


def refused(source: io.BytesIO, stores: Stores) -> str:
    """Why the file's one run is refused, by a look and by an import alike; nothing is stored."""
    looked, (found,) = look_into(source, stores), import_runs(source, stores)
    assert looked == (found,)
    assert found.status == "refused"
    assert everything_below(stores.own.root) == set()
    return found.words


def refused_whole(source: io.BytesIO, stores: Stores) -> str:
    """Why the file is refused as a whole; nothing is stored."""
    with pytest.raises(BundleError) as looked:
        look_into(source, stores)
    with pytest.raises(BundleError) as imported:
        import_runs(source, stores)
    assert str(looked.value) == str(imported.value)
    assert everything_below(stores.own.root) == set()
    return str(imported.value)


# ---------------------------------------------------------------- round trip
def test_run_is_the_same_after_export_and_import(
    bundle: bytes, stores: Stores, filled_store: RunStore, record: RunRecord
) -> None:
    (found,) = import_runs(io.BytesIO(bundle), stores)

    assert (found.status, found.run_id, found.record) == ("imported", record.id, record)
    assert stores.own.record(record.id) == record
    for name in ("history", "instances", "layers", "deviations"):
        theirs = getattr(filled_store.tables(record), name)
        pd.testing.assert_frame_equal(getattr(stores.own.tables(record), name), theirs)
    for path in (filled_store.root / record.id).iterdir():
        assert (stores.own.root / record.id / path.name).read_bytes() == path.read_bytes()
    assert everything_below(stores.own.root) == {
        stores.own.root / record.id,
        *(stores.own.root / record.id / path.name for path in (filled_store.root / record.id).iterdir()),
    }


def test_look_stores_nothing(bundle: bytes, stores: Stores, record: RunRecord) -> None:
    (found,) = look_into(io.BytesIO(bundle), stores)

    assert (found.status, found.run_id, found.record) == ("new", record.id, record)
    assert found.num_bytes == sum(len(content) for name, content in unzipped(bundle).items() if "/" in name)
    assert not stores.own.root.exists()


def test_the_very_same_run_is_passed_over(bundle: bytes, stores: Stores) -> None:
    import_runs(io.BytesIO(bundle), stores)
    before = everything_below(stores.own.root)

    (found,) = import_runs(io.BytesIO(bundle), stores)

    assert (found.status, found.words) == ("there", "")
    assert everything_below(stores.own.root) == before


def test_run_that_ships_is_there_already(bundle: bytes, stores: Stores, filled_store: RunStore) -> None:
    shipped = Stores(own=stores.own, shipped=RunStore(filled_store.root, read_only=True))

    (found,) = import_runs(io.BytesIO(bundle), shipped)

    assert found.status == "there"
    assert stores.own.ids() == []


def test_another_run_of_the_same_id_is_refused_and_ours_stays(
    bundle: bytes, stores: Stores, filled_store: RunStore, record: RunRecord
) -> None:
    ours = record.model_copy(
        update={"provenance": record.provenance.model_copy(update={"created": "2020-01-01T00:00:00+00:00"})}
    )
    stores.own.save(ours, filled_store.tables(record))

    (found,) = import_runs(io.BytesIO(bundle), stores)

    assert found.status == "refused"
    assert (
        "is stored here already, made 2020-01-01T00:00:00+00:00; the one in the file has the same numbers"
        in found.words
    )
    assert stores.own.record(record.id).provenance.created == "2020-01-01T00:00:00+00:00"


def test_manifest_names_every_file_with_its_sum_and_the_command(bundle: bytes, record: RunRecord) -> None:
    files = unzipped(bundle)
    manifest = json.loads(files["manifest.json"])

    (run,) = manifest["runs"]
    assert (run["id"], run["command"]) == (record.id, record.provenance.command)
    assert set(run["files"]) == {RECORD, *record.files}
    for name, described in run["files"].items():
        content = files[f"runs/{record.id}/{name}"]
        assert described == {"sha256": hashlib.sha256(content).hexdigest(), "num_bytes": len(content)}
    assert record.id in files["README.txt"].decode()
    assert record.provenance.command in files["README.txt"].decode()
    assert set(files) == {"manifest.json", "README.txt", *(f"runs/{record.id}/{name}" for name in run["files"])}


def test_run_named_twice_is_taken_once(filled_store: RunStore, record: RunRecord, bundle: bytes) -> None:
    target = io.BytesIO()

    export_runs([record.id, record.id], Stores(own=filled_store, shipped=NOTHING), target)

    assert set(unzipped(target.getvalue())) == set(unzipped(bundle))


def test_unknown_or_damaged_run_is_not_exported(filled_store: RunStore, record: RunRecord, tmp_path: Path) -> None:
    store = RunStore(Path(shutil.copytree(filled_store.root, tmp_path / "copy")))
    (store.root / record.id / HISTORY).write_bytes(b"epoch\n")
    stores = Stores(own=store, shipped=NOTHING)

    with pytest.raises(StoreError, match=r"history\.csv is not the file that was stored"):
        export_runs([record.id], stores, io.BytesIO())
    with pytest.raises(RunNotFoundError):
        export_runs([f"{record.id[:-8]}00000000"], stores, io.BytesIO())
    with pytest.raises(BundleError, match="1 to 1,000 runs; got 0"):
        export_runs([], stores, io.BytesIO())


# ---------------------------------------------------------------- zipped by hand
@pytest.mark.parametrize("folder", ["", "{id}/", "a folder/{id}/", "renamed/"])
def test_folder_zipped_by_hand_is_read(filled_store: RunStore, record: RunRecord, stores: Stores, folder: str) -> None:
    files = in_hand(record, filled_store, folder.format(id=record.id))
    left = {f"{folder.format(id=record.id)}.DS_Store": b"x", "__MACOSX/._run.json": b"x"}

    (found,) = import_runs(zipped(left | files), stores)

    assert found.status == "imported"
    assert stores.own.record(record.id) == record
    assert {path.name for path in (stores.own.root / record.id).iterdir()} == {RECORD, *record.files}


def test_sound_runs_are_taken_beside_a_damaged_one(
    filled_store: RunStore, record: RunRecord, stores: Stores, bundle: bytes
) -> None:
    other = f"{record.id[:-8]}00000000"
    damaged = changed_record(in_hand(record, filled_store, "b/"), lambda raw: raw.update(id=other), "b/run.json")

    found = import_runs(zipped(in_hand(record, filled_store, "a/") | damaged), stores)

    assert [(one.run_id, one.status) for one in found] == [(record.id, "imported"), (other, "refused")]
    assert stores.own.ids() == [record.id]


def test_only_the_asked_for_are_taken(bundle: bytes, stores: Stores, record: RunRecord) -> None:
    assert import_runs(io.BytesIO(bundle), stores, only=["another"]) == ()
    assert stores.own.ids() == []
    assert len(import_runs(io.BytesIO(bundle), stores, only=[record.id])) == 1


# ---------------------------------------------------------------- notes
@pytest.fixture
def noted(filled_store: RunStore, record: RunRecord) -> bytes:
    """A bundle of one run with a note, which is not here."""
    write_note(record.id, make_note("Look at σ_d = 0.1", ["thesis"]))
    target = io.BytesIO()
    export_runs([record.id], Stores(own=filled_store, shipped=NOTHING), target)
    delete_note(record.id)
    return target.getvalue()


def test_note_travels_with_its_run(noted: bytes, stores: Stores, record: RunRecord) -> None:
    look_into(io.BytesIO(noted), stores)
    assert read_note(record.id) is None

    import_runs(io.BytesIO(noted), stores)

    note = read_note(record.id)
    assert note is not None
    assert (note.text, note.tags) == ("Look at σ_d = 0.1", ("thesis",))


def test_own_note_is_kept(noted: bytes, stores: Stores, record: RunRecord) -> None:
    write_note(record.id, make_note("mine"))

    (found,) = import_runs(io.BytesIO(noted), stores)

    note = read_note(record.id)
    assert (found.status, found.words) == ("imported", "Your own note on it was kept.")
    assert note is not None
    assert note.text == "mine"


def test_bad_note_is_left_out(filled_store: RunStore, record: RunRecord, stores: Stores) -> None:
    files = in_hand(record, filled_store) | {"note.json": b'{"text": "\\u0007"}'}

    (found,) = import_runs(zipped(files), stores)

    assert (found.status, found.words) == ("imported", "Its note cannot be read and is left out.")
    assert read_note(record.id) is None


# ---------------------------------------------------------------- attacks: names and kinds
@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../run.json",
        "runs/../../run.json",
        "runs/./run.json",
        "runs//run.json",
        "C:/run.json",
        "runs\\run.json",
        "runs/\x1b[2Jrun.json",
        "runs/" + "x" * 300 + "/run.json",
    ],
)
def test_name_that_could_leave_the_folder_is_refused(bundle: bytes, stores: Stores, name: str) -> None:
    words = refused_whole(zipped(unzipped(bundle) | {name: b"{}"}), stores)

    assert "is no plain name inside the file's own folders" in words
    assert words.isprintable()


def test_name_with_a_null_is_refused(bundle: bytes, stores: Stores) -> None:
    content = zipped(unzipped(bundle) | {"runs/xyz": b"{}"}).getvalue().replace(b"runs/xyz", b"runs/x\0z")

    assert "is no plain name" in refused_whole(io.BytesIO(content), stores)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_link_or_special_file_is_refused(bundle: bytes, stores: Stores, record: RunRecord, kind: int) -> None:
    target = zipped({name: content for name, content in unzipped(bundle).items() if not name.endswith(HISTORY)})
    entry = zipfile.ZipInfo(f"runs/{record.id}/{HISTORY}")
    entry.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(target, "a") as file:
        file.writestr(entry, "/etc/passwd")

    assert "is a link or a special file" in refused_whole(target, stores)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("again", [HISTORY, HISTORY.upper()])
def test_entry_that_is_there_twice_is_refused(bundle: bytes, stores: Stores, record: RunRecord, again: str) -> None:
    target = io.BytesIO(bundle)
    with zipfile.ZipFile(target, "a") as file:
        file.writestr(f"runs/{record.id}/{again}", b"other")

    assert "is there twice" in refused_whole(target, stores)


@pytest.mark.parametrize("name", ["runs/evil.sh", "evil.py", "runs/{id}/weights.pkl", "runs/{id}/more/history.csv"])
def test_file_of_no_run_is_refused(bundle: bytes, stores: Stores, record: RunRecord, name: str) -> None:
    words = refused_whole(zipped(unzipped(bundle) | {name.format(id=record.id): b"x"}), stores)

    assert "is no file of a run" in words


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + b"\0" * 17])
def test_file_that_is_no_zip_is_refused(stores: Stores, content: bytes) -> None:
    assert "no zip file" in refused_whole(io.BytesIO(content), stores)


def test_zip_without_a_run_is_refused(stores: Stores) -> None:
    assert "holds no run" in refused_whole(zipped({"README.txt": b"nothing"}), stores)


def test_run_that_is_there_twice_is_taken_once(filled_store: RunStore, record: RunRecord, stores: Stores) -> None:
    found = import_runs(zipped(in_hand(record, filled_store, "a/") | in_hand(record, filled_store, "b/")), stores)

    assert [one.status for one in found] == ["imported", "refused"]
    assert "twice" in found[1].words


# ---------------------------------------------------------------- attacks: sizes
def test_bomb_is_refused_before_it_is_unpacked(bundle: bytes, stores: Stores, record: RunRecord) -> None:
    bomb = zipped(unzipped(bundle) | {f"runs/{record.id}/{HISTORY}": bytes(archive.LIMITS[HISTORY] + 1)})
    assert len(bomb.getvalue()) < 200_000

    assert "unpacks to 16.0 MiB; history.csv has at most 16.0 MiB" in refused_whole(bomb, stores)


def test_bomb_of_many_files_is_refused(bundle: bytes, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_TOTAL", 10_000)

    assert "can be imported at once" in refused_whole(io.BytesIO(bundle), stores)


def test_too_many_runs_are_refused(
    filled_store: RunStore, record: RunRecord, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_RUNS", 1)
    files = in_hand(record, filled_store, "a/") | in_hand(record, filled_store, "b/")

    assert "holds 2 runs; at most 1" in refused_whole(zipped(files), stores)


def test_file_that_is_larger_than_it_says_is_refused(bundle: bytes, stores: Stores, record: RunRecord) -> None:
    """The sizes in the central directory are made small; what unpacks is not."""
    content = bytearray(bundle)
    place = content.rfind(f"runs/{record.id}/{HISTORY}".encode()) - 46
    assert content[place : place + 4] == b"PK\x01\x02"
    content[place + 24 : place + 28] = (10).to_bytes(4, "little")

    assert "cannot be unpacked" in refused(io.BytesIO(bytes(content)), stores)


def test_table_of_too_many_rows_is_refused_before_it_is_read(
    filled_store: RunStore, record: RunRecord, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "MAX_CELLS", 10)

    assert "must hold numbers alone, at most 10" in refused(zipped(in_hand(record, filled_store)), stores)


def test_table_of_texts_is_refused_before_it_is_read(filled_store: RunStore, record: RunRecord, stores: Stores) -> None:
    table = io.BytesIO()
    pq.write_table(pa.table({"sigma_d": ["x" * 1000]}), table)

    assert "must hold numbers alone" in refused(
        zipped(with_file(filled_store, record, INSTANCES, table.getvalue())), stores
    )


# ---------------------------------------------------------------- damage
@pytest.mark.parametrize("name", [RECORD, HISTORY, INSTANCES, "layers.csv", "deviations.csv.gz", WEIGHTS])
def test_file_whose_sum_is_wrong_is_named(bundle: bytes, stores: Stores, record: RunRecord, name: str) -> None:
    files = unzipped(bundle)
    path = f"runs/{record.id}/{name}"

    words = refused(zipped(files | {path: files[path] + b"\n"}), stores)

    assert f"{name} is not the file that was exported" in words


@pytest.mark.parametrize("name", [HISTORY, INSTANCES, "layers.csv", "deviations.csv.gz", WEIGHTS])
def test_file_zipped_by_hand_whose_sum_is_wrong_is_named(
    filled_store: RunStore, record: RunRecord, stores: Stores, name: str
) -> None:
    files = in_hand(record, filled_store)

    assert record.id in refused(zipped(files | {name: files[name] + b"\n"}), stores)


@pytest.mark.parametrize("name", [HISTORY, INSTANCES, WEIGHTS])
def test_run_of_which_a_file_is_missing_is_refused(
    filled_store: RunStore, record: RunRecord, stores: Stores, name: str
) -> None:
    files = in_hand(record, filled_store)
    del files[name]

    assert f"is corrupt: {name} is" in refused(zipped(files), stores)


def test_run_that_the_manifest_names_and_the_file_lacks_is_refused(
    bundle: bytes, stores: Stores, filled_store: RunStore, record: RunRecord
) -> None:
    files = unzipped(bundle)
    manifest = json.loads(files["manifest.json"])
    other = f"{record.id[:-8]}00000000"
    manifest["runs"].append(manifest["runs"][0] | {"id": other})

    found = import_runs(zipped(files | {"manifest.json": json.dumps(manifest).encode()}), stores)

    assert [(one.run_id, one.status) for one in found] == [(record.id, "imported"), (other, "refused")]


def test_run_of_a_newer_version_says_so(filled_store: RunStore, record: RunRecord, stores: Stores) -> None:
    files = changed_record(
        in_hand(record, filled_store), lambda raw: raw.update(schema_version=SCHEMA_VERSION + 1, unheard_of="thing")
    )

    assert "was made by a newer version of neft" in refused(zipped(files), stores)


def test_bundle_of_a_newer_version_says_so(bundle: bytes, stores: Stores) -> None:
    newer = json.dumps({"kind": "neft-bundle", "schema_version": MANIFEST_VERSION + 1, "unheard_of": 1})

    words = refused_whole(zipped(unzipped(bundle) | {"manifest.json": newer.encode()}), stores)

    assert words == (
        "The bundle was made by a newer version of neft (format 2; this one reads up to 1). Update neft to import it."
    )


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"kind": "neft-bundle", "schema_version": 1}', b"[" * 9000])
def test_manifest_that_is_none_is_refused(bundle: bytes, stores: Stores, content: bytes) -> None:
    words = refused_whole(zipped(unzipped(bundle) | {"manifest.json": content}), stores)

    assert "manifest.json is" in words


@pytest.mark.parametrize("text", ["R&D; of  two", "A & B", "a&amp;b"])
def test_plain_text_of_an_earlier_version_is_taken(
    filled_store: RunStore, record: RunRecord, stores: Stores, text: str
) -> None:
    raw = json.loads(in_hand(record, filled_store)[RECORD])
    raw["provenance"]["machine"] = text

    (found,) = look_into(zipped(in_hand(record, filled_store) | {RECORD: json.dumps(raw).encode()}), stores)

    assert found.status == "new"


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"{}", b'{"id": 7}', b'{"id": "../../etc"}', b"[" * 9000])
def test_record_that_is_none_is_refused(
    filled_store: RunStore, record: RunRecord, stores: Stores, content: bytes
) -> None:
    assert "is not a run's record" in refused(zipped(in_hand(record, filled_store) | {RECORD: content}), stores)


def set_path(path: str, value: object) -> Callable[[dict[str, object]], object]:
    def change(raw: dict[str, object]) -> object:
        *sections, name = path.split(".")
        inner: dict[str, object] = raw
        for section in sections:
            inner = inner[section]  # type: ignore[assignment]
        return inner.update({name: value})

    return change


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("config.training.epochs", 3, "its settings are those of"),
        ("config.training", 3, "'training' of its config is no settings"),
        ("config.method.name", "unheard_of", "does not fit this version of neft: Unknown"),
        ("facts.method", "irs", "method does not follow from its settings"),
        ("facts.constraint", "clip1.1", "constraint does not follow from its settings"),
        ("facts.seed", 9, "seed does not follow from its settings"),
        ("provenance.command", "rm -rf ~", "is none of neft's"),
        ("provenance.command", "neft runs; rm -rf ~", "is none of neft's"),
        ("provenance.command", "neft train --path $(id)", "is none of neft's"),
        ("provenance.command", "neft train '", "is none of neft's"),
        ("provenance.command", "neft train '\x1b[2J'", "is none of neft's"),
        ("facts.label", "![](http://example.org/x.png)", "is no plain text"),
        ("facts.dataset_label", "<b>", "is no plain text"),
        ("provenance.machine", "$x$", "is no plain text"),
        ("provenance.created", "2026\n# x", "must be an instant of UTC"),
        ("summary.num_epochs", "many", "is corrupt"),
    ],
)
def test_record_that_does_not_follow_from_its_settings_is_refused(
    filled_store: RunStore, record: RunRecord, stores: Stores, path: str, value: object, why: str
) -> None:
    files = changed_record(in_hand(record, filled_store), set_path(path, value))

    assert why in refused(zipped(files), stores)


def test_table_without_a_needed_column_is_refused(filled_store: RunStore, record: RunRecord, stores: Stores) -> None:
    files = in_hand(record, filled_store)
    history = b"epoch,seconds\n1,1.0\n"
    described = {"sha256": hashlib.sha256(history).hexdigest(), "num_bytes": len(history)}
    files = changed_record(files, lambda raw: raw["files"].update({HISTORY: described}))  # type: ignore[union-attr]

    assert "its history lack the column 'loss'" in refused(zipped(files | {HISTORY: history}), stores)


def test_worst_case_travels_with_its_run_and_lacks_no_column(
    filled_store: RunStore, record: RunRecord, stores: Stores, tmp_path: Path
) -> None:
    table = pd.DataFrame({"th_g": [0.0, 0.03], "accuracy": [0.9, 0.1], "found_by": ["none", "projected"]})
    worst = tuple(WorstCaseSummary(th_g=th_g, accuracy=accuracy) for th_g, accuracy in ((0.0, 0.9), (0.03, 0.1)))
    tables = replace(filled_store.tables(record), worst_case=table)
    record = record.model_copy(update={"summary": record.summary.model_copy(update={"worst_case": worst})})
    searched = RunStore(tmp_path / "searched")
    stored = searched.save(record, tables, filled_store.weights(record))

    lacking = b"th_g,accuracy\n0,0.9\n"
    described = {"sha256": hashlib.sha256(lacking).hexdigest(), "num_bytes": len(lacking)}
    files = changed_record(
        in_hand(stored, searched),
        lambda raw: raw["files"].update({WORST_CASE: described}),  # type: ignore[union-attr]
    )
    assert "its worst_case lack the column 'found_by'" in refused(zipped(files | {WORST_CASE: lacking}), stores)

    (found,) = import_runs(zipped(in_hand(stored, searched)), stores)
    arrived = stores.own.tables(stored).worst_case
    assert found.status == "imported"
    assert arrived is not None
    pd.testing.assert_frame_equal(arrived, table)


def test_weights_that_are_none_are_refused_though_their_sum_is_right(
    filled_store: RunStore, record: RunRecord, stores: Stores
) -> None:
    pickled = b"\x80\x04cos\nsystem\n"
    described = {"sha256": hashlib.sha256(pickled).hexdigest(), "num_bytes": len(pickled)}
    files = changed_record(
        in_hand(record, filled_store),
        lambda raw: raw["files"].update({WEIGHTS: described}),  # type: ignore[union-attr]
    )

    assert "cannot be read as weights" in refused(zipped(files | {WEIGHTS: pickled}), stores)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(place=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_any_byte_of_a_bundle_may_change_without_harm(
    bundle: bytes, filled_store: RunStore, record: RunRecord, tmp_path: Path, place: int, byte: int
) -> None:
    """Either the run comes out as it went in, or it is refused in words."""
    content = bytearray(bundle)
    content[place % len(content)] = byte
    stores = Stores(own=RunStore(tmp_path / f"runs-{place}-{byte}"), shipped=NOTHING)

    found: tuple[Found, ...] = ()
    with suppress(BundleError):  # said in words: any other exception fails the test
        found = import_runs(io.BytesIO(bytes(content)), stores)

    if any(one.status == "imported" for one in found):
        assert stores.own.verify(record.id) == record
    else:
        assert everything_below(stores.own.root) == set()


def test_interrupted_import_leaves_nothing(
    bundle: bytes, stores: Stores, record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RunStore, "adopt", interrupt)
    with pytest.raises(KeyboardInterrupt):
        import_runs(io.BytesIO(bundle), stores)

    assert everything_below(stores.own.root) == set()


def test_store_that_cannot_be_written_says_so(bundle: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="cannot be written"):
        import_runs(io.BytesIO(bundle), Stores(own=RunStore(tmp_path / "file" / "runs"), shipped=NOTHING))


def in_part(filled: RunStore, record: RunRecord, folder: Path, **changed: object) -> RunStore:
    """A store that ships a run without its weights, as a wheel does."""
    (folder / record.id).mkdir(parents=True)
    for name in set(record.files) - {WEIGHTS}:
        _ = shutil.copy(filled.root / record.id / name, folder / record.id / name)
    raw = json.loads((filled.root / record.id / RECORD).read_text(encoding="utf-8"))
    del raw["files"][WEIGHTS]
    _ = (folder / record.id / RECORD).write_text(json.dumps(raw | changed), encoding="utf-8")
    return RunStore(folder, read_only=True)


def test_a_whole_run_comes_in_beside_one_that_ships_without_its_weights(
    bundle: bytes, filled_store: RunStore, record: RunRecord, tmp_path: Path
) -> None:
    shipped = in_part(filled_store, record, tmp_path / "shipped")
    stores = Stores(own=RunStore(tmp_path / "runs"), shipped=shipped)
    assert WEIGHTS not in shipped.record(record.id).files

    (found,) = import_runs(io.BytesIO(bundle), stores)

    assert found.status == "imported"
    assert stores.holder(record.id).record(record.id) == record
    assert WEIGHTS in next(one for one in stores.list().records if one.id == record.id).files


def test_another_run_is_refused_beside_one_that_ships_without_its_weights(
    bundle: bytes, filled_store: RunStore, record: RunRecord, tmp_path: Path
) -> None:
    provenance = record.provenance.model_dump(mode="json") | {"threads": 7}
    shipped = in_part(filled_store, record, tmp_path / "shipped", provenance=provenance)

    (found,) = import_runs(io.BytesIO(bundle), Stores(own=RunStore(tmp_path / "runs"), shipped=shipped))

    assert found.status == "refused"
    assert not RunStore(tmp_path / "runs").ids()
