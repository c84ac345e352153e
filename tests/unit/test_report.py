"""Documents that leave the dashboard: whole, escaped, and without anything that is fetched."""

import base64
import json
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

import dashboard
from dashboard.charts import chart_config
from dashboard.charts.theme import PALETTES, Mode, apply_layout
from dashboard.report import (
    Chart,
    Commands,
    Document,
    Section,
    Table,
    Text,
    chart_document,
    document_html,
)
from dashboard.report.markdown import markdown_html

MODES: list[Mode] = ["light", "dark"]
HOSTILE = "</script><script>alert(1)</script><img src=http://example.org/x> & \"'"
VALUES = [0.1, 0.25, 0.9306]


class Page(HTMLParser):
    """What a browser would fetch, follow, run and show."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.followed: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [f"{tag}.{name}" for name, _ in attrs]
        given = {name: value or "" for name, value in attrs}
        self.fetched += [given[name] for name in ("src", "srcset", "data", "poster", "background") if name in given]
        if "href" in given:
            (self.followed if tag == "a" else self.fetched).append(given["href"])

    @override
    def handle_data(self, data: str) -> None:
        (self.scripts if self.tags and self.tags[-1] == "script" else self.words).append(data)


def a_chart(text: str = "A", mode: Mode = "light") -> Chart:
    figure = apply_layout(go.Figure(go.Scatter(x=[0.0, 0.1, 0.2], y=np.array(VALUES), name=text)), mode=mode)
    return Chart(
        key="accuracy",
        title=f"How fast? {text}",
        figure=figure,
        caption=rf"{text} at $\sigma_d$ = 0.1",
        definition=rf"**{text}** $$W_p = \frac{{a}}{{b}}$$ (doi 10.1109/TCAD.2025.3591409).",
        alt=text,
    )


def a_document(text: str = "A", mode: Mode = "light") -> str:
    sections: list[Section] = [
        a_chart(text, mode),
        Table(f"Numbers {text}", pd.DataFrame({text: [text, 0.93], "b": [None, float("nan")]}), caption=text),
        Text(text, text),
        Commands(text, text, {text: text}),
    ]
    return document_html(Document(f"Title {text}", text, sections, {text: text}, mode))


@pytest.mark.parametrize("text", ["A", HOSTILE, "![x](http://example.org/x) [y](javascript:z)", f"$x{HOSTILE}$"])
def test_document_fetches_nothing_and_follows_digital_object_identifiers_alone(text: str) -> None:
    page = Page(a_document(text))

    assert page.fetched == []
    assert set(page.followed) == {"https://doi.org/10.1109/TCAD.2025.3591409"}
    assert not re.search(r"@import|url\(", " ".join(page.words))


def test_document_forbids_its_scripts_any_request() -> None:
    assert "default-src 'none'" in a_document()
    assert "connect-src" not in a_document()


@pytest.mark.parametrize("text", [HOSTILE, '" onmouseover="alert(1)', "' style='x"])
def test_no_text_becomes_a_tag_or_an_attribute(text: str) -> None:
    plain, hostile = Page(a_document("A")), Page(a_document(text))

    assert hostile.tags == plain.tags
    assert hostile.attributes == plain.attributes


def test_hostile_text_is_read_as_it_was_written() -> None:
    hostile = Page(a_document(HOSTILE))

    assert "alert(1)" in " ".join(hostile.words)


@given(text=st.text(max_size=60))
def test_any_text_leaves_the_document_as_it_is(text: str) -> None:
    page = Page(document_html(Document("T", "", [Table("t", pd.DataFrame({text: [text]}))], {text: text})))

    assert page.tags[page.tags.index("section") :] == [
        *("section", "details", "summary", "div", "table", "thead", "tr", "th", "tbody", "tr", "td"),
        *("footer", "dl", "dt", "dd", "script"),
    ]


@given(text=st.text(max_size=60))
def test_any_words_become_no_picture_script_or_foreign_link(text: str) -> None:
    page = Page(markdown_html(text))

    assert not {"img", "script", "style", "iframe", "svg"} & set(page.tags)
    assert all(link.startswith("https://doi.org/10.") for link in page.followed)


@pytest.mark.parametrize(
    "formula",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\style{background:url(//example.org)}{x}",
        r"\class{modebar}{x}",
        r"\frac",
        "a^b^c",
        r"x < y",
    ],
)
def test_formula_that_writes_links_or_styles_or_has_no_meaning_is_shown_as_it_was_written(formula: str) -> None:
    page = Page(markdown_html(f"A ${formula}$."))

    assert "math" not in page.tags
    assert "".join(page.words).strip() == f"A ${formula}$."


@given(formula=st.lists(st.sampled_from([*"{}^_&ab ", r"\href", r"\style", r"\class", r"\frac", r"\left("])))
def test_any_formula_is_drawn_or_shown_and_follows_nothing(formula: list[str]) -> None:
    page = Page(markdown_html(f"${''.join(formula)}$"))

    assert not {"math.href", "mrow.href", "mrow.style", "mrow.class"} & set(page.attributes)


def test_formulae_are_drawn_in_a_line_and_on_lines_of_their_own() -> None:
    page = markdown_html("Of $x$ and $$y$$ here.\n\n$$\nz\n$$\n\nIn `$a$` none.")

    assert re.findall(r'<math[^>]* display="(\w+)">.*?<mi>(.)</mi>', page) == [
        ("inline", "x"),
        ("block", "y"),
        ("block", "z"),
    ]
    assert "<code>$a$</code>" in page


def test_every_template_is_packaged() -> None:
    root = Path(dashboard.__path__[0])
    settings = tomllib.loads((root.parent / "pyproject.toml").read_text(encoding="utf-8"))
    packaged = {
        path for pattern in settings["tool"]["setuptools"]["package-data"]["dashboard"] for path in root.glob(pattern)
    }

    templates = set((root / "report").glob("*.j2"))
    assert templates
    assert templates <= packaged


def test_chart_holds_the_very_numbers_and_every_words() -> None:
    text = chart_document(a_chart(), {"Made": "today"}, "light")

    (packed,) = re.findall(r'"y":(\{[^}]*\})', text.rpartition("Plotly.newPlot")[2])
    array = json.loads(packed)
    assert np.frombuffer(base64.b64decode(array["bdata"]), dtype=array["dtype"]).tolist() == VALUES
    page = Page(text)
    words = " ".join(page.words)
    for said in ("How fast? A", "at", "= 0.1", "Made", "today"):
        assert said in words
    assert page.tags.count("math") == 2
    assert page.tags.count("h1") == 1


def test_document_holds_its_tables_and_commands() -> None:
    frame = pd.DataFrame({"Method": ["OVF", "IRS"], "%": [93.125, float("nan")], "Run": [None, "a"]})
    text = document_html(
        Document("T", "", [Table("N", frame), Commands("Again", "", {"run-1": "neft train --seed 1"})], {})
    )

    assert "<td>OVF</td><td>93.125</td><td>–</td>" in text
    assert "<td>IRS</td><td>–</td><td>a</td>" in text
    assert "<dt>run-1</dt><dd><code>neft train --seed 1</code></dd>" in text
    assert "Plotly" not in text.partition("<body>")[0]


@pytest.mark.parametrize("mode", MODES)
def test_document_has_the_colours_of_its_mode(mode: Mode) -> None:
    text = a_document(mode=mode)

    assert f"background: {PALETTES[mode].background}; color: {PALETTES[mode].text}" in text
    assert f'"paper_bgcolor":"{PALETTES[mode].background}"' in text


@pytest.mark.parametrize("mode", MODES)
def test_saved_picture_is_on_the_pages_own_colour(mode: Mode) -> None:
    figure = apply_layout(go.Figure(), mode=mode)

    assert figure.layout.paper_bgcolor == PALETTES[mode].background
    config = tomllib.loads((Path(dashboard.__path__[0]) / ".streamlit" / "config.toml").read_text())
    assert config["theme"][mode]["backgroundColor"] == PALETTES[mode].background


def test_toolbar_saves_a_sharp_picture_under_the_charts_name() -> None:
    config = chart_config("accuracy")

    assert config["toImageButtonOptions"] == {"format": "png", "filename": "accuracy", "scale": 2}
    assert not config["showSendToCloud"]
