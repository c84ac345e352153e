"""Text that is not ours, as a file's column names are, for a place that reads Markdown."""

import re

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+|~$:!.@&-])")


def foreign(text: str) -> str:
    r"""The text as it stands, whatever it holds: no link, image, formula or heading comes of it.

    >>> print(foreign("![x](http://a.b)"))
    \!\[x\]\(http\://a\.b\)
    """
    return _MARKS.sub(r"\\\1", text)
