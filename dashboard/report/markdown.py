"""Markdown as HTML that is safe beside any other: nothing in it is fetched, run or followed but what is cited."""

import html
import re
from collections.abc import Mapping
from typing import Any

from latex2mathml.converter import convert as to_mathml
from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin

DOI = re.compile(r"\bdoi (10\.\d{4,9}/[^\s<>\",;)]*[^\s<>\",;).])")
NO_FORMULA = re.compile(r"[<>&\"']|\\(?:href|style|class)(?![A-Za-z])")
"""What would end an attribute or an element, and the commands that write links and styles."""


def markdown_html(text: str) -> Markup:
    r"""Markdown without links, pictures and HTML, its formulae as MathML, digital object identifiers as links.

    >>> print(markdown_html("**A** & <b>, doi 10.1000/1."), end="")
    <p><strong>A</strong> &amp; &lt;b&gt;, <a href="https://doi.org/10.1000/1">doi 10.1000/1</a>.</p>
    """
    return Markup(DOI.sub(r'<a href="https://doi.org/\1">doi \1</a>', _MARKDOWN.render(text)))  # noqa: S704 - safe, see above


def inline_html(text: str) -> Markup:
    """One paragraph's Markdown, without the paragraph."""
    return Markup(markdown_html(text).strip().removeprefix("<p>").removesuffix("</p>"))  # noqa: S704


def _formula(tex: str, options: Mapping[str, Any]) -> str:
    """MathML of what is a formula; what is none stays as it was written."""
    block = options["display_mode"]
    if not NO_FORMULA.search(tex):
        try:
            return to_mathml(tex, display="block" if block else "inline")
        except Exception:  # noqa: BLE001, S110 - it has a dozen errors without a name in common
            pass
    return html.escape(f"$${tex}$$" if block else f"${tex}$")


def _block_in_paragraph(_renderer: object, tokens: Any, place: int, _options: object, _env: object) -> str:
    """Without the plugin's own `div`, which would end the paragraph."""
    return _formula(tokens[place].content, {"display_mode": True})


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).disable(
        ["link", "image", "autolink", "html_inline", "html_block"]
    )
    parser = parser.use(
        dollarmath_plugin, renderer=_formula, allow_labels=False, allow_blank_lines=False, double_inline=True
    )
    parser.add_render_rule("math_inline_double", _block_in_paragraph)
    return parser


_MARKDOWN = _parser()
