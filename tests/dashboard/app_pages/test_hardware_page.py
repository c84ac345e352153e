"""What networks take on a chip, on their page, with a run's details and on the leaderboard."""

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.pages import Page
from neft import columns as c
from neft.hardware.constants import FILE, VARIABLE, load_constants
from neft.hardware.costs import size_of
from neft.inspection.hardware import deployed_of
from neft.options import make_config
from neft.runs import searches
from neft.runs.records import RunRecord
from neft.runs.searches import SearchTrial
from neft.runs.store import RunStore
from tests.dashboard.driver import charts, open_page, traces, words
from tests.stored_experiments import store_experiment
from tests.stored_leaderboards import BoardRow, a_leaderboard

PARETO, PARTS = "Accuracy against", "Shares of each part"


def rows(app: AppTest) -> pd.DataFrame:
    return next(one.value for one in app.dataframe if "Area mm²" in one.value)


def marks(app: AppTest) -> list[float]:
    return sorted(trace["x"][0] for trace in traces(app, PARETO) if trace["mode"] == "markers")


def test_page_says_first_what_the_best_takes(shipped: RunStore) -> None:
    app = open_page(Page.HARDWARE)

    assert not app.exception
    assert " mm² keep " in app.title[0].value
    assert "on the front" in words(app)
    assert "95 % interval over seeds" in words(app)


def test_every_mark_stands_at_its_networks_area_or_energy(shipped: RunStore) -> None:
    record = shipped.list().records[0]
    size = size_of(deployed_of(record), load_constants())

    assert marks(open_page(Page.HARDWARE)) == pytest.approx([size.totals.area])
    assert marks(open_page(Page.HARDWARE, hw_cost=c.ENERGY)) == pytest.approx([size.totals.energy])


def test_chosen_trainings_are_drawn_by_the_chosen_worth(shipped: RunStore) -> None:
    variants = ["ovf", "irs"]
    app = open_page(Page.HARDWARE, hw_methods=variants, hw_worth="percentile", hw_at="0.1")

    assert not app.exception
    drawn = [trace for trace in traces(app, PARETO) if trace["mode"] == "markers"]
    low = [
        [record.summary.at(0.1).metrics[c.ACCURACY].percentile_1 for record in found]  # type: ignore[union-attr]
        for variant in variants
        if (found := [one for one in shipped.list().records if one.facts.variant == variant])
    ]
    assert sorted(trace["y"][0] for trace in drawn) == pytest.approx(
        sorted(100 * sum(map(float, one)) / len(one) for one in low if None not in one)  # type: ignore[arg-type]
    )
    assert "1st percentile" in words(app)


def test_unit_costs_stand_with_their_sources_in_words(shipped: RunStore) -> None:
    app = open_page(Page.HARDWARE)
    table = next(one.value for one in app.dataframe if "source" in one.value)

    assert "Shafiee et al. 2016, Table I" in set(table["source"])
    assert not table["source"].str.contains("[", regex=False).any()
    assert not table["note"].str.contains("[Choo", regex=False).any()


def test_unit_costs_of_ones_own_count_at_once(
    shipped: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(open_page(Page.HARDWARE))["Area mm²"].iloc[0]
    own = tmp_path / "own.toml"
    _ = own.write_text(FILE.read_text(encoding="utf-8").replace("value = 1200.0", "value = 0"), encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(own))

    assert rows(open_page(Page.HARDWARE))["Area mm²"].iloc[0] < before / 2


def test_unit_costs_that_cannot_be_read_are_told(shipped: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/no/such/file.toml")

    for page in (Page.HARDWARE, Page.RUNS):
        app = open_page(page, run=shipped.ids()[0])
        assert not app.exception
        assert "cannot be read" in words(app)


def test_page_without_runs_leads_on(nothing_shipped: None) -> None:
    app = open_page(Page.HARDWARE)

    assert not app.exception
    assert "No runs are stored yet" in words(app)


def test_a_runs_details_hold_its_totals(shipped: RunStore) -> None:
    record = shipped.list().records[0]
    size = size_of(deployed_of(record), load_constants())

    app = open_page(Page.RUNS, run=record.id)

    assert f"{size.totals.devices:,} devices" in words(app)
    assert "8 bits are priced" in words(app)
    shares = [trace["x"] for trace in traces(app, PARTS)]
    assert [sum(one) for one in shares] == pytest.approx([100, 100])


# ---------------------------------------------------------------- searches for signs
def keep_search(key: str, record: RunRecord, *, num_trials: int = 3) -> None:
    trials = [
        SearchTrial(signs=signs, width=1, validation_accuracy=accuracy, area_share=area, run_id=record.id)
        for signs, accuracy, area in (("bb", 0.9, 1.0), ("++", 0.6, 0.5), ("+b", 0.89, 0.75))
    ]
    _ = searches.save(key, record.facts, trials, area_weight=0.1, max_drop=0.02, num_trials=num_trials)


def test_page_without_a_search_tells_how_to_begin_one(shipped: RunStore) -> None:
    assert "neft search-signs --help" in words(open_page(Page.HARDWARE))


def test_every_trial_of_a_search_is_drawn_and_the_choice_is_named(shipped: RunStore) -> None:
    keep_search("0123abcd", shipped.list().records[0], num_trials=30)
    app = open_page(Page.HARDWARE)

    assert not app.exception
    drawn = [trace for trace in traces(app, "Validation accuracy") if trace["mode"] == "markers"]
    points = sorted((x, y) for trace in drawn for x, y in zip(trace["x"], trace["y"], strict=True))
    assert [x for x, _ in points] == pytest.approx([50, 75, 100])
    assert [y for _, y in points] == pytest.approx([60, 89, 90])
    assert "3 of 30 trials so far. Chosen: signs `+b`, 89.0 % on 75 % of the devices" in words(app)


def test_chosen_search_is_shown_and_one_that_cannot_be_read_is_named(shipped: RunStore, tmp_path: Path) -> None:
    record = shipped.list().records[0]
    keep_search("0123abcd", record, num_trials=7)
    keep_search("89abcdef", record)
    (tmp_path / "home" / "searches" / "ffffffff.json").write_text("{}", encoding="utf-8")
    app = open_page(Page.HARDWARE, hw_search="0123abcd")

    assert not app.exception
    assert "3 of 7 trials so far" in words(app)
    assert "ffffffff.json" in words(app)


# ---------------------------------------------------------------- the leaderboard
SCHEMES = "digits8_mlp4x128_schemes"


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """A training as published, and with an offset on half the devices; of networks that can be counted."""
    root = tmp_path / "deployed"
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", root)
    level = {seed: [0.6 + seed / 100, 0.61 + seed / 100] for seed in range(2)}
    plan, runs = a_leaderboard(
        BoardRow(level, costs=(8, 4.0, 0.0)),
        BoardRow(level, scheme="~sign=offset", costs=(4, 4.0, 0.0)),
        name="schemes_digits",
    )
    for run_id, (record, chips) in runs.items():
        settings = {"backbone": "mlp"} | ({"sign": "offset"} if record.facts.chips else {})
        runs[run_id] = (record.model_copy(update={"config": make_config(settings).model_dump(mode="json")}), chips)
    store_experiment(root, plan, runs)
    return RunStore(root)


def test_leaderboard_of_schemes_has_area_and_energy(deployed: RunStore) -> None:
    app = open_page(Page.LEADERBOARD, board=SCHEMES)

    assert not app.exception
    shown = rows(app).set_index("Mapping, programming")
    sizes = {
        record.facts.chips_label or "–": size_of(deployed_of(record), load_constants()).totals
        for record in deployed.list().records
    }
    assert shown["Area mm²"].to_dict() == pytest.approx({label: one.area for label, one in sizes.items()})
    assert shown["Energy nJ"].to_dict() == pytest.approx({label: one.energy for label, one in sizes.items()})


def test_leaderboard_draws_accuracy_or_its_percentile_against_area(deployed: RunStore) -> None:
    for worth in ("accuracy", "percentile"):
        app = open_page(Page.LEADERBOARD, board=SCHEMES, board_cost=c.AREA, board_worth=worth)

        assert not app.exception
        assert marks(app) == pytest.approx(sorted(rows(app)["Area mm²"]))
        assert any(chart.startswith("Accuracy against area") for chart in charts(app))


def test_a_leaderboard_without_known_networks_offers_no_area(
    deployed: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "/no/such/file.toml")

    app = open_page(Page.LEADERBOARD, board=SCHEMES, board_cost=c.AREA)

    assert not app.exception
    assert not any("Area mm²" in one.value for one in app.dataframe)
    assert any(chart.startswith("Accuracy against pulses") for chart in charts(app))
