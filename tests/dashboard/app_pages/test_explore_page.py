"""The landing page: four views of one selection."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.pages import Page
from dashboard.widgets.run_picker import _with_curves
from dashboard.words import sentences
from neft.columns import REALISED_STD, RMS_WEIGHT, W_MAX
from neft.experiments.questions import CONTROL
from neft.reference import PANELS, published_accuracy
from neft.runs.places import CACHED_RUNS, neft_home
from neft.runs.store import DEVIATIONS, HISTORY, INSTANCES, LAYERS, RECORD, RunStore
from neft.tables import runs_table
from tests.dashboard.conftest import SIGMA_DS
from tests.dashboard.driver import (
    APP,
    charts,
    chosen,
    method_numbers,
    numbers_note,
    open_at,
    open_page,
    traces,
    words,
)

ACCURACY, EKL, DECAY, LAYER_BARS = (
    "Accuracy against",
    "Distribution of",
    "Accuracy over the number",
    "A typical weight deviation",
)

LABELS = {
    "Vanilla": "vanilla",
    "Noise injection": "noise_injection",
    "Noise injection, T = 4": "control",
    "OVF": "ovf",
    "IRS": "irs",
}


def chips(store: RunStore, method: str, sigma_d: float) -> pd.DataFrame:
    """All chips of a method (the control is `control`) at one device variation."""
    named = [
        (record, "control" if record.facts.method == "noise_injection" and record.facts.temperature > 1 else None)
        for record in store.list().records
    ]
    frames = [store.instances(record) for record, other in named if (other or record.facts.method) == method]
    rows = pd.concat(frames)
    return rows[(rows["sigma_d"] - sigma_d).abs() < 1e-9]


def table_of(store: RunStore, method: str, sigma_d: float) -> np.ndarray:
    """Accuracy of the two seeds' four chips."""
    return chips(store, method, sigma_d)["accuracy"].to_numpy().reshape(2, 4)


def legend_title(app: AppTest, alt: str) -> str:
    """Of the chart whose alternative text begins so."""
    spec = next(chart.proto.spec for chart in app.get("plotly_chart") if chart.proto.alt.startswith(alt))
    return json.loads(spec)["layout"]["legend"]["title"]["text"].replace("<br>", " ")


def selected(app: AppTest, key: str) -> str:
    """What a box shows."""
    box = app.selectbox(key=key)
    assert box.index is not None
    return box.options[box.index]


# ---------------------------------------------------------------- the runs that ship
def test_cached_runs_fill_four_views() -> None:
    records = RunStore(CACHED_RUNS, read_only=True).list().records
    app = open_page()
    shown = (selected(app, "data"), selected(app, "net"))
    other_decay = [
        record.id
        for record in records
        if (record.facts.dataset_label, record.facts.backbone_label) == shown
        and record.facts.num_feedback is not None
        and (record.facts.num_feedback, record.facts.decay) != (3, "paper")
    ]

    assert not app.exception
    assert not app.warning
    expected = [ACCURACY, EKL, *([DECAY] if other_decay else []), LAYER_BARS]
    for alt, start in zip(charts(app), expected, strict=True):
        assert alt.startswith(start)


def test_every_network_that_ships_with_curves_can_be_looked_at() -> None:
    records = RunStore(CACHED_RUNS, read_only=True).list().records
    facts = [record.facts for record in records if len(record.facts.sigma_ds) > 2]
    for dataset, label in sorted({(one.dataset_label, one.backbone_label) for one in facts}):
        app = open_page(data=dataset, net=label, read="Fixed")

        assert not app.exception
        assert selected(app, "data") == dataset
        assert selected(app, "net") == label
        assert charts(app)[0].startswith(ACCURACY)


# ---------------------------------------------------------------- numbers
@pytest.fixture(scope="module")
def fixed(every_method: RunStore) -> AppTest:
    """The page of the small store, one network over all device variations; to be read only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neft.runs.store.CACHED_RUNS", every_method.root)
        patch.setenv("NEFT_HOME", str(every_method.root / "none"))
        return open_page(read="Fixed", at="0.1")


@pytest.mark.parametrize(
    ("name", "method"), [("OVF", "ovf"), ("IRS", "irs"), ("Vanilla", "vanilla"), ("Noise injection", "noise_injection")]
)
def test_accuracy_over_sigma_d_is_the_mean_of_the_stored_chips(
    fixed: AppTest, every_method: RunStore, name: str, method: str
) -> None:
    (drawn,) = [trace for trace in traces(fixed, ACCURACY) if trace.get("name") == name]

    assert drawn["x"] == pytest.approx(SIGMA_DS)
    assert drawn["y"] == pytest.approx([100 * chips(every_method, method, at)["accuracy"].mean() for at in SIGMA_DS])


@pytest.mark.parametrize(("chosen", "percentile"), [("5", 5), ("1", 1)])
def test_percentile_over_sigma_d_is_the_mean_of_each_trainings_own(
    shipped: RunStore, chosen: str, percentile: int
) -> None:
    app = open_page(read="Fixed", at="0.1", line=chosen)

    assert not app.exception
    (drawn,) = [trace for trace in traces(app, "The") if trace.get("name") == "OVF"]
    each = [np.percentile(table_of(shipped, "ovf", at), percentile, axis=1).mean() for at in SIGMA_DS]
    assert drawn["x"] == pytest.approx(SIGMA_DS)
    assert drawn["y"] == pytest.approx(100 * np.array(each))
    # few chips set no lower limit: the bars reach up alone, and the page says how many would
    assert drawn["error_y"]["arrayminus"] == [0, 0, 0]
    needed = {1: 299, 5: 59}[percentile]
    assert f"needs {needed} chips; these are 4." in words(app)


def test_percentile_leaves_out_the_published_means_and_says_so(shipped: RunStore) -> None:
    app = open_page(read="Fixed", line="1", published="vgg8_cifar10")

    assert not app.exception
    assert not any("published" in trace.get("name", "") for trace in traces(app, "The 1st percentile"))
    assert "Published figures are means, and left out." in words(app)


def test_methods_are_explained_once_on_the_page_and_in_no_cards_legend(fixed: AppTest) -> None:
    table = method_numbers(fixed)

    assert table.index.tolist() == list(LABELS)
    for alt in (ACCURACY, EKL):
        assert not any(trace.get("showlegend") for trace in traces(fixed, alt))


def test_matched_reading_shows_each_network_where_it_was_trained(shipped: RunStore) -> None:
    app = open_page(read="Matched")

    (drawn,) = [trace for trace in traces(app, ACCURACY) if trace.get("name") == "OVF"]

    assert drawn["x"] == pytest.approx([0.1])
    assert drawn["y"] == pytest.approx([100 * chips(shipped, "ovf", 0.1)["accuracy"].mean()])


def test_table_says_the_mean_accuracy_of_every_method_at_the_slice(shipped: RunStore) -> None:
    app = open_page(read="Fixed", at="0.2")

    assert app.title[0].value.startswith(r"At $\sigma_d$ = 0.2, ")
    kept = method_numbers(app)["images right"]
    for label, method in LABELS.items():
        assert kept[label].startswith(f"{sentences.percent(chips(shipped, method, 0.2)['accuracy'].mean())} ± ")
    assert "2 seeds × 4 chips · Digits" in numbers_note(app)


def test_distribution_of_ekl_spans_the_stored_chips(fixed: AppTest, every_method: RunStore) -> None:
    drawn = [trace for trace in traces(fixed, EKL) if trace.get("name") == "OVF"]

    stored = chips(every_method, "ovf", 0.1)["ekl"]
    values = [x for trace in drawn for x in trace["x"]]
    assert min(values) == pytest.approx(stored.min())
    assert max(values) == pytest.approx(stored.max())


def test_method_that_is_left_out_leaves_the_figures(shipped: RunStore) -> None:
    app = open_page(read="Fixed")
    group = app.sidebar.button_group(key="methods")
    before = {trace["name"] for trace in traces(app, ACCURACY) if "name" in trace}

    app = group.set_value([variant for variant in chosen(app, "methods") if variant != "vanilla"]).run()

    assert before - {trace["name"] for trace in traces(app, ACCURACY) if "name" in trace} == {"Vanilla"}
    assert not app.exception


def test_without_a_method_the_page_asks_for_one(shipped: RunStore) -> None:
    app = open_page()

    app = app.sidebar.button_group(key="methods").set_value([]).run()

    assert "Choose at least one method in the sidebar" in words(app)
    assert not charts(app)


def test_bars_are_the_deviation_over_the_weight_in_every_layer(fixed: AppTest, every_method: RunStore) -> None:
    (bars,) = [trace for trace in traces(fixed, LAYER_BARS) if trace.get("type") == "bar"]
    each = [
        0.1 * tables.layers[REALISED_STD] * tables.layers[W_MAX] / tables.layers[RMS_WEIGHT]
        for tables in (every_method.tables(record) for record in every_method.list().records)
    ]

    # as many seeds of every method, so the mean over methods is that over runs
    assert bars["y"] == pytest.approx(100 * np.mean(each, axis=0))


def test_nothing_misses_without_variation(shipped: RunStore) -> None:
    app = open_page(read="Fixed", at="0")

    assert "= 0 nothing misses." in words(app)
    assert not app.exception


@pytest.mark.parametrize(
    "address",
    [
        {"data": "nothing", "net": "none"},
        {"methods": "nobody"},
        {"at": "9", "read": "Sideways"},
        {"published": "VGG-9 on letters"},
    ],
)
def test_wrong_values_in_the_address_do_no_harm(shipped: RunStore, address: dict[str, str | list[str]]) -> None:
    app = open_at(address)

    assert not app.exception
    assert charts(app)[0].startswith(ACCURACY)


# ---------------------------------------------------------------- published figures
def published_marks(app: AppTest) -> dict[str, dict[str, Any]]:
    """The published points that are drawn, by their method's label."""
    names = [(str(trace.get("name", "")), trace) for trace in traces(app, ACCURACY)]
    return {name.removesuffix(" (published)"): trace for name, trace in names if name.endswith(" (published)")}


@pytest.mark.parametrize("panel", PANELS)
def test_chosen_panel_is_drawn_beside_our_own_as_hollow_marks(shipped: RunStore, panel: str) -> None:
    rows = published_accuracy()
    app = open_page(published=PANELS[panel])

    drawn = published_marks(app)

    assert not app.exception
    assert set(drawn) == {"Vanilla", "Noise injection", "OVF", "IRS", "Orthogonal kernels"}
    for label, trace in drawn.items():
        theirs = rows[(rows["panel"] == panel) & (rows["label"] == label)]
        assert trace["x"] == pytest.approx(theirs["sigma_d"].tolist())
        assert trace["y"] == pytest.approx((100 * theirs["accuracy"]).tolist())
        assert trace["marker"]["symbol"].endswith("-open")
    for said in (f"published for {PANELS[panel]}", "10.1109/TCAD.2025.3591409", "noisy test accuracy", "other data"):
        assert said in words(app)
    assert f"published for {PANELS[panel]}" in charts(app)[0]


def test_nothing_published_is_drawn_unless_asked_for(fixed: AppTest) -> None:
    assert not published_marks(fixed)
    assert "published for" not in words(fixed)
    assert selected(fixed, "published") == "None"


def test_published_marks_of_a_method_go_with_it(shipped: RunStore) -> None:
    app = open_page(published="VGG-8 on MNIST", read="Fixed")

    app = app.sidebar.button_group(key="methods").set_value(["ovf", CONTROL]).run()

    assert set(published_marks(app)) == {"OVF", "Orthogonal kernels"}


# ---------------------------------------------------------------- runs of an ablation alone
@pytest.fixture
def ablation_only(other_size: RunStore) -> RunStore:
    """Networks that were tried at no variation and at one σ_d, among the user's own."""
    return RunStore(Path(shutil.copytree(other_size.root, neft_home() / "runs")))


def test_network_that_was_only_run_for_an_ablation_is_not_offered(shipped: RunStore, ablation_only: RunStore) -> None:
    app = open_page(net="MLP, 3 × 12")

    assert not app.exception
    assert app.selectbox(key="net").options == ["MLP, 3 × 16"]
    assert charts(app)[0].startswith(ACCURACY)


def test_ablations_beside_a_curve_are_kept(shipped: RunStore, other_size: RunStore) -> None:
    curves, ablation = shipped.list().records, other_size.list().records[0]
    facts = ablation.facts.model_copy(update={"backbone": curves[0].facts.backbone})
    beside = ablation.model_copy(update={"facts": facts})

    assert set(_with_curves(runs_table([*curves, beside]).assign(data_key="digits8"))["run_id"]) == {
        one.id for one in (*curves, beside)
    }
    assert set(_with_curves(runs_table([*curves, ablation]).assign(data_key="digits8"))["run_id"]) == {
        one.id for one in curves
    }


def test_networks_of_an_ablation_are_offered_where_nothing_else_is(
    nothing_shipped: None, ablation_only: RunStore
) -> None:
    app = open_page()

    assert not app.exception
    assert app.selectbox(key="net").options == ["MLP, 3 × 12"]


# ---------------------------------------------------------------- stores that are not as they should be
@pytest.mark.parametrize("page", [Page.EXPLORE, Page.RUNS])
def test_empty_store_is_said_with_the_way_on(nothing_shipped: None, page: Page) -> None:
    app = open_page(page)

    assert not app.exception
    assert "No runs are stored yet." in words(app)
    assert "Train a network" in words(app)


@pytest.mark.parametrize("page", [Page.EXPLORE, Page.RUNS])
def test_run_that_cannot_be_read_is_named_while_the_rest_works(shipped: RunStore, page: Page) -> None:
    lost = next(record.id for record in shipped.list().records if record.facts.method == "ovf")
    (shipped.root / lost / RECORD).write_text("{", encoding="utf-8")

    app = open_page(page)

    assert not app.exception
    assert "1 stored run cannot be read" in words(app)
    assert f"{lost}: Run '{lost}' is corrupt" in words(app)
    assert page == Page.RUNS or len(charts(app)) > 2


@pytest.mark.parametrize("name", [INSTANCES, DEVIATIONS, LAYERS, HISTORY])
def test_damaged_file_of_a_run_is_named_while_the_rest_works(shipped: RunStore, name: str) -> None:
    damaged = next(one.id for one in shipped.list().records if (one.facts.method, one.facts.seed) == ("ovf", 0))
    (shipped.root / damaged / name).write_bytes(b"no table")

    app = open_page()

    assert not app.exception
    assert f"Left out: Run '{damaged}' is corrupt: {name} is not the file that was stored." in words(app)
    assert {alt.split(" of ")[0] for alt in charts(app)} >= {
        "Distribution",
        "A typical weight deviation over a typical weight, a bar per layer.",
    }


@pytest.mark.parametrize("name", [INSTANCES, DEVIATIONS])
def test_damaged_file_of_every_run_leaves_a_page_that_says_so(shipped: RunStore, name: str) -> None:
    for run_id in shipped.ids():
        (shipped.root / run_id / name).write_bytes(b"no table")

    app = open_page()

    assert not app.exception
    assert f"{name} is not the file that was stored." in words(app)


@pytest.mark.parametrize("page", [Page.EXPLORE, Page.RUNS])
def test_store_of_nothing_but_unreadable_runs_names_them(shipped: RunStore, page: Page) -> None:
    for run_id in shipped.ids():
        (shipped.root / run_id / RECORD).write_text("{", encoding="utf-8")

    app = open_page(page)

    assert not app.exception
    assert "No runs are stored yet." in words(app)
    assert f"{len(shipped.ids())} stored runs cannot be read" in words(app)


def test_run_that_is_stored_meanwhile_is_seen_at_the_next_look(shipped: RunStore, tmp_path: Path) -> None:
    away = shipped.root / next(one.id for one in shipped.list().records if one.facts.method == "irs")
    aside = away.rename(tmp_path / away.name)
    app = open_page(read="Fixed")
    before = numbers_note(app)

    _ = aside.rename(away)
    app = app.run()

    assert "over 2 seeds" in numbers_note(app)
    assert "over 1–2 seeds" in before


def test_users_own_runs_stand_beside_the_shipped(shipped: RunStore, own_run: object) -> None:
    assert RunStore(neft_home() / "runs").ids()

    assert "2 seeds × 4 chips" in numbers_note(open_page(read="Fixed"))


def test_pages_of_stored_numbers_never_import_torch() -> None:
    script = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(APP)!r}, default_timeout=60).run()\n"
        "from dashboard.pages import Page\n"
        "for page in (Page.RUNS, Page.EXPERIMENTS, Page.CLAIMS):\n"
        "    app = app.switch_page(page.file).run()\n"
        "    assert not app.exception\n"
        "print(*sys.modules)\n"
    )

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert not {"torch", "torchvision", "sklearn", "neft.training.loop"} & set(answer.stdout.split())


def test_control_is_the_first_looks() -> None:
    variants = {record.facts.variant for record in RunStore(CACHED_RUNS, read_only=True).list().records}

    assert CONTROL in variants


def test_own_runs_that_are_no_curves_are_counted_with_the_way_to_them(
    shipped: RunStore, ablation_only: RunStore
) -> None:
    app = open_page()

    assert not app.exception
    count = len(ablation_only.ids())
    assert f"{count} of your runs were tried at fewer than three" in words(app)
    (link,) = [link for link in app.sidebar.get("page_link") if link.proto.label == "See what they keep"]
    assert link.proto.query_string.count("run=") == min(count, 8)


def test_methods_trained_at_one_device_variation_are_named_where_they_are_single_marks(shipped: RunStore) -> None:
    app = open_page(read="matched")
    said = next(caption.value for caption in app.sidebar.caption if "single mark" in caption.value)

    assert "Noise injection; Noise injection, T = 4; OVF; IRS" in said

    app = app.sidebar.button_group(key="read").set_value("fixed").run()
    assert not [caption.value for caption in app.sidebar.caption if "single mark" in caption.value]
