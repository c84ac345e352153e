"""Words of others, in every place they can come from: on no page does a link, an image or a tag come of them."""

import re
from collections.abc import Iterator

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Element

from dashboard import address
from dashboard.pages import Page
from dashboard.widgets.component_form import PREFIX
from dashboard.widgets.device_file import FILE
from dashboard.widgets.train_form import EXPERT
from neft.runs.places import neft_home
from neft.runs.store import RunStore
from tests.dashboard.driver import open_page
from tests.marked_words import ADDRESSES, MARKS, SPELLINGS, mark_home, mark_runs, marked_bundle, marked_table

READ_AS_MARKDOWN = ("body", "label", "help", "text", "caption", "placeholder")
"""Fields of Streamlit's elements that are, but for what shows its text as it stands."""
AS_IT_STANDS = ("code", "text", "json", "arrow_data_frame", "text_input", "text_area")
MARKDOWN = MarkdownIt("commonmark", {"html": True})
LINKED = re.compile(r"(?<!\w)(?:www\.|https?://)[^\s<]*evil|\w@\w+\.evil|(?<!\w)(?:mailto|xmpp):\w+@", re.IGNORECASE)
"""What is made a link of although nothing marks it, once entities are read."""
FORMULA = re.compile(r"(?<!\\)\$((?:[^$]|\\\$)*)(?<!\\)\$")


@pytest.fixture
def marked(shipped: RunStore) -> RunStore:
    """A store and a home in which every word is someone else's."""
    mark_runs(shipped.root)
    mark_home(neft_home(), shipped.ids())
    return shipped


def elements(block: Block) -> Iterator[Element]:
    for child in block.children.values():
        if isinstance(child, Block):
            yield from elements(child)
        else:
            yield child


def blocks(block: Block) -> Iterator[Block]:
    for child in block.children.values():
        if isinstance(child, Block):
            yield child
            yield from blocks(child)


def is_live(words: str) -> bool:
    """Whether a link, an image, a tag or a formula comes of words of others where Markdown is read."""
    tokens = MARKDOWN.parse(words)
    inner = [one for token in tokens for one in token.children or ()]
    text = "".join(one.content if one.type == "text" else " " for one in inner if one.type != "text_special")
    # an escaped address is made a link too
    special = "".join(one.content for one in inner if one.type in ("text", "text_special"))
    formulae = " ".join(FORMULA.findall(words))
    return "evil" in formulae or any(map(_is_marked, (*tokens, *inner))) or any(map(LINKED.search, (text, special)))


def _is_marked(token: Token) -> bool:
    held = (*token.attrs.values(), token.content if token.type.startswith("html") else "")
    return any("evil" in str(one) for one in held)


def live(app: AppTest) -> list[str]:
    """Where words of others are read as markup."""
    found: list[str] = []
    for element in elements(app._tree):
        if element.type in AS_IT_STANDS:
            continue
        read = [getattr(element.proto, name, "") for name in READ_AS_MARKDOWN]
        if element.type in ("radio", "button_group"):
            read += [getattr(one, "content", one) for one in element.proto.options]
        if element.type == "html":
            found += [f"html: {one}" for one in re.findall(r"<(?:a|img)\b[^>]*evil[^>]*>", element.proto.body)]
            continue
        found += [f"{element.type}: {words}" for words in read if isinstance(words, str) and is_live(words)]
    titles = [block.label for block in blocks(app._tree) if isinstance(getattr(block, "label", None), str)]
    return found + [f"title: {title}" for title in titles if is_live(title)]


@pytest.mark.parametrize("words", [spelling for spelling in SPELLINGS if "evil" in spelling])
def test_every_spelling_is_live_where_it_is_not_escaped(words: str) -> None:
    assert is_live(f"Here: {words}")


@pytest.mark.parametrize("page", Page)
def test_no_page_reads_words_of_others_as_markup(marked: RunStore, page: Page) -> None:
    app = open_page(page)

    assert not app.exception
    assert live(app) == []


@pytest.mark.parametrize("page", Page)
def test_nor_out_of_its_address(marked: RunStore, page: Page) -> None:
    for marks in MARKS:
        app = open_page(page, **dict.fromkeys(ADDRESSES.values(), marks))

        assert not app.exception
        assert live(app) == []


@pytest.mark.parametrize("page", [Page.RUNS, Page.CHIP, Page.COMPARE, Page.EXPLORE, Page.WEIGHTS, Page.TRAIN])
def test_nor_where_a_run_of_theirs_is_opened(marked: RunStore, page: Page) -> None:
    for run_id in marked.ids()[:2]:
        app = open_page(page, run=marked.ids()[:2] if page is Page.COMPARE else run_id, like=run_id)

        assert not app.exception
        assert live(app) == []


def test_nor_where_a_setting_is_theirs(marked: RunStore) -> None:
    form = {"device": "measured", "level_stds_measured": "0,1,1,0", "device_title_measured": MARKS[0]}
    form |= {"dataset": "images", "path_images": MARKS[1]}
    app = open_page(
        Page.TRAIN, **{address.TRAIN_AS: EXPERT}, **{f"{PREFIX}{name}": value for name, value in form.items()}
    )

    assert not app.exception
    assert live(app) == []


def test_nor_out_of_a_zip_file(marked: RunStore) -> None:
    run_id = marked.ids()[0]
    app = open_page(Page.SHARE)
    app = app.file_uploader(key="upload").upload(
        "![x](evil).zip", marked_bundle(marked.root, run_id), "application/zip"
    )
    app = app.run()

    assert not app.exception
    assert live(app) == []


def test_nor_out_of_a_laboratorys_file(marked: RunStore) -> None:
    app = open_page(Page.DEVICE, run=marked.ids()[0])
    app = app.file_uploader(key=FILE).set_value(("![x](evil).csv", marked_table(), "text/csv")).run()

    assert not app.exception
    assert live(app) == []
