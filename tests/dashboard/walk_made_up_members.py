"""Where made-up members of every family are walked through; run by `tests/contract/test_made_up_members.py`, which
registers them before anything else is imported.
"""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dashboard.charts.theme import Look, variant_style
from dashboard.computing.work import forms
from dashboard.data import stored
from dashboard.pages import Page
from neft import columns, tables
from neft.__main__ import main
from neft.config import RunConfig
from neft.methods import METHODS
from neft.options import make_config
from neft.pipeline import Settings, run
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import RunStore, Stores
from tests.dashboard.driver import charts, open_at, words

MEMBERS = {
    "dataset": "made_up_data",
    "backbone": "made_up_net",
    "device": "made_up_device",
    "method": "made_up_method",
    "constraint": "made_up_hold",
}
LABELS = ("Made-up data", "Made-up net", "Made-up device", "Made-up method")
METRIC = "made_up_metric"
SMALL = {"epochs": 1, "num_instances": 3, "test_sigma_d": "0,0.1,0.2", "max_train": 200, "sigma_d": 0.1}
CONTROL = {"method": "noise_injection", "temperature": 4.0}


def made(**changes: Any) -> RunConfig:
    return make_config({**MEMBERS, **SMALL, **changes})


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    """The made-up method with and without the made-up constraint, and its control, on the made-up rest; two seeds."""
    folder = tmp_path_factory.mktemp("made_up")
    store = RunStore(folder / "runs")
    stores = Stores(own=store, shipped=RunStore(folder / "none", read_only=True))
    for seed in (0, 1):
        for changes in ({}, {"constraint": "none"}, {"constraint": "none", **CONTROL}):
            config = made(seed=seed, **changes)
            run(config, Settings(store=store, pretrained_stores=stores, unfinished_root=folder / "unfinished"))
    return store


@pytest.fixture
def own(trained: RunStore, nothing_shipped: None) -> RunStore:
    """Those among the user's own runs."""
    root = Path(shutil.copytree(trained.root, neft_home() / "runs"))
    return RunStore(root)


def the_run(store: RunStore) -> RunRecord:
    """The one of the plain made-up method."""
    return next(one for one in store.list().records if one.facts.variant == MEMBERS["method"])


def called(arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(sys, "argv", ["neft", *arguments])
    with pytest.raises(SystemExit) as ending:
        main()
    found = capsys.readouterr()
    assert ending.value.code in (None, 0), found.err
    return found.out


def gathered(store: RunStore) -> pd.DataFrame:
    return tables.gather([(one, store.instances(one)) for one in store.list().records])


def test_help_lists_every_member(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said = called(["train", "--help"], monkeypatch, capsys)

    assert all(name in said for name in MEMBERS.values())
    assert "--made-up-strength" in said


def test_the_command_line_trains_them(
    nothing_shipped: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = [part for family, name in MEMBERS.items() for part in (f"--{family}", name)]
    sizes = [part for name, value in SMALL.items() for part in (f"--{name.replace('_', '-')}", str(value))]

    said = called(["train", *chosen, *sizes, "--json"], monkeypatch, capsys)

    assert MEMBERS["method"] in said
    assert METRIC in said


def test_what_is_stored_reads_back(trained: RunStore) -> None:
    for record in trained.list().records:
        assert RunConfig.from_json(json.dumps(record.config)).run_id == record.id
    facts = the_run(trained).facts
    assert (facts.dataset, facts.backbone, facts.device) == (MEMBERS["dataset"], MEMBERS["backbone"], MEMBERS["device"])
    assert (facts.rank, facts.has_feedback, facts.has_batchnorm) == (17, True, False)


def test_one_run_tells_every_metric(
    own: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = the_run(own)

    said = json.loads(called(["show", record.id, "--json"], monkeypatch, capsys))

    assert METRIC in json.dumps(said)
    clean = record.summary.test[0].metrics
    assert clean[METRIC].mean == pytest.approx(1 - (clean[columns.ACCURACY].mean or 0))


def test_hardware_of_the_network_is_counted(
    own: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """64 pixels to 12 units to 10 classes, 4 slices in pairs."""
    (found,) = json.loads(called(["hardware", the_run(own).id, "--json"], monkeypatch, capsys))["runs"]

    assert found["totals"]["devices"] == (64 * 12 + 12 * 10) * 4 * 2


def test_tables_have_the_method_and_the_metric(trained: RunStore) -> None:
    rows = tables.select_protocol(gathered(trained), "matched")

    curves = tables.metric_curves(rows, METRIC)
    assert MEMBERS["method"] in set(curves[columns.VARIANT])
    assert curves[columns.MEAN].between(0, 1).all()
    differences = tables.differences_to(rows[rows[columns.SIGMA_D] == 0.1], "noise_injection_t4", METRIC)
    assert MEMBERS["method"] in set(differences[columns.VARIANT])
    assert METRIC in tables.summary_table(the_run(trained))


def test_the_method_has_a_look_of_its_own(trained: RunStore) -> None:
    look = stored.look(the_run(trained))
    others = [Look(method().rank) for name, method in METHODS.items() if name != MEMBERS["method"]]

    ours = variant_style(look, mode="light")
    assert all(
        (ours.colour, ours.symbol, ours.dash) != (style.colour, style.symbol, style.dash)
        for style in (variant_style(other, mode="light") for other in others)
    )


def test_the_form_offers_every_member() -> None:
    form = forms.form()

    assert all(name in form.families[family] for family, name in MEMBERS.items())
    assert "made_up_strength" in {field.option for field in form.fields}


def test_explore_shows_them_and_finds_what_feedback_adds(own: RunStore) -> None:
    app = open_at({**stored.view_address(the_run(own).id), "protocol": "matched"})

    assert not app.exception
    said = words(app)
    assert all(label in said for label in LABELS[:2])
    assert "Made-up method" in said
    assert "temperature control" in said
    assert len(charts(app)) >= 3


@pytest.mark.parametrize("page", list(Page), ids=lambda page: page.name)
def test_every_page_opens_with_them(own: RunStore, page: Page) -> None:
    app = open_at({}, page)

    assert not app.exception
