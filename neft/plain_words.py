"""Words of others as plain words: no markup, link, formula or control character comes of what is shown of them.

A run's labels come out of a file that anyone may have written, and reach pages, charts, reports and terminals.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Annotated

from pydantic import BeforeValidator

MOST = 200
"""Characters."""
_MARKS = str.maketrans("[{<]}>`*\\|$", "((()))'·//S")
_ENTITIES = re.compile(r"&(?=#?\w+;)")
"""Markdown and charts read a character of any kind out of one: `www&#46;a.b` would be a link again."""
AMPERSAND = "\uff06"
"""A wide one. It looks as the sign that begins an entity, and begins none."""
_ADDRESSES = re.compile(r"(?i)://|(?<=\bwww)\.|(?<=\bmailto):|(?<=\bxmpp):|@")


@lru_cache(maxsize=4096)
def plain_words(text: str) -> str:
    """The text in one line, without characters that begin markup, a formula or a link.

    >>> plain_words("![x](https://a.b)")
    '!(x)(https a.b)'
    >>> plain_words("OVF, N = 3, Δσ = 0.05")
    'OVF, N = 3, Δσ = 0.05'
    >>> plain_words("R&D & sons, a&#64;b") == f"R&D & sons, a{AMPERSAND}#64;b"
    True
    """
    shown = " ".join("".join(one for one in text if one.isspace() or unicodedata.category(one)[0] != "C").split())
    shown = _ENTITIES.sub(AMPERSAND, shown.translate(_MARKS))
    shown = " ".join(_ADDRESSES.sub(" ", shown).split())
    return shown if len(shown) <= MOST else f"{shown[: MOST - 1]}…"


def _plain(value: object) -> object:
    return plain_words(value) if isinstance(value, str) else value


Words = Annotated[str, BeforeValidator(_plain)]
"""A field for what people read."""
