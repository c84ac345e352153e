"""The wheel works outside the source tree: a few cached runs inside, every page, and no code but its own."""

import importlib.util
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from playwright.sync_api import expect, sync_playwright

from dashboard.pages import Page
from neft.errors import StoreError
from neft.experiments.claim_list import CLAIMS
from neft.experiments.claim_words import NO_RUNS
from neft.experiments.claims import claimed_runs, claims_table
from neft.runs import places
from neft.runs.plans import load_plans
from neft.runs.store import WEIGHTS, RunStore
from tests.browser.conftest import ARGUMENTS, chromium_path, serve, watched_page
from tests.browser.driver import PLOT, Server, open_page
from tests.own_thread import in_own_thread
from tests.packaging.conftest import DECOYS, ROOT, Installed, build_wheel, run_decoys

MOST = 10_000_000
"""Bytes that the wheel may have."""
STRAYS = (
    "dashboard/.streamlit/secrets.toml",
    "dashboard/notes.txt",
    "dashboard/words/private.toml",
    "dashboard/report/.hidden.j2",
    "dashboard/.ipynb_checkpoints/app-checkpoint.py",
    "dashboard/__pycache__/app.cpython-311.pyc",
    "neft/.env",
    "neft/notes.txt",
    "neft/reference/private.json",
    "cached_runs/notes.txt",
    "cached_runs/plans/notes.txt",
    ".ci/notes.txt",
    "notes.txt",
)
"""What may lie in a source tree and is not to leave it: credentials, notes, and what other programs make."""
METADATA = ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "top_level.txt", "licenses/LICENSE")
BUILD = (".ci/build_backend.py", ".ci/wheel_runs.json", "LICENSE", "README.md", "pyproject.toml")
"""What the build reads beside what it takes."""
MADE_BY_SETUPTOOLS = ("MANIFEST.in", "PKG-INFO", "setup.cfg")
"""In a source distribution, beside `neft.egg-info`."""
SMALL = (
    *("neft", "sweep", "delta_sigma", "--backbone", "mlp", "--hidden-layers", "2", "--hidden-units", "16"),
    *("--max-train", "100", "--epochs", "1", "--validation-instances", "1", "--num-instances", "3"),
    *("--max-test", "50", "--seeds", "1", "--workers", "2"),
)
JOB = """
import sys, time
from dashboard.jobs import jobs
job_id = jobs.start_sweep(sys.argv[1], experiment="delta_sigma")
while (job := jobs.find(job_id)).is_active:
    time.sleep(0.1)
print(job.state, job.message)
"""
WALK = """
import json
from pathlib import Path
import dashboard
from streamlit.testing.v1 import AppTest
from dashboard.pages import Page
found = []
for page in Page:
    app = AppTest.from_file(str(Path(dashboard.__file__).with_name("app.py")), default_timeout=60)
    app = app.run() if not page.path else app.switch_page(page.file).run()
    errors = [error.value for error in app.error]
    found.append([page.path, len(app.title), [exception.message for exception in app.exception], errors])
print(json.dumps(found))
"""
pytestmark = [pytest.mark.packaging, pytest.mark.timeout(240)]


def script(name: str, root: Path = ROOT) -> ModuleType:
    """A file of a source tree's .ci as a module."""
    spec = importlib.util.spec_from_file_location(name, root / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def kept() -> dict[str, list[str]]:
    """What the build reads."""
    found: dict[str, list[str]] = json.loads((ROOT / ".ci" / "wheel_runs.json").read_text(encoding="utf-8"))
    return found


def test_the_list_of_runs_is_what_the_rule_gives(kept: dict[str, list[str]]) -> None:
    rule = script("wheel_runs")
    assert kept == rule.wheel_runs(RunStore(ROOT / "cached_runs", read_only=True)), "python .ci/wheel_runs.py"


def test_the_readme_counts_what_the_wheel_takes(kept: dict[str, list[str]]) -> None:
    words = (ROOT / "README.md").read_text(encoding="utf-8")
    left_out = script("wheel_runs").LEFT_OUT
    assert f"{len(CLAIMS) - len(left_out)} of the {len(CLAIMS)} claims" in words
    assert len(kept["weights"]) == 5
    assert "with the weights of five networks" in words


def test_the_wheel_takes_no_name_but_its_own(installed: Installed) -> None:
    names = contents(installed.wheel)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"neft"}
    assert {
        "neft/py.typed",
        "neft/CHANGELOG.md",
        "neft/_app/dashboard/app.py",
        "neft/_app/dashboard/.streamlit/config.toml",
    } <= names.keys()
    assert not [name for name in names if name.endswith((".pyc", ".png")) or ".ci/" in name]


def test_the_wheel_holds_every_module_data_file_and_chosen_run_and_nothing_else(
    installed: Installed, kept: dict[str, list[str]]
) -> None:
    ours = {f"neft/_app/{path}" if path.startswith("dashboard/") else path for path in packaged()}
    ours |= {f"neft/{path}" for path in files_of_runs(kept)}
    (info,) = {name.partition("/")[0] for name in contents(installed.wheel) if ".dist-info/" in name}
    ours |= {f"{info}/{name}" for name in METADATA}
    names = contents(installed.wheel).keys()
    assert names - ours == set()
    assert ours - names == set()


def packaged() -> set[str]:
    """The files of both packages that are the source tree's own, but for the README's pictures."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no git here: what is the source tree's own cannot be told from what lies in it")
    listed = subprocess.run(
        [git, "ls-files", "-z", "neft", "dashboard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {path for path in listed.stdout.split("\0") if path and "/pictures/" not in path}


def files_of_runs(kept: dict[str, list[str]]) -> set[str]:
    """What is taken of the cached runs: the plans, and of each run its record and the files that this lists."""
    store = RunStore(ROOT / "cached_runs", read_only=True)
    files = {
        f"{run_id}/{name}"
        for run_id in kept["runs"]
        for name in ("run.json", *store.record(run_id).files)
        if name != WEIGHTS or run_id in kept["weights"]
    }
    return {f"cached_runs/{path}" for path in (*files, *(f"plans/{name}.json" for name in kept["plans"]))}


def test_the_wheel_is_small(installed: Installed) -> None:
    assert installed.wheel.stat().st_size <= MOST


def test_the_runs_in_the_wheel_are_whole(installed: Installed, kept: dict[str, list[str]]) -> None:
    store = RunStore(installed.package / "cached_runs", read_only=True)
    listing = store.list()
    assert listing.problems == {}
    assert [record.id for record in listing.records if WEIGHTS in record.files] == kept["weights"]
    for run_id in kept["runs"]:
        record = store.verify(run_id)
        assert record.summary == RunStore(ROOT / "cached_runs", read_only=True).record(run_id).summary


def test_claims_come_out_of_the_wheel_as_of_the_source_tree(installed: Installed, kept: dict[str, list[str]]) -> None:
    tables: list[pd.DataFrame] = []
    for root in (installed.package / "cached_runs", ROOT / "cached_runs"):
        store = RunStore(root, read_only=True)
        plans = [load_plans(root)[0][name] for name in kept["plans"]]
        there = set(store.ids())
        runs = {
            run_id: (record, store.instances(record))
            for run_id in claimed_runs(plans)
            if run_id in there
            for record in [store.record(run_id)]
        }
        tables.append(claims_table(plans, runs).drop(columns="holm").set_index(["claim", "plan"]))
    ours, whole = tables
    decided = ours[ours["verdict"] != NO_RUNS]
    missing = set(ours.index.get_level_values("claim")) - set(decided.index.get_level_values("claim"))
    assert missing == set(script("wheel_runs").LEFT_OUT)
    pd.testing.assert_frame_equal(decided, whole.loc[decided.index])


def test_a_source_distribution_makes_the_same_wheel(installed: Installed, tmp_path: Path) -> None:
    made = tmp_path / script("build_backend").build_sdist(str(tmp_path))
    again = tmp_path / "again"
    build_wheel(made, again)
    assert [path.name for path in again.iterdir()] == [installed.wheel.name]
    assert contents(again / installed.wheel.name) == contents(installed.wheel)


def test_a_source_distribution_holds_what_a_build_takes_and_nothing_else(
    kept: dict[str, list[str]], tmp_path: Path
) -> None:
    made = tmp_path / script("build_backend").build_sdist(str(tmp_path))
    ours = packaged() | files_of_runs(kept) | set(BUILD)
    assert unpacked_names(made) - set(MADE_BY_SETUPTOOLS) == ours


def test_what_else_lies_in_a_source_tree_does_not_leave_it(
    installed: Installed, kept: dict[str, list[str]], tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    for path in packaged() | files_of_runs(kept) | set(BUILD):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        _ = shutil.copyfile(ROOT / path, tree / path)
    strays = {*STRAYS, *(f"cached_runs/{run_id}/notes.txt" for run_id in kept["runs"])}
    for path in strays:
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        _ = (tree / path).write_text("secret", encoding="utf-8")
    backend = script("build_backend", tree)
    wheel = tmp_path / backend.build_wheel(str(tmp_path))
    assert contents(wheel) == contents(installed.wheel)
    assert strays & unpacked_names(tmp_path / backend.build_sdist(str(tmp_path))) == set()


def contents(wheel: Path) -> dict[str, int]:
    """The checksum of every file."""
    with zipfile.ZipFile(wheel) as file:
        return {entry.filename: entry.CRC for entry in file.infolist()}


def unpacked_names(archive: Path) -> set[str]:
    """The files of a source distribution, as they lie in its folder; without what setuptools notes for itself."""
    with tarfile.open(archive) as file:
        names = {entry.name.partition("/")[2] for entry in file if entry.isfile()}
    return {name for name in names if not name.startswith("neft.egg-info/")}


@pytest.mark.parametrize("address", ["", "https://example.org/neft"])
def test_a_package_index_shows_no_picture_that_it_cannot_find(address: str) -> None:
    made = script("build_backend")._readme((ROOT / "README.md").read_text(encoding="utf-8"), address)
    pictures = [line for line in made.splitlines() if line.startswith("![")]
    assert len(pictures) == (2 if address else 0)
    assert all(f"]({address}/dashboard/pictures/" in line for line in pictures)


def test_pictures_at_no_address_of_the_web_are_refused() -> None:
    with pytest.raises(ValueError, match="must begin with https://"):
        _ = script("build_backend")._readme("![a](b.png)", "file:///b")


def test_an_installation_without_the_dashboard_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "APP", tmp_path / "none")
    monkeypatch.setattr(places, "PACKAGE", tmp_path / "neft")
    with pytest.raises(StoreError, match="The dashboard is not installed"):
        _ = places.app_root()


def test_nothing_of_the_current_folder_is_run_by_a_sweep_among_the_jobs(
    installed: Installed, decoys: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    app = installed.environment(home) | {"PYTHONPATH": str(installed.package / "_app")}
    answer = subprocess.run(
        [installed.scripts / "python", "-P", "-c", JOB, " ".join(SMALL)],
        cwd=decoys,
        env=app,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.stdout.startswith("finished"), answer.stdout + answer.stderr
    assert len(RunStore(home / "runs").ids()) == 5
    assert run_decoys(decoys) == []


def test_decoys_are_run_where_nothing_keeps_them_out(decoys: Path) -> None:
    for name in DECOYS:
        _ = subprocess.run([sys.executable, "-m", name], cwd=decoys, capture_output=True, check=False)
    assert len(run_decoys(decoys)) == len(DECOYS)


@pytest.fixture
def dashboard(installed: Installed, decoys: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The installed dashboard, started from the folder of decoys."""
    for name in ("NEFT_CACHED_RUNS", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    yield from serve(decoys, neft=[str(installed.scripts / "neft")])
    assert run_decoys(decoys) == []


def test_every_page_of_an_installed_dashboard_opens(installed: Installed, decoys: Path, tmp_path: Path) -> None:
    environment = installed.environment(tmp_path / "home") | {"PYTHONPATH": str(installed.package / "_app")}
    answer = subprocess.run(
        [installed.scripts / "python", "-P", "-c", WALK],
        cwd=decoys,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-4000:]
    assert json.loads(answer.stdout) == [[page.path, 1, [], []] for page in Page]
    assert run_decoys(decoys) == []


def test_an_installed_dashboard_serves_its_first_page_and_claims_and_says_what_it_lacks(dashboard: Server) -> None:
    def walk() -> None:
        with sync_playwright() as running:
            browser = running.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
            for shown in watched_page(browser, "light"):
                for page in (Page.EXPLORE, Page.CLAIMS, Page.LEADERBOARD):
                    open_page(shown, dashboard, f"/{page.path}")
                    told = shown.get_by_test_id("stMain").inner_text()
                    assert shown.locator("[data-testid='stAlertContentError']").count() == 0, page.path
                    assert (places.MORE_RUNS.replace("`", "") in told) is (page is Page.LEADERBOARD), page.path
                    if page is Page.EXPLORE:
                        expect(shown.locator(PLOT)).to_have_count(4)
            browser.close()

    in_own_thread(walk)
