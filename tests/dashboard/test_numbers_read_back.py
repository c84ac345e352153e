"""The numbers that pages show, read back and held against the stored files, which are read with pandas and json alone.

Means, intervals and percentiles are computed a second time (`tests.independent.naive.statistics`); nothing of
`neft.tables` is used. A page that shows no stored number says here why.
"""

import json
from collections.abc import Callable
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
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
from tests.dashboard.driver import open_page, words
from tests.dashboard.read_back import (
    BOARD,
    OPENED,
    READ,
    SIGMA_DS,
    TRIED,
    Files,
    Noted,
    assert_says,
    every_trace,
    has_values,
    method_rows,
    named,
    near,
    numbers_in,
    percent,
    points,
    rows_by,
    rows_of,
    says,
    silent_hovers,
    table_with,
    tables_with,
    take,
    traces,
    unread,
)
from tests.dashboard.read_chip import OpenedChip
from tests.dashboard.read_claims import claim_is_told, contrasts, published, settings_are_told
from tests.dashboard.read_hardware import MLP, VGG8, Taken, taken
from tests.dashboard.read_lessons import LESSONS_READ, UNREAD_IN_LESSONS
from tests.dashboard.read_series import (
    AT,
    CONTROL,
    LABELS,
    PLACE,
    distribution_is_drawn,
    histograms_are_drawn,
    magnitudes_are_drawn,
    means_are_drawn,
    of,
    shown,
    trained_at,
    typical_deviations,
)
from tests.independent.naive import statistics
from tests.independent.naive.mapping import Plan
from tests.independent.naive.statistics import crossed, paired, quantile, quantile_over_seeds, student
from tests.made_once import made_once

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
LIVE = "drawn or opened anew while the page is open"
UNREAD: dict[Page, dict[str, str]] = {
    Page.UNCERTAINTY: dict.fromkeys(
        ("Distribution of EKL over images", "Mean confidence of right", "Share of right predictions"), LIVE
    ),
    Page.WEIGHTS: {"Accuracy with variation in one of": LIVE},
    Page.PREVIEW: {"preview, with its 95 % interval": LIVE, "Accuracy with variation in one of": LIVE},
    Page.CLAIMS: {
        **dict.fromkeys((": Run on", ": Trained", ": Published at", ": Where"), "settings and sources in words"),
        "At, Verdict, Ours, Seeds, Chips …: Verdict": "its number of further seeds is worked out in tests/unit",
    },
    Page.LEADERBOARD: {
        ": Ranks": "of many comparisons at once, worked out in tests/unit",
        ": Published": "of the papers, not of a run",
        ": Trained with": "settings in words",
    },
    Page.SCHEMES: {
        "Closed-form and sampled noise": LIVE,
        "Deviations of one weight": LIVE,
        "Digital operations": "of the mapping, counted in tests/unit",
        ": Scheme": "names",
    },
    Page.COMPARE: {": name": "names", "pairing": "the words of num_independent"},
    Page.RUNS: dict.fromkeys(
        (": label", ": departure", ": recipe", ": family", ": data_key", ": num_passes", ": method_rank", ": differs"),
        "names and keys",
    ),
    Page.LEARN: UNREAD_IN_LESSONS,
    Page.HARDWARE: {"name, value, unit, source, note": "the unit costs themselves, which prices are made of"},
}
"""By page what is drawn and not read back: a part of its chart, trace or column, and why."""
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


OPENED_PAGES: list[AppTest] = []
"""By the reader of a page."""


def opened(page: Page, **address: str | list[str]) -> AppTest:
    app = open_page(page, **address)
    assert not app.exception
    assert not app.error
    OPENED_PAGES.append(app)
    return app


# ---------------------------------------------------------------- every page
@pytest.mark.parametrize("page", [page for page in Page if page not in NOTHING_STORED], ids=lambda page: page.name)
def test_numbers_are_the_stored_ones(page: Page, files: Files) -> None:
    assert page in READ_BACK, f"read the numbers of {page.title} back, or say in NOTHING_STORED why it has none"
    OPENED_PAGES.clear()
    READ.clear()

    READ_BACK[page](files)

    assert OPENED_PAGES
    reasons = UNREAD.get(page, {})
    left = [one for app in OPENED_PAGES for one in unread(app)]
    nobodys = [one for one in left if not any(part in one for part in reasons)]
    assert not nobodys, "\n".join(["read these, or say in UNREAD why not:", *nobodys])
    idle = [part for part in reasons if not any(part in one for one in left)]
    assert not idle, f"read, and need no reason: {idle}"
    silent = [one for app in OPENED_PAGES for one in silent_hovers(app)]
    assert not silent, "\n".join(["words that do not tell what is drawn:", *silent])


def test_every_page_is_read_back_or_says_why_not() -> None:
    assert set(READ_BACK) | set(NOTHING_STORED) == set(Page)
    assert not set(READ_BACK) & set(NOTHING_STORED)
    assert all(NOTHING_STORED.values())


def test_what_nobody_reads_is_found(files: Files) -> None:
    """Every chart and column is missed until it is read; what is only looked at is not."""
    READ.clear()
    app = opened(Page.LEADERBOARD)
    before = unread(app)
    looked_at = [one.get("x") for one in traces(app, "A mark with its interval")]
    assert looked_at
    assert unread(app) == before

    assert named(app, "A mark with its interval", "OVF")["x"]
    _ = rows_of(table_with(app, "Ranks"))[0]["Accuracy"]

    missing = [one for one in before if one not in unread(app)]
    assert len(missing) == 2
    assert missing[0].endswith(": OVF")
    assert missing[1].endswith(": Accuracy")


@pytest.mark.parametrize(
    ("text", "value", "is_said"),
    [
        ("57.5 ± 3.2 %", 57.549, True),
        ("57.5 ± 3.2 %", 57.56, False),
        ("−3.9 (−6.1 to −1.8)", -3.92, True),
        ("−3.9 (−6.1 to −1.8)", 3.92, False),
        ("1,328,384 times", 1_328_384, True),
        ("median 7.1e-05 nats", 7.099e-05, True),
        ("median 7.1e-05 nats", 7.2e-05, False),
    ],
)
def test_a_number_is_said_to_its_digits(text: str, value: float, *, is_said: bool) -> None:
    assert says(text, value) == is_said


@pytest.mark.parametrize(
    ("page", "module"), [(Page.EXPERIMENTS, "intervals"), (Page.CLAIMS, "intervals"), (Page.COMPARE, "pairs")]
)
def test_a_percent_of_an_interval_is_seen(
    page: Page, module: str, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison can fail."""

    def wider(freedom: float) -> float:
        return 1.01 * statistics.t_of(freedom)

    monkeypatch.setattr(f"neft.tables.{module}.student_t", wider)
    with pytest.raises(AssertionError, match=r"comparison failed|not said"):
        READ_BACK[page](files)


# ---------------------------------------------------------------- one selection
@reads(Page.EXPLORE)
def explore(files: Files) -> None:
    app = opened(Page.EXPLORE, **PLACE)
    table = method_rows(app)

    means_are_drawn(app, "Accuracy against", files)
    for label in LABELS:
        assert_says(table[label]["images right"], *percent(crossed(of(files, label, AT))))
        if label != CONTROL:
            difference = paired(of(files, label, AT), of(files, CONTROL, AT))
            assert_says(table[label]["against the control"], *percent(difference))
        distribution_is_drawn(app, "Distribution of the expected KL", label, of(files, label, AT, "ekl"), scale=1)
    assert layer_bars(app) == near(typical_deviations(files))


def layer_bars(app: AppTest) -> list[float]:
    return next(one["y"] for one in traces(app, "A typical weight deviation") if one["type"] == "bar")


@reads(Page.ACCURACY)
def accuracy(files: Files) -> None:
    app = opened(Page.ACCURACY, **PLACE)
    read_out, table = rows_by(table_with(app, "5th percentile"), "Method"), method_rows(app)
    shares = [one["x"] for one in traces(app, "Shares of the variance") if has_values(one)]

    means_are_drawn(app, "Accuracy against", files)
    for place, label in enumerate(LABELS):
        values = of(files, label, AT)
        for sigma_d, drawn in points(app, "The 5th percentile", label).items():
            there = of(files, label, sigma_d)
            upper = statistics.mean([statistics.limits(row, 0.05)[1] for row in there])
            low = quantile_over_seeds(there, 0.05)
            assert drawn == near([100 * low, 100 * (upper - low)])
        line = named(app, "The 5th percentile", f"{label}, mean")
        assert line["y"] == near([100 * crossed(of(files, label, sigma_d)).mean for sigma_d in line["x"]])
        distribution_is_drawn(app, "Distribution of accuracy", label, values, scale=100, marked=(0.05, 0.5))
        row = read_out[label]
        assert_says(row["Accuracy"], *percent(crossed(values)))
        assert row["N"] == f"{len(values)} × {len(values[0])}"
        for column, share in (("5th percentile", 0.05), ("1st percentile", 0.01)):
            ends = [
                statistics.mean(list(each))
                for each in zip(*(statistics.limits(one, share) for one in values), strict=True)
            ]
            told = [quantile_over_seeds(values, share), *(end for end in ends if not isnan(end))]
            assert_says(row[column], *percent(told))
        means = [statistics.mean(one) for one in values]
        assert row["Failed"] == f"{sum(one < statistics.mean(means) - 0.05 for one in means)} of {len(means)}"
        parts = statistics.parts(values)
        assert [share[place] for share in shares] == near([100 * part / sum(parts) for part in parts])
        numbers = table[label]
        assert_says(numbers["images right"], *percent(crossed(values)))
        if label != CONTROL:
            assert_says(numbers["against the control"], *percent(paired(values, of(files, CONTROL, AT))))
        if label not in (CONTROL, "Vanilla"):  # which would flatten the rest, and is left out
            for sigma_d, drawn in points(app, "Paired differences", label).items():
                assert drawn == near(percent(paired(of(files, label, sigma_d), of(files, CONTROL, sigma_d))))


@reads(Page.UNCERTAINTY)
def uncertainty(files: Files) -> None:
    app = opened(Page.UNCERTAINTY, **PLACE)
    table = method_rows(app)

    means_are_drawn(app, "Expected KL divergence against", files, "ekl", scale=1)
    means_are_drawn(app, "Calibration error against", files, "calibration_error")
    for label in LABELS:
        distribution_is_drawn(app, "Distribution of the expected KL", label, of(files, label, AT, "ekl"), scale=1)
        for column, metric in (("EKL (nats)", "ekl"), ("calibrated", "calibrated_ekl")):
            expected = crossed(of(files, label, AT, metric))
            assert_says(table[label][column], *expected)
        if label != CONTROL:
            difference = paired(*(of(files, one, AT, "calibrated_ekl") for one in (label, CONTROL)))
            assert_says(table[label]["against the control"], *difference)


@reads(Page.WEIGHTS)
def weights(files: Files) -> None:
    app = opened(Page.WEIGHTS, **PLACE)
    table = method_rows(app)

    assert layer_bars(app) == near(typical_deviations(files))
    # eight sampled chips; sqrt(1 / 2 n) of a Gaussian, whose kurtosis is taken from a histogram
    counts = files.csv(trained_at(files, LABELS[0], AT)[0], "layers.csv")["num_weights"]
    range_of = named(app, "Realised over", "95 % of samples, if the law holds")
    assert range_of["x"] == pytest.approx([200 * 1.96 / (2 * 8 * one) ** 0.5 for one in counts], rel=0.02)
    assert range_of["base"] == near([-one / 2 for one in range_of["x"]])
    for label in LABELS:
        layers = [files.csv(run_id, "layers.csv") for run_id in trained_at(files, label, AT)]
        (marks,) = [one for one in traces(app, "RMS weight over") if one.get("name") == label and has_values(one)]
        expected = [
            student([float(one["rms_weight"].iloc[k] / one["w_max"].iloc[k]) for one in layers])
            for k in range(len(layers[0]))
        ]
        assert marks["x"] == near([100 * one.mean for one in expected])
        assert marks["error_x"]["array"] == near([100 * one.half for one in expected])
        first = layers[0]  # of the lowest seed
        (audit,) = [one for one in traces(app, "Realised over") if one.get("name") == label and has_values(one)]
        assert audit["x"] == near(percent(list(first["realised_std"] / first["closed_form_std"] - 1)))
        histograms_are_drawn(app, files, label)
        magnitudes_are_drawn(app, files, label)
        ratios = [
            float(one.iloc[k])
            for one in (AT * f["realised_std"] * f["w_max"] / f["rms_weight"] for f in layers)
            for k in range(len(first))
        ]
        assert numbers_in(table[label]["deviation ÷ weight"])[0] == pytest.approx(
            100 * statistics.mean(ratios), abs=0.501
        )


# ---------------------------------------------------------------- plans
SERIES = {
    "Vanilla": "vanilla",
    "Vanilla, T = 4": "vanilla_t4",
    "Vanilla, T = 64": "vanilla_t64",
    "Noise injection": "noise_injection",
    "Noise injection, T = 4": "noise_injection_t4",
    "Noise injection, T = 16": "noise_injection_t16",
    "Noise injection, T = 64": "noise_injection_t64",
    "OVF": "ovf",
    "OVF, first pass moves BatchNorm": "ovf_first_pass",
    "IRS": "irs",
}


def planned(files: Files, label: str, sigma_d: float, metric: str = "accuracy") -> list[list[float]]:
    """Of a series of the comparison."""
    return files.table(files.planned("paper_digits", SERIES[label], sigma_d), sigma_d, metric)


@reads(Page.EXPERIMENTS)
def experiments(files: Files) -> None:
    app = opened(Page.EXPERIMENTS)
    rows = rows_of(table_with(app, "Told apart"))

    for label in SERIES:
        for alt, metric, scale in (("Accuracy over", "accuracy", 100), ("EKL over", "ekl", 1)):
            drawn = points(app, alt, label)
            assert set(drawn) == set(SIGMA_DS)
            for sigma_d, found in drawn.items():
                expected = crossed(planned(files, label, sigma_d, metric))
                assert found == near([scale * expected.mean, scale * expected.half])
    assert {row["Method"] for row in rows} == set(SERIES) - {CONTROL}
    assert len(rows) == len(SIGMA_DS) * (len(SERIES) - 1)
    for row in rows:
        at = numbers_in(row["At"])[0]
        difference = paired(planned(files, row["Method"], at), planned(files, CONTROL, at))
        assert [row["Difference"], row["± 95 %"]] == near(percent(difference))


@reads(Page.CLAIMS)
def claims(files: Files) -> None:
    """Every claim, each averaged over the device variations, seed by seed and chip by chip."""
    app = opened(Page.CLAIMS)
    said = [row for table in tables_with(app, "Claim") for row in rows_of(table)]
    known = contrasts()
    effects_by_unit: dict[bool, list[tuple[float, float]]] = {True: [], False: []}

    assert sorted(row["Claim"] for row in said) == sorted(known)
    for row in said:
        contrast = known[row["Claim"]]
        mean = claim_is_told(row, files, contrast)
        scale = 1 if contrast.is_ratio else 100
        effects_by_unit[contrast.is_ratio].append((scale * mean.mean, scale * mean.half))
    marks: list[tuple[float, float]] = []
    for trace in every_trace(app, "Effects with"):
        if trace.get("error_x"):
            marks += list(zip(trace["x"], trace["error_x"]["array"], strict=True))
    # drawn each once, EKL by its logarithm
    expected = [*effects_by_unit[False], *effects_by_unit[True]]
    for mark, effect in zip(sorted(marks), sorted(expected), strict=True):
        assert mark == near(list(effect))
    stars = {
        round(x, 6) for one in every_trace(app, "Effects with") if one.get("name") == "published" for x in one["x"][:]
    }
    of_paper = [known[row["Claim"]] for row in said if row["Published"] != "–"]
    figures = [published(one) for one in of_paper if not one.is_ratio]
    assert {round(one, 6) for one in figures} <= stars
    # the first one, until another is chosen
    contrast = known[str(said[0]["Claim"])]
    (settings,) = [one for one in tables_with(app, "At") if "Claim" not in one]
    settings_are_told(rows_of(settings), files, contrast)


CONSTRAINED = {"Clipped weights"}
MARKS = {
    "vanilla+none": "Vanilla",
    "noise_injection+none": "Noise injection",
    "noise_injection+clip": "Noise injection, clipped weights",
    "ovf+none": "OVF",
}


@reads(Page.LEADERBOARD)
def leaderboard(files: Files) -> None:
    app = opened(Page.LEADERBOARD)
    rows = {
        f"{row['Method']}+{row['Constraint'] if row['Constraint'] in CONSTRAINED else 'none'}": row
        for row in rows_of(table_with(app, "Ranks"))
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
        ends = zip(*(statistics.limits(one, 0.01) for one in values), strict=True)
        assert_says(row["Limits"], *(100 * statistics.mean(list(end)) for end in ends if not isnan(sum(end))))
        records = [files.records[run_id] for run_id in ids]
        assert row["Training s"] == near(min(one["provenance"]["training_seconds"] for one in records))  # the fastest
        assert row["Passes"] == records[0]["facts"]["num_passes"]
        mark = named(app, "A mark with its interval", MARKS[series])
        mean = crossed(values)
        assert (mark["x"], mark["error_x"]["array"]) == (near([100 * mean.mean]), near([100 * mean.half]))
        assert mark["y"] == [row["Rank"] - 1]
        for sigma_d, found in points(app, "Accuracy over device variation of the chosen", MARKS[series]).items():
            assert found == near(percent(crossed(files.table(ids, sigma_d))))
        if values != plain:
            assert [row["Difference"], row["± diff."]] == near(percent(paired(values, plain)))
    order = sorted(rows.values(), key=lambda row: -row["Accuracy"])
    assert [row["Rank"] for row in order] == list(range(1, len(rows) + 1))


@reads(Page.HARDWARE)
def hardware(files: Files) -> None:
    app = opened(Page.HARDWARE, hw_at="0.1", hw_methods=["ovf", "irs"])
    rows = rows_of(table_with(app, "Area mm²"))
    assert [(row["Network"], row["Training"]) for row in rows] == [
        ("MLP, 4 × 128", "IRS"),
        ("VGG-8, width 1/4", "OVF"),
        ("VGG-8, width 1/4", "IRS"),
    ]

    for row in rows:
        is_small = row["Network"] == "MLP, 4 × 128"
        ids = (OPENED,) if is_small else trained_at(files, row["Training"], 0.1)
        by_seed = [statistics.mean(files.chips(run_id, 0.1)) for run_id in ids]
        expected = student(by_seed)
        ends = [expected.mean, expected.mean - expected.half, expected.mean + expected.half]
        assert [row["Accuracy %"], row["from %"], row["to %"]] == near(percent(ends))
        needs = taken(MLP if is_small else VGG8)
        area, energy = sum(needs.areas.values()), sum(needs.energies.values())
        assert [row["Area mm²"], row["Energy nJ"]] == near([area, energy])
        assert (row["Area %"], row["Energy %"]) == (100, 100)
        assert (row["Devices"], row["Seeds"]) == (needs.counts["device"], len(ids))
        assert row["Devices"] == files.records[ids[0]]["summary"]["num_devices"]
        marks = [
            one
            for one in traces(app, "Accuracy against area")
            if one.get("error_y") and one.get("x") == [row["Area mm²"]]
        ]
        assert any(mark["y"] == near([100 * expected.mean]) for mark in marks)
    parts_are_drawn(app, taken(VGG8))
    best = max(rows, key=lambda row: row["Accuracy %"])
    assert best["Network"] == "VGG-8, width 1/4"
    needs = taken(VGG8)
    (told,) = [line for line in words(app).splitlines() if "an inference: " in line]
    assert_says(told, *(needs.counts[part] for part in ("device", "column", "dac", "adc", "subtractor")))
    assert_says(told, needs.operations["adc"], sum(needs.areas.values()), sum(needs.energies.values()))
    (front,) = [one for one in traces(app, "Accuracy against area") if str(one.get("name")).startswith("front")]
    on_front = sorted((row["Area mm²"], row["Accuracy %"]) for row in rows if row["On the front"])
    assert list(zip(front["x"], front["y"], strict=True)) == [near(list(one)) for one in on_front]
    for row in rows:
        is_beaten = any(
            other["Area mm²"] <= row["Area mm²"] and other["Accuracy %"] > row["Accuracy %"] for other in rows
        )
        assert row["On the front"] == (not is_beaten)


def parts_are_drawn(app: AppTest, needs: Taken) -> None:
    """By part of the chip its share of area and energy."""
    alt = "Shares of each part of the chip"
    for name, amounts, counts in (("area", needs.areas, needs.counts), ("energy", needs.energies, needs.operations)):
        bars = named(app, alt, name)
        total = sum(amounts.values())
        assert bars["x"] == near([100 * amount / total for amount in amounts.values()])
        for told, part in zip(bars["hovertext"], amounts, strict=True):
            assert_says(told, counts[part], 100 * amounts[part] / total)


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
    number = min(range(len(values)), key=lambda one: (values[one], one))
    alt, clean = "Chips in order", files.chips(OPENED, 0.0)[0]
    assert named(app, alt, f"chip {number}")["x"] == near([100 * ordered[0]])
    assert named(app, alt, "mean chip, with its interval")["x"] == near([100 * expected.mean] * 2)
    assert named(app, alt, "no variation")["x"] == near([100 * clean] * 2)

    again = OpenedChip(files, OPENED, sigma_d=0.1, instance=number)
    right = sum(one == label for one, label in zip(again.said, again.labels, strict=True))
    assert right / len(again.labels) == pytest.approx(ordered[0], abs=1e-6)
    assert f"Opened again it has {right} of {len(again.labels)} images right" in said
    assert f"It flips {again.num_flipped()} images" in said
    assert f"mends {again.num_mended()}." in said
    (matrix,) = traces(app, "Confusion matrix")
    assert np.reshape(matrix["z"], (10, 10)).tolist() == again.confusion_change()
    spread = "Asked and realised spread"
    stds = [float(again.missed(name).std()) / 0.1 for name in again.layers]
    assert named(app, spread, "sampled")["x"] == pytest.approx(stds, rel=1e-4)
    assert named(app, spread, "closed form")["x"] == pytest.approx([Plan().factor] * len(stds), rel=1e-6)
    (heat,) = traces(app, "Deviations of the weights of classifier")
    missed = again.missed(again.layers[-1])
    assert np.reshape(heat["z"], missed.shape) == pytest.approx(missed, abs=1e-5)


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


NUM_WEIGHTS = sum((8 * 9, 16 * 8 * 9, 32 * 16 * 9, 32 * 32 * 9, 64 * 32 * 9, 64 * 64 * 9, 128 * 64, 10 * 128))
"""Of VGG-8 at width 1/8 on digits."""


@reads(Page.SCHEMES)
def schemes(files: Files) -> None:
    """A row a scheme: accuracy of its evaluation's chips, and what it gains on the first one's, chip by chip."""
    app = opened(Page.SCHEMES, run=TRIED, scheme_at="0.2")
    for _ in range(30):  # what is stored is gathered in steps
        if any("Stored as" in one.value for one in app.dataframe):
            break
        app = app.run()
    rows = rows_of(table_with(app, "Stored as"))
    (usual,) = [row for row in rows if row["Stored as"] == TRIED]

    assert len(rows) == 15
    for row in rows:
        ours, theirs = (files.chips(one["Stored as"], 0.2)[:60] for one in (row, usual))
        assert len(ours) == 60
        assert [row["Accuracy %"], row["±"]] == near(percent(student(ours)))
        assert row["Percentile %"] == near(100 * quantile(ours, 0.05))
        summary = files.records[row["Stored as"]]["summary"]
        effort = next(one for one in summary["test"] if abs(one["sigma_d"] - 0.2) < 1e-9).get("effort")
        usual_devices = float(summary["num_devices"] / NUM_WEIGHTS)
        assert row["Devices"] == near(summary.get("devices_a_weight") or usual_devices)
        config = files.records[row["Stored as"]]["config"]
        laid = config["evaluation"].get("mapping") or config["mapping"]
        # written once where nothing is said of it; a second crossbar's signs are taken to hold
        once = 4.0 * (2 if laid["sign"] == "differential" else 1) * laid["copies"]
        costs = [once, 0.0] if effort is None else [effort["pulses"], effort["reads"]]
        assert [row["Pulses"], row["Reads"]] == near(costs)
        low = statistics.limits(ours, 0.05)[0]
        assert row["at least %"] == near(100 * low)
        marks = [one for one in traces(app, "Accuracy against pulses") if one.get("error_y")]
        same = [one for one in marks if one.get("y") == near([row["Accuracy %"]])]
        assert [row["Pulses"]] in [near(one["x"]) for one in same]
        lines = traces(app, "Accuracy against device variation")
        assert any(one["y"] == near([row["Accuracy %"]]) for one in lines)
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
        assert_says(row["percentile_1"], 100 * quantile(values, 0.01))
    names = {first: "A · Noise injection, T = 4", second: "B · OVF"}
    runs_are_drawn(app, files, names)
    settings_are_shown(app, files, names)
    row = rows[second]
    assert row["num_pairs"] == len(ours)
    between = [a - b for a, b in zip(ours, theirs, strict=True)]
    alone = len(ours) * (statistics.variance(ours) + statistics.variance(theirs)) / statistics.variance(between)
    assert row["num_independent"] == pytest.approx(alone, abs=1)
    assert [row["difference"], row["difference_ci95"]] == near(percent(paired([ours], [theirs])))
    assert row["independent_ci95"] == near(100 * statistics.welch(ours, theirs))


def runs_are_drawn(app: AppTest, files: Files, names: dict[str, str]) -> None:
    """The charts of Compare, by run id and name; the second is held against the first."""
    first, second = names
    for run_id, name in names.items():
        for sigma_d, drawn in points(app, "Accuracy against", name).items():
            assert drawn == near(percent(student(files.chips(run_id, sigma_d))))
        distribution_is_drawn(app, "Distribution of", name, [files.chips(run_id, AT)], scale=100, marked=())
        history = files.csv(run_id, "history.csv")
        line = named(app, "Validation accuracy", name)
        assert line["x"] == near([float(one) for one in history["epoch"]])
        assert line["y"] == near(percent([float(one) for one in history["validation_accuracy"]]))
    for sigma_d, drawn in points(app, "Differences in accuracy", names[second]).items():
        pairs = paired([files.chips(second, sigma_d)], [files.chips(first, sigma_d)])
        assert drawn == near(percent(pairs))


def settings_are_shown(app: AppTest, files: Files, names: dict[str, str]) -> None:
    """Settings that differ, as the configurations have them."""
    settings = rows_of(table_with(app, "setting"))
    for one in settings:
        for run_id, name in names.items():
            held: Any = files.records[run_id]["config"]
            for part in one["setting"].split("."):
                held = held.get(part) if isinstance(held, dict) else None
            if isinstance(held, int | float | str) and not isinstance(held, bool):
                assert str(one[name]) == str(held) or numbers_in(str(one[name])) == near([float(held)])


@reads(Page.RUNS)
def runs(files: Files) -> None:
    picked = trained_at(files, "IRS", AT)[0]
    app = opened(Page.RUNS, run=picked)
    rows = rows_by(table_with(app, "accuracy_at_train_sigma_d"), "run_id")

    assert set(rows) == set(files.records)
    for run_id, row in list(rows.items())[::9]:
        run_is_listed(row, files, run_id)
    results = rows_of(table_with(app, "calibration_error"))
    for row in results:
        values = files.chips(picked, row["sigma_d"])
        assert [row["accuracy"], row["ci95"]] == near(percent(student(values)))
        assert row["ekl"] == near(statistics.student(files.chips(picked, row["sigma_d"], "ekl")).mean)
        assert row["num_instances"] == len(values)
        for column, share in (("percentile_1", 0.01), ("percentile_5", 0.05)):
            assert_says(row[column], 100 * quantile(values, share))
        for metric in ("mean_confidence", "calibration_error"):
            assert row[metric] == near(100 * statistics.mean(files.chips(picked, row["sigma_d"], metric)))
        assert row["calibrated_ekl"] == near(student(files.chips(picked, row["sigma_d"], "calibrated_ekl")).mean)
    assert [row["sigma_d"] for row in results] == near(sorted(files.records[picked]["facts"]["sigma_ds"]))
    training_is_drawn(app, files, picked)
    parts_are_drawn(app, taken(VGG8))


def run_is_listed(row: Noted, files: Files, run_id: str) -> None:
    """A row of all runs, as its record and tables have it."""
    record = files.records[run_id]
    at = record["facts"]["train_sigma_d"]
    if any(abs(at - one) < 1e-9 for one in record["facts"]["sigma_ds"]):
        values = files.chips(run_id, at)
        assert row["accuracy_at_train_sigma_d"] == near(100 * statistics.mean(values))
        assert row["percentile_1_at_train_sigma_d"] == near(100 * quantile(values, 0.01))
    history = files.csv(run_id, "history.csv")
    best = history[history["epoch"] == record["summary"]["selected_epoch"]]["validation_accuracy"].iloc[0]
    assert row["validation_accuracy"] == near(100 * float(best))
    assert row["num_epochs"] == len(history) == record["summary"]["num_epochs"]
    facts, summary = record["facts"], record["summary"]
    for name in ("train_sigma_d", "seed", "chip_seed", "temperature", "num_instances", "num_classes"):
        assert row[name] == near(facts[name])
    for name in ("beta", "num_feedback"):
        assert row[name] == near(nan if facts[name] is None else facts[name])
    for name in (
        "backbone",
        "dataset",
        "backbone_label",
        "dataset_label",
        "device_label",
        "device",
        "variant",
    ):
        assert row[name] == facts[name]
    assert (row["selected_epoch"], row["num_parameters"]) == (summary["selected_epoch"], summary["num_parameters"])
    assert row["num_sigma_ds"] == len(facts["sigma_ds"])
    assert row["clean_accuracy"] == near(100 * statistics.mean(files.chips(run_id, 0.0)))
    assert row["training_seconds"] == near(record["provenance"]["training_seconds"])
    assert str(row["created"]).replace(" ", "T") == record["provenance"]["created"]
    line = [100 * statistics.mean(files.chips(run_id, one)) for one in sorted(facts["sigma_ds"])]
    assert list(row["curve"]) == pytest.approx(line, abs=0.00501)


def training_is_drawn(app: AppTest, files: Files, picked: str) -> None:
    """Epoch by epoch, and layer by layer."""
    history, sizes = files.csv(picked, "history.csv"), files.csv(picked, "layers.csv")
    lines = {
        "loss": list(history["loss"]),
        "validation, with σ<sub>d</sub>": percent(list(history["validation_accuracy"])),
        "validation, σ<sub>d</sub> = 0": percent(list(history["validation_clean_accuracy"])),
        "training": percent(list(history["train_accuracy"])),
    }
    for name, expected in lines.items():
        line = named(app, "Loss and accuracies", name)
        assert (line["x"], line["y"]) == (near([float(one) for one in history["epoch"]]), near(expected))
    spread = "Asked and realised standard deviation"
    assert named(app, spread, "closed form")["x"] == near(list(sizes["closed_form_std"]))
    assert named(app, spread, "sampled")["x"] == near(list(sizes["realised_std"]))


# ---------------------------------------------------------------- lessons
@reads(Page.LEARN)
def learn(files: Files) -> None:
    """Every lesson whose runs are there, with its answer."""
    for name, check in LESSONS_READ.items():
        app = opened(Page.LEARN, lesson=name)
        guesses = [one for one in app.slider if str(one.key).startswith("guess_")]
        _ = guesses[0].set_value(20.0) if guesses else app.radio[0].set_value(1)
        check(app.button(key="commit").click().run(), files)


@reads(Page.WORKSHEET)
def worksheet(files: Files) -> None:
    """All of the teacher's answers."""
    app = opened(Page.WORKSHEET)
    said = words(app.toggle(key="answers").set_value(True).run())
    at, last = AT, SIGMA_DS[-1]

    # one weight: 0.6 x 255 in base 4, and Eq. 5 of one device's error
    code = round(0.6 * 255)
    digits = [code // 4**place % 4 for place in reversed(range(4))]
    assert f"Code **{code}** of 255; the devices hold **{' '.join(map(str, digits))}**" in said
    told: list[str] = []
    for bits in (2, 1):
        plan = Plan(device_bits=bits)
        steps = [one**2 for one in plan.significance]
        told += [f"**{at * plan.factor:.4g}**", f"{100 * steps[-1] / sum(steps):.1f} %"]
    assert f"Four devices of 2 bits: std {told[0]} of the largest weight, {told[1]} of the variance" in said
    assert f"Eight of 1 bit: {told[2]}, {told[3]}." in said

    # how much variation breaks a network
    sigma_ds = files.records[trained_at(files, "Vanilla", at)[0]]["facts"]["sigma_ds"]
    curve = {one: crossed(of(files, "Vanilla", one)) for one in sorted(sigma_ds)}
    clean = curve[0.0].mean
    first = next(one for one, mean in curve.items() if mean.mean < clean / 2)
    assert f"= **{first:g}**: {shown(curve[first])} % are left of {100 * clean:.1f} %." in said
    assert "Guessing would be right on 10 %" in said

    # noise, the control, the unlucky chip, certainty
    vanilla, noisy = (files.table(trained_at(files, label, last), last) for label in ("Vanilla", "Noise injection"))
    without, with_noise, gain = crossed(vanilla), crossed(noisy), paired(noisy, vanilla)
    assert (
        f"{shown(without)} % without, {shown(with_noise)} % with noise in training: "
        f"**{100 * gain.mean:+.1f} ± {100 * gain.half:.1f} points**"
    ) in said
    for label in ("OVF", "IRS"):
        difference = paired(of(files, label, at), of(files, CONTROL, at))
        assert f"{label}: {100 * difference.mean:+.1f} ± {100 * difference.half:.1f} points".replace("-", "−") in said
    low = quantile_over_seeds(noisy, 0.01)
    assert f"The mean chip keeps {shown(with_noise)} %, the 1st percentile **{100 * low:.1f} %**" in said
    assert f"%**: {100 * (with_noise.mean - low):.1f} points less" in said
    for metric, words_before in (("ekl", "As deployed"), ("calibrated_ekl", "after calibration")):
        means = {label: crossed(of(files, label, at, metric)).mean for label in LABELS}
        least = min(means, key=lambda label: means[label])
        assert f"{words_before} **{least}, {means[least]:.3f} nats**" in said
    best = max(LABELS, key=lambda label: crossed(of(files, label, at)).mean)
    assert f"the highest accuracy has {best} ({shown(crossed(of(files, best, at)))} %)" in said

    # a typical deviation beside a typical weight, of the lowest seed
    (line,) = [one for one in said.splitlines() if one.startswith("A typical deviation as a share")]
    for label, told_of in zip(
        LABELS, line.partition("mean over layers): ")[2].split("; ")[0].split(" %"), strict=False
    ):
        layers = files.csv(trained_at(files, label, at)[0], "layers.csv")
        ratio = statistics.mean(
            [float(one) for one in at * layers["realised_std"] * layers["w_max"] / layers["rms_weight"]]
        )
        assert told_of.lstrip(",. ") == f"{label}: {100 * ratio:.0f}"
