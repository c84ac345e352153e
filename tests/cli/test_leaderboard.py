"""neft leaderboard."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from neft.cli.leaderboard_columns import COLUMNS
from neft.experiments.leaderboard import EXPERIMENT, TRIALS
from neft.runs.places import neft_home
from neft.runs.plans import FOLDER
from neft.runs.store import INSTANCES, RunStore
from neft.tables.boards import LEADERBOARD
from tests.cli.conftest import Neft
from tests.stored_experiments import store_experiment
from tests.stored_leaderboards import BoardRow, a_leaderboard
from tests.stored_races import a_race, keep_race, with_weights

ROWS = (
    BoardRow({0: [0.5, 0.7], 1: [0.6, 0.8]}, worst={0: 0.1, 1: 0.3}, seconds=2.0),
    BoardRow({0: [0.92, 0.94], 1: [0.9, 0.96]}, constraint="clip"),
    BoardRow({0: [0.1, 0.2], 1: [0.2, 0.2]}, method="vanilla"),
    BoardRow({0: [0.4, 0.4], 1: [0.4, 0.4]}, sigma_d=0.4),
)


@pytest.fixture(autouse=True)
def _nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")


@pytest.fixture
def ranked(own_store: RunStore) -> RunStore:
    """Three rows at σ_d = 0.2, one at 0.4."""
    store_experiment(own_store.root, *a_leaderboard(*ROWS))
    return own_store


def no_constant(name: str) -> None:
    pytest.fail(f"{name} is no JSON")


def boards_of(neft: Neft, *arguments: str) -> list[dict[str, Any]]:
    return json.loads(neft("leaderboard", "--json", *arguments).out, parse_constant=no_constant)["leaderboards"]


def rows_of(neft: Neft, *arguments: str) -> list[str]:
    (board,) = boards_of(neft, "--sigma-d", "0.2", *arguments)
    return [row["variant"] for row in board["rows"]]


def line_of(text: str, words: str) -> str:
    (line,) = [line for line in text.splitlines() if words in line]
    return line


SCHEMES = (
    BoardRow({0: [0.5, 0.7], 1: [0.6, 0.8]}, costs=(8, 4.0, 0.0)),
    BoardRow({0: [0.9, 0.92], 1: [0.88, 0.9]}, scheme="~write_verify", costs=(8, 30.5, 30.5)),
)


def test_schemes_are_ranked_where_they_are_asked_for_alone(neft: Neft, ranked: RunStore) -> None:
    store_experiment(ranked.root, *a_leaderboard(*SCHEMES, name="schemes_digits"))

    assert {board["plan"] for board in boards_of(neft)} == {LEADERBOARD}
    (board,) = boards_of(neft, "--schemes")
    assert board["plan"] == "schemes_digits"
    assert [(row["variant"], row["pulses_a_weight"], row["on_front"]) for row in board["rows"]] == [
        ("noise_injection+none~write_verify", 30.5, 1.0),
        ("noise_injection+none", 4.0, 1.0),
    ]
    (by_pulses,) = boards_of(neft, "--schemes", "--sort", "pulses")
    assert by_pulses["rows"][0]["variant"] == "noise_injection+none"


def test_schemes_go_into_a_latex_table(neft: Neft, ranked: RunStore) -> None:
    store_experiment(ranked.root, *a_leaderboard(*SCHEMES, name="schemes_digits"))

    assert r"$\bullet$" in neft("leaderboard", "--schemes", "--latex").out


def test_leaderboard_of_schemes_that_is_not_stored_is_named_with_what_makes_it(neft: Neft, ranked: RunStore) -> None:
    assert "`neft sweep schemes_digits` makes one" in neft("leaderboard", "--schemes").said


# ---------------------------------------------------------------- what is printed
def test_every_ranking_has_its_title_and_budget(neft: Neft, ranked: RunStore) -> None:
    shown = neft("leaderboard").said

    assert re.findall(r"^Leaderboard: .*", shown, re.MULTILINE) == [
        f"Leaderboard: Digits 8×8, MLP, 4 × 128, RRAM1, σ_d = {sigma_d}" for sigma_d in (0.2, 0.4)
    ]
    assert shown.count("Every row: 30 epochs of all training images in batches of 128, 2 seeds × 2 chips;") == 2


def test_row_has_all_its_numbers(neft: Neft, ranked: RunStore) -> None:
    line = line_of(neft("leaderboard", "--sigma-d", "0.2").out, "\tnoise_injection+none\t")
    cells = line.split("\t")

    # as worked out in test_leaderboard.py of the tables
    # clip and vanilla are told apart by themselves (p 0.0105 < 0.05 / 4), not among all pairs (> 0.05 / 6)
    assert cells[:7] == [
        "2 (1–3)",
        "noise_injection+none",
        "65.0 ± 142.1",
        "55.2 (≤ 55.2)",
        "20.0 ± 127.1",
        "99.9 ± 0.0",
        "–",
    ]
    assert cells[9:11] == ["2", "4"]
    assert float(cells[11]) > 0


def test_difference_is_signed(neft: Neft, ranked: RunStore) -> None:
    shown = neft("leaderboard", "--sigma-d", "0.2").said

    assert "+28.0 ±" in line_of(shown, "\tnoise_injection+clip\t")
    assert "−47.5 ±" in line_of(shown, "\tvanilla+none\t")


def test_numbers_are_explained_below(neft: Neft, ranked: RunStore) -> None:
    shown = neft("leaderboard", "--sigma-d", "0.2").said

    assert "Differences are to noise_injection+none, seed by seed and chip by chip." in shown
    assert "All held together, 0 of 3 pairs of rows are told apart." in shown
    assert "A 95 % lower limit of the 1st percentile needs 299 chips; these are 2." in shown
    assert "deviations up to 0.03 w_max" in shown
    assert "Published: VGG-8 on MNIST (Qin et al. 2025" in shown
    assert "another network and other data" in shown


def test_what_no_row_has_is_not_explained(neft: Neft, own_store: RunStore) -> None:
    store_experiment(own_store.root, *a_leaderboard(ROWS[1]))

    shown = neft("leaderboard").said

    assert "Published" not in shown
    assert "published" not in shown
    assert "w_max" not in shown


def test_seeds_are_counted_row_by_row_where_they_differ(neft: Neft, own_store: RunStore) -> None:
    store_experiment(own_store.root, *a_leaderboard(ROWS[0], BoardRow({0: [0.5, 0.6]}, method="irs")))

    shown = neft("leaderboard").said

    assert "2 × 2" in line_of(shown, "\tnoise_injection+none\t")
    assert "1 × 2" in line_of(shown, "\tirs+none\t")


def test_trials_that_are_told_are_those_of_the_plan(neft: Neft, ranked: RunStore) -> None:
    assert f"its settings are the best of {len(TRIALS)} trials on validation data." in neft("leaderboard").said


def test_plans_of_leaderboards_are_read_as_such() -> None:
    assert EXPERIMENT == LEADERBOARD


# ---------------------------------------------------------------- other forms
def test_json_holds_the_same_numbers(neft: Neft, ranked: RunStore) -> None:
    (board, other) = boards_of(neft)

    assert (board["dataset"], board["backbone"], board["sigma_d"], other["sigma_d"]) == ("digits", "mlp4x128", 0.2, 0.4)
    assert (board["reference"], board["pairs_told_apart"], board["num_pairs"]) == ("noise_injection+none", 0, 3)
    (row,) = [row for row in board["rows"] if row["variant"] == "noise_injection+none"]
    assert row["mean"] == pytest.approx(0.65)
    assert row["difference"] is row["percentile_1_lower"] is None
    assert len(row["run_ids"]) == 2


def test_markdown_names_rows_in_words(neft: Neft, ranked: RunStore) -> None:
    shown = neft("leaderboard", "--markdown", "--sigma-d", "0.2").out

    assert "## Leaderboard: Digits 8×8, MLP, 4 × 128, RRAM1, σ_d = 0.2\n\nEvery row: " in shown
    assert line_of(shown, "Noise injection, clipped weights").startswith(
        "| 1 (1–2) | Noise injection, clipped weights | 93.0 ±"
    )
    assert "| --- | --- | ---: |" in shown


def test_latex_is_escaped(neft: Neft, ranked: RunStore) -> None:
    shown = neft("leaderboard", "--latex", "--sigma-d", "0.2").out

    assert line_of(shown, "clipped weights &").startswith(r"1 (1--2) & Noise injection, clipped weights & 93.0 $\pm$ ")
    assert r"RRAM1, $\sigma_d$ = 0.2. Every row: 30 epochs" in line_of(shown, r"\caption")
    for line in shown.splitlines():
        assert not re.search(r"(?<!\\)[%#]|(?<!\\)_(?!d\$)", line)
        assert line.isascii()


def test_one_form_at_a_time(neft: Neft, ranked: RunStore) -> None:
    answer = neft("leaderboard", "--json", "--latex")

    assert answer.code != 0
    assert "Give one of --json, --markdown and --latex" in answer.err


# ---------------------------------------------------------------- sort and filter
@pytest.mark.parametrize(
    ("column", "first"),
    [("rank", "noise_injection+clip"), ("row", "noise_injection+clip"), ("ekl", "vanilla+none")],
)
def test_rows_are_sorted_by_a_column(neft: Neft, ranked: RunStore, column: str, first: str) -> None:
    assert rows_of(neft, "--sort", column)[0] == first


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_sorts(neft: Neft, ranked: RunStore, column: str) -> None:
    assert sorted(rows_of(neft, "--sort", column)) == ["noise_injection+clip", "noise_injection+none", "vanilla+none"]


def test_unknown_column_is_named_with_its_neighbour(neft: Neft, ranked: RunStore) -> None:
    assert "Unknown column 'acuracy'. Did you mean 'accuracy'?" in neft("leaderboard", "--sort", "acuracy").err


def test_rows_are_filtered_and_ranks_still_count_all(neft: Neft, ranked: RunStore) -> None:
    (board,) = boards_of(neft, "--sigma-d", "0.2", "--method", "vanilla")

    assert [(row["variant"], row["rank"]) for row in board["rows"]] == [("vanilla+none", 3)]
    assert rows_of(neft, "--constraint", "clip") == ["noise_injection+clip"]
    assert "Ranks count all 3 rows." in neft("leaderboard", "--sigma-d", "0.2", "--constraint", "clip").said


@pytest.mark.parametrize(("option", "value"), [("--method", "vanila"), ("--constraint", "clipp")])
def test_unknown_filter_is_named(neft: Neft, ranked: RunStore, option: str, value: str) -> None:
    answer = neft("leaderboard", "--sigma-d", "0.2", option, value)

    assert answer.code != 0
    assert f"Unknown {option[2:]} '{value}'. Did you mean" in answer.err


def test_differences_are_to_the_chosen_row(neft: Neft, ranked: RunStore) -> None:
    (board,) = boards_of(neft, "--sigma-d", "0.2", "--reference", "vanilla+none")

    assert board["reference"] == "vanilla+none"
    assert {row["variant"]: row["difference"] for row in board["rows"]} == {
        "noise_injection+clip": pytest.approx(0.755),
        "noise_injection+none": pytest.approx(0.475),
        "vanilla+none": None,
    }


def test_unknown_reference_is_named_with_its_neighbour(neft: Neft, ranked: RunStore) -> None:
    answer = neft("leaderboard", "--sigma-d", "0.2", "--reference", "vanila+none")

    assert "Unknown row 'vanila+none'. Did you mean 'vanilla+none'?" in answer.err


# ---------------------------------------------------------------- stores that are not as they should be
def test_without_a_leaderboard_the_command_is_named(neft: Neft) -> None:
    assert neft("leaderboard").out == "No leaderboard is stored; `neft sweep leaderboard` makes one.\n"
    assert boards_of(neft) == []


@pytest.mark.parametrize("asked", [("--dataset", "mnist"), ("--backbone", "vgg8"), ("--sigma-d", "0.3")])
def test_what_is_asked_for_and_not_there_is_said(neft: Neft, ranked: RunStore, asked: tuple[str, str]) -> None:
    answer = neft("leaderboard", *asked)

    assert answer.code != 0
    assert "There are: --dataset digits --backbone mlp4x128 at σ_d = 0.2, 0.4." in answer.err


def test_run_that_cannot_be_read_is_named_and_hides_no_other(neft: Neft, ranked: RunStore) -> None:
    (damaged,) = [run_id for run_id in ranked.ids() if "vanilla" in run_id and "seed1" in run_id]
    (ranked.root / damaged / INSTANCES).write_bytes(b"nothing")

    answer = neft("leaderboard", "--sigma-d", "0.2")

    assert answer.code == 0
    assert damaged in answer.err
    assert "1 × 2" in line_of(answer.out, "\tvanilla+none\t")


def test_plan_that_cannot_be_read_is_named(neft: Neft, ranked: RunStore) -> None:
    (ranked.root / FOLDER / "broken.json").write_text("{", encoding="utf-8")

    assert neft("leaderboard").err.startswith("broken: not a plan\n")


def test_store_that_is_named_is_read_alone(neft: Neft, ranked: RunStore, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert boards_of(neft, "--store", str(tmp_path / "empty")) == []
    assert len(boards_of(neft, "--store", str(ranked.root))) == 2


# ---------------------------------------------------------------- races
def test_raced_percentile_is_a_column_once_a_row_has_one(neft: Neft, ranked: RunStore) -> None:
    assert "1st of 10,000" not in neft("leaderboard", "--sigma-d", "0.2").out
    for number, record in enumerate(ranked.list().records):
        with_weights(ranked.root, record, f"{number:064x}")
        if record.facts.constraint_label:
            _ = keep_race(neft_home(), a_race(record.id, weights=f"{number:064x}", worst=0.5))

    shown = neft("leaderboard", "--sigma-d", "0.2")

    head, *rows = [line.split("\t") for line in shown.out.splitlines()]
    found = {row[1]: row[head.index("1st of 10,000 %")] for row in rows}
    assert found == {
        "noise_injection+clip": "60.0 (58.3 to 61.7)",
        "noise_injection+none": "–",
        "vanilla+none": "–",
    }
    assert "1st of 10,000: the same networks on more chips, raced; it is reported alone." in shown.err
    best = next(iter(boards_of(neft, "--sigma-d", "0.2")[0]["rows"]))
    assert (best["num_raced"], best["raced_percentile_1"]) == (2, pytest.approx(0.59999))


def test_race_that_cannot_be_read_is_named(neft: Neft, ranked: RunStore) -> None:
    record = ranked.list().records[0]
    with_weights(ranked.root, record, "0" * 64)
    path = keep_race(neft_home(), a_race(record.id, weights="0" * 64))
    _ = path.write_text("{}", encoding="utf-8")

    told = neft("leaderboard", "--sigma-d", "0.2")

    assert told.code == 0
    assert record.id in told.err
    assert "The race of run" in told.err


def test_race_of_other_chips_of_a_run_is_no_column(neft: Neft, ranked: RunStore) -> None:
    for number, record in enumerate(ranked.list().records):
        with_weights(ranked.root, record, f"{number:064x}")
        _ = keep_race(neft_home(), a_race(record.id, weights=f"{number:064x}", is_own=False))

    assert "1st of 10,000" not in neft("leaderboard", "--sigma-d", "0.2").out
