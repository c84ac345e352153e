"""Runs side by side: what is chosen, hidden and compared with, all of it in the address."""

import shutil
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data.comparisons import MOST_RUNS
from dashboard.data.foreign import foreign
from dashboard.pages import Page
from neft.experiments.questions import CONTROL
from neft.runs.notes import make_note, write_note
from neft.runs.records import RunRecord
from neft.runs.store import HISTORY, INSTANCES, RunStore
from neft.tables import compare_runs
from tests.dashboard.driver import charts, open_page, traces, words

CURVES, DIFFERENCES, SPREAD, TRAINING = (
    "Accuracy against",
    "Differences in accuracy",
    "Distribution of accuracy",
    "Validation accuracy",
)


def run_of(store: RunStore, variant: str, seed: int = 0) -> RunRecord:
    return next(
        record for record in store.list().records if record.facts.variant == variant and record.facts.seed == seed
    )


def ids_of(store: RunStore, *variants: str, seed: int = 0) -> list[str]:
    return [run_of(store, variant, seed).id for variant in variants]


def rows_of(app: AppTest, index: int = 0) -> dict[str, dict[str, Any]]:
    """The summary's rows, by run id."""
    rows: list[Any] = app.dataframe[index].value.to_dict("records")
    return {row["run_id"]: row for row in rows}


def lines(app: AppTest, alt: str) -> dict[str, dict[str, Any]]:
    return {trace["name"]: trace for trace in traces(app, alt) if trace.get("name")}


def headline(app: AppTest) -> str:
    return next(text.value for text in app.markdown if text.value.startswith("At device variation"))


def changed(store: RunStore, record: RunRecord, **evaluation: object) -> RunRecord:
    """The run, stored again as if it had been tested otherwise."""
    config = {**record.config, "evaluation": {**record.config["evaluation"], **evaluation}}
    other = record.model_copy(update={"id": f"{record.id[:-8]}00000000", "config": config, "files": {}})
    return store.save(other, store.tables(record))


# ---------------------------------------------------------------- nothing chosen
def test_start_suggests_noise_injection_against_its_control_of_equal_seed(shipped: RunStore) -> None:
    app = open_page(Page.COMPARE)

    assert not app.exception
    links = {link.proto.label: link.proto.query_string for link in app.get("page_link")}
    pair = next(query for label, query in links.items() if label.startswith("Noise injection against"))
    every = next(query for label, query in links.items() if label.startswith("All methods"))
    assert pair == "&".join(f"run={run_id}" for run_id in ids_of(shipped, CONTROL, "noise_injection"))
    assert set(every.replace("run=", "").split("&")) == {
        record.id for record in shipped.list().records if record.facts.seed == 0
    }


def test_start_suggests_any_two_where_there_is_no_control(shipped: RunStore) -> None:
    kept = ids_of(shipped, "ovf", "irs")
    for run_id in set(shipped.ids()) - set(kept):
        shutil.rmtree(shipped.root / run_id)

    app = open_page(Page.COMPARE)

    assert any(link.proto.label.startswith("Two stored runs") for link in app.get("page_link"))


def test_one_run_asks_for_a_second_one(shipped: RunStore) -> None:
    app = open_page(Page.COMPARE, run=ids_of(shipped, "ovf"))

    assert not app.exception
    assert "Choose a second run" in words(app)
    assert charts(app) == []


# ---------------------------------------------------------------- the comparison
def test_numbers_are_those_of_the_stored_chips(shipped: RunStore) -> None:
    first, second = run_of(shipped, "noise_injection"), run_of(shipped, CONTROL)

    app = open_page(Page.COMPARE, run=[first.id, second.id], at="0.1")

    table = compare_runs([(one, shipped.instances(one)) for one in (first, second)], sigma_ds=(0.1,))
    row = rows_of(app)[second.id]
    assert row["accuracy"] == pytest.approx(100 * table.iloc[1]["mean"])
    assert row["difference"] == pytest.approx(100 * table.iloc[1]["difference"])
    assert row["difference_ci95"] == pytest.approx(100 * table.iloc[1]["difference_ci95"])
    assert row["independent_ci95"] == pytest.approx(100 * table.iloc[1]["independent_ci95"])
    said = f"{100 * table.iloc[1]['difference']:+.1f} ± {100 * table.iloc[1]['difference_ci95']:.1f} points"
    assert said.replace("-", "−") in headline(app)
    assert "over 4 chips" in headline(app)


def test_percentiles_stand_with_the_limits_that_the_chips_set(shipped: RunStore) -> None:
    first, second = run_of(shipped, "noise_injection"), run_of(shipped, CONTROL)

    app = open_page(Page.COMPARE, run=[first.id, second.id], at="0.1")

    table = compare_runs([(one, shipped.instances(one)) for one in (first, second)], sigma_ds=(0.1,), percentile=5)
    for record, row in zip((first, second), table.to_dict("records"), strict=True):
        said = f"{100 * row['percentile_value']:.1f} % (at most {100 * row['percentile_upper']:.1f})"
        assert rows_of(app)[record.id]["percentile_5"] == said
    assert "A 95 % lower limit of the 1st percentile needs 299 chips; these are 4." in words(app)


def test_every_run_is_a_line_of_its_own_in_every_chart(shipped: RunStore) -> None:
    run_ids = [*ids_of(shipped, "ovf", "irs"), *ids_of(shipped, "ovf", seed=1)]

    app = open_page(Page.COMPARE, run=run_ids)

    assert not app.exception
    names = {"A · OVF, seed 0", "B · IRS, seed 0", "C · OVF, seed 1"}
    for alt in (CURVES, SPREAD, TRAINING):
        assert set(lines(app, alt)) == names
    assert set(lines(app, DIFFERENCES)) == {"A · OVF, seed 0 (zero)", *names} - {"A · OVF, seed 0"}
    assert len({line["line"]["dash"] for line in lines(app, CURVES).values()}) >= 2


def test_hiding_a_run_changes_nothing_about_the_others(shipped: RunStore) -> None:
    run_ids = [*ids_of(shipped, "ovf", "irs", "vanilla"), *ids_of(shipped, "ovf", seed=1)]
    app = open_page(Page.COMPARE, run=run_ids)
    before = {alt: lines(app, alt) for alt in (CURVES, DIFFERENCES, SPREAD, TRAINING)}
    rows = rows_of(app)

    app = app.button_group(key="compare_hide").set_value([run_ids[0], *run_ids[2:]]).run()

    assert not app.exception
    for alt, drawn in before.items():
        gone = {name: trace for name, trace in drawn.items() if name.startswith("B · ")}
        assert lines(app, alt) == {name: trace for name, trace in drawn.items() if name not in gone}
        assert gone
    after = rows_of(app)
    assert after[run_ids[1]].pop("shown") is False
    assert rows[run_ids[1]].pop("shown") is True
    assert repr(after) == repr(rows)
    assert "B · " not in headline(app)


def test_another_reference_turns_the_difference_around(shipped: RunStore) -> None:
    first, second = ids_of(shipped, "ovf", "irs")
    app = open_page(Page.COMPARE, run=[first, second])
    difference = rows_of(app)[second]["difference"]

    app = app.selectbox(key="compare_with").set_value(second).run()

    assert rows_of(app)[first]["difference"] == pytest.approx(-difference)
    assert "B · IRS (zero)" in lines(app, DIFFERENCES)
    assert headline(app).partition("**")[2].startswith("B · IRS**")


def test_settings_are_the_differing_ones_until_all_are_asked_for(shipped: RunStore) -> None:
    app = open_page(Page.COMPARE, run=ids_of(shipped, "ovf", "irs"))
    differing = app.dataframe[1].value["setting"].tolist()

    app = app.toggle(key="differing").set_value(False).run()

    every = app.dataframe[1].value["setting"].tolist()
    assert "method.name" in differing
    assert "training.epochs" not in differing
    assert {"training.epochs", *differing} <= set(every)


# ---------------------------------------------------------------- the address
def test_address_opens_the_same_comparison_elsewhere(shipped: RunStore) -> None:
    run_ids = ids_of(shipped, "ovf", "irs", "vanilla")
    app = open_page(Page.COMPARE, run=run_ids)
    app = app.selectbox(key="compare_with").set_value(run_ids[2]).run()
    app = app.button_group(key="compare_hide").set_value(run_ids[1:]).run()
    address = {name: app.query_params[name] for name in ("run", "with", "hide")}

    other = open_page(Page.COMPARE, **address)

    assert address == {"run": run_ids, "with": run_ids[2], "hide": run_ids[0]}
    assert headline(other) == headline(app)
    assert lines(other, DIFFERENCES) == lines(app, DIFFERENCES)
    assert repr(rows_of(other)) == repr(rows_of(app))


def test_run_chosen_later_is_shown_though_another_is_hidden(shipped: RunStore) -> None:
    run_ids = ids_of(shipped, "ovf", "irs")
    further = ids_of(shipped, "vanilla")
    app = open_page(Page.COMPARE, run=run_ids, hide=run_ids[0])

    app = app.multiselect(key="compare_run").set_value([*run_ids, *further]).run()

    assert [row["shown"] for row in rows_of(app).values()] == [False, True, True]


def test_reference_that_is_taken_away_gives_way_to_the_first(shipped: RunStore) -> None:
    run_ids = ids_of(shipped, "ovf", "irs", "vanilla")
    app = open_page(Page.COMPARE, run=run_ids, **{"with": run_ids[2]})

    app = app.multiselect(key="compare_run").set_value(run_ids[:2]).run()

    assert not app.exception
    assert app.selectbox(key="compare_with").value == run_ids[0]
    assert "with" not in app.query_params


def test_runs_picked_on_the_page_of_all_runs_come_along(shipped: RunStore) -> None:
    run_ids = ids_of(shipped, "ovf", "irs")
    app = open_page(Page.RUNS, run=run_ids)
    link = next(link for link in app.get("page_link") if link.proto.label == "Compare these")
    assert link.proto.query_string == "&".join(f"run={run_id}" for run_id in run_ids)
    del app.query_params["run"]

    app = app.switch_page(Page.COMPARE.file).run()

    assert list(app.multiselect(key="compare_run").value) == run_ids


@pytest.mark.parametrize("wrong", ["../../etc/passwd", "digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d"])
def test_id_of_no_stored_run_is_left_out_and_named(shipped: RunStore, wrong: str) -> None:
    run_ids = ids_of(shipped, "ovf", "irs")

    app = open_page(Page.COMPARE, run=[run_ids[0], wrong, run_ids[1]], hide=wrong, **{"with": wrong})

    assert not app.exception
    assert list(rows_of(app)) == run_ids
    assert f"Not stored here, and left out: {foreign(wrong)}" in words(app)


def test_more_runs_than_can_be_told_apart_are_refused_in_words(shipped: RunStore) -> None:
    run_ids = shipped.ids()

    app = open_page(Page.COMPARE, run=run_ids)

    assert not app.exception
    assert list(rows_of(app)) == run_ids[:MOST_RUNS]
    assert f"Up to {MOST_RUNS} runs are compared at once" in words(app)
    assert f"`{run_ids[-1]}`" in words(app)


# ---------------------------------------------------------------- what cannot be compared
def test_run_on_other_images_says_why_it_has_no_difference(shipped: RunStore) -> None:
    first, record = run_of(shipped, "ovf"), run_of(shipped, "irs")
    other = changed(shipped, record, max_test=100)

    app = open_page(Page.COMPARE, run=[first.id, other.id, record.id])

    assert not app.exception
    said = next(info.value for info in app.info)
    assert said.startswith("**B · IRS")
    assert "is not compared with A: " in said
    assert "evaluation.max_test is 100, not None" in said
    assert "was not compared" in headline(app)
    assert rows_of(app)[record.id]["difference"] is not None


def test_run_on_other_chips_says_why_it_is_unpaired(shipped: RunStore) -> None:
    first = run_of(shipped, "ovf")
    other = changed(shipped, run_of(shipped, "irs"), seed=7)

    app = open_page(Page.COMPARE, run=[first.id, other.id])

    assert not app.exception
    assert "met other chips than A, so no pairs are taken" in app.info[0].value
    assert "evaluation.seed is 7, not 0" in app.info[0].value
    assert rows_of(app)[other.id]["pairing"] == "unpaired"


@pytest.mark.parametrize("index", [0, 1])
def test_damaged_chips_are_named_while_the_rest_is_shown(shipped: RunStore, index: int) -> None:
    run_ids = ids_of(shipped, "ovf", "irs", "vanilla")
    (shipped.root / run_ids[index] / INSTANCES).write_bytes(b"")
    (shipped.root / run_ids[index] / HISTORY).write_bytes(b"")

    app = open_page(Page.COMPARE, run=run_ids)

    assert not app.exception
    assert f"Run '{run_ids[index]}' is corrupt" in words(app)
    assert list(rows_of(app)) == run_ids


def test_run_that_is_gone_meanwhile_leaves_the_comparison(shipped: RunStore) -> None:
    run_ids = ids_of(shipped, "ovf", "irs", "vanilla")
    app = open_page(Page.COMPARE, run=run_ids)
    shutil.rmtree(shipped.root / run_ids[0])

    app = app.run()

    assert not app.exception
    assert list(rows_of(app)) == run_ids[1:]


def test_nothing_shown_says_what_to_do(shipped: RunStore) -> None:
    run_ids = ids_of(shipped, "ovf", "irs")

    app = open_page(Page.COMPARE, run=run_ids, hide=run_ids)

    assert not app.exception
    assert "No run is shown" in words(app)
    assert list(rows_of(app)) == run_ids


# ---------------------------------------------------------------- notes
def test_tags_and_notes_stand_in_the_table(shipped: RunStore) -> None:
    run_ids = ids_of(shipped, "ovf", "irs")
    write_note(run_ids[1], make_note("looks good", ["baseline"]))

    row = rows_of(open_page(Page.COMPARE, run=run_ids))[run_ids[1]]

    assert (row["tags"], row["note"]) == (["baseline"], "looks good")
