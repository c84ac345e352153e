"""The leaderboard's page: what is stored, ranked, filtered and drawn."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import address
from dashboard.data import leaderboards, plans
from dashboard.pages import Page
from neft import columns as c
from neft.reference import NEAREST_PANEL, published_accuracy
from neft.runs.plans import FOLDER
from neft.runs.store import INSTANCES, RunStore
from neft.tables import leaderboard_table
from neft.tables.leaderboard import published_words
from tests.dashboard.driver import charts, open_page, traces, words
from tests.stored_experiments import store_experiment
from tests.stored_leaderboards import BoardRow, a_leaderboard
from tests.stored_races import a_race, keep_race, with_weights

RANKING, CURVES = "A mark with its interval", "Accuracy over device variation"
DIGITS = "digits8_mlp4x128"
PLAIN, CLIPPED, VANILLA = "noise_injection+none", "noise_injection+clip", "vanilla+none"


def rows_at(sigma_d: float) -> list[BoardRow]:
    """Three rows whose accuracy falls with sigma_d, three seeds and two chips each."""
    worst = {0: 0.5, 1: 0.52, 2: 0.51}
    return [
        BoardRow(level(1 - 1.5 * sigma_d, 0.01), sigma_d=sigma_d),
        BoardRow(level(1 - 0.2 * sigma_d, 0.001), constraint="clip", sigma_d=sigma_d, worst=worst, seconds=20.0),
        BoardRow(level(0.6 - sigma_d, 0.02), method="vanilla", sigma_d=sigma_d),
    ]


def level(mean: float, spread: float) -> dict[int, list[float]]:
    return {seed: [mean + spread * (seed - 1), mean + spread * (seed - 1.2)] for seed in range(3)}


ROWS = [row for sigma_d in (0.1, 0.2, 0.4) for row in rows_at(sigma_d)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one leaderboard at three σ_d, to be read only."""
    folder = tmp_path_factory.mktemp("leaderboard")
    store_experiment(folder, *a_leaderboard(*ROWS))
    return folder


@pytest.fixture
def stored(root: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", root)
    return RunStore(root)


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """Two plans on the same data, to change at will."""
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "two")
    for name, rows in (("leaderboard", ROWS[:3]), ("again", ROWS[3:5])):
        store_experiment(tmp_path / "two", *a_leaderboard(*rows, name=name))
    return RunStore(tmp_path / "two")


def expected(sigma_d: float = 0.2, reference: str | None = None) -> pd.DataFrame:
    plan, runs = a_leaderboard(*ROWS)
    return leaderboard_table(plan.entries, runs, sigma_d=sigma_d, reference=reference)


def table(app: AppTest) -> pd.DataFrame:
    (found,) = [one.value for one in app.dataframe if "Rank" in one.value]
    return found


def marks(app: AppTest) -> list[float]:
    return [trace["x"][0] for trace in traces(app, RANKING) if trace.get("showlegend") is False]


def lines(app: AppTest) -> list[str]:
    return [trace["name"] for trace in traces(app, CURVES) if "lines" in trace["mode"] and trace.get("name")]


# ---------------------------------------------------------------- what is shown
def test_page_says_first_what_is_best(stored: RunStore) -> None:
    app = open_page(Page.LEADERBOARD)

    assert not app.exception
    assert not app.warning
    assert "**Noise injection, clipped weights** keeps most images right: 96.0" in words(app)
    assert "Every row: 30 epochs of all training images in batches of 128, 3 seeds × 2 chips" in words(app)


def test_table_holds_every_row_by_its_rank(stored: RunStore) -> None:
    shown, rows = table(open_page(Page.LEADERBOARD)), expected()

    assert shown["Rank"].tolist() == [1, 2, 3]
    assert shown["Method"].tolist() == rows[c.METHOD_LABEL].tolist()
    assert shown["Constraint"].tolist() == ["Clipped weights", "–", "–"]
    for head, name in (("Accuracy", c.MEAN), ("± acc.", c.CI95), ("Clean", c.CLEAN_ACCURACY)):
        assert shown[head].tolist() == pytest.approx((100 * rows[name]).tolist())
    assert shown["Training s"].tolist() == pytest.approx([20, 1, 1])
    assert shown["Trained with"].tolist() == rows[c.SETTINGS].tolist()


def test_difference_of_the_reference_is_none(stored: RunStore) -> None:
    shown, rows = table(open_page(Page.LEADERBOARD)), expected()

    assert shown["Difference"].tolist()[1] == 0
    assert shown["Difference"].tolist()[0] == pytest.approx(100 * rows[c.DIFFERENCE].iloc[0])


def test_what_no_row_has_is_no_column(stored: RunStore) -> None:
    app = open_page(Page.LEADERBOARD, board_at="0.1", constraint="clip")

    assert "Published" not in table(app)
    assert "Worst case" in table(app)


def test_too_few_chips_are_told(stored: RunStore) -> None:
    assert "A 95 % lower limit of the 1st percentile needs 299 chips; these are 2." in words(
        open_page(Page.LEADERBOARD)
    )


def test_size_of_a_lead_is_told(stored: RunStore) -> None:
    assert "Among 3 rows of 3 seeds a lead is told where it is " in words(open_page(Page.LEADERBOARD))


def test_published_figures_are_told_to_be_of_other_data(stored: RunStore) -> None:
    app = open_page(Page.LEADERBOARD)
    figures = published_accuracy().query(f"panel == '{NEAREST_PANEL}' and sigma_d == 0.2")
    percent = dict(zip(figures[c.VARIANT], 100 * figures[c.ACCURACY], strict=True))

    assert published_words(expected()) in words(app)
    assert table(app)["Published"].tolist()[1:] == pytest.approx([percent["noise_injection"], percent["vanilla"]])


# ---------------------------------------------------------------- choices
def test_another_sigma_d_is_another_ranking(stored: RunStore) -> None:
    app = open_page(Page.LEADERBOARD)
    app = app.sidebar.button_group(key=address.BOARD_SIGMA_D).set_value("0.4").run()

    assert not app.exception
    assert table(app)["Accuracy"].tolist() == pytest.approx((100 * expected(0.4)[c.MEAN]).tolist())
    assert app.query_params == {"board_at": "0.4"}


def test_another_reference_is_what_differences_are_taken_to(stored: RunStore) -> None:
    app = open_page(Page.LEADERBOARD)
    app = app.sidebar.selectbox(key=address.BOARD_REFERENCE).set_value(VANILLA).run()

    rows = expected(reference=VANILLA)
    assert table(app)["Difference"].tolist()[:2] == pytest.approx((100 * rows[c.DIFFERENCE]).tolist()[:2])
    assert "points over Vanilla." in words(app)
    assert app.query_params == {"beside": VANILLA}


@pytest.mark.parametrize(
    ("key", "chosen", "ranks"),
    [(address.BOARD_CONSTRAINTS, "none", [2, 3]), (address.BOARD_METHODS, "noise_injection", [1, 2])],
)
def test_filter_leaves_rows_with_the_ranks_they_have_among_all(
    stored: RunStore, key: str, chosen: str, ranks: list[int]
) -> None:
    app = open_page(Page.LEADERBOARD)
    app = app.sidebar.multiselect(key=key).set_value([chosen]).run()

    assert not app.exception
    assert table(app)["Rank"].tolist() == ranks
    assert len(marks(app)) == len(ranks)
    assert app.query_params == {key: chosen}


def test_filters_that_leave_nothing_say_so(stored: RunStore) -> None:
    app = open_page(Page.LEADERBOARD, constraint="clip", only="vanilla")

    assert not app.exception
    assert "No row has all that is chosen." in words(app)


def test_address_opens_the_same_view(stored: RunStore) -> None:
    app = open_page(Page.LEADERBOARD, board_at="0.1", beside=CLIPPED, by="clean", row=[VANILLA, PLAIN], only="vanilla")

    assert not app.exception
    assert table(app)["Method"].tolist() == ["Vanilla"]
    assert app.button_group(key=address.BOARD_VALUE).value == "clean"
    assert marks(app) == pytest.approx([99.9])
    assert lines(app) == ["Vanilla", "Noise injection"]


# ---------------------------------------------------------------- pictures
@pytest.mark.parametrize(
    ("value", "column"),
    [
        ("accuracy", c.MEAN),
        ("percentile", c.PERCENTILE_1),
        ("worst_case", c.WORST_CASE),
        ("clean", c.CLEAN_ACCURACY),
        ("difference", c.DIFFERENCE),
    ],
)
def test_ranking_draws_the_chosen_value_the_largest_first(stored: RunStore, value: str, column: str) -> None:
    app = open_page(Page.LEADERBOARD, by=value)

    rows = expected().set_index(c.VARIANT)
    rows.loc[PLAIN, c.DIFFERENCE] = 0.0
    wanted = (100 * rows[column].dropna().sort_values(ascending=False)).tolist()
    assert not app.exception
    assert marks(app) == pytest.approx(wanted)


def test_value_that_no_row_has_is_said_to_be_missing(stored: RunStore) -> None:
    app = open_page(Page.LEADERBOARD, by="worst_case", constraint="none")

    assert not app.exception
    assert "None of these rows has a value of this kind: worst case." in words(app)
    assert app.button_group(key=address.BOARD_VALUE).value == "worst_case"


def test_curves_begin_with_the_best_row_the_best_unconstrained_one_and_the_reference(stored: RunStore) -> None:
    app = open_page(Page.LEADERBOARD)

    assert lines(app) == ["Noise injection, clipped weights", "Noise injection"]
    (curve,) = [trace for trace in traces(app, CURVES) if trace.get("name") == "Noise injection"]
    assert curve["x"] == pytest.approx([0.1, 0.2, 0.4])
    means = [100 * float(expected(at).set_index(c.VARIANT)[c.MEAN][PLAIN]) for at in (0.1, 0.2, 0.4)]
    assert curve["y"] == pytest.approx(means)


def test_curves_are_of_the_chosen_rows(stored: RunStore) -> None:
    app = open_page(Page.LEADERBOARD)
    app = app.multiselect(key=address.BOARD_ROWS).set_value([VANILLA]).run()

    assert lines(app) == ["Vanilla"]
    assert app.query_params == {"row": VANILLA}


def test_no_chosen_row_draws_no_curve(stored: RunStore) -> None:
    app = open_page(Page.LEADERBOARD)
    app = app.multiselect(key=address.BOARD_ROWS).set_value([]).run()

    assert not app.exception
    assert "No row is chosen." in words(app)


def test_published_points_stand_beside_the_chosen_rows_alone(stored: RunStore) -> None:
    app = open_page(Page.LEADERBOARD, paper="true", row=[VANILLA, CLIPPED])

    published = [trace for trace in traces(app, CURVES) if "(published)" in trace.get("name", "")]
    assert {trace["name"] for trace in published} == {"VGG-8 on MNIST (published)", "Vanilla (published)"}
    assert "Hollow: published for VGG-8 on MNIST" in words(app)


# ---------------------------------------------------------------- stores that are not as they should be
def test_without_a_leaderboard_the_page_says_how_to_make_one(nothing_shipped: None) -> None:
    app = open_page(Page.LEADERBOARD)

    assert not app.exception
    assert "No leaderboard is stored yet." in words(app)
    assert [code.value for code in app.code] == ["neft sweep leaderboard"]


def test_missing_runs_are_counted_with_what_makes_them(two: RunStore) -> None:
    two.delete(next(run_id for run_id in two.ids() if "vanilla" in run_id))

    app = open_page(Page.LEADERBOARD, board=f"leaderboard_{DIGITS}")

    assert not app.exception
    assert "8 of 9 runs are stored; `neft sweep leaderboard` makes the rest." in words(app)


def test_damaged_run_is_named_while_the_rest_works(two: RunStore) -> None:
    damaged = next(run_id for run_id in two.ids() if "vanilla" in run_id)
    (two.root / damaged / INSTANCES).write_bytes(b"no table")

    app = open_page(Page.LEADERBOARD, board=f"leaderboard_{DIGITS}")

    assert not app.exception
    assert f"Left out: Run '{damaged}' is corrupt" in words(app)
    assert len(table(app)) == 3


def test_plans_on_the_same_data_are_told_apart_by_their_names(two: RunStore) -> None:
    app = open_page(Page.LEADERBOARD)
    choice = app.sidebar.selectbox(key=address.BOARD)

    assert choice.options == [f"{name}: Digits 8×8, MLP, 4 × 128, RRAM1" for name in ("again", "leaderboard")]
    assert len(table(app)) == 2

    app = choice.set_value(f"leaderboard_{DIGITS}").run()

    assert not app.exception
    assert len(table(app)) == 3
    assert app.query_params == {"board": f"leaderboard_{DIGITS}"}


def test_plan_that_cannot_be_read_is_named(two: RunStore) -> None:
    (two.root / FOLDER / "torn.json").write_text("{", encoding="utf-8")

    assert "The plan torn cannot be read: not a plan" in words(open_page(Page.LEADERBOARD))


def test_experiments_lead_to_the_leaderboard(stored: RunStore) -> None:
    app = open_page(Page.EXPERIMENTS, experiment="leaderboard")

    assert not app.exception
    assert "Open the leaderboard" in words(app)
    assert not charts(app)


# ---------------------------------------------------------------- the door to the numbers
def test_value_has_its_own_ends(stored: RunStore) -> None:
    stamp = plans.fingerprint()
    (key,) = leaderboards.places(stamp)
    board = leaderboards.board(key, 0.2, None, stamp)

    drawn = leaderboards.by_value(board, "clean", PLAIN).set_index(c.VARIANT)
    rows = board.set_index(c.VARIANT)
    for name, sign in ((c.LOWER, -1), (c.UPPER, 1)):
        wanted = rows[c.CLEAN_ACCURACY] + sign * rows[c.CLEAN_CI95]
        assert drawn[name].to_dict() == pytest.approx(wanted.to_dict())
    assert leaderboards.board(key, 0.2, "no such row", stamp).equals(board)


# ---------------------------------------------------------------- races
@pytest.fixture
def raced(two: RunStore) -> RunStore:
    """Every run kept its weights; those of two rows of three were raced, of the last one's three trainings two."""
    for number, record in enumerate(two.list().records):
        weights = f"{number:064x}"
        with_weights(two.root, record, weights)
        if record.facts.method != "vanilla" or record.facts.seed != 0:
            worst = 0.5 if record.facts.constraint_label else 0.3
            _ = keep_race(two.root, a_race(record.id, weights=weights, sigma_d=0.1, worst=worst))
    return RunStore(two.root)


def test_raced_percentile_stands_in_rows_whose_every_training_was_raced(raced: RunStore) -> None:
    app = open_page(Page.LEADERBOARD, board=f"leaderboard_{DIGITS}", board_at="0.1")

    assert not app.exception
    shown = table(app).set_index(["Method", "Constraint"])
    assert shown["1st of 10,000"].dropna().to_dict() == pytest.approx(
        {("Noise injection", "Clipped weights"): 59.999, ("Noise injection", "–"): 39.999}, abs=1e-3
    )
    assert shown["Its limits"].tolist() == ["58.3 to 61.7", "38.3 to 41.7", "–"]
    said = words(app)
    assert "raced; the other columns' 2 chips are the first of them. It is reported alone" in said
    (vanilla,) = [one for one in raced.list().records if one.facts.method == "vanilla" and one.facts.seed == 0]
    assert (
        f"Of other rows not every training was raced: `neft evaluate {vanilla.id} --percentile 1 --test-sigma-d 0.1`"
        in said
    )


def test_race_that_cannot_be_read_is_named(raced: RunStore) -> None:
    broken = next((raced.root / "races").glob("*/*.json"))
    whole = broken.read_text(encoding="utf-8")
    _ = broken.write_text("{}", encoding="utf-8")
    try:
        app = open_page(Page.LEADERBOARD, board=f"leaderboard_{DIGITS}", board_at="0.1")
    finally:
        _ = broken.write_text(whole, encoding="utf-8")

    assert not app.exception
    (told,) = [one.value for one in app.warning if "race" in one.value]
    assert broken.parent.name in told.replace("\\", "")
    assert "cannot be read" in told


def test_ranking_is_drawn_by_raced_percentiles_with_their_limits(raced: RunStore) -> None:
    app = open_page(Page.LEADERBOARD, board=f"leaderboard_{DIGITS}", board_at="0.1", by="raced")

    assert not app.exception
    assert marks(app) == pytest.approx([59.999, 39.999], abs=1e-3)


def test_a_race_that_is_kept_later_is_shown(raced: RunStore) -> None:
    folder = raced.root / "races"
    away = folder.rename(folder.with_name("away"))
    before = open_page(Page.LEADERBOARD, board=f"leaderboard_{DIGITS}", board_at="0.1")
    assert "1st of 10,000" not in table(before)
    assert "Of no row was every training raced: `neft evaluate" in words(before)

    _ = away.rename(folder)

    assert "1st of 10,000" in table(open_page(Page.LEADERBOARD, board=f"leaderboard_{DIGITS}", board_at="0.1"))


def test_runs_without_weights_are_said_not_to_be_raced(stored: RunStore) -> None:
    app = open_page(Page.LEADERBOARD, by="raced")

    assert not app.exception
    assert "these runs were stored without weights and cannot be raced" in words(app)
    assert app.button_group(key=address.BOARD_VALUE).value == "accuracy"


# ---------------------------------------------------------------- mapping and programming
COSTS, SCHEMES = "Accuracy against", "digits8_mlp4x128_schemes"
VERIFIED = "noise_injection+none~write_verify"
DEPLOYED = [
    BoardRow(level(0.6, 0.01), costs=(8, 4.0, 0.0)),
    BoardRow(level(0.9, 0.001), scheme="~write_verify", costs=(8, 20.5, 20.5)),
    BoardRow(level(0.8, 0.001), constraint="clip", scheme="~copies=2", costs=(16, 30.0, 30.0)),
]


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """A leaderboard of trainings beside one of trainings, mappings and programmings."""
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "deployed")
    for name, rows in (("leaderboard", ROWS), ("schemes_digits", DEPLOYED)):
        store_experiment(tmp_path / "deployed", *a_leaderboard(*rows, name=name))
    return RunStore(tmp_path / "deployed")


def test_trainings_alone_are_shown_first_and_without_costs(deployed: RunStore) -> None:
    app = open_page(Page.LEADERBOARD)

    assert not app.exception
    assert len(table(app)) == 3
    assert not {"Front", "Pulses", "Mapping, programming"} & set(table(app))
    assert not [chart for chart in charts(app) if chart.startswith(COSTS)]
    assert SCHEMES in leaderboards.places(plans.fingerprint())


def test_rows_of_schemes_have_costs_and_their_front(deployed: RunStore) -> None:
    app = open_page(Page.LEADERBOARD, board=SCHEMES)

    assert not app.exception
    assert app.title[0].value == "Which training, mapping and programming do best?"
    shown = table(app)
    assert shown["Mapping, programming"].tolist() == ["write_verify", "copies=2", "–"]
    assert shown["Pulses"].tolist() == [20.5, 30.0, 4.0]
    assert shown["Front"].tolist() == ["●", "", "●"]
    assert "2 of 3 rows are on the front" in words(app)
    assert "its cheapest row, Noise injection, keeps 59.9" in words(app)
    assert "each training is one" in words(app)


def test_cost_is_chosen_and_marks_stand_at_it(deployed: RunStore) -> None:
    app = open_page(Page.LEADERBOARD, board=SCHEMES, board_cost=c.DEVICES)

    drawn = [trace for trace in traces(app, COSTS) if trace["mode"] == "markers"]
    assert sorted(trace["x"][0] for trace in drawn) == [8, 8, 16]
    # of 8 devices the verified row is better: the plain one is on no front of this cost
    assert [trace["marker"]["symbol"].endswith("-open") for trace in drawn if trace["x"] == [8]] == [False, True]


def test_rows_whose_costs_are_not_known_are_told_apart_and_drawn_at_no_cost(
    deployed: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [replace(DEPLOYED[0], costs=None), replace(DEPLOYED[1], costs=None, method="vanilla"), *DEPLOYED[1:]]
    shutil.rmtree(deployed.root)
    store_experiment(deployed.root, *a_leaderboard(*rows, name="schemes_digits"))

    app = open_page(Page.LEADERBOARD, board=SCHEMES, only="vanilla")

    assert not app.exception
    assert table(app)["Mapping, programming"].tolist() == ["write_verify"]
    assert not [chart for chart in charts(app) if chart.startswith(COSTS)]


def test_rows_of_one_scheme_are_shown_alone(deployed: RunStore) -> None:
    app = open_page(Page.LEADERBOARD, board=SCHEMES, scheme=["usual", "~write_verify"])

    assert table(app)["Rank"].tolist() == [1, 3]
    assert {name for name in lines(app) if name} >= {"Noise injection"}


def test_experiment_leads_to_the_board_of_its_size(deployed: RunStore) -> None:
    for plan, board in (("leaderboard", DIGITS), ("schemes_digits", SCHEMES)):
        app = open_page(Page.EXPERIMENTS, experiment="leaderboard", **{address.PLAN: plan})

        assert not app.exception
        (link,) = [link.proto for link in app.get("page_link") if link.proto.page == Page.LEADERBOARD.path]
        assert link.query_string == f"board={board}"
