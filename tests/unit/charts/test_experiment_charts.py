"""Charts of experiments draw the numbers they are given, and say what cannot be seen."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.charts import (
    advantage_by_budget,
    claims_forest,
    ekl_vs_sigma_d,
    seed_dots,
    setting_points,
    variant_style,
)
from dashboard.charts.axes import zoomed_percent
from dashboard.charts.marks import tick_labels, typeset
from dashboard.charts.theme import PALETTES, VERDICT_COLOURS, Mode, contrast
from neft import columns as c
from tests.variants import known, look

MODES = ["light", "dark"]
SERIES = {"ovf": "OVF", "irs": "IRS", "noise_injection_t4": "Noise injection, T = 4"}
INTERVAL = "mean, 95 % interval"
MIN_MARK_CONTRAST = 3
"""WCAG, marks that carry meaning."""


def points_of(variant: str, settings: dict[str, float], mean: float = 0.9) -> pd.DataFrame:
    return known(
        pd.DataFrame(
            {
                c.VARIANT: variant,
                c.LABEL: SERIES.get(variant, variant),
                c.SETTING_LABEL: list(settings),
                c.SETTING_TICK: [words.rpartition(" = ")[2] for words in settings],
                c.POSITION: list(settings.values()),
                c.MEAN: mean,
                c.LOWER: mean - 0.02,
                c.UPPER: mean + 0.01,
                c.NUM_SEEDS: 3,
                c.NUM_INSTANCES: 200,
                c.RUN_IDS: [tuple(f"{variant}-seed{seed}" for seed in range(3))] * len(settings),
            }
        )
    )


TERMS = {"N = 1": 1.0, "N = 2": 2.0, "N = 3": 3.0}
WORDS = {"paper": 0.0, "reversed": 1.0}
TEMPERATURES = {"T = 1": 1.0, "T = 4": 4.0, "T = 16": 16.0}


def terms() -> pd.DataFrame:
    return pd.concat([points_of("ovf", TERMS), points_of("irs", TERMS, mean=0.92)], ignore_index=True)


def schedules() -> pd.DataFrame:
    control = points_of("noise_injection_t4", {"no feedback": 2.0}, mean=0.95)
    return pd.concat([points_of("ovf", WORDS), points_of("irs", WORDS), control], ignore_index=True)


def published_terms(accuracy: float = 0.6, position: float = 3.0, variant: str = "ovf") -> pd.DataFrame:
    return known(
        pd.DataFrame(
            {
                c.VARIANT: [variant],
                c.LABEL: [SERIES.get(variant, variant)],
                c.SETTING_LABEL: [f"N = {position:g}"],
                c.SETTING_TICK: [f"{position:g}"],
                c.POSITION: [position],
                c.ACCURACY: [accuracy],
                c.SOURCE: ["arXiv 2305.14561, Table 1"],
            }
        )
    )


def draw_points(points: pd.DataFrame, **changes: Any) -> Any:
    options: dict[str, Any] = {"axis_title": "feedback terms N", "numeric": True, "logarithmic": False}
    options.update(interval_name=INTERVAL, mode="light")
    options.update(changes)
    return setting_points(points, **options)


def ekl_curves(variants: list[str], *, mean: float = 0.1, lower: float = 0.05) -> pd.DataFrame:
    return known(
        pd.DataFrame(
            [
                {
                    c.VARIANT: variant,
                    c.LABEL: SERIES[variant],
                    c.SIGMA_D: sigma_d,
                    c.MEAN: mean,
                    c.LOWER: lower,
                    c.UPPER: 2 * mean,
                    c.NUM_SEEDS: 3,
                    c.NUM_INSTANCES: 200,
                    c.RUN_IDS: (f"{variant}-seed0",),
                }
                for variant in variants
                for sigma_d in (0.2, 0.1)
            ]
        )
    )


def published_ekl(variant: str = "ovf", label: str = "OVF") -> pd.DataFrame:
    return known(pd.DataFrame({c.VARIANT: variant, c.LABEL: label, c.SIGMA_D: [0.1, 0.2], c.EKL: [1e-5, 1e-2]}))


def draw_ekl(curves: pd.DataFrame, **changes: Any) -> Any:
    options: dict[str, Any] = {"interval_name": INTERVAL, "metric_title": "EKL (nats)", "mode": "light"}
    options.update(changes)
    return ekl_vs_sigma_d(curves, **options)


def trainings(variant: str, accuracies: list[float], threshold: float = 0.8) -> pd.DataFrame:
    return known(
        pd.DataFrame(
            {
                c.VARIANT: variant,
                c.LABEL: SERIES[variant],
                c.SEED: range(len(accuracies)),
                c.ACCURACY: accuracies,
                "failed": [accuracy < threshold for accuracy in accuracies],
                c.RUN_ID: [f"{variant}-seed{seed}" for seed in range(len(accuracies))],
            }
        )
    )


def means_of(*variants: str) -> pd.DataFrame:
    return known(
        pd.DataFrame(
            {c.VARIANT: variants, c.LABEL: [SERIES[name] for name in variants], c.MEAN: 0.85, "threshold": 0.8}
        )
    )


def claim_of(verdict: str, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "claim": "OVF beats noise injection",
        "data": "Digits 8×8, VGG-8 width 1/4",
        "estimate": 2.0,
        c.LOWER: 1.0,
        c.UPPER: 3.5,
        "margin": 1.0,
        "verdict": verdict,
        "published": np.nan,
        c.NUM_SEEDS: 3,
        c.NUM_INSTANCES: 200,
    }
    return row | changes


def draw_claims(*claims: dict[str, Any], mode: Mode = "light", **choices: Any) -> Any:
    return claims_forest(pd.DataFrame(list(claims)), unit_title="points of accuracy", mode=mode, **choices)


def gains_of(variant: str, gains: dict[int, float]) -> pd.DataFrame:
    """Gains by epochs of 8 steps and 1,000 images, half a point either way."""
    epochs, difference = np.array(list(gains)), np.array(list(gains.values()))
    return known(
        pd.DataFrame(
            {
                c.VARIANT: variant,
                c.LABEL: SERIES[variant],
                c.NUM_EPOCHS: epochs,
                c.NUM_STEPS: 8 * epochs,
                c.NUM_PRESENTATIONS: 1000 * epochs,
                c.LEARNING_RATE: 0.003,
                c.REFERENCE_LEARNING_RATE: 0.01,
                c.DIFFERENCE: difference,
                c.DIFFERENCE_LOWER: difference - 0.005,
                c.DIFFERENCE_UPPER: difference + 0.005,
                c.DIFFERENCE_SEEDS: 3,
                c.NUM_INSTANCES: 100,
                c.RUN_IDS: [(f"{variant}-seed0",)] * len(epochs),
            }
        )
    )


def draw_gains(*gains: pd.DataFrame, mode: Mode = "light") -> Any:
    frame = pd.concat(gains, ignore_index=True)
    options: dict[str, Any] = {"reference": look("noise_injection"), "reference_label": "Noise injection"}
    return advantage_by_budget(frame, **options, interval_name="paired", mode=mode)


def named(figure: go.Figure, name: str) -> list[Any]:
    return [trace for trace in figure.data if trace.name == name]


def only(figure: go.Figure, name: str) -> Any:
    (trace,) = named(figure, name)
    return trace


# ---------------------------------------------------------------- setting points


def test_settings_are_drawn_in_per_cent_with_their_intervals():
    series = only(draw_points(points_of("ovf", TERMS)), "OVF")
    np.testing.assert_allclose(series.x, [1, 2, 3])
    np.testing.assert_allclose(series.y, 90)
    np.testing.assert_allclose(series.error_y.array, 1)
    np.testing.assert_allclose(series.error_y.arrayminus, 2)


def test_numbers_are_drawn_to_scale_and_ticked_without_the_symbol_that_the_axis_names():
    points = points_of("ovf", {"Δσ = 0.1": 0.1, "Δσ = -0.05": -0.05, "no feedback": 0.15})
    figure = draw_points(points)
    np.testing.assert_allclose(only(figure, "OVF").x, [-0.05, 0.1, 0.15])
    np.testing.assert_allclose(figure.layout.xaxis.tickvals, [-0.05, 0.1, 0.15])
    assert list(figure.layout.xaxis.ticktext) == ["−0.05", "0.1", "no feedback"]


def test_words_stand_side_by_side_in_the_order_of_their_positions():
    figure = draw_points(points_of("ovf", {"last": 7.0, "first": -2.0, "in between": 0.0}), numeric=False)
    series = only(figure, "OVF")
    np.testing.assert_allclose(series.x, [0, 1, 2])
    assert list(figure.layout.xaxis.ticktext) == ["first", "in between", "last"]
    assert series.mode == "markers"


@pytest.mark.parametrize(("numeric", "settings", "joined"), [(True, 3, True), (True, 1, False), (False, 3, False)])
def test_only_two_or_more_numbers_are_joined(numeric, settings, joined):
    points = points_of("ovf", dict(list(TERMS.items())[:settings]))
    assert ("lines" in only(draw_points(points, numeric=numeric), "OVF").mode) is joined


def test_variants_that_meet_side_by_side_stand_apart_around_their_setting():
    figure = draw_points(terms(), numeric=False)
    left, right = only(figure, "OVF").x, only(figure, "IRS").x
    assert np.all(right - left > 0.1)
    np.testing.assert_allclose((left + right) / 2, [0, 1, 2])
    assert np.max(right - left) < 0.5


@pytest.mark.parametrize("num_settings", [2, 3])
def test_on_an_axis_to_scale_marks_stand_at_their_setting_within_a_hundredth_of_the_spacing(num_settings):
    settings = dict(list(TERMS.items())[:num_settings])
    figure = draw_points(pd.concat([points_of(name, settings) for name in ("ovf", "irs", "noise_injection")]))
    places = np.array([trace.x for trace in figure.data])
    assert np.abs(places - list(settings.values())).max() <= 0.01 + 1e-9


def test_a_variant_alone_at_its_setting_stands_on_its_tick():
    figure = draw_points(schedules(), numeric=False)
    np.testing.assert_allclose(only(figure, "Noise injection, T = 4").x, [2])
    assert only(figure, "Noise injection, T = 4").mode == "markers"


def test_a_logarithmic_axis_moves_marks_by_a_factor():
    points = pd.concat([points_of("ovf", TEMPERATURES), points_of("irs", TEMPERATURES)])
    figure = draw_points(points, logarithmic=True)
    assert figure.layout.xaxis.type == "log"
    ratios = only(figure, "IRS").x / only(figure, "OVF").x
    np.testing.assert_allclose(ratios, ratios[0])
    assert 1 < ratios[0] < 4**0.021
    np.testing.assert_allclose(figure.layout.xaxis.tickvals, [1, 4, 16])


@pytest.mark.parametrize("settings", [{"0": 0.0, "1": 1.0, "10": 10.0}, {"0": 0.0}])
def test_zero_on_a_logarithmic_axis_stands_a_step_left_of_the_rest(settings):
    figure = draw_points(points_of("ovf", settings), logarithmic=True)
    x = np.asarray(only(figure, "OVF").x)
    np.testing.assert_allclose(x, [0.1, 1, 10][: len(x)])
    assert figure.layout.xaxis.ticktext[0] == "0"
    low, high = figure.layout.xaxis.range
    assert low < np.log10(x[0]) <= np.log10(x[-1]) < high


def test_positions_that_differ_by_rounding_are_one_setting():
    points = pd.concat([points_of("ovf", {"a": 0.1 + 0.05}), points_of("irs", {"a": 0.15})])
    assert len(draw_points(points).layout.xaxis.tickvals) == 1


def test_small_differences_can_be_seen_but_never_less_than_ten_points():
    low, high = draw_points(points_of("ovf", TERMS)).layout.yaxis.range
    assert high - low == pytest.approx(10)
    assert low < 88
    assert high > 91


@pytest.mark.parametrize("values", [[99.5, 100.0], [0.0, 0.5], [0.0, 100.0], [40.0, 41.0], [np.nan], []])
def test_a_zoomed_axis_holds_its_values_within_0_and_102(values):
    axis = zoomed_percent(np.array(values))
    low, high = axis["range"]
    seen = [value for value in values if np.isfinite(value)]
    assert 0 <= low < high <= 102
    assert high - low >= 10 - 1e-9
    assert all(low <= value <= high for value in seen)
    assert all(low <= tick <= min(high, 100) for tick in axis["tickvals"])
    assert 2 <= len(axis["tickvals"]) <= 7


def test_published_settings_are_hollow_marks_where_ours_stand():
    figure = draw_points(terms(), published=published_terms())
    mark, ours = only(figure, "OVF (published)"), only(figure, "OVF")
    assert mark.marker.symbol == f"{ours.marker.symbol}-open"
    assert mark.marker.color == ours.marker.color
    assert mark.x[0] == ours.x[2]
    np.testing.assert_allclose(mark.y, [60])
    assert figure.layout.yaxis.range[0] < 60
    for words in ("OVF, published", "N = 3", "60.0 %", "arXiv 2305.14561"):
        assert words in mark.hovertext[0]


def test_a_published_setting_that_we_lack_has_its_own_tick():
    figure = draw_points(points_of("ovf", TERMS), published=published_terms(position=5.0))
    assert list(figure.layout.xaxis.ticktext) == ["1", "2", "3", "5"]


def test_a_click_on_a_setting_finds_its_runs_and_a_hover_counts_them():
    series = only(draw_points(points_of("ovf", TERMS)), "OVF")
    assert series.customdata[0][0] == ["ovf-seed0", "ovf-seed1", "ovf-seed2"]
    for words in ("OVF", "N = 1", "90.0 %", "88.0 to 91.0 %", "3 seeds × 200 chips", "3 runs"):
        assert words in series.hovertext[0]
    single = points_of("ovf", TERMS)
    single[c.RUN_IDS] = [("ovf-seed0",)] * len(TERMS)
    assert only(draw_points(single), "OVF").hovertext[0].endswith("1 run")


def test_a_setting_without_a_position_is_left_out():
    points = points_of("ovf", {"N = 1": 1.0, "?": np.nan})
    np.testing.assert_allclose(only(draw_points(points), "OVF").x, [1])


# ---------------------------------------------------------------- EKL against sigma_d


def test_ekl_is_drawn_in_nats_on_a_logarithmic_axis_from_sigma_d_zero():
    figure = draw_ekl(ekl_curves(["ovf"]))
    series = only(figure, "OVF")
    np.testing.assert_allclose(series.x, [0.1, 0.2])
    np.testing.assert_allclose(series.y, 0.1)
    np.testing.assert_allclose(series.error_y.array, 0.1)
    np.testing.assert_allclose(series.error_y.arrayminus, 0.05)
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.xaxis.range[0] <= 0
    assert "0.1 nats" in series.hovertext[0]
    assert "0.05 to 0.2" in series.hovertext[0]
    assert series.customdata[0][0] == ["ovf-seed0"]


@pytest.mark.parametrize("lower", [0.0, -0.3, 1e-9])
def test_an_interval_that_reaches_zero_is_cut_above_it_and_its_true_end_is_said(lower):
    figure = draw_ekl(ekl_curves(["ovf"], lower=lower))
    series = only(figure, "OVF")
    ends = np.asarray(series.y) - np.asarray(series.error_y.arrayminus)
    assert np.all(ends > 0)
    assert np.all(np.log10(ends) >= figure.layout.yaxis.range[0])
    assert f"({lower:.3g} to 0.2)" in series.hovertext[0]


def test_an_ekl_of_zero_stands_at_a_tick_that_says_so():
    curves = ekl_curves(["ovf"])
    curves.loc[0, [c.MEAN, c.LOWER, c.UPPER]] = 0.0
    figure = draw_ekl(curves)
    series = only(figure, "OVF")
    assert series.y[1] == figure.layout.yaxis.tickvals[0] > 0
    assert figure.layout.yaxis.ticktext[0] == "0"
    assert "0 nats" in series.hovertext[1]


def test_published_ekl_has_an_axis_of_its_own_with_as_many_decades():
    figure = draw_ekl(ekl_curves(["ovf"]), published=published_ekl())
    mark = only(figure, "OVF (published)")
    assert mark.yaxis == "y2"
    assert mark.marker.symbol.endswith("-open")
    np.testing.assert_allclose(mark.y, [1e-5, 1e-2])
    assert figure.layout.yaxis2.title.text == "published EKL (own scale)"
    assert figure.layout.yaxis2.side == "right"
    assert figure.layout.yaxis2.type == "log"
    assert np.ptp(figure.layout.yaxis.range) == pytest.approx(np.ptp(figure.layout.yaxis2.range))
    assert figure.layout.yaxis2.range[0] < -5


@pytest.mark.parametrize(("variant", "own_entry"), [("ovf", False), ("correctnet", True)])
def test_one_legend_entry_stands_for_all_published_ekl_that_ours_stand_beside(variant, own_entry):
    figure = draw_ekl(ekl_curves(["ovf"]), published=published_ekl(variant, "X"))
    shared = named(figure, "published (right axis)")
    assert only(figure, "X (published)").showlegend is own_entry
    assert len(shared) == (0 if own_entry else 1)


def test_without_published_ekl_there_is_one_axis():
    assert "yaxis2" not in draw_ekl(ekl_curves(["ovf"])).layout


# ---------------------------------------------------------------- trainings by seed


def test_each_training_is_a_dot_in_its_methods_column():
    seeds = pd.concat([trainings("ovf", [0.9, 0.95, 0.91]), trainings("irs", [0.96, 0.97])])
    figure: Any = seed_dots(seeds, means_of("ovf", "irs"), mode="light")
    first, second = only(figure, "OVF, one training"), only(figure, "IRS, one training")
    np.testing.assert_allclose(first.y, [90, 95, 91])
    np.testing.assert_allclose(np.round(first.x), 0)
    np.testing.assert_allclose(np.round(second.x), 1)
    assert list(figure.layout.xaxis.ticktext) == ["OVF", "IRS"]
    assert first.customdata[1][0] == "ovf-seed1"
    assert "seed 1" in first.hovertext[1]


def test_dots_of_a_column_keep_apart_and_a_seed_has_one_place_in_all():
    same = [0.9] * 12
    seeds = pd.concat([trainings("ovf", same), trainings("irs", same)])
    figure = seed_dots(seeds, means_of("ovf", "irs"), mode="light")
    places = np.asarray(only(figure, "OVF, one training").x)
    assert np.diff(np.sort(places)).min() > 0.01
    np.testing.assert_allclose(only(figure, "IRS, one training").x, places + 1)


def test_failed_trainings_are_hollow_crossed_marks_of_the_same_colour():
    figure = seed_dots(trainings("ovf", [0.9, 0.1]), means_of("ovf"), mode="dark")
    failed = only(figure, "OVF, failed training")
    np.testing.assert_allclose(failed.y, [10])
    assert failed.marker.symbol == "circle-x-open"
    assert failed.marker.color == variant_style(look("ovf"), mode="dark").colour
    assert "failed" in failed.hovertext[0]
    assert len(named(figure, "failed training")) == 1


def test_where_no_training_failed_the_legend_is_silent_of_it():
    assert not named(seed_dots(trainings("ovf", [0.9]), means_of("ovf"), mode="light"), "failed training")


def test_the_mean_is_a_line_and_the_threshold_a_dotted_one():
    figure: Any = seed_dots(trainings("ovf", [0.9, 0.1]), means_of("ovf"), mode="light")
    mean, threshold = only(figure, "OVF, mean"), only(figure, "OVF, failed below this")
    np.testing.assert_allclose(mean.y, 85)
    np.testing.assert_allclose(threshold.y, 80)
    assert mean.line.dash is None
    assert threshold.line.dash
    low, high = figure.layout.yaxis.range
    assert low < 10
    assert high > 90


# ---------------------------------------------------------------- claims


def test_each_claim_is_a_dot_with_its_interval_from_top_to_bottom():
    figure = draw_claims(claim_of("supported"), claim_of("supported", estimate=2.5))
    dots = only(figure, "supported")
    np.testing.assert_allclose(dots.x, [2.0, 2.5])
    np.testing.assert_allclose(dots.error_x.array, [1.5, 1.0])
    np.testing.assert_allclose(dots.error_x.arrayminus, [1.0, 1.5])
    top, bottom = figure.layout.yaxis.range[1], figure.layout.yaxis.range[0]
    assert top < dots.y[0] < dots.y[1] < bottom


def test_a_claim_stands_in_words_above_its_marks_with_its_numbers():
    figure = draw_claims(claim_of("supported", claim="OVF beats σ_d < 0.1 " + "by very many points " * 3))
    words, shown = figure.layout.annotations
    assert "σ<sub>d</sub> &lt; 0.1" in words.text
    assert "Digits 8×8" in words.text
    assert words.text.count("<br>") >= 2
    assert shown.text == "<b>+2.0</b> (+1.0 to +3.5)"
    assert words.y < only(figure, "supported").y[0]
    assert min(words.font.size, shown.font.size) >= 12


def test_the_figure_grows_with_its_claims_and_their_words():
    one, two = draw_claims(claim_of("supported")), draw_claims(claim_of("supported"), claim_of("supported"))
    wordy = draw_claims(claim_of("supported", claim="very many words " * 6))
    assert one.layout.height < wordy.layout.height
    assert one.layout.height < two.layout.height


@pytest.mark.parametrize("mode", MODES)
def test_verdicts_differ_in_colour_and_in_filling_or_symbol(mode):
    verdicts = ("undecided", "supported", "no effect", "opposite")
    figure = draw_claims(*(claim_of(verdict) for verdict in verdicts), mode=mode)
    names = ["supported", "opposite", "no effect beyond the margin", "undecided"]
    assert [trace.name for trace in figure.data] == names
    supported, *others = (trace.marker for trace in figure.data)
    assert supported.color == supported.line.color
    assert {other.color for other in others} == {PALETTES[mode].background}
    assert len({other.symbol for other in others}) == 3
    assert len({supported.line.color, others[0].line.color, others[2].line.color}) == 3


@pytest.mark.parametrize("mode", MODES)
def test_verdicts_can_be_seen(mode):
    for colours in VERDICT_COLOURS.values():
        assert contrast(colours[mode], PALETTES[mode].background) >= MIN_MARK_CONTRAST


def test_an_unknown_verdict_is_refused_by_name():
    with pytest.raises(ValueError, match=r"Unknown verdict 'maybe'\. Known: supported, opposite, no effect, "):
        draw_claims(claim_of("maybe"))


def test_every_claim_has_its_band_and_zero_beside_its_own_marks():
    figure = draw_claims(claim_of("supported"), claim_of("undecided", margin=0.5), claim_of("undecided", margin=np.nan))
    bands = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    zeros = [shape for shape in figure.layout.shapes if shape.type == "line"]
    assert [(band.x0, band.x1) for band in bands] == [(-1.0, 1.0), (-0.5, 0.5)]
    assert [(line.x0, line.x1) for line in zeros] == [(0, 0)] * 3
    dot = only(figure, "supported").y[0]
    assert bands[0].y0 < dot < bands[0].y1 < bands[1].y0


def test_a_published_effect_on_the_axis_is_a_hollow_star():
    star = only(draw_claims(claim_of("supported", published=3.2)), "published")
    np.testing.assert_allclose(star.x, [3.2])
    assert star.marker.symbol == "star-open"
    assert "published: +3.2" in star.hovertext[0]


@pytest.mark.parametrize(
    ("published", "symbol", "text"), [(9.9, "triangle-right-open", "+9.9"), (-8.1, "triangle-left-open", "−8.1")]
)
def test_a_published_effect_beyond_the_axis_is_an_arrow_at_its_edge_with_its_number(published, symbol, text):
    figure = draw_claims(claim_of("supported", published=published))
    entry, arrow = named(figure, "published")
    low, high = figure.layout.xaxis.range
    assert list(entry.x) == [None]
    assert arrow.showlegend is False
    assert list(arrow.marker.symbol) == [symbol]
    assert list(arrow.text) == [text]
    assert low < arrow.x[0] < high
    assert high - low < 8


def test_an_arrow_has_room_beside_the_longest_interval():
    plain, arrow = draw_claims(claim_of("supported")), draw_claims(claim_of("supported", published=9.9))
    assert arrow.layout.xaxis.range[1] > plain.layout.xaxis.range[1]
    assert arrow.layout.xaxis.range[0] == plain.layout.xaxis.range[0]


def test_a_claim_without_runs_or_interval_says_so():
    nothing = claim_of("undecided", estimate=np.nan, lower=np.nan, upper=np.nan, margin=np.nan)
    open_ended = claim_of("undecided", lower=-np.inf, upper=np.inf)
    figure = draw_claims(nothing, open_ended)
    assert [note.text for note in figure.layout.annotations][1::2] == ["no runs", "<b>+2.0</b>"]
    assert np.isfinite(figure.layout.xaxis.range).all()
    alone = draw_claims(nothing).layout.xaxis.range
    assert alone[0] < 0 < alone[1]


def test_a_hover_on_a_claim_says_verdict_numbers_margin_and_counts():
    (text,) = only(draw_claims(claim_of("supported", num_instances=200)), "supported").hovertext
    assert text.endswith("<br>3 seeds × 200 chips")
    for part in ("supported", "+2.0", "too small to matter: −1.0 to +1.0"):
        assert part in text


def test_ratios_are_drawn_around_one_on_a_scale_of_times():
    twice = claim_of("supported", estimate=2.0, lower=1.25, upper=3.2, margin=1.1, published=1.5)
    figure = draw_claims(twice, scale="ratio")
    np.testing.assert_allclose(only(figure, "supported").x, [np.log(2)])
    np.testing.assert_allclose(only(figure, "published").x, [np.log(1.5)])
    (band,) = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert (band.x0, band.x1) == pytest.approx((-np.log(1.1), np.log(1.1)))
    assert dict(zip(figure.layout.xaxis.ticktext, figure.layout.xaxis.tickvals, strict=True)) == pytest.approx(
        {"1": 0, "2": np.log(2)}
    )
    assert figure.layout.annotations[1].text == "<b>2.0×</b> (1.25× to 3.2×)"
    assert "published: 1.50×" in only(figure, "published").hovertext[0]


def test_ratio_without_a_lower_end_says_its_estimate_alone():
    figure = draw_claims(claim_of("undecided", estimate=2.0, lower=0.0, upper=np.inf, margin=1.1), scale="ratio")
    assert figure.layout.annotations[1].text == "<b>2.0×</b>"
    assert np.isfinite(figure.layout.xaxis.range).all()


def test_small_effects_are_said_with_more_decimals():
    figure = draw_claims(claim_of("undecided", estimate=0.04, lower=-0.1, upper=0.1))
    assert figure.layout.annotations[1].text == "<b>+0.04</b> (−0.10 to +0.10)"
    zero = draw_claims(claim_of("undecided", estimate=-0.001, lower=-0.1, upper=0.1))
    assert zero.layout.annotations[1].text.startswith("<b>0.00</b>")


# ---------------------------------------------------------------- words and all charts


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Δσ = -0.05", "Δσ = −0.05"), ("σ_d", "σ<sub>d</sub>"), ("5e-05", "5e-05"), ("a < b & c-2", "a &lt; b &amp; c-2")],
)
def test_words_are_typeset(text, shown):
    assert typeset(text) == shown


def test_tick_labels_of_many_settings_are_narrow_and_of_few_wide():
    few, many = tick_labels(["first and last (code)"] * 2), tick_labels(["first and last (code)"] * 6)
    assert few[0].count("<br>") < many[0].count("<br>")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("variants", [("ovf", "ovf_bn", "ovf_t1"), ("noise_injection", "noise_injection_t")])
def test_series_of_the_controls_can_be_told_from_their_methods(variants, mode):
    styles = [variant_style(look(variant), mode=mode) for variant in variants]
    assert len({(style.colour, style.symbol) for style in styles}) == len(variants)


def test_the_legend_names_the_interval():
    for figure in (draw_points(terms()), draw_ekl(ekl_curves(["ovf"]))):
        assert figure.layout.legend.title.text == INTERVAL


# ---------------------------------------------------------------- training budgets
def test_gains_are_points_around_the_reference_in_the_order_of_the_steps():
    figure = draw_gains(gains_of("irs", {240: 0.011, 60: 0.044}))

    zero, series = only(figure, "Noise injection (zero)"), only(figure, "IRS")
    assert list(zero.y) == [0, 0]
    assert zero.line.color == variant_style(look("noise_injection"), mode="light").colour
    np.testing.assert_allclose(series.x, [0, 1])
    np.testing.assert_allclose(series.y, [4.4, 1.1])
    np.testing.assert_allclose(series.error_y.array, [0.5, 0.5])
    assert list(series.customdata[0][0]) == ["irs-seed0"]


def test_budgets_stand_side_by_side_each_with_its_steps_as_a_tick():
    axis = draw_gains(gains_of("irs", {60: 0.044, 240: 0.011})).layout.xaxis

    assert axis.title.text == "training steps"
    assert list(axis.ticktext) == ["480", "1,920"]
    assert list(axis.tickvals) == [0, 1]
    assert axis.range[0] < 0
    assert axis.range[1] > 1


def test_methods_of_one_budget_stand_apart_around_it():
    figure = draw_gains(*(gains_of(variant, {60: 0.04, 240: 0.01}) for variant in SERIES))

    places = [only(figure, label).x[0] for label in SERIES.values()]
    assert len(set(places)) == len(SERIES)
    assert places[1] == pytest.approx(0)
    assert places[0] == -places[2]
    assert abs(places[0]) < 0.3


def test_one_budget_alone_is_drawn():
    figure = draw_gains(gains_of("ovf", {60: -0.004}))

    assert list(only(figure, "OVF").x) == [0]
    assert list(figure.layout.xaxis.ticktext) == ["480"]
    assert figure.layout.xaxis.range[0] < 0 < figure.layout.xaxis.range[1]


def test_pointer_on_a_gain_tells_its_budget_and_both_learning_rates():
    (words,) = only(draw_gains(gains_of("ovf", {240: -0.004})), "OVF").hovertext

    for told in ("1,920 steps", "240 epochs", "240,000 images", "−0.40 points", "(−0.90 to +0.10)"):
        assert told in words
    assert "learning rate 0.003 against 0.01" in words
    assert "3 seeds × 100 chips, paired" in words
