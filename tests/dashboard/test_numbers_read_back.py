"""The numbers that pages show, read back and held against the stored files, which are read with pandas and json alone.

Means, intervals and percentiles are computed a second time (`tests.independent.naive.statistics`); nothing of
`neft.tables` is used. A page that shows no stored number says here why.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from streamlit.testing.v1 import AppTest

from dashboard.data import schemes as scheme_numbers
from dashboard.pages import Page
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.datasets.digits import Digits
from neft.evaluation.search_settings import SearchSettings
from neft.inspection.worst_case import search_stored
from neft.networks.backbones import Mlp
from neft.pipeline import Settings, chip_law, load_data, restore_network, run
from neft.runs.places import neft_home
from neft.runs.store import RunStore
from tests.dashboard.driver import charts, method_numbers, open_page, traces, words
from tests.dashboard.read_back import (
    BOARD,
    OPENED,
    SIGMA_DS,
    TRIED,
    Files,
    numbers_in,
    percent,
    points,
    rows_by,
    table_with,
    take,
)
from tests.independent.naive import statistics
from tests.independent.naive.statistics import crossed, paired, quantile, quantile_over_seeds, student
from tests.made_once import made_once

BACKBONE, AT = "vgg8w4", 0.1
PLACE = {"net": BACKBONE, "at": str(AT)}
LABELS = ("Vanilla", "Noise injection", "Noise injection, T = 4", "OVF", "IRS")
CONTROL = "Noise injection, T = 4"
NOTHING_STORED = {
    Page.VOTES: "votes and their probabilities are computed of the network's chips while the page is open",
    Page.SLICES: "one weight is programmed on chips of its own; no run's number is shown",
    Page.DEVICES: "fits as they were published and devices sampled from them; no run is read",
    Page.DEVICE: "a device of the user's own and previews of it, all computed while the page is open",
    Page.TRAIN: "what is to be trained, and jobs while they run; what they end with is on the other pages",
    Page.SHARE: "runs by name, seed and size, to hand on or take in; no result of one",
    Page.GLOSSARY: "words alone",
}
"""By page why there is nothing to read back."""
READ_BACK: dict[Page, Callable[[Files], None]] = {}
"""By page what reads its numbers back."""


def reads(page: Page) -> Callable[[Callable[[Files], None]], Callable[[Files], None]]:
    """Marks what reads a page's numbers back."""

    def mark(check: Callable[[Files], None]) -> Callable[[Files], None]:
        READ_BACK[page] = check
        return check

    return mark


@pytest.fixture(scope="session")
def some_shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the shipped runs, to be read only."""
    return made_once(tmp_path_factory, "read_back", take)


@pytest.fixture
def files(some_shipped: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """In the place of the shipped store."""
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", some_shipped)
    # what pages compute beside what is stored, in few steps
    monkeypatch.setattr(scheme_numbers, "BUDGET_CHIPS", 1)
    monkeypatch.setattr("dashboard.data.under_way.A_STEP", 60.0)
    monkeypatch.setattr(scheme_numbers, "SIGMA_DS", (0.2,))
    return Files(some_shipped)


def near(value: float | list[float]) -> Any:
    """What is drawn, is drawn to all its digits."""
    return pytest.approx(value, rel=1e-6, abs=1e-9, nan_ok=True)


def opened(page: Page, **address: str | list[str]) -> AppTest:
    app = open_page(page, **address)
    assert not app.exception
    assert not app.error
    return app


@cache
def trained_at(files: Files, label: str, sigma_d: float) -> tuple[str, ...]:
    """The runs behind a label: five seeds."""
    found = tuple(files.named(label, sigma_d, backbone=BACKBONE))
    assert len(found) == 5, (label, sigma_d, found)
    return found


def of(files: Files, label: str, sigma_d: float, metric: str = "accuracy") -> list[list[float]]:
    """Seeds x chips of a label at the device variation that it was trained for."""
    return files.table(trained_at(files, label, sigma_d), sigma_d, metric)


# ---------------------------------------------------------------- every page
@pytest.mark.parametrize("page", [page for page in Page if page not in NOTHING_STORED], ids=lambda page: page.name)
def test_numbers_are_the_stored_ones(page: Page, files: Files) -> None:
    assert page in READ_BACK, f"read the numbers of {page.title} back, or say in NOTHING_STORED why it has none"
    READ_BACK[page](files)


def test_every_page_is_read_back_or_says_why_not() -> None:
    assert set(READ_BACK) | set(NOTHING_STORED) == set(Page)
    assert not set(READ_BACK) & set(NOTHING_STORED)
    assert all(NOTHING_STORED.values())


@pytest.mark.parametrize(("page", "module"), [(Page.EXPERIMENTS, "intervals"), (Page.COMPARE, "pairs")])
def test_a_percent_of_an_interval_is_seen(
    page: Page, module: str, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison can fail."""

    def wider(freedom: float) -> float:
        return 1.01 * statistics.t_of(freedom)

    monkeypatch.setattr(f"neft.tables.{module}.student_t", wider)
    with pytest.raises(AssertionError, match="comparison failed"):
        READ_BACK[page](files)


# ---------------------------------------------------------------- one selection
def means_are_drawn(app: AppTest, alt: str, files: Files, metric: str = "accuracy", scale: float = 100) -> None:
    """A mark a method and device variation: mean and half-width over seeds and chips."""
    for label in LABELS:
        drawn = points(app, alt, label)
        for sigma_d in SIGMA_DS:
            expected = crossed(of(files, label, sigma_d, metric))
            assert drawn[sigma_d] == near([scale * expected.mean, scale * expected.half])


@reads(Page.EXPLORE)
def explore(files: Files) -> None:
    app = opened(Page.EXPLORE, **PLACE)
    table = method_numbers(app)

    means_are_drawn(app, "Accuracy against", files)
    for label in LABELS:
        expected = crossed(of(files, label, AT))
        assert numbers_in(str(table.loc[label, "images right"]))[:2] == pytest.approx(percent(expected), abs=0.0501)
        if label != CONTROL:
            difference = paired(of(files, label, AT), of(files, CONTROL, AT))
            said = numbers_in(str(table.loc[label, "against the control"]))[:2]
            assert said == pytest.approx(percent(difference), abs=0.0501)
        distribution_is_drawn(app, "Distribution of the expected KL", label, of(files, label, AT, "ekl"), scale=1)
    assert layer_bars(app) == near(typical_deviations(files))


def distribution_is_drawn(app: AppTest, alt: str, label: str, values: list[list[float]], *, scale: float) -> None:
    """A line of 201 quantiles over all seeds and chips."""
    (line,) = [one for one in traces(app, alt) if one.get("name") == label and one["x"][0] is not None]
    every = [value for row in values for value in row]
    for share in (0.0, 0.05, 0.5, 0.985, 1.0):
        index = round(200 * share)
        assert line["y"][index] == near(100 * share)
        assert line["x"][index] == near(scale * quantile(every, share))


def layer_bars(app: AppTest) -> list[float]:
    return next(one["y"] for one in traces(app, "A typical weight deviation") if one["type"] == "bar")


def typical_deviations(files: Files) -> list[float]:
    """By layer in %: the realised std over the RMS weight, the mean over seeds, then over methods."""
    by_method: list[list[float]] = []
    for label in LABELS:
        layers = [files.csv(run_id, "layers.csv") for run_id in trained_at(files, label, AT)]
        ratios = [AT * one["realised_std"] * one["w_max"] / one["rms_weight"] for one in layers]
        by_method.append([statistics.mean([float(one.iloc[k]) for one in ratios]) for k in range(len(ratios[0]))])
    return [100 * statistics.mean([one[k] for one in by_method]) for k in range(len(by_method[0]))]


@reads(Page.ACCURACY)
def accuracy(files: Files) -> None:
    app = opened(Page.ACCURACY, **PLACE)
    read_out = rows_by(table_with(app, "5th percentile"), "Method")
    shares = [one["x"] for one in traces(app, "Shares of the variance") if one["x"][0] is not None]

    means_are_drawn(app, "Accuracy against", files)
    for place, label in enumerate(LABELS):
        values = of(files, label, AT)
        drawn = points(app, "The 5th percentile", label)[AT]
        assert drawn[0] == near(100 * quantile_over_seeds(values, 0.05))
        upper = statistics.mean([statistics.limits(row, 0.05)[1] for row in values])
        assert drawn[0] + drawn[1] == near(100 * upper)
        distribution_is_drawn(app, "Distribution of accuracy", label, values, scale=100)
        row = read_out[label]
        assert numbers_in(row["Accuracy"])[:2] == pytest.approx(percent(crossed(values)), abs=0.0501)
        assert row["N"] == f"{len(values)} × {len(values[0])}"
        assert numbers_in(row["1st percentile"])[0] == pytest.approx(
            100 * quantile_over_seeds(values, 0.01), abs=0.0501
        )
        parts = statistics.parts(values)
        assert [share[place] for share in shares] == near([100 * part / sum(parts) for part in parts])
        if label not in (CONTROL, "Vanilla"):  # which would flatten the rest, and is left out
            difference = paired(values, of(files, CONTROL, AT))
            assert points(app, "Paired differences", label)[AT] == near(percent(difference))


@reads(Page.UNCERTAINTY)
def uncertainty(files: Files) -> None:
    app = opened(Page.UNCERTAINTY, **PLACE)
    table = method_numbers(app)

    means_are_drawn(app, "Expected KL divergence against", files, "ekl", scale=1)
    means_are_drawn(app, "Calibration error against", files, "calibration_error")
    for label in LABELS:
        distribution_is_drawn(app, "Distribution of the expected KL", label, of(files, label, AT, "ekl"), scale=1)
        for column, metric in (("EKL (nats)", "ekl"), ("calibrated", "calibrated_ekl")):
            expected = crossed(of(files, label, AT, metric))
            said = numbers_in(str(table.loc[label, column]))[:2]
            assert said == pytest.approx(list(expected), rel=0.06)


@reads(Page.WEIGHTS)
def weights(files: Files) -> None:
    app = opened(Page.WEIGHTS, **PLACE)
    table = method_numbers(app)

    assert layer_bars(app) == near(typical_deviations(files))
    for label in LABELS:
        layers = [files.csv(run_id, "layers.csv") for run_id in trained_at(files, label, AT)]
        (marks,) = [
            one for one in traces(app, "RMS weight over") if one.get("name") == label and one["x"][0] is not None
        ]
        expected = [
            student([float(one["rms_weight"].iloc[k] / one["w_max"].iloc[k]) for one in layers])
            for k in range(len(layers[0]))
        ]
        assert marks["x"] == near([100 * one.mean for one in expected])
        assert marks["error_x"]["array"] == near([100 * one.half for one in expected])
        first = layers[0]  # of the lowest seed
        (audit,) = [one for one in traces(app, "Realised over") if one.get("name") == label and one["x"][0] is not None]
        assert audit["x"] == near(percent(list(first["realised_std"] / first["closed_form_std"] - 1)))
        ratios = [
            float(one.iloc[k])
            for one in (AT * f["realised_std"] * f["w_max"] / f["rms_weight"] for f in layers)
            for k in range(len(first))
        ]
        assert numbers_in(str(table.loc[label, "deviation ÷ weight"]))[0] == pytest.approx(
            100 * statistics.mean(ratios), abs=0.501
        )


# ---------------------------------------------------------------- plans
SERIES = {"Vanilla": "vanilla", "Noise injection": "noise_injection", "OVF": "ovf", "IRS": "irs"}


@reads(Page.EXPERIMENTS)
def experiments(files: Files) -> None:
    app = opened(Page.EXPERIMENTS)

    for label, series in SERIES.items():
        for alt, metric, scale in (("Accuracy over", "accuracy", 100), ("EKL over", "ekl", 1)):
            drawn = points(app, alt, label)
            for sigma_d in SIGMA_DS:
                expected = crossed(files.table(files.planned("paper_digits", series, sigma_d), sigma_d, metric))
                assert drawn[sigma_d] == near([scale * expected.mean, scale * expected.half])


@reads(Page.CLAIMS)
def claims(files: Files) -> None:
    """The paper's comparisons, each averaged over the device variations, seed by seed and chip by chip."""
    app = opened(Page.CLAIMS)
    said = rows_by(table_with(app, "Verdict").iloc[:0], "Claim")
    for table in [one.value for one in app.dataframe if "Claim" in one.value]:
        said |= rows_by(table, "Claim")
    found = 0
    for claim, row in said.items():
        for label, series in (("OVF", "ovf"), ("IRS", "irs")):
            if claim.startswith(f"{label} is more accurate than noise injection at the same temperature"):
                control = "noise_injection_t4"
                differences = [
                    [
                        [a - b for a, b in zip(*rows, strict=True)]
                        for rows in zip(
                            files.table(files.planned("paper_digits", series, at), at),
                            files.table(files.planned("paper_digits", control, at), at),
                            strict=True,
                        )
                    ]
                    for at in SIGMA_DS
                ]
                averaged = [
                    [statistics.mean([one[s][c] for one in differences]) for c in range(len(differences[0][s]))]
                    for s in range(len(differences[0]))
                ]
                expected = crossed(averaged)
                ends = [expected.mean, expected.mean - expected.half, expected.mean + expected.half]
                assert numbers_in(row["Ours"].replace("(", " ").replace(" to ", " "))[:3] == pytest.approx(
                    percent(ends), abs=0.0501
                )
                assert (row["Seeds"], row["Chips"]) == (len(averaged), len(averaged[0]))
                forest = [x for one in every_trace(app, "Effects with") for x in one["x"] if x is not None]
                assert any(x == near(100 * expected.mean) for x in forest)
                found += 1
    assert found == 2, list(said)


CONSTRAINED = {"Clipped weights"}


@reads(Page.LEADERBOARD)
def leaderboard(files: Files) -> None:
    app = opened(Page.LEADERBOARD)
    rows = {
        f"{row['Method']}+{row['Constraint'] if row['Constraint'] in CONSTRAINED else 'none'}": row
        for row in table_with(app, "Ranks").to_dict("records")
    }
    names = {
        "vanilla+none": "Vanilla+none",
        "noise_injection+none": "Noise injection+none",
        "noise_injection+clip": "Noise injection+Clipped weights",
        "ovf+none": "OVF+none",
    }
    plain = files.table(files.planned("leaderboard", "noise_injection+none", 0.2), 0.2)

    assert set(names) == set(BOARD)
    assert set(names.values()) == set(rows)
    for series, name in names.items():
        ids = files.planned("leaderboard", series, 0.2)
        values, row = files.table(ids, 0.2), rows[name]
        worst = [
            {one["th_g"]: one["accuracy"] for one in files.records[run_id]["summary"]["worst_case"]}[0.03]
            for run_id in ids
        ]
        assert [row["Accuracy"], row["± acc."]] == near(percent(crossed(values)))
        assert row["1st perc."] == near(100 * quantile_over_seeds(values, 0.01))
        assert [row["Worst case"], row["± worst"]] == near(percent(student(worst)))
        assert row["Clean"] == near(100 * crossed(files.table(ids, 0.0)).mean)
        assert row["EKL"] == near(crossed(files.table(ids, 0.2, "ekl")).mean)
        assert row["Calibrated EKL"] == near(crossed(files.table(ids, 0.2, "calibrated_ekl")).mean)
        assert (row["Seeds"], row["Chips"]) == (len(values), len(values[0]))
        if values != plain:
            assert [row["Difference"], row["± diff."]] == near(percent(paired(values, plain)))
    order = sorted(rows.values(), key=lambda row: -row["Accuracy"])
    assert [row["Rank"] for row in order] == list(range(1, len(rows) + 1))


@reads(Page.HARDWARE)
def hardware(files: Files) -> None:
    app = opened(Page.HARDWARE, hw_at="0.1", hw_methods=["ovf", "irs"])
    rows = rows_by(table_with(app, "Area mm²"), "Training")

    for label in ("OVF", "IRS"):
        ids = trained_at(files, label, 0.1)
        expected = student([statistics.mean(files.chips(run_id, 0.1)) for run_id in ids])
        row = rows[label]
        assert row["Network"] == "VGG-8, width 1/4"
        assert [row["Accuracy %"], row["from %"], row["to %"]] == near(
            percent([expected.mean, expected.mean - expected.half, expected.mean + expected.half])
        )
        assert (row["Devices"], row["Seeds"]) == (files.records[ids[0]]["summary"]["num_devices"], len(ids))


# ---------------------------------------------------------------- one network
@reads(Page.CHIP)
def chip(files: Files) -> None:
    app = opened(Page.CHIP, run=OPENED, chip="Worst", chip_at="0.1")
    values = files.chips(OPENED, 0.1)
    ordered = sorted(values)

    (line,) = [one for one in traces(app, "Chips in order") if one.get("name") == "each chip"]
    assert line["x"] == near(percent(ordered))
    assert line["y"] == near([100 * (k + 1) / len(ordered) for k in range(len(ordered))])
    expected = student(values)
    said = words(app)
    assert f"{100 * expected.mean:.1f} ± {100 * expected.half:.1f} %" in said
    assert f"**{100 * ordered[0]:.1f} %** of" in said


@reads(Page.PREVIEW)
def preview(files: Files) -> None:
    app = opened(Page.PREVIEW, run=OPENED)
    drawn = points(app, "Preview of accuracy", "real chips")

    tested = files.records[OPENED]["facts"]["sigma_ds"]
    assert len(drawn) > 1
    for sigma_d, (mean, half) in drawn.items():
        assert min(abs(sigma_d - at) for at in tested) < 1e-9
        expected = student(files.chips(OPENED, sigma_d))
        assert [mean, half] == near(percent(expected))


@reads(Page.WORST_CASE)
def worst_case(files: Files) -> None:
    """A search of a small network of the user's own, as its file says."""
    del files
    config = RunConfig.make(
        dataset=Digits(max_train=100),
        backbone=Mlp(hidden_layers=2, hidden_units=16),
        training=TrainingConfig(epochs=3, validation_instances=1, learning_rate=0.01),
        evaluation=EvaluationConfig(sigma_ds=(0.0, 0.1), num_instances=5, max_test=40),
    )
    store = RunStore(neft_home() / "runs")
    record = run(config, Settings(store=store))
    data = load_data(config, Settings(store=store))
    network = restore_network(config, data, store.weights(record))
    bounds = (0.0, 0.001, 0.002, 0.003, 0.004, 0.005)
    _ = list(search_stored(record, network, data, chip_law(config), th_gs=bounds, settings=SearchSettings()))
    (path,) = [
        one for one in neft_home().rglob("*.safetensors") if one.parent.name == record.id and one.stem != "weights"
    ]
    with safe_open(path, framework="np") as kept:
        (written,) = kept.metadata().values()
    rows = json.loads(written)["rows"]

    app = opened(Page.WORST_CASE, run=record.id, bound="0.005")

    (line,) = [one for one in traces(app, "Lowest accuracy found") if one.get("name") == "worst case found"]
    assert line["x"] == near([row["th_g"] for row in rows])
    assert line["y"] == near([100 * row["accuracy"] for row in rows])
    sampled = min(Files(store.root).chips(record.id, 0.1))  # at the device variation of its training
    drawn = [y for one in traces(app, "Lowest accuracy found") for y in one["y"] if y is not None]
    assert any(y == near(100 * sampled) for y in drawn)


@reads(Page.SCHEMES)
def schemes(files: Files) -> None:
    """A row a scheme: accuracy of its evaluation's chips, and what it gains on the first one's, chip by chip."""
    app = opened(Page.SCHEMES, run=TRIED, scheme_at="0.2")
    for _ in range(30):  # what is stored is gathered in steps
        if any("Stored as" in one.value for one in app.dataframe):
            break
        app = app.run()
    rows = table_with(app, "Stored as").to_dict("records")
    (usual,) = [row for row in rows if row["Stored as"] == TRIED]

    assert len(rows) == 15
    for row in rows:
        ours, theirs = (files.chips(one["Stored as"], 0.2)[:60] for one in (row, usual))
        assert len(ours) == 60
        assert [row["Accuracy %"], row["±"]] == near(percent(student(ours)))
        assert row["Percentile %"] == near(100 * quantile(ours, 0.05))
        if row is not usual:
            assert [row["Gain (points)"], row["± points"]] == near(percent(paired([ours], [theirs])))


# ---------------------------------------------------------------- runs
@reads(Page.COMPARE)
def compare(files: Files) -> None:
    first, second = (trained_at(files, label, AT)[0] for label in (CONTROL, "OVF"))
    app = opened(Page.COMPARE, run=[first, second], at=str(AT))
    rows = rows_by(table_with(app, "difference"), "run_id")
    ours, theirs = files.chips(second, AT), files.chips(first, AT)

    for run_id, values in ((first, theirs), (second, ours)):
        row = rows[run_id]
        assert [row["accuracy"], row["ci95"]] == near(percent(student(values)))
        low, high = statistics.limits(values, 0.05)
        assert numbers_in(row["percentile_5"].replace("95", "")) == pytest.approx(
            percent([quantile(values, 0.05), low, high]), abs=0.0501
        )
        assert row["num_instances"] == len(values)
    row = rows[second]
    assert [row["difference"], row["difference_ci95"]] == near(percent(paired([ours], [theirs])))
    assert row["independent_ci95"] == near(100 * statistics.welch(ours, theirs))


@reads(Page.RUNS)
def runs(files: Files) -> None:
    picked = trained_at(files, "IRS", AT)[0]
    app = opened(Page.RUNS, run=picked)
    rows = rows_by(table_with(app, "accuracy_at_train_sigma_d"), "run_id")

    assert set(rows) == set(files.records)
    for run_id, row in list(rows.items())[::9]:
        record = files.records[run_id]
        at = record["facts"]["train_sigma_d"]
        if any(abs(at - one) < 1e-9 for one in record["facts"]["sigma_ds"]):
            values = files.chips(run_id, at)
            assert row["accuracy_at_train_sigma_d"] == near(100 * statistics.mean(values))
            assert row["percentile_1_at_train_sigma_d"] == near(100 * quantile(values, 0.01))
        history = files.csv(run_id, "history.csv")
        best = history[history["epoch"] == record["summary"]["selected_epoch"]]["validation_accuracy"].iloc[0]
        assert row["validation_accuracy"] == near(100 * float(best))
        assert row["num_epochs"] == len(history)
    results = table_with(app, "calibration_error").to_dict("records")
    for row in results:
        values = files.chips(picked, row["sigma_d"])
        assert [row["accuracy"], row["ci95"]] == near(percent(student(values)))
        assert row["ekl"] == near(statistics.mean(files.chips(picked, row["sigma_d"], "ekl")))
    assert [row["sigma_d"] for row in results] == near(sorted(files.records[picked]["facts"]["sigma_ds"]))


# ---------------------------------------------------------------- lessons
def every_trace(app: AppTest, alt: str) -> list[dict[str, Any]]:
    """Of all charts whose alternative text begins so."""
    count = sum(one.startswith(alt) for one in charts(app))
    return [trace for index in range(count) for trace in traces(app, alt, index=index)]


@reads(Page.LEARN)
def learn(files: Files) -> None:
    """The unlucky chip: one training's mean and 1st percentile, and the control's difference by pairs."""
    app = opened(Page.LEARN, lesson="Unlucky chip")
    app = app.slider[0].set_value(50.0).run().button(key="commit").click().run()
    ids = (trained_at(files, "Noise injection", 0.2)[0], trained_at(files, CONTROL, 0.2)[0])
    ours, control = (files.chips(run_id, 0.2) for run_id in ids)
    said = words(app)

    mean = student(ours)
    assert f"**{100 * mean.mean:.1f} ± {100 * mean.half:.1f} %**" in said
    assert f"These chips put it at **{100 * quantile(ours, 0.01):.1f} %**" in said
    difference, apart = paired([control], [ours]), statistics.welch(control, ours)
    assert f"± {100 * difference.half:.2f} taken chip by chip and ± {100 * apart:.2f} had either" in said


@reads(Page.WORKSHEET)
def worksheet(files: Files) -> None:
    """The teacher's answers on accuracy, on the control, on the unlucky chip and on certainty."""
    app = opened(Page.WORKSHEET)
    said = words(app.toggle(key="answers").set_value(True).run())
    vanilla, noisy = (files.table(trained_at(files, label, 0.2), 0.2) for label in ("Vanilla", "Noise injection"))

    without, with_noise, gain = crossed(vanilla), crossed(noisy), paired(noisy, vanilla)
    assert (
        f"{shown(without)} % without, {shown(with_noise)} % with noise in training: "
        f"**{100 * gain.mean:+.1f} ± {100 * gain.half:.1f} points**"
    ) in said
    for label in ("OVF", "IRS"):
        difference = paired(of(files, label, AT), of(files, CONTROL, AT))
        assert f"{label}: {100 * difference.mean:+.1f} ± {100 * difference.half:.1f} points".replace("-", "−") in said
    low = quantile_over_seeds(noisy, 0.01)
    assert f"The mean chip keeps {shown(with_noise)} %, the 1st percentile **{100 * low:.1f} %**" in said
    for metric, words_before in (("ekl", "As deployed"), ("calibrated_ekl", "after calibration")):
        means = {label: crossed(of(files, label, AT, metric)).mean for label in LABELS}
        least = min(means, key=lambda label: means[label])
        assert f"{words_before} **{least}, {means[least]:.3f} nats**" in said


def shown(mean: statistics.Mean) -> str:
    """In per cent, as pages say it."""
    return f"{100 * mean.mean:.1f} ± {100 * mean.half:.1f}"
