"""Tables as text: as they are shown on a page, for a file, a note and a paper."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

UNSHOWABLE = ("line_chart", "bar_chart", "area_chart", "image")
"""Kinds of columns that are pictures."""
LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "σ": r"$\sigma$",
    "γ": r"$\gamma$",
    "β": r"$\beta$",
    "µ": r"\textmu{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "−": "$-$",
    "–": "--",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "√": r"$\surd$",
    "·": r"$\cdot$",
}
"""What LaTeX reads otherwise, or pdfLaTeX has no letter for."""


def as_shown(
    frame: pd.DataFrame, column_config: Mapping[str, Any], column_order: Sequence[str] | None = None
) -> pd.DataFrame:
    """The table as texts: its columns under the heads and in the forms that a page gives them, without pictures.

    Args:
        frame: the table.
        column_config: heads and forms by column, as Streamlit takes them.
        column_order: the columns that are shown; all where not given.
    """
    found: dict[str, list[str]] = {}
    for name in frame.columns if column_order is None else [name for name in column_order if name in frame]:
        config: Mapping[str, Any] = column_config.get(name) or {}
        kind: Mapping[str, Any] = config.get("type_config") or {}
        if kind.get("type") not in UNSHOWABLE:
            found[str(config.get("label") or name)] = [_cell(value, kind.get("format")) for value in frame[name]]
    return pd.DataFrame(found, dtype=object)


def as_markdown(table: pd.DataFrame) -> str:
    r"""A table of texts in GitHub's Markdown.

    >>> print(as_markdown(pd.DataFrame({"Method": ["A|B"], "%": ["97.1"]})), end="")
    | Method | % |
    | --- | --- |
    | A\|B | 97.1 |
    """
    rows = [list(map(str, table.columns)), ["---"] * table.shape[1], *table.to_numpy().tolist()]
    return "".join(f"| {' | '.join(_one_line(cell, '|') for cell in row)} |\n" for row in rows)


def as_latex(table: pd.DataFrame, caption: str) -> str:
    """A table of texts for LaTeX with the package booktabs, under its caption."""
    head, *rows = (
        [_latex(cell) for cell in row] for row in [list(map(str, table.columns)), *table.to_numpy().tolist()]
    )
    lines = [
        r"\begin{table}",
        rf"\caption{{{_latex(caption)}}}",
        rf"\begin{{tabular}}{{{'l' * len(head)}}}",
        r"\toprule",
        f"{' & '.join(head)} \\\\",
        r"\midrule",
        *(f"{' & '.join(row)} \\\\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _cell(value: Any, form: str | None) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN alone
        return "–"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    text = form % value if form and "%" in form else f"{value:.6g}" if isinstance(value, float) else f"{value:,}"
    return text.replace("-", "−")


def _one_line(cell: object, escaped: str) -> str:
    return " ".join(str(cell).split()).replace(escaped, f"\\{escaped}")


def _latex(cell: object) -> str:
    return "".join(LATEX.get(sign, sign) for sign in " ".join(str(cell).replace("σ_d", "σ_{d}").split())).replace(
        r"$\sigma$\_\{d\}", r"$\sigma_d$"
    )
