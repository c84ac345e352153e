"""Tables as text: what Markdown and LaTeX would read otherwise is escaped."""

import pytest

from neft.cli.text_tables import latex_table, latex_text, markdown_table
from neft.errors import ConfigError

HEADINGS = ["row", "accuracy %"]
ROWS = [["a_b", "93.1 ± 0.6"], ["c|d", "−1.0"]]


def test_markdown_has_a_rule_and_keeps_its_columns() -> None:
    assert markdown_table(HEADINGS, ROWS, num_left=1).splitlines() == [
        "| row | accuracy % |",
        "| --- | ---: |",
        "| a_b | 93.1 ± 0.6 |",
        r"| c\|d | −1.0 |",
    ]


def test_latex_is_a_table_of_booktabs() -> None:
    assert latex_table(HEADINGS, ROWS, num_left=1, caption="On 8×8 & more").splitlines() == [
        r"\begin{table}",
        r"\centering",
        r"\caption{On 8$\times$8 \& more}",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"row & accuracy \% \\",
        r"\midrule",
        r"a\_b & 93.1 $\pm$ 0.6 \\",
        r"c|d & $-$1.0 \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("100 % & #1_a {b} $5", r"100 \% \& \#1\_a \{b\} \$5"),
        (r"\alpha^2 ~", r"\textbackslash{}alpha\textasciicircum{}2 \textasciitilde{}"),
        ("a < b > c", r"a \textless{} b \textgreater{} c"),
        ("σ_d = 0.2, σ alone", r"$\sigma_d$ = 0.2, $\sigma$ alone"),
        ("α λ ρ", r"$\alpha$ $\lambda$ $\rho$"),
        ("≤ 1–2 ± ×", r"$\leq$ 1--2 $\pm$ $\times$"),
        ("Müller", "Müller"),
    ],
)
def test_latex_says_what_was_written(text: str, written: str) -> None:
    assert latex_text(text) == written


def test_latex_has_no_place_for_a_control_character() -> None:
    with pytest.raises(ConfigError, match=r"printable characters only; got '\\x07'"):
        latex_text("a\a")
