"""Words of others, in every place they can come from: on no page does a link, an image or a tag come of them."""

import json
import re
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Element

from dashboard import address
from dashboard.pages import Page
from neft.runs.notes import make_note, write_note
from neft.runs.places import neft_home
from neft.runs.plans import FOLDER
from neft.runs.store import RECORD, RunStore
from tests.dashboard.driver import open_page

EVIL = (
    "![x](https://evil.example/a.png) [y](https://evil.example) <img src=https://evil.example/b> www.evil.example "
    "a@evil.example"
)
LIVE = re.compile(r"(?<!\\)\[[^]]*\]\([^)]*evil|://evil|(?<!\\)<img[^>]*evil|www\.evil|\w@evil")
"""What becomes a link, an image or a tag where Markdown or HTML is read."""
READ_AS_MARKDOWN = ("body", "label", "help", "text", "caption")
"""Fields of Streamlit's elements that are, but for what shows its text as it stands."""
AS_IT_STANDS = ("code", "text", "json", "arrow_data_frame", "text_input", "text_area")
ADDRESSES = {
    parameter: EVIL
    for name in ("OWN_TITLE", "OWN_LEVELS", "RUNS", "TRAIN_LIKE", "RUNS_FIND", "BUNDLE", "PLAN", "TAGS", "LAYER")
    if (parameter := str(getattr(address, name)))
}


@pytest.fixture
def marked(shipped: RunStore) -> RunStore:
    """A store in which every word of every run is someone else's, with a plan, a note and a folder of that name."""
    for run_id in shipped.ids():
        path = shipped.root / run_id / RECORD
        record = json.loads(path.read_text(encoding="utf-8"))
        for name in ("dataset_label", "backbone_label", "device_label", "method_label", "label"):
            record["facts"][name] += f" {EVIL}"
        record["facts"]["chips"] = EVIL
        record["provenance"]["machine"] = EVIL
        path.write_text(json.dumps(record), encoding="utf-8")
    write_note(shipped.ids()[0], make_note(EVIL, ["[t](https://evil.example)"]))
    plans = neft_home() / "runs" / FOLDER
    plans.mkdir(parents=True)
    (plans / "[p](https:evil).json").write_text(json.dumps({"name": EVIL}), encoding="utf-8")
    odd = neft_home() / "runs" / "digits-![x](evil)-s0.10-seed0-1a2b3c4d"
    odd.mkdir()
    (odd / RECORD).write_text(json.dumps({"schema_version": EVIL}), encoding="utf-8")
    return shipped


def elements(block: Block) -> Iterator[Element]:
    for child in block.children.values():
        if isinstance(child, Block):
            yield from elements(child)
        else:
            yield child


def live(app: AppTest) -> list[str]:
    """Where words of others are read as markup."""
    found: list[str] = []
    for element in elements(app._tree):
        if element.type in AS_IT_STANDS:
            continue
        read = [getattr(element.proto, name, "") for name in READ_AS_MARKDOWN]
        found += [f"{element.type}: {words}" for words in read if isinstance(words, str) and LIVE.search(words)]
    return found


@pytest.mark.parametrize("page", Page)
def test_no_page_reads_words_of_others_as_markup(marked: RunStore, page: Page) -> None:
    app = open_page(page, **ADDRESSES)

    assert not app.exception
    assert live(app) == []


@pytest.mark.parametrize("page", [Page.RUNS, Page.CHIP, Page.COMPARE, Page.EXPLORE])
def test_nor_where_a_run_of_theirs_is_opened(marked: RunStore, page: Page) -> None:
    app = open_page(page, run=marked.ids()[:2] if page is Page.COMPARE else marked.ids()[0])

    assert not app.exception
    assert live(app) == []
