"""The worst of very many chips on the page of one: offered, raced, stopped, gone on with, and opened."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.computing.work import races as work
from dashboard.data import races as data
from dashboard.pages import Page
from neft import columns as c
from neft.runs import races
from neft.runs.places import neft_home
from neft.runs.races import RaceRecord
from neft.runs.records import RunRecord
from neft.runs.store import WEIGHTS, RunStore
from neft.tables.races import race_chips, race_percentile
from tests.dashboard.driver import charts, open_page, traces, words

COUNT = 300
TAIL, STILL_IN = "Share of chips", "Chips that met at least"


@pytest.fixture(autouse=True)
def _few_chips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "COUNTS", (COUNT, data.NUM_INSTANCES))


def a_run(store: RunStore, method: str = "irs") -> RunRecord:
    return next(record for record in store.list().records if record.facts.method == method)


def raced(record: RunRecord, sigma_d: float = 0.2) -> RaceRecord:
    """A race as the page asks for it, kept."""
    part = work.go_on(
        record.id, record.files[WEIGHTS].sha256, sigma_d=sigma_d, num_instances=COUNT, percentile=1, seconds=1e9
    )
    assert part.is_finished
    (kept,) = races.listed(record).records
    return kept


def there(record: RunRecord, **others: str) -> AppTest:
    return open_page(Page.CHIP, run=record.id, chip="raced", chip_at="0.2", among=str(COUNT), **others)


def keys(app: AppTest) -> list[str]:
    return [str(button.key) for button in app.button]


def finished(app: AppTest) -> AppTest:
    for _ in range(200):
        if "race_stop" not in keys(app):
            return app
        app = app.run()
    pytest.fail("the race does not end")


def test_a_chip_leads_to_the_worst_of_ten_thousand(shipped: RunStore) -> None:
    app = open_page(Page.CHIP, run=a_run(shipped).id, chip_at="0.2")

    app = app.button(key="to_the_race").click().run()

    assert not app.exception
    assert "Which is the worst of 10,000 chips" in words(app)
    assert app.query_params["chip"] == "raced"


def test_nothing_is_computed_until_asked_for(shipped: RunStore) -> None:
    record = a_run(shipped)

    app = there(record)

    assert not app.exception
    assert not charts(app)
    assert "The run's evaluation tried 4." in words(app)
    assert f"neft evaluate {record.id} --percentile 1 --num-instances 300 --test-sigma-d 0.2" in words(app)


def test_a_race_ends_with_the_worst_chip_opened(shipped: RunStore) -> None:
    record = a_run(shipped)

    app = finished(there(record).button(key="race_chips").click().run())

    assert not app.exception
    (kept,) = races.listed(record).records
    assert kept.is_own is True
    assert f"**chip {kept.instances[0]}** is the worst of 300: **{100 * kept.accuracies[0]:.1f} %**" in words(app)
    assert "exactly what the race stored" in words(app)


def test_a_kept_race_is_opened_at_once_with_its_percentile(shipped: RunStore) -> None:
    record = a_run(shipped)
    kept = raced(record)
    found, told = race_percentile(kept), race_chips(kept)

    app = there(record)

    assert not app.exception
    assert not {"race_chips", "race_stop"} & set(keys(app))
    said = f"{100 * found.value:.1f} % ({100 * found.lower:.1f} to {100 * found.upper:.1f})"
    assert f"The 1st percentile of these 300 chips is **{said}**, one-sided 95 % limits" in words(app)
    assert "with a probability of at least 99 % no worse chip was missed" in words(app)
    drawn = {trace.get("name", ""): trace for trace in traces(app, TAIL)}
    assert drawn["the worst of 300"]["x"] == pytest.approx((100 * told[c.ACCURACY]).tolist())
    assert drawn["1st percentile, 95 % limits"]["x"] == pytest.approx(
        [100 * found.lower, 100 * found.value, 100 * found.upper]
    )
    (stair,) = traces(app, STILL_IN)
    assert list(zip(stair["x"], stair["y"], strict=True))[1:] == [*kept.still_in]


def test_its_chips_are_chosen_by_rank_and_walked_along(shipped: RunStore) -> None:
    record = a_run(shipped)
    kept = raced(record)
    told = race_chips(kept)
    assert len(told) > 2

    app = there(record, rank="2")
    assert f"**chip {told[c.INSTANCE].iloc[1]}** is the 2nd worst of 300" in words(app)
    app = app.button(key="better_chip").click().run()

    assert not app.exception
    assert f"**chip {told[c.INSTANCE].iloc[2]}** is the 3rd worst of 300" in words(app)
    assert app.query_params["rank"] == "3"


def test_a_stopped_race_keeps_nothing_and_goes_on(shipped: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.data.under_way.A_STEP", 0.0)  # a chip at a time
    record = a_run(shipped)
    app = there(record).button(key="race_chips").click().run()
    app = app.run()

    app = app.button(key="race_stop").click().run()

    assert not app.exception
    assert not (neft_home() / "races").exists()
    assert data.racing(record, 0.2, COUNT).last.done > 0
    assert "Go on racing 300 chips" in [button.label for button in app.button]
    monkeypatch.setattr("dashboard.data.under_way.A_STEP", 0.8)
    before = data.racing(record, 0.2, COUNT).last.done
    app = app.button(key="race_chips").click().run()
    assert data.racing(record, 0.2, COUNT).last.done > before
    assert "is the worst of 300" in words(finished(app))


def test_a_race_of_other_chips_is_not_shown(shipped: RunStore) -> None:
    record = a_run(shipped)
    path = _file_of(raced(record), record)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"is_own": False}))

    app = there(record)

    assert not app.exception
    assert "race_chips" in keys(app)


def test_a_race_of_the_first_version_is_opened(shipped: RunStore) -> None:
    record = a_run(shipped)
    kept = raced(record)
    path = _file_of(kept, record)
    later = json.loads(path.read_text())
    first = {key: later[key] for key in later if key not in ("still_in", "is_own")} | {"version": 1}
    path.write_text(json.dumps(first))

    app = there(record)

    assert not app.exception
    assert f"**chip {kept.instances[0]}** is the worst of 300" in words(app)
    assert "was not kept with this race" in words(app)


def test_a_file_that_cannot_be_read_is_named_and_the_race_offered(shipped: RunStore) -> None:
    record = a_run(shipped)
    path = _file_of(raced(record), record)
    path.write_text("{}")

    app = there(record)

    assert not app.exception
    assert "cannot be used: it is no race. Delete the file" in words(app)
    assert "race_chips" in keys(app)


def test_what_cannot_be_stored_is_said(shipped: RunStore) -> None:
    neft_home().mkdir(parents=True, exist_ok=True)
    (neft_home() / "races").write_text("in the way")

    app = finished_or_failed(there(a_run(shipped)).button(key="race_chips").click().run())

    assert not app.exception
    assert "cannot be written" in words(app)


def finished_or_failed(app: AppTest) -> AppTest:
    for _ in range(200):
        if app.error or app.exception:
            return app
        app = app.run()
    pytest.fail("nothing is said")


@pytest.mark.parametrize("address", [{"among": "7"}, {"among": "x", "rank": "-1"}, {"rank": "99999"}])
def test_wrong_values_in_the_address_do_no_harm(shipped: RunStore, address: dict[str, str]) -> None:
    record = a_run(shipped)
    _ = raced(record)

    app = open_page(Page.CHIP, run=record.id, chip="raced", chip_at="0.2", **address)

    assert not app.exception


def _file_of(race: RaceRecord, record: RunRecord) -> Path:
    return neft_home() / "races" / record.id / f"{race.asked.key}.json"
