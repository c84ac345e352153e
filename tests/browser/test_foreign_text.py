"""Words of others in a real browser: nothing of them is a link, and nothing is fetched for them.

Streamlit makes links of escaped addresses too, so that what Markdown says is not the whole truth.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from neft.runs.store import CACHED_RUNS, RunStore
from tests.browser.conftest import serve
from tests.browser.driver import IDLE, PATHS, Server
from tests.dashboard.driver import ROOT
from tests.marked_words import MARKS, mark_home, mark_runs, marked_bundle, marked_table

LEADING = """() => {
    document.querySelectorAll("details:not([open]) > summary").forEach(summary => summary.click());
    const found = [];
    for (const element of document.querySelectorAll("*"))
        for (const name of ["href", "xlink:href", "src", "srcset", "action", "data", "poster", "background"])
            if (element.hasAttribute(name)) found.push(element.getAttribute(name));
    return found;
}"""
"""Every address that an element of the page holds, with what lies in closed expanders."""
READ_BY = {
    "find": "glossary",
    "f_find": "runs",
    "stds": "device",
    "called": "device?stds=0.1,0.2,0.2,0.1",
    "like": "train",
    "run": "compare",
    "bundle": "share",
    "size": "experiments",
    "f_tags": "runs",
    "layer": "chip",
}
"""Parameters whose text is repeated to whoever opens the address, by the page that does so."""
CUT = ("like", "run")
"""Those of which the beginning alone is."""


@pytest.fixture(scope="module")
def cached(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the cached runs of a wheel those of one seed."""
    root = tmp_path_factory.mktemp("cached")
    kept = json.loads((ROOT / ".ci" / "wheel_runs.json").read_text(encoding="utf-8"))
    for run_id in kept["runs"]:
        if "-seed0-" in run_id:
            shutil.copytree(CACHED_RUNS / run_id, root / run_id)
    (root / "plans").mkdir()
    for name in kept["plans"]:
        shutil.copyfile(CACHED_RUNS / "plans" / f"{name}.json", root / "plans" / f"{name}.json")
    return root


@pytest.fixture(scope="module")
def marked(cached: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard on runs and a home in which every word is someone else's."""
    home = tmp_path_factory.mktemp("marked")
    root = Path(shutil.copytree(cached, home / "shipped"))
    mark_runs(root)
    mark_home(home, RunStore(root).ids())
    yield from serve(home, NEFT_CACHED_RUNS=str(root))


class Walk:
    """A walk over pages, which remembers where all that they show leads, and what they ask for."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page, self._url = page, server.url
        self.led: set[str] = set()
        page.on("request", lambda request: self._add(request.url))

    def to(self, path: str) -> None:
        """Open a page and read it."""
        _ = self.page.goto(f"{self._url}{path}")
        self.read()

    def read(self) -> None:
        """Read the page as it stands."""
        self.page.wait_for_selector(IDLE, timeout=180_000)  # some pages compute, and a busy machine takes its time
        for address in self.page.evaluate(LEADING):
            self._add(urljoin(self.page.url, address))

    def _add(self, address: str) -> None:
        parts = urlsplit(address)
        is_ours = parts.netloc == urlsplit(self._url).netloc and parts.scheme in ("http", "ws")
        if not is_ours and parts.scheme not in ("data", "blob", "about"):
            self.led.add(address)


@pytest.mark.timeout(900)
def test_no_word_of_others_leads_or_fetches_anything(
    browser: Browser, marked: Server, cached: Path, tmp_path: Path
) -> None:
    ids = RunStore(marked.home / "shipped").ids()
    opened = [f"/{page}?{urlencode([('run', run) for run in ids[:2]])}" for page in ("runs", "compare")]
    opened += [f"/{page}?run={ids[1]}" for page in ("chip", "preview", "train")]
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    walk = Walk(context.new_page(), marked)
    for path in (*PATHS, *opened):
        walk.to(path)
    for name, page in READ_BY.items():
        path, _, others = page.partition("?")
        for marks in MARKS if name in CUT else MARKS[:1]:
            walk.to(f"/{path}?{urlencode({name: marks})}&{others}")
    sound = next(run_id for run_id in RunStore(CACHED_RUNS).ids() if not (cached / run_id).exists())
    zipped, table = tmp_path / "![i](evil).zip", tmp_path / "![i](evil).csv"
    _ = zipped.write_bytes(marked_bundle(CACHED_RUNS, sound))
    _ = table.write_bytes(marked_table())
    walk.to("/device")
    walk.page.locator("input[type=file]").set_input_files(table)
    expect(walk.page.get_by_text("How is it read?")).to_be_visible()
    walk.read()
    walk.to("/share")
    walk.page.locator("input[type=file]").set_input_files(zipped)
    walk.page.get_by_role("button", name="Import 1 run").click()
    expect(walk.page.get_by_text("1 run imported.")).to_be_visible()
    walk.read()
    walk.to(f"/runs?run={sound}")
    # pages of ours link to nothing outside: sources are cited by name
    assert walk.led == set()

    walk.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<a href=//a.evil></a><img src=//i.evil/i>')")
    walk.read()
    assert walk.led == {"http://a.evil", "http://i.evil/i"}, "a walk sees what leads elsewhere"
    context.close()
