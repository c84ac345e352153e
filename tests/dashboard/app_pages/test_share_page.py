"""Handing runs on and taking them in; what is refused is said in words."""

import io
import shutil
import zipfile
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import exchange
from dashboard.pages import Page
from neft.runs.bundles import export_runs
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import HISTORY, RunStore, Stores
from tests.dashboard.driver import open_page, words

NONE = RunStore(Path("/nonexistent"), read_only=True)


def bundle_of(store: RunStore, *run_ids: str) -> bytes:
    target = io.BytesIO()
    export_runs(run_ids, Stores(own=store, shipped=NONE), target)
    return target.getvalue()


def upload(app: AppTest, content: bytes, name: str = "runs.zip") -> AppTest:
    return app.file_uploader(key="upload").upload(name, content, "application/zip").run()


@pytest.fixture
def empty_home(every_method: RunStore, nothing_shipped: None) -> RunStore:
    """No run here; a colleague has every method's."""
    return every_method


# ---------------------------------------------------------------- handing on
def test_picked_runs_are_in_the_file_as_they_are_stored(shipped: RunStore) -> None:
    ids = shipped.ids()[:2]

    app = open_page(Page.SHARE, bundle=ids)

    assert not app.exception
    assert [button.proto.label for button in app.get("download_button")] == ["Download 2 runs"]
    with zipfile.ZipFile(io.BytesIO(exchange.bundle_bytes(ids))) as file:
        for run_id in ids:
            stored = {path.name: path.read_bytes() for path in (shipped.root / run_id).iterdir()}
            assert {name: file.read(f"runs/{run_id}/{name}") for name in stored} == stored
    said = words(app)
    assert f"neft export {' '.join(ids)} --out neft_runs.zip" in said
    assert f"/runs?run={ids[0]}&run={ids[1]}" in said
    assert f"/compare?run={ids[0]}&run={ids[1]}" in said


def test_size_is_that_of_the_stored_files(shipped: RunStore) -> None:
    ids = shipped.ids()[:3]
    stored = sum(file.num_bytes for run_id in ids for file in shipped.record(run_id).files.values())

    assert exchange.bundle_size(ids) == stored
    assert f"{stored / 1e6:.1f} MB before packing" in words(open_page(Page.SHARE, bundle=ids))


def test_nothing_picked_says_where_to_pick(shipped: RunStore) -> None:
    app = open_page(Page.SHARE)

    assert app.get("download_button") == []
    assert "Pick runs here" in words(app)
    assert "All runs" in words(app)


def test_all_own_runs_are_picked_at_once(own_run: RunRecord) -> None:
    app = open_page(Page.SHARE)

    app = app.button(key="all_own").click().run()

    assert app.multiselect(key="bundle").value == [own_run.id]
    assert "1 run of your own" in words(app)


@pytest.mark.parametrize("run_id", ["../../etc/passwd", "digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d", ""])
def test_id_of_no_run_in_the_address_does_no_harm(shipped: RunStore, run_id: str) -> None:
    app = open_page(Page.SHARE, bundle=run_id)

    assert not app.exception
    assert app.multiselect(key="bundle").value == []


def test_without_any_run_the_page_says_what_can_be_done(nothing_shipped: None) -> None:
    app = open_page(Page.SHARE)

    assert not app.exception
    assert "No runs are stored yet" in words(app)
    assert "neft import FILE.zip" in words(app)


# ---------------------------------------------------------------- taking in
def test_file_is_looked_through_before_anything_is_stored(empty_home: RunStore) -> None:
    ids = empty_home.ids()[:2]

    app = upload(open_page(Page.SHARE), bundle_of(empty_home, *ids))

    assert not app.exception
    rows = app.dataframe[0].value
    assert rows["Id"].tolist() == ids
    assert rows["Status"].tolist() == ["new", "new"]
    assert rows["Method"].tolist() == [empty_home.record(run_id).facts.label for run_id in ids]
    assert app.button(key="import").label == "Import 2 runs"
    assert not neft_home().exists()


def test_imported_runs_are_stored_as_they_were_and_linked(empty_home: RunStore) -> None:
    ids = empty_home.ids()[:2]
    app = upload(open_page(Page.SHARE), bundle_of(empty_home, *ids))

    app = app.button(key="import").click().run()

    assert not app.exception
    own = RunStore(neft_home() / "runs")
    assert [own.verify(run_id) for run_id in ids] == [empty_home.record(run_id) for run_id in ids]
    assert app.dataframe[0].value["Status"].tolist() == ["already here", "already here"]
    assert "2 runs imported." in words(app)
    assert "Open them" in words(app)
    assert "2 runs of your own" in words(app)


def test_runs_that_are_here_need_no_import(shipped: RunStore) -> None:
    app = upload(open_page(Page.SHARE), bundle_of(shipped, shipped.ids()[0]))

    assert "is here already" in words(app)
    assert [button.key for button in app.button if button.key == "import"] == []


def test_damaged_run_is_named_and_the_others_can_be_taken(empty_home: RunStore, tmp_path: Path) -> None:
    good, bad = empty_home.ids()[:2]
    copy = Path(shutil.copytree(empty_home.root, tmp_path / "copy"))
    (copy / bad / HISTORY).write_bytes(b"epoch\n")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for run_id in (good, bad):
            for path in (copy / run_id).iterdir():
                file.write(path, f"{run_id}/{path.name}")

    app = upload(open_page(Page.SHARE), target.getvalue())

    assert f"Run '{bad}' is corrupt: {HISTORY} is not the file that was stored." in words(app)
    app = app.button(key="import").click().run()
    assert RunStore(neft_home() / "runs").ids() == [good]


@pytest.mark.parametrize("content", [b"", b"no zip at all"])
def test_file_that_is_none_is_refused_in_words(empty_home: RunStore, content: bytes) -> None:
    app = upload(open_page(Page.SHARE), content)

    assert not app.exception
    assert "The file is no zip file, or a damaged one" in words(app)
    assert "Nothing was stored" in words(app)


def test_file_that_reaches_out_of_its_folder_is_refused_in_words(empty_home: RunStore) -> None:
    target = io.BytesIO(bundle_of(empty_home, empty_home.ids()[0]))
    with zipfile.ZipFile(target, "a") as file:
        file.writestr("../../evil", b"x")

    app = upload(open_page(Page.SHARE), target.getvalue())

    assert "is no plain name inside the file's own folders" in words(app)
    assert not neft_home().exists()
