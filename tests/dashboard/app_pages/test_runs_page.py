"""All stored runs, and the details of those that are picked."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.pages import Page
from neft.runs.places import CACHED_RUNS, neft_home
from neft.runs.records import SCHEMA_VERSION, RunRecord
from neft.runs.store import HISTORY, RECORD, RunStore
from neft.sigma_d import same_sigma_d
from neft.tables.percentiles import low_percentiles_of_run
from tests.dashboard.driver import charts, open_page, traces, words


def ids_of(store: RunStore, method: str) -> list[str]:
    return [record.id for record in store.list().records if record.facts.method == method]


def picked(app: AppTest) -> list[str]:
    return list(app.multiselect(key="run").value)


def test_every_run_that_ships_is_a_row() -> None:
    app = open_page(Page.RUNS)

    assert not app.exception
    assert set(app.dataframe[0].value["run_id"]) == set(RunStore(CACHED_RUNS, read_only=True).ids())


def test_row_holds_the_stored_numbers_in_per_cent(shipped: RunStore) -> None:
    rows = {row["run_id"]: row for row in open_page(Page.RUNS).dataframe[0].value.to_dict("records")}

    for record in shipped.list().records:
        at_train = record.summary.at(record.facts.train_sigma_d)
        assert at_train is not None
        accuracy = at_train.metrics["accuracy"]
        assert accuracy.mean is not None
        assert accuracy.percentile_1 is not None
        row = rows[record.id]
        assert row["accuracy_at_train_sigma_d"] == pytest.approx(100 * accuracy.mean)
        assert row["percentile_1_at_train_sigma_d"] == pytest.approx(100 * accuracy.percentile_1)
        assert record.summary.validation_accuracy is not None
        assert row["validation_accuracy"] == pytest.approx(100 * record.summary.validation_accuracy)


def test_picked_run_shows_its_percentiles_with_limits_and_where_chips_are_too_few(shipped: RunStore) -> None:
    record = shipped.record(ids_of(shipped, "ovf")[0])
    at = record.facts.train_sigma_d
    chips = shipped.instances(record)
    (found,) = low_percentiles_of_run(chips[same_sigma_d(chips["sigma_d"], at)]).to_dict("records")

    app = open_page(Page.RUNS, run=record.id)

    results = next(table.value for table in app.dataframe if "ekl" in table.value and "ci95" in table.value)
    row = results[same_sigma_d(results["sigma_d"], at)].iloc[0]
    assert (
        row["percentile_1"] == f"{100 * found['percentile_1']:.1f} % (at most {100 * found['percentile_1_upper']:.1f})"
    )
    assert "A 95 % lower limit of the 1st percentile needs 299 chips; these are 4." in words(app)


def test_table_can_be_narrowed_to_a_method(shipped: RunStore) -> None:
    app = open_page(Page.RUNS)

    app = app.multiselect(key="f_method").set_value(["ovf"]).run()

    assert set(app.dataframe[0].value["run_id"]) == set(ids_of(shipped, "ovf"))
    assert "**2 runs.**" in words(app)


@pytest.mark.parametrize("method", ["vanilla", "ovf"])
def test_picked_run_shows_its_numbers_and_where_they_came_from(shipped: RunStore, method: str) -> None:
    record = shipped.record(ids_of(shipped, method)[0])

    app = open_page(Page.RUNS, run=record.id)

    assert not app.exception
    assert picked(app) == [record.id]
    results = app.dataframe[1].value
    assert results["sigma_d"].tolist() == [row.sigma_d for row in record.summary.test]
    means = [row.metrics["accuracy"].mean for row in record.summary.test]
    assert results["accuracy"].tolist() == pytest.approx([100 * mean for mean in means if mean is not None])
    assert results["ekl"].tolist() == pytest.approx([row.metrics["ekl"].mean for row in record.summary.test])
    shown = words(app)
    assert f"{record.summary.num_parameters:,}, on {record.summary.num_devices:,} devices" in shown
    assert record.provenance.created in shown
    assert f"Epoch {record.summary.selected_epoch} was kept" in shown
    assert "What differs" not in shown


def test_curves_of_a_picked_run_are_its_history(shipped: RunStore) -> None:
    record = shipped.record(ids_of(shipped, "ovf")[0])
    history = shipped.tables(record).history

    drawn = traces(open_page(Page.RUNS, run=record.id), "Loss and accuracies")

    assert history["loss"].tolist() in [pytest.approx(trace["y"]) for trace in drawn]
    assert (100 * history["validation_accuracy"]).tolist() in [pytest.approx(trace["y"]) for trace in drawn]


def test_picked_runs_say_what_differs_between_them(shipped: RunStore) -> None:
    ids = ids_of(shipped, "irs")

    app = open_page(Page.RUNS, run=ids)

    assert len(app.tabs) == 2
    assert "What differs" in words(app)
    differing = {row["Setting"]: list(row.values())[1:] for row in app.dataframe[1].value.to_dict("records")}
    assert differing["training.seed"] == ["0", "1"]
    assert len(charts(app)) == 6


@pytest.mark.parametrize("run_id", ["../../etc/passwd", "digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d", ""])
def test_id_of_no_run_in_the_address_does_no_harm(shipped: RunStore, run_id: str) -> None:
    app = open_page(Page.RUNS, run=run_id)

    assert not app.exception
    assert picked(app) == []
    assert len(app.dataframe) == 1


def test_picked_run_whose_files_were_damaged_says_so(shipped: RunStore) -> None:
    run_id = shipped.ids()[0]
    (shipped.root / run_id / HISTORY).write_bytes(b"epoch\n")

    app = open_page(Page.RUNS, run=run_id)

    assert not app.exception
    assert f"Run '{run_id}' is corrupt: {HISTORY} is not the file that was stored." in words(app)


def test_run_that_shipped_cannot_be_deleted(shipped: RunStore) -> None:
    run_id = shipped.ids()[0]

    app = open_page(Page.RUNS, run=run_id)

    assert [button.key for button in app.button if str(button.key).startswith("delete_")] == []


def test_own_run_can_be_deleted(own_run: RunRecord) -> None:
    app = open_page(Page.RUNS, run=own_run.id)

    app = app.button(key=f"delete_{own_run.id}").click().run()

    assert not app.exception
    assert RunStore(neft_home() / "runs").ids() == []
    assert own_run.id not in set(app.dataframe[0].value["run_id"])
    assert picked(app) == []


def test_own_run_that_is_gone_meanwhile_is_no_error(own_run: RunRecord) -> None:
    app = open_page(Page.RUNS, run=own_run.id)
    RunStore(neft_home() / "runs").delete(own_run.id)

    app = app.button(key=f"delete_{own_run.id}").click().run()

    assert not app.exception


def test_run_made_by_a_newer_version_is_named(shipped: RunStore) -> None:
    path = shipped.root / shipped.ids()[0] / RECORD
    newer = {**json.loads(path.read_text(encoding="utf-8")), "schema_version": SCHEMA_VERSION + 1}
    path.write_text(json.dumps(newer), encoding="utf-8")

    assert "was made by a newer version of neft" in words(open_page(Page.RUNS))


def test_a_run_opens_the_train_page_with_its_settings(shipped: RunStore) -> None:
    run_id = shipped.ids()[0]

    app = open_page(Page.RUNS, run=[run_id])

    queries = {link.proto.label: link.proto.query_string for link in app.get("page_link")}
    assert queries["Train again, same seed"] == f"like={run_id}"
    assert queries["Train again, another seed"] == f"like={run_id}&reseed=yes"
    assert "A run with these settings is stored" in words(open_page(Page.TRAIN, like=run_id))


def test_search_keeps_the_runs_in_whose_words_every_word_stands(shipped: RunStore) -> None:
    app = open_page(Page.RUNS, f_find="ovf seed 1")

    assert [shipped.record(run_id).facts.seed for run_id in app.dataframe[0].value["run_id"]] == [1]
    assert set(app.dataframe[0].value["method"]) == {"ovf"}


def test_mine_only_leaves_out_what_came_with_the_package(shipped: RunStore) -> None:
    app = open_page(Page.RUNS, f_mine="true")

    assert "**0 runs.**" in words(app)


def test_seeds_together_is_a_row_per_training_with_the_mean_of_its_seeds(shipped: RunStore) -> None:
    records = [record for record in shipped.list().records if record.facts.variant == "ovf"]

    rows = open_page(Page.RUNS, f_seeds="true").dataframe[0].value

    (row,) = rows[rows["variant"] == "ovf"].to_dict("records")
    assert tuple(row["seeds"]) == tuple(sorted(record.facts.seed for record in records))
    own = [record.summary.at(record.facts.train_sigma_d) for record in records]
    means = [at.metrics["accuracy"].mean for at in own if at is not None]
    assert row["accuracy_at_train_sigma_d"] == pytest.approx(100 * sum(mean or 0 for mean in means) / len(means))
