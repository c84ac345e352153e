"""The door to stored runs."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest
import streamlit as st

from dashboard import address
from dashboard.address import Reading, Selection
from dashboard.data import comparisons, results, stored
from neft import tables
from neft.errors import StoreError
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.removal import remove_own_run
from neft.runs.store import RunStore, Stores
from tests.dashboard.conftest import forget_everything
from tests.dashboard.driver import APP, charts, chosen, method_numbers, open_at, words
from tests.variants import PLAIN


def of_method(store: RunStore, method: str) -> RunRecord:
    return next(record for record in store.list().records if record.facts.method == method)


def a_selection(run_ids: tuple[str, ...], *, sigma_d: float) -> Selection:
    """All methods, as read at the landing page."""
    return Selection(
        dataset="digits",
        dataset_label="Digits 8×8",
        backbone="mlp2x16",
        backbone_label="MLP, 2 × 16",
        device="rram1",
        device_label="RRAM1",
        num_classes=10,
        variants=PLAIN,
        run_ids=run_ids,
        ablation_ids=(),
        protocol="matched",
        train_sigma_d=None,
        sigma_d=sigma_d,
    )


def test_records_come_in_the_order_asked_for_without_those_that_are_gone(shipped: RunStore) -> None:
    first, second = shipped.ids()[:2]

    assert [record.id for record in stored.records([second, "gone", first])] == [second, first]


def test_fingerprint_changes_with_every_run_that_comes_or_goes(shipped: RunStore, own_run: RunRecord) -> None:
    before = stored.fingerprint()

    remove_own_run(own_run.id)

    assert stored.fingerprint() != before


def test_fingerprint_is_left_by_a_training_that_starts_and_changed_by_one_that_is_stored(own_run: RunRecord) -> None:
    store = Stores.default().own
    tables = store.tables(own_run)
    store.ensure_writable()
    before = stored.fingerprint()

    store.ensure_writable()
    with store.draft_folder() as draft:
        (draft / "half").touch()
        assert stored.fingerprint() == before
    assert stored.fingerprint() == before

    store.save(own_run.model_copy(update={"id": f"{own_run.id[:-8]}{0:08x}", "files": {}}), tables)
    assert stored.fingerprint() != before


def test_shipped_run_cannot_be_deleted(shipped: RunStore) -> None:
    run_id = shipped.ids()[0]

    with pytest.raises(StoreError):
        remove_own_run(run_id)

    assert run_id in shipped
    assert stored.is_shipped(run_id)


def test_own_run_is_stored_but_not_shipped(own_run: RunRecord) -> None:
    assert stored.is_stored(own_run.id)
    assert not stored.is_shipped(own_run.id)
    assert not stored.is_stored("digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d")


def test_variants_are_shown_in_one_order(shipped: RunStore) -> None:
    curves = stored.curves(Reading(tuple(shipped.ids()), "fixed", 0.1), "accuracy")

    assert list(dict.fromkeys(curves["variant"])) == list(PLAIN)


def test_nothing_selected_is_an_empty_table() -> None:
    assert stored.curves(Reading((), "matched"), "accuracy").empty
    assert stored.at_slice(Reading((), "matched"), 0.1).empty
    assert stored.decay_differences((), 0.1).empty
    assert stored.deviations((), 0.1, "rms").empty
    assert stored.deviation_ratios((), 0.1).empty


def test_control_is_marked_as_such() -> None:
    assert stored.variant_words("Noise injection, T = 4", is_control=True) == "Noise injection, T = 4 (control)"
    assert stored.variant_words("OVF", is_control=False) == "OVF"


# ---------------------------------------------------------------- the address that shows a run
@pytest.mark.parametrize("method", ["vanilla", "ovf"])
def test_address_of_a_run_shows_it_among_all_methods(shipped: RunStore, method: str) -> None:
    record = of_method(shipped, method)

    query = stored.view_address(record.id)
    app = open_at(query)

    assert not app.exception
    assert len(charts(app)) == 3
    assert set(chosen(app, address.VARIANTS)) == set(PLAIN)
    assert chosen(app, address.PROTOCOL) == ["fixed"]
    assert query.get(address.TRAIN_SIGMA_D) == (None if method == "vanilla" else "0.1")
    assert record.facts.label in method_numbers(app).index


def test_address_of_an_uncommon_run_shows_it_under_a_name_of_its_own(shipped: RunStore) -> None:
    other = evaluated_otherwise(shipped)

    query = stored.view_address(other.id)
    app = open_at(query)

    shown = query[address.VARIANTS]
    assert isinstance(shown, list)
    assert len(shown) == len(PLAIN) + 1
    assert not app.exception
    (own_name,) = set(shown) - set(PLAIN)
    labels = {
        one.facts.variant: one.facts.label for one in stored.named_records([one.id for one in stored.listing().records])
    }
    assert labels[own_name] != "OVF"
    assert labels[own_name] in words(app)


def evaluated_otherwise(shipped: RunStore, *, number: int = 0) -> RunRecord:
    """An own run that repeats none of the shipped ones."""
    record = of_method(shipped, "ovf")
    facts = record.facts.model_copy(update={"chip_seed": 5})
    config = {**record.config, "evaluation": {**record.config["evaluation"], "seed": 5}}
    run_id = f"{record.id[:-8]}{number:08x}"
    return RunStore(neft_home() / "runs").save(
        record.model_copy(update={"id": run_id, "facts": facts, "config": config, "files": {}}),
        shipped.tables(record),
    )


def test_run_is_called_the_same_whatever_runs_are_shown_beside_it(shipped: RunStore) -> None:
    every = [*shipped.ids(), evaluated_otherwise(shipped).id]
    names = {record.id: record.facts.label for record in stored.named_records(every)}

    assert len(set(names.values())) == len(PLAIN) + 1
    for run_id in every:
        assert stored.named_records([run_id])[0].facts.label == names[run_id]


def test_own_runs_take_no_name_from_shipped_ones_however_many_they_are(shipped: RunStore) -> None:
    before = {record.id: record.facts.label for record in stored.named_records(shipped.ids())}

    for number in range(5):
        evaluated_otherwise(shipped, number=number)

    assert {record.id: record.facts.label for record in stored.named_records(shipped.ids())} == before


def test_run_that_is_gone_has_no_address() -> None:
    assert stored.view_address("digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d") == {}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every curve that is computed rather than found."""
    st.cache_data.clear()
    computed: list[str] = []
    compute = tables.metric_curves

    def counting(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
        computed.append(metric)
        return compute(rows, metric)

    monkeypatch.setattr(tables, "metric_curves", counting)
    return computed


def test_moving_the_slice_computes_no_curve_anew(shipped: RunStore, counted: list[str]) -> None:
    first = a_selection(tuple(shipped.ids()), sigma_d=0.1)
    _ = stored.curves(first.reading, "accuracy")

    _ = stored.curves(replace(first, sigma_d=0.2, published="vgg8").reading, "accuracy")

    assert counted == ["accuracy"] * len(PLAIN), "once a method"


def test_a_method_more_computes_no_other_s_curve_anew_and_changes_none(shipped: RunStore, counted: list[str]) -> None:
    every = a_selection(tuple(shipped.ids()), sigma_d=0.1).reading
    fewer = [record.id for record in shipped.list().records if record.facts.method != "ovf"]
    some = stored.curves(replace(every, run_ids=tuple(fewer)), "accuracy")

    all_of_them = stored.curves(every, "accuracy")

    assert counted == ["accuracy"] * len(PLAIN)
    others = all_of_them[all_of_them["variant"] != "ovf"].reset_index(drop=True)
    pd.testing.assert_frame_equal(some, others, check_exact=True)


def test_another_reading_computes_a_curve_anew(shipped: RunStore, counted: list[str]) -> None:
    matched = a_selection(tuple(shipped.ids()), sigma_d=0.1).reading
    _ = stored.curves(matched, "accuracy")

    _ = stored.curves(replace(matched, protocol="fixed", train_sigma_d=0.1), "accuracy")

    assert len(counted) == 2 * len(PLAIN)


def test_a_run_that_comes_computes_no_other_s_curve_anew(shipped: RunStore, counted: list[str]) -> None:
    reading = a_selection(tuple(shipped.ids()), sigma_d=0.1).reading
    _ = stored.curves(reading, "accuracy")

    other = evaluated_otherwise(shipped)
    _ = stored.curves(reading, "accuracy")
    assert len(counted) == len(PLAIN)

    _ = stored.curves(replace(reading, run_ids=(*reading.run_ids, other.id)), "accuracy")
    assert len(counted) == len(PLAIN) + 1


def test_a_run_that_is_stored_anew_computes_its_curve_anew(shipped: RunStore, counted: list[str]) -> None:
    reading = a_selection(tuple(shipped.ids()), sigma_d=0.1).reading
    before = stored.curves(reading, "accuracy")
    record = of_method(shipped, "ovf")
    tables = shipped.tables(record)

    _ = shutil.move(shipped.root / record.id, shipped.root.parent / "away")
    pd.testing.assert_frame_equal(
        stored.curves(reading, "accuracy"),
        stored.curves(replace(reading, run_ids=tuple(set(reading.run_ids) - {record.id})), "accuracy"),
    )
    known = len(counted)
    _ = shipped.save(record, tables)
    pd.testing.assert_frame_equal(stored.curves(reading, "accuracy"), before)
    assert len(counted) == known + 1


def answers(reading: Reading) -> list[object]:
    """What is kept of some runs: of each function that says that nothing else changes its answers."""
    ids = reading.run_ids
    rows = stored.at_slice(reading, 0.1)
    return [
        *(rows, stored.curves(reading, "accuracy"), stored.chips(reading), stored.comparable_variants(ids)),
        *(stored.layers(ids, 0.1), stored.deviations(ids, 0.1, "rms"), stored.decay_differences(ids, 0.1)),
        *(stored.means_at(reading, 0.1, rows), stored.differences_at(reading, 0.1, rows)),
        *(results.low_percentiles(reading), results.differences(reading, "vanilla"), results.noise_audit(ids, 0.1)),
        *(results.weight_sizes(ids, 0.1), comparisons.differences(ids, ids[0])),
        stored.differing_settings(ids, without=()),
    ]


def test_kept_answers_are_those_that_would_be_computed_whatever_runs_came_and_went(shipped: RunStore) -> None:
    every = a_selection(tuple(shipped.ids()), sigma_d=0.1).reading
    _ = answers(every)
    own = [evaluated_otherwise(shipped, number=number).id for number in range(2)]
    with_own = replace(every, run_ids=(*every.run_ids, *own))
    _ = answers(with_own)

    for change in (lambda: remove_own_run(own[0]), lambda: shutil.rmtree(shipped.root / shipped.ids()[3])):
        change()
        for reading in (every, with_own):
            kept = answers(reading)
            forget_everything()
            assert_same(kept, answers(reading))


@pytest.mark.parametrize("lost", ["run.json", "instances.parquet"])
def test_run_that_cannot_be_read_is_left_out_until_it_can(shipped: RunStore, lost: str) -> None:
    reading = a_selection(tuple(shipped.ids()), sigma_d=0.1).reading
    whole = stored.curves(reading, "accuracy")
    path = shipped.root / of_method(shipped, "ovf").id / lost
    content = path.read_bytes()

    forget_everything()
    _ = stored.listing(), stored.runs_table()
    _ = path.write_bytes(b"") if lost == "instances.parquet" else path.rename(path.with_suffix(".away"))
    without = stored.curves(reading, "accuracy")
    assert not without.equals(whole)

    path.with_suffix(".away").unlink(missing_ok=True)
    _ = path.write_bytes(content)
    (shipped.root / "another").mkdir()
    pd.testing.assert_frame_equal(stored.curves(reading, "accuracy"), whole)


def test_answer_without_a_run_lasts_no_longer_than_the_stores_stay(
    shipped: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = a_selection(tuple(shipped.ids()), sigma_d=0.1).reading
    read = RunStore.instances

    def refused(self: RunStore, record: RunRecord) -> pd.DataFrame:
        if record.facts.method == "ovf":
            message = "Too many open files."
            raise StoreError(message)
        return read(self, record)

    with monkeypatch.context() as patch:
        patch.setattr(RunStore, "instances", refused)
        assert "ovf" not in set(stored.at_slice(reading, 0.1)["variant"])

    (shipped.root / "another").mkdir()
    assert "ovf" in set(stored.at_slice(reading, 0.1)["variant"])


def assert_same(some: object, others: object) -> None:
    """Tables, or tuples and lists of them, that are equal."""
    if isinstance(some, list | tuple):
        assert isinstance(others, list | tuple)
        for one, other in zip(some, others, strict=True):
            assert_same(one, other)
    elif isinstance(some, pd.DataFrame):
        assert isinstance(others, pd.DataFrame)
        pd.testing.assert_frame_equal(some, others)
    elif isinstance(some, pd.Series):
        assert isinstance(others, pd.Series)
        pd.testing.assert_series_equal(some, others)
    else:
        assert some == others


def test_answers_of_no_runs_say_so() -> None:
    assert stored.of_its_runs({"run_ids": ()}) == stored.of_its_runs({"reading": Reading((), "matched")})
    with pytest.raises(TypeError, match="None of the arguments sigma_d names runs"):
        _ = stored.of_its_runs({"sigma_d": 0.1})


def test_copies_are_ones_own(shipped: RunStore) -> None:
    reading = a_selection(tuple(shipped.ids()), sigma_d=0.1).reading
    curves = stored.curves(reading, "accuracy")
    curves["mean"] = 7.0

    assert (stored.curves(reading, "accuracy")["mean"] < 7).all()


def test_caches_are_in_the_data_alone() -> None:
    holding = {
        path.relative_to(APP.parent).parts[0]
        for path in APP.parent.rglob("*.py")
        if "st.cache_" in path.read_text(encoding="utf-8")
    }

    assert holding == {"data"}
