"""Findings in words."""

import math
import re

import pandas as pd
import pytest

from dashboard.address import Selection
from dashboard.words import result_words, sentences
from neft.sigma_d import sigma_d_text
from tests.dashboard.told import assert_tells

NAN = math.nan
SELECTION = Selection(
    dataset="digits",
    dataset_label="Digits 8×8",
    backbone="mlp4x128",
    backbone_label="MLP, 4 × 128",
    device="rram1",
    device_label="RRAM1",
    num_classes=10,
    variants=("ovf",),
    run_ids=("a", "b"),
    ablation_ids=(),
    protocol="matched",
    train_sigma_d=None,
    sigma_d=0.1,
)


def means(*rows: tuple[str, float, float], seeds: int = 3, chips: int = 200) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["label", "mean", "ci95"])
    return table.assign(num_seeds=seeds, num_instances=chips)


@pytest.mark.parametrize(("value", "text"), [(0, "0.0"), (1, "100.0"), (0.93061, "93.1"), (0.0004, "0.0")])
def test_fraction_is_a_percentage(value: float, text: str) -> None:
    assert sentences.percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.012, "+1.2"), (-0.012, "−1.2"), (0.0, "0.0"), (-0.0001, "0.0"), (-0.5, "−50.0")]
)
def test_difference_has_its_sign(value: float, text: str) -> None:
    assert sentences.signed(value) == text


def test_mean_without_spread_has_no_interval() -> None:
    assert sentences.with_interval(0.5, NAN) == "50.0 %"
    assert sentences.with_interval(0.5, 0.0123) == "50.0 ± 1.2 %"


@pytest.mark.parametrize(
    ("seeds", "chips", "text"),
    [
        ([3, 3], [200, 200], "95 % interval over 3 seeds × 200 chips"),
        ([1, 3], [4, 200], "95 % interval over 1–3 seeds × 4–200 chips"),
        ([1, 1], [1, 1], "95 % interval over 1 seed × 1 chip"),
    ],
)
def test_interval_says_what_it_is_over(seeds: list[int], chips: list[int], text: str) -> None:
    assert sentences.spread_words(pd.DataFrame({"num_seeds": seeds, "num_instances": chips})) == text


def test_interval_over_nothing_says_no_more() -> None:
    assert sentences.spread_words(pd.DataFrame()) == "95 % interval"


@pytest.mark.parametrize(
    ("mean", "ci95", "verdict"),
    [
        (0.02, 0.01, ("+2.0 ± 1.0 points", "better")),
        (-0.02, 0.01, ("−2.0 ± 1.0 points", "worse")),
        (0.02, 0.03, ("+2.0 ± 3.0 points", "not told apart")),
        (-0.02, 0.02, ("−2.0 ± 2.0 points", "not told apart")),
        (0.02, NAN, ("+2.0 points", "no interval")),
    ],
)
def test_verdict_is_better_or_worse_only_outside_the_interval(
    mean: float, ci95: float, verdict: tuple[str, ...]
) -> None:
    said = sentences.against_control(means(("OVF", mean, ci95)), "Noise injection, T = 4")

    assert_tells(said, "Noise injection, T = 4", "OVF", *verdict)


def test_finding_names_where_what_and_over_how_much() -> None:
    said = sentences.finding(SELECTION, means(("OVF", 0.931, 0.006), ("IRS", 0.9, NAN)), pd.DataFrame(), None)

    where = ("0.1", "Digits 8×8", "MLP, 4 × 128")
    assert_tells(said, *where, "OVF", "93.1 ± 0.6 %", "IRS", "90.0 %", "95 % interval", "3 seeds × 200 chips")


def test_finding_compares_with_the_control_where_there_is_one() -> None:
    differences = means(("OVF", 0.02, 0.01))

    assert sentences.finding(SELECTION, means(("OVF", 0.9, 0.1)), differences, "control").endswith("better.")
    assert "Against" not in sentences.finding(SELECTION, means(("OVF", 0.9, 0.1)), differences, None)
    assert "Against" not in sentences.finding(SELECTION, means(("OVF", 0.9, 0.1)), pd.DataFrame(), "control")


def clean(vanilla: float, ovf: float) -> pd.DataFrame:
    return means(("Vanilla", vanilla, 0.01), ("OVF", ovf, 0.02)).assign(uses_noise=[False, True])


def test_clean_accuracies_are_said_with_their_intervals() -> None:
    said = sentences.clean_words(clean(0.97, 0.965), has_batchnorm=True)

    assert_tells(said, "Vanilla", "97.0 ± 1.0 %", "OVF", "96.5 ± 2.0 %")
    assert sentences.clean_words(pd.DataFrame(), has_batchnorm=True) == ""


@pytest.mark.parametrize("has_batchnorm", [True, False])
def test_a_cost_of_clean_accuracy_is_said_and_blamed_on_batchnorm_only_where_there_is_one(has_batchnorm: bool) -> None:
    said = sentences.clean_words(clean(0.97, 0.9), has_batchnorm=has_batchnorm)

    assert "costs clean accuracy" in said
    assert ("BatchNorm" in said) == has_batchnorm


def test_deviations_are_said_as_a_share_of_the_weights() -> None:
    assert sentences.deviation_words(means(("OVF", 0.314, NAN))).endswith("OVF: 31 %.")
    assert sentences.deviation_words(pd.DataFrame()) == ""


def test_a_name_that_ends_in_a_number_is_kept_apart_from_its_own() -> None:
    control = ("Noise injection, T = 4", 0.32, 0.01)

    said = (
        sentences.deviation_words(means(control)),
        sentences.finding(SELECTION, means(control), means(control), "the control"),
        sentences.clean_words(means(control).assign(uses_noise=[True]), has_batchnorm=True),
    )

    assert not [words for words in said if re.search(r"T = 4\**\s", words)]


@pytest.mark.parametrize(
    ("mean", "half", "text"),
    [(0.00412, 0.00021, "0.00412 ± 0.00021"), (0.35, 0.02, "0.350 ± 0.020"), (0.1, 0.0, "0.100 ± 0.000")],
)
def test_interval_of_nats_is_never_rounded_to_nothing(mean: float, half: float, text: str) -> None:
    assert result_words.nats_with_interval(mean, half) == text


@pytest.mark.parametrize("sigma_d", [0.0, 0.05, 0.1, 0.15, 0.3, 0.35, 1.0])
def test_sigma_d_survives_being_written(sigma_d: float) -> None:
    assert float(sigma_d_text(sigma_d)) == sigma_d


def test_published_figures_are_told_with_what_ours_owe_to_their_test_images() -> None:
    rows = pd.DataFrame({"panel_label": ["VGG-8 on MNIST"], "source": ["a figure"]})

    assert_tells(sentences.published_words(rows), "VGG-8 on MNIST", "a figure", "compare order and gaps.")
    assert sentences.published_words(rows, "Ours owe much.").endswith("compare order and gaps. Ours owe much.")
    assert sentences.published_words(rows[:0], "Ours owe much.") == ""
