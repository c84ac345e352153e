"""Leaderboards in words."""

import pandas as pd
import pytest

from dashboard.words.leaderboard_words import board_finding, lead_words, limit_words, pair_words, rank_words
from neft import columns as c
from neft.tables import leaderboard_table
from tests.stored_leaderboards import BoardRow, a_leaderboard

NAN = float("nan")


def level(mean: float, *, spread: float = 0.001) -> dict[int, list[float]]:
    """Four seeds and two chips around a mean."""
    return {seed: [mean + spread * (seed - 1.5), mean + spread * (1.5 - seed)] for seed in range(4)}


CLIPPED = BoardRow(level(0.93), constraint="clip")
PLAIN = BoardRow({0: [0.64, 0.64], 1: [0.65, 0.65], 2: [0.65, 0.65], 3: [0.66, 0.66]})
IRS = BoardRow({0: [0.7, 0.7], 1: [0.71, 0.71], 2: [0.7, 0.7], 3: [0.69, 0.69]}, method="irs")


def board_of(*rows: BoardRow) -> pd.DataFrame:
    plan, runs = a_leaderboard(*rows)
    return leaderboard_table(plan.entries, runs, sigma_d=0.2)


def finding(*rows: BoardRow, reference: str = "noise_injection+none") -> str:
    return board_finding(board_of(*rows), place="Digits", sigma_d=0.2, reference=reference)


def ranked(*lowest: int) -> pd.DataFrame:
    """Rows with these lower ends of their ranks."""
    board = board_of(*(BoardRow(level(0.9 - 0.1 * at), method=name) for at, name in enumerate(NAMES[: len(lowest)])))
    return board.assign(**{c.RANK_LOWER: lowest})


NAMES = ("irs", "ovf", "noise_injection", "vanilla")


def test_best_row_leads_by_its_paired_difference() -> None:
    said = finding(CLIPPED, PLAIN, IRS)

    assert said.startswith(
        r"At device variation $\sigma_d$ = 0.2 on Digits, **Noise injection, clipped weights** keeps most images "
        "right: 93.0 ± "
    )
    # 28 points; seeds spread by sqrt(2/3) points, t_3 = 3.1824: 1.2991 points
    assert ", +28.0 ± 1.3 points over Noise injection." in said


def test_best_without_a_constraint_is_named_beside_a_constrained_best() -> None:
    assert "The best without a weight constraint, IRS, keeps 70.0 ± 1.3 %." in finding(CLIPPED, PLAIN, IRS)
    assert "without a weight constraint" not in finding(PLAIN, IRS)


def test_best_row_has_no_lead_over_itself() -> None:
    assert "points over" not in finding(PLAIN, BoardRow(level(0.1), method="vanilla"))


def test_row_that_beats_all_others_is_said_to() -> None:
    assert "It is told to be better than each of the 2 others." in board_finding(
        ranked(1, 2, 3), place="Digits", sigma_d=0.2, reference="noise_injection+none"
    )


def test_rows_that_may_be_best_are_named() -> None:
    board = ranked(1, 1, 1, 4)

    assert "Not told from the best: OVF; Noise injection." in board_finding(
        board, place="Digits", sigma_d=0.2, reference="noise_injection+none"
    )


def test_many_rows_that_may_be_best_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.words.leaderboard_words.MAX_NAMED", 2)

    assert "3 of the 3 others cannot be told from the best." in board_finding(
        ranked(1, 1, 1, 1), place="Digits", sigma_d=0.2, reference="noise_injection+none"
    )


def test_only_row_is_said_to_be() -> None:
    assert "It is the only row." in finding(PLAIN)


def test_single_training_on_a_single_chip_has_no_interval() -> None:
    said = finding(BoardRow({0: [0.9]}, method="irs"), BoardRow({0: [0.5]}))

    assert "keeps most images right: 90.0 %, +40.0 points over Noise injection." in said
    assert "nan" not in said


def test_ranks_are_a_range_or_one() -> None:
    frame = pd.DataFrame({c.RANK_LOWER: [1, 2], c.RANK_UPPER: [3, 2]})

    assert rank_words(frame) == ["1–3", "2"]


def test_limits_are_in_per_cent_and_a_dash_where_there_is_none() -> None:
    frame = pd.DataFrame({c.PERCENTILE_1_LOWER: [0.812, NAN, NAN], c.PERCENTILE_1_UPPER: [0.84, 0.75, NAN]})

    assert limit_words(frame) == ["81.2 to 84.0", "– to 75.0", "–"]


def test_pairs_are_counted_where_there_are_some() -> None:
    assert pair_words(60, 66) == "Held together, 60 of 66 pairs of rows are told apart."
    assert pair_words(0, 0) == ""


def test_lead_is_said_with_a_decimal_where_it_is_few_times() -> None:
    assert "a lead is told where it is 7.7 times its standard error" in lead_words(7.66, num_rows=33, num_seeds=5)


def test_single_training_tells_no_lead() -> None:
    assert lead_words(NAN, num_rows=3, num_seeds=1) == ""
