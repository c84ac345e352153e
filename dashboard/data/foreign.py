"""Text that is not ours, as a file's column names or an error's words are, for a place that reads Markdown."""

import re

from neft.errors import without_controls

_MARKS = re.compile(r"([\\`*\[<|~$&]|(?<!\w)_|_(?!\w)|^[#+=>-])")
_ADDRESSES = re.compile(
    r"(?<=:)(?=//)|(?<=\bwww)(?=\.)|(?=@)|(?<=\bmailto)(?=:)|(?<=\bxmpp)(?=:)|(?<=:)(?=[a-z][\w/+-]*:)", re.IGNORECASE
)
JOINER = "\u2060"
"""Has no width and joins two characters into one word, where a link or an icon would begin."""


def foreign(text: str) -> str:
    r"""The text as it stands, in one line: no link, image, formula, icon, entity or heading comes of it.

    Control characters, marks of direction and others without width are left out. A mark is escaped; an address is
    broken by a character without width, as Streamlit makes links of escaped ones too.

    >>> print(foreign("![x](http://a.b)").replace(JOINER, "·"))
    !\[x](http:·//a.b)
    >>> print(foreign("www&#46;a.b"))
    www\&#46;a.b
    """
    line = without_controls(" ".join(text.split()))
    return _ADDRESSES.sub(JOINER, _MARKS.sub(r"\\\1", line))
