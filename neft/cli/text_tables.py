"""Tables as text for other documents: Markdown, and LaTeX with booktabs."""

import re
import unicodedata
from collections.abc import Sequence

from neft.errors import ConfigError

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{letter: rf"\{letter}" for letter in "&%$#_{}"},
    "±": r"$\pm$",
    "●": r"$\bullet$",
    "×": r"$\times$",
    "−": "$-$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "–": "--",
    "…": r"\dots{}",
    "·": r"$\cdot$",
    "\N{NO-BREAK SPACE}": "~",
}
_SIGMA_D = "σ_d"
_GREEK = "GREEK SMALL LETTER "


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, num_left: int) -> str:
    """A table of GitHub's Markdown.

    Args:
        headings: of the columns.
        rows: cells.
        num_left: so many columns, from the first, are set to the left, the others to the right.
    """
    rule = ["---" if index < num_left else "---:" for index in range(len(headings))]
    return "\n".join(f"| {' | '.join(_piped(cell) for cell in row)} |" for row in (headings, rule, *rows))


def latex_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, num_left: int, caption: str) -> str:
    """A table environment of LaTeX; needs the package booktabs.

    Args:
        headings: of the columns.
        rows: cells.
        num_left: so many columns, from the first, are set to the left, the others to the right.
        caption: in words.

    Raises:
        ConfigError: a text holds a character that has no place in LaTeX.
    """
    lines = [f"{' & '.join(map(latex_text, row))} \\\\" for row in (headings, *rows)]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{latex_text(caption)}}}",
            rf"\begin{{tabular}}{{{'l' * num_left}{'r' * (len(headings) - num_left)}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def latex_text(text: str) -> str:
    r"""The text with everything escaped that LaTeX would read otherwise; Greek letters and signs in mathematics.

    Raises:
        ConfigError: it holds a character that has no place in LaTeX.

    >>> latex_text("80 % ± 1 at σ_d = 0.2, α & a_b")
    '80 \\% $\\pm$ 1 at $\\sigma_d$ = 0.2, $\\alpha$ \\& a\\_b'
    """
    parts = re.split(f"({_SIGMA_D})", text)
    return "".join(r"$\sigma_d$" if part == _SIGMA_D else "".join(map(_latex, part)) for part in parts)


def _latex(letter: str) -> str:
    if letter in _LATEX:
        return _LATEX[letter]
    name = unicodedata.name(letter, "")
    if name.startswith(_GREEK):
        return rf"$\{name.removeprefix(_GREEK).lower().replace('lamda', 'lambda')}$"
    if not letter.isprintable():
        message = f"A table for LaTeX must hold printable characters only; got {letter!r} in a cell."
        raise ConfigError(message)
    return letter


def _piped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
