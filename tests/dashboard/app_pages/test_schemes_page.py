"""Mapping and programming: offered, tried live, cancelled, shown again from the store, and decided."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data import schemes
from dashboard.pages import Page
from neft import columns as c
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets.digits import Digits
from neft.evaluation.schemes import usual_schemes
from neft.mapping.stack import Mapping
from neft.networks.backbones import Mlp
from neft.pipeline import Settings, run
from neft.programming import BaseProgramming
from neft.runs.facts import stored_config
from neft.runs.records import RunRecord
from neft.runs.store import CACHED_RUNS as SHIPPED
from neft.runs.store import RECORD, WEIGHTS, RunStore, Stores
from neft.sweeps.schemes import Bench, Tried, try_schemes
from neft.tables.schemes import at_sigma_d, best, cheapest, schemes_table
from tests.dashboard.driver import charts, open_at, open_page, traces, words
from tests.made_once import made_once

FEW = 6
SIGMA_DS = (0.0, 0.1, 0.2)
CURVES = "Accuracy against device variation of"
COSTS = "Accuracy against pulses"
NOISE = "Closed-form and sampled noise"
WEIGHT = "Deviations of one weight"
BUDGET = "Accuracy and pulses against the share"


@pytest.fixture(autouse=True)
def _few_chips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemes, "CHIPS", (FEW,))
    monkeypatch.setattr(schemes, "SIGMA_DS", SIGMA_DS)
    monkeypatch.setattr(schemes, "BUDGET_CHIPS", 2)
    monkeypatch.setattr("dashboard.data.under_way.A_STEP", 60.0)  # all in one step


@pytest.fixture(scope="session")
def every_scheme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of digits that are mostly right, and its evaluation under every usual scheme."""

    def make(folder: Path) -> None:
        stores = Stores(own=RunStore(folder / "runs"), shipped=RunStore(folder / "none", read_only=True))
        settings = Settings(store=stores.own, pretrained_stores=stores, unfinished_root=folder / "unfinished")
        config = RunConfig.make(
            dataset=Digits(max_train=400),
            backbone=Mlp(hidden_layers=2, hidden_units=24),
            training=TrainingConfig(epochs=15, validation_instances=2, learning_rate=0.01, batch_size=64),
            evaluation=EvaluationConfig(sigma_ds=SIGMA_DS, num_instances=FEW),
        )
        record = run(config, settings)
        bench = Bench(record, config, settings, sigma_ds=SIGMA_DS, num_instances=FEW)
        _ = try_schemes(bench, usual_schemes(config.test_mapping, config.test_programming))

    return made_once(tmp_path_factory, "every_scheme", make) / "runs"


@pytest.fixture
def compared(every_scheme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunRecord:
    """That run, shipped with all of its schemes."""
    root = Path(shutil.copytree(every_scheme, tmp_path / "schemes"))
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", root)
    return source(RunStore(root))


@pytest.fixture
def alone(compared: RunRecord, tmp_path: Path) -> RunRecord:
    """That run, shipped without them."""
    store = RunStore(tmp_path / "schemes")
    for run_id in store.ids():
        if run_id != compared.id:
            shutil.rmtree(store.root / run_id)
    return compared


def source(store: RunStore) -> RunRecord:
    """The run that kept its weights."""
    (record,) = [record for record in store.list().records if WEIGHTS in record.files]
    return record


def tried(record: RunRecord) -> Tried:
    """What is stored of it."""
    stores, config = Stores.default(), stored_config(record)
    settings = Settings(store=stores.own, pretrained_stores=stores)
    bench = Bench(record, config, settings, sigma_ds=SIGMA_DS, num_instances=FEW)
    return try_schemes(bench, usual_schemes(config.test_mapping, config.test_programming))


def finished(app: AppTest, cancel: str = "schemes_cancel") -> AppTest:
    """The page once what it computes has ended."""
    for _ in range(200):
        if not [button for button in app.button if button.key == cancel]:
            return app
        app = app.run()
    pytest.fail("the comparison does not end")


def test_nothing_is_computed_until_asked_for(alone: RunRecord) -> None:
    app = open_page(Page.SCHEMES, run=alone.id)

    assert not app.exception
    assert not charts(app)
    assert f"on {FEW} chips each" in words(app)
    assert f"neft schemes {alone.id} --chips {FEW}" in words(app)
    assert not Stores.default().own.ids()


@pytest.fixture
def untried(compared: RunRecord, tmp_path: Path) -> RunRecord:
    """Another run that kept its weights, with more curves in its place and no schemes."""
    shipped = RunStore(SHIPPED)
    kept = [record for record in shipped.list().records if WEIGHTS in record.files and record.facts.has_feedback]
    for record in kept[:2]:
        _ = shutil.copytree(shipped.root / record.id, tmp_path / "schemes" / record.id)
    return kept[0]


def test_page_begins_with_a_network_whose_schemes_are_stored(compared: RunRecord, untried: RunRecord) -> None:
    app = finished(open_page(Page.SCHEMES))

    assert [chart for chart in charts(app) if chart.startswith(COSTS)]


def test_where_schemes_are_not_stored_networks_are_named_whose_are(compared: RunRecord, untried: RunRecord) -> None:
    app = open_page(Page.SCHEMES, run=untried.id)

    assert not charts(app)
    (link,) = [link.proto for link in app.get("page_link") if link.proto.page == Page.SCHEMES.path]
    assert compared.facts.name in link.label
    assert link.query_string == f"run={compared.id}"


def test_a_comparison_ends_with_its_finding_and_every_scheme_is_stored(alone: RunRecord) -> None:
    app = open_page(Page.SCHEMES, run=alone.id)

    app = finished(app.button(key="schemes_try").click().run())

    assert not app.exception
    found = tried(alone)
    assert {one.run_id for one in found.schemes} == {*Stores.default().own.ids(), alone.id}
    table = at_sigma_d(schemes_table(found.chips, found.costs, percentile=5), 0.2)
    top = best(table).iloc[0]
    assert str(top[c.LABEL]) in words(app)
    assert app.title[0].value.lower().startswith(str(top[c.LABEL]).lower()) or "No scheme" in app.title[0].value
    drawn = [trace for trace in traces(app, CURVES) if trace.get("mode") == "lines+markers"]
    assert len(drawn) == len(found.schemes)


def test_what_is_stored_is_shown_without_a_question(compared: RunRecord) -> None:
    found = tried(compared)

    app = finished(open_page(Page.SCHEMES, run=compared.id))

    assert not app.exception
    assert not [button for button in app.button if button.key == "schemes_try"]
    assert not Stores.default().own.ids()
    for alt in (CURVES, COSTS, NOISE, WEIGHT):
        assert [chart for chart in charts(app) if chart.startswith(alt)], alt
    (bars,) = [trace for trace in traces(app, NOISE) if trace["type"] == "bar"]
    table = at_sigma_d(schemes_table(found.chips, found.costs, percentile=5), 0.2)
    known = table[c.CLOSED_FORM_NOISE].notna()
    assert [bars["x"][place] for place in range(len(known)) if known[place]] == pytest.approx(
        (100 * table.loc[known, c.CLOSED_FORM_NOISE]).tolist()
    )


def test_a_cancelled_comparison_keeps_what_is_known_and_can_go_on(
    alone: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.data.under_way.A_STEP", 0.0)  # a chip at a time
    app = open_page(Page.SCHEMES, run=alone.id)
    app = app.button(key="schemes_try").click().run()
    for _ in range(200):
        if len(Stores.default().own.ids()) > 1:
            break
        app = app.run()

    app = app.button(key="schemes_cancel").click().run()

    assert not app.exception
    assert [button.key for button in app.button if button.key == "schemes_try"]
    num_stored = len(Stores.default().own.ids())
    assert 0 < num_stored < len(usual_schemes(*_of(alone)))
    assert "are stored already" in words(app)


def _of(record: RunRecord) -> tuple[Mapping, BaseProgramming]:
    config = stored_config(record)
    return config.test_mapping, config.test_programming


def test_the_decision_names_the_cheapest_scheme_that_holds_and_its_chips(compared: RunRecord) -> None:
    found = tried(compared)
    table = schemes_table(found.chips, found.costs, percentile=50)
    choice = cheapest(table, found.chips, sigma_d=0.1, cost=c.DEVICES, bar=0.1, percentile=50)
    assert choice is not None

    address = {"run": compared.id, "scheme_at": "0.1", "holds": "50", "bar": "10", "cost": c.DEVICES}
    app = finished(open_at(address, Page.SCHEMES))

    assert not app.exception
    label = table.loc[table[c.SCHEME] == choice.scheme, c.LABEL].iloc[0]
    assert f"Cheapest in devices a weight with its 50th percentile above 10 %: **{label}**" in words(app)
    assert f"chip {choice.instance}, keeps {100 * choice.accuracy:.1f} %" in words(app)


def test_too_few_chips_decide_nothing_and_say_how_many_would(compared: RunRecord) -> None:
    app = finished(open_page(Page.SCHEMES, run=compared.id, holds="5", bar="10"))

    assert "No scheme is known to hold its 5th percentile above 10 %" in words(app)
    assert "needs 59 chips; these are 6." in words(app)


def test_shares_are_tried_when_asked_for_and_the_slider_reads_them(compared: RunRecord) -> None:
    app = finished(open_page(Page.SCHEMES, run=compared.id, verified="20"))

    app = finished(app.button(key="scheme_budget_try").click().run(), "scheme_budget_cancel")

    assert not app.exception
    assert "With 20 % of the weights verified:" in words(app)
    drawn = [trace for trace in traces(app, BUDGET) if trace.get("showlegend") is not False]
    assert [trace["x"] for trace in drawn] == [pytest.approx([0, 5, 10, 20, 50, 100])] * 3


@pytest.mark.parametrize(
    "address",
    [
        {"run": "../../etc"},
        {"scheme_chips": "7"},
        {"scheme_at": "nan"},
        {"cost": "money"},
        {"bar": "1e999"},
        {"holds": "0"},
        {"verified": "x"},
        {"scheme_weight": "1e999"},
        {"scheme_weight": "-3"},
    ],
)
def test_wrong_values_in_the_address_do_no_harm(compared: RunRecord, address: dict[str, str]) -> None:
    app = finished(open_at(address, Page.SCHEMES))

    assert not app.exception
    assert app.selectbox(key="run").value == compared.id
    assert [chart for chart in charts(app) if chart.startswith(CURVES)]


def test_without_weights_there_is_a_way_on(shipped: RunStore) -> None:
    for record in shipped.list().records:
        (shipped.root / record.id / WEIGHTS).unlink()
        without = record.model_copy(update={"files": {k: v for k, v in record.files.items() if k != WEIGHTS}})
        _ = (shipped.root / record.id / RECORD).write_text(without.model_dump_json())

    app = open_page(Page.SCHEMES)

    assert not app.exception
    assert "no stored run kept its weights" in words(app)
