"""Charts draw the numbers they are given, in the colours that belong to the methods."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.charts import (
    accuracy_vs_sigma_d,
    decay_ablation,
    ekl_distribution,
    layer_std,
    training_curves,
    variant_style,
    weight_deviations,
)
from dashboard.charts.theme import MIN_CONTRAST, PALETTES, RANK_COLOURS, Look, Mode, contrast, mix, translucent
from neft import columns as c
from tests.variants import known, look

MODES = ["light", "dark"]
VARIANTS = {
    "vanilla": "vanilla",
    "noise_injection": "noise injection",
    "noise_injection_t4": "noise injection, T = 4",
    "ovf": "OVF",
    "irs": "IRS",
}
FIRST_FIVE = range(5)
"""Ranks: training without noise, noise injection, its control, and the two with feedback."""
LINE_CONTRAST = 3
"""WCAG 2.1, 1.4.11: what is drawn beside the page's ground."""
HUE_STEP = 4
"""Degrees by which rounding to 8 bits may turn a hue."""
TOLD_APART = 0.08
"""Distance in OKLab at which thin lines are still told apart; 0.02 is what a trained eye just sees on large areas."""
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
"""Linear sRGB to cone responses, their cube roots to OKLab: Ottosson 2020, "A perceptual color space"."""
VISION = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""On linear sRGB, severity 1: Machado, Oliveira and Fernandes 2009, IEEE TVCG 15(6), doi 10.1109/TVCG.2009.113."""


def oklab(colour: str, vision: str = "full") -> np.ndarray:
    """Lightness and two opponent colours, as someone with that vision sees them."""
    parts = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = np.clip(VISION[vision] @ linear, 0, 1)
    return TO_OKLAB @ np.cbrt(TO_LMS @ seen)


def hue(colour: str) -> float:
    """In degrees."""
    _, green_red, blue_yellow = oklab(colour)
    return float(np.degrees(np.arctan2(blue_yellow, green_red)))


FIVE = [0.0, 0.1, 0.2, 0.3, 0.4]


def curves_of(variants: list[str], sigma_d: list[float]) -> pd.DataFrame:
    rows = [
        {
            c.VARIANT: variant,
            c.LABEL: VARIANTS.get(variant, variant),
            c.SIGMA_D: at,
            c.MEAN: 0.9 - at - 0.01 * index,
            c.LOWER: 0.88 - at - 0.01 * index,
            c.UPPER: 0.91 - at - 0.01 * index,
            c.NUM_SEEDS: 3,
            c.NUM_INSTANCES: 200,
            c.RUN_IDS: tuple(f"{variant}-seed{seed}" for seed in range(4)),
        }
        for index, variant in enumerate(variants)
        for at in sigma_d
    ]
    return known(pd.DataFrame(rows))


def draw_curves(curves: pd.DataFrame, **changes: Any) -> Any:
    options: dict[str, Any] = {"slice_sigma_d": 0.1, "chance": 0.1, "interval_name": "mean, 95 % interval"}
    options.update(connect=True, mode="light")
    options.update(changes)
    return accuracy_vs_sigma_d(curves, **options)


def test_line_of_another_value_is_that_column() -> None:
    curves = curves_of(["ovf"], FIVE).assign(value=0.5)

    figure = draw_curves(curves, value=c.VALUE)

    line = next(trace for trace in figure.data if trace.name == "OVF")
    np.testing.assert_allclose(line.y, 50)
    assert line.hovertext[0].startswith("OVF <b>50.0 %</b>")


def test_line_without_lower_limits_wears_bars_that_reach_up_alone() -> None:
    curves = curves_of(["ovf"], FIVE)

    line = next(trace for trace in draw_curves(curves.assign(lower=np.nan)).data if trace.name == "OVF")

    np.testing.assert_allclose(line.error_y.arrayminus, 0)
    np.testing.assert_allclose(line.error_y.array, 100 * (curves[c.UPPER] - curves[c.MEAN]))
    assert f"(no lower limit, at most {100 * curves[c.UPPER].iloc[0]:.1f} %)" in line.hovertext[0]
    assert not any(trace.fill for trace in draw_curves(curves.assign(lower=np.nan)).data)
    assert any(trace.fill for trace in draw_curves(curves).data)


def test_line_that_lacks_one_lower_limit_wears_bars_and_no_band_with_a_hole() -> None:
    curves = curves_of(["ovf"], FIVE)
    figure = draw_curves(curves.assign(lower=[0.5, *[np.nan] * 4]))

    assert not any(trace.fill for trace in figure.data)
    line = next(trace for trace in figure.data if trace.name == "OVF")
    assert line.error_y.array is not None


def quantiles_of(variant: str, values: list[float]) -> pd.DataFrame:
    shares = (np.arange(len(values)) + 0.5) / len(values)
    return known(pd.DataFrame({c.VARIANT: variant, c.LABEL: VARIANTS[variant], c.QUANTILE: shares, c.VALUE: values}))


def ablation_points() -> pd.DataFrame:
    rows = [
        {
            c.VARIANT: f"{method}_{decay}_n{number}",
            c.LABEL: method.upper(),
            c.DECAY: decay,
            c.NUM_FEEDBACK: number,
            c.MEAN: 0.9 + 0.01 * number,
            c.LOWER: 0.89 + 0.01 * number,
            c.UPPER: 0.92 + 0.01 * number,
            c.NUM_SEEDS: 3,
            c.NUM_INSTANCES: 200,
        }
        for method in ("ovf", "irs")
        for decay in ("paper", "reversed", "constant")
        for number in (1, 2, 3, 4)
    ]
    return known(pd.DataFrame(rows))


def draw_ablation(points: pd.DataFrame, mode: Mode = "light") -> go.Figure:
    return decay_ablation(points, reference=look("noise_injection"), reference_label="noise injection", mode=mode)


def histograms_of(layers: list[str], stds: dict[str, float]) -> pd.DataFrame:
    edges = np.linspace(-3, 3, 7)
    centres = (edges[1:] + edges[:-1]) / 2
    frames = [
        pd.DataFrame(
            {
                c.VARIANT: variant,
                c.LABEL: VARIANTS[variant],
                c.LAYER: layer,
                c.BIN_LEFT: edges[:-1],
                c.BIN_RIGHT: edges[1:],
                c.DENSITY: np.exp(-(centres**2)),
                c.CLOSED_FORM_DENSITY: np.exp(-((centres / std) ** 2)),
            }
        )
        for layer in layers
        for variant, std in stds.items()
    ]
    return known(pd.concat(frames, ignore_index=True))


def history_of(num_epochs: int) -> pd.DataFrame:
    epochs = np.arange(1, num_epochs + 1)
    return pd.DataFrame(
        {
            c.EPOCH: epochs,
            c.LOSS: 2.0 / epochs,
            c.TRAIN_ACCURACY: 1 - 0.5 / epochs,
            c.VALIDATION_ACCURACY: 0.9 - 0.5 / epochs,
            c.VALIDATION_CLEAN_ACCURACY: 0.95 - 0.5 / epochs,
        }
    )


def named(figure: go.Figure, name: str) -> list[Any]:
    return [trace for trace in figure.data if trace.name == name]


# ---------------------------------------------------------------- theme


@pytest.mark.parametrize("rank", range(1, len(RANK_COLOURS)))
def test_dark_mode_changes_a_methods_lightness_and_not_its_hue(rank):
    light, dark = RANK_COLOURS[rank]["light"], RANK_COLOURS[rank]["dark"]
    turned = (hue(dark) - hue(light) + 180) % 360 - 180
    assert abs(turned) < HUE_STEP
    assert oklab(dark)[0] > oklab(light)[0]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("vision", VISION)
def test_the_first_five_methods_are_told_apart_with_any_colour_vision(vision, mode):
    seen = [oklab(RANK_COLOURS[rank][mode], vision) for rank in FIRST_FIVE]
    distances = {(one, other): np.linalg.norm(seen[one] - seen[other]) for one, other in combinations(FIRST_FIVE, 2)}
    assert {pair: found for pair, found in distances.items() if found < TOLD_APART} == {}


@pytest.mark.parametrize("mode", MODES)
def test_all_hues_are_told_apart(mode):
    pairs = combinations((oklab(colours[mode]) for colours in RANK_COLOURS), 2)
    assert min(np.linalg.norm(one - other) for one, other in pairs) > TOLD_APART


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rank", range(len(RANK_COLOURS)))
def test_a_methods_line_stands_out_from_the_page(rank, mode):
    assert contrast(RANK_COLOURS[rank][mode], PALETTES[mode].background) >= LINE_CONTRAST


@pytest.mark.parametrize("mode", MODES)
def test_vanilla_is_a_dashed_neutral_grey(mode):
    style = variant_style(look("vanilla"), mode=mode)
    assert style.colour[1:3] == style.colour[3:5] == style.colour[5:7]
    assert style.dash == "dash"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("variant", ["noise_injection_t2", "noise_injection_t4", "noise_injection_t4.5"])
def test_every_temperature_is_the_control(variant, mode):
    assert variant_style(look(variant), mode=mode).colour == RANK_COLOURS[2][mode]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["vanilla", "noise_injection", "ovf", "irs"])
def test_a_variant_keeps_its_methods_hue_with_another_dash_and_symbol(method, mode):
    plain, other = variant_style(look(method), mode=mode), variant_style(look(f"{method}_reversed"), mode=mode)
    assert other.colour == plain.colour
    assert other.dash != plain.dash
    assert other.symbol != plain.symbol


@pytest.mark.parametrize("method", ["ovf", "irs"])
def test_the_ablations_variants_differ_in_dash_or_symbol(method):
    numbers = ("", "_n1", "_n2", "_n3", "_n4")
    keys = [f"{method}{decay}{number}" for decay in ("", "_reversed", "_constant") for number in numbers]
    styles = {(style.dash, style.symbol) for style in (variant_style(look(key), mode="light") for key in keys)}
    assert len(styles) == len(keys)


MANY = 16


@pytest.mark.parametrize("mode", MODES)
def test_sixteen_ranks_are_told_apart_without_colour(mode):
    styles = [variant_style(Look(rank), mode=mode) for rank in range(MANY)]
    assert len({(style.symbol, style.dash) for style in styles}) == MANY


@pytest.mark.parametrize("mode", MODES)
def test_sixteen_ranks_are_told_apart_where_no_line_is_drawn(mode):
    styles = [variant_style(Look(rank), mode=mode) for rank in range(MANY)]
    assert len({(style.symbol, style.colour) for style in styles}) == MANY


@pytest.mark.parametrize("mode", MODES)
def test_as_many_ranks_as_there_are_hues_have_one_each(mode):
    assert len({variant_style(Look(rank), mode=mode).colour for rank in range(len(RANK_COLOURS))}) == len(RANK_COLOURS)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rank", range(MANY))
def test_no_departure_looks_like_a_plain_variant_of_any_rank(rank, mode):
    departures = [f"_{word}{number}" for word in ("n", "t", "reversed", "b0.") for number in range(10)]
    plain = {variant_style(Look(other), mode=mode).dash for other in range(MANY)}
    assert plain.isdisjoint(variant_style(Look(rank, departure), mode=mode).dash for departure in departures)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rank", range(MANY))
def test_words_in_a_ranks_colour_can_be_read(rank, mode):
    background = PALETTES[mode].background
    assert contrast(variant_style(Look(rank), mode=mode).label_colour, background) >= MIN_CONTRAST


@pytest.mark.parametrize("mode", MODES)
def test_text_can_be_read(mode):
    page = PALETTES[mode]
    for text in (page.text, page.muted):
        for behind in (page.background, page.surface):
            assert contrast(text, behind) >= MIN_CONTRAST


def test_black_on_white_has_the_contrast_that_wcag_names():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_mixing_by_half_lands_in_the_middle():
    assert mix("#000000", "#ffffff", share=0.5) == "#808080"
    assert translucent("#ff8000", opacity=0.2) == "rgba(255, 128, 0, 0.2)"


# ---------------------------------------------------------------- accuracy against sigma_d


def test_accuracy_is_drawn_in_per_cent_over_sigma_d():
    figure = draw_curves(curves_of(["ovf"], [0.2, 0.0, 0.1, 0.3, 0.4]))
    (line,) = named(figure, "OVF")
    np.testing.assert_allclose(line.x, [0.0, 0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(line.y, [90, 80, 70, 60, 50])


def test_a_band_runs_out_along_the_upper_bound_and_back_along_the_lower():
    figure = draw_curves(curves_of(["ovf"], [0.0, 0.1, 0.2, 0.3, 0.4]))
    (band,) = [trace for trace in figure.data if trace.fill == "toself"]
    np.testing.assert_allclose(band.y, [91, 81, 71, 61, 51, 48, 58, 68, 78, 88])
    assert band.hoverinfo == "skip"
    assert band.legendgroup == named(figure, "OVF")[0].legendgroup
    assert named(figure, "OVF")[0].error_y.array is None


@pytest.mark.parametrize(
    ("sigma_d", "connect", "line_mode"),
    [([0.1, 0.2, 0.4], True, "lines+markers"), ([0.0, 0.1, 0.2, 0.3, 0.4], False, "markers")],
)
def test_few_or_unconnected_points_wear_error_bars(sigma_d, connect, line_mode):
    figure = draw_curves(curves_of(["irs"], sigma_d), connect=connect)
    (line,) = named(figure, "IRS")
    assert line.mode == line_mode
    np.testing.assert_allclose(line.error_y.array, 1)
    np.testing.assert_allclose(line.error_y.arrayminus, 2)
    assert not [trace for trace in figure.data if trace.fill]


def test_a_click_finds_the_run_ids():
    (line,) = named(draw_curves(curves_of(["ovf"], [0.1])), "OVF")
    assert line.customdata[0][0] == ["ovf-seed0", "ovf-seed1", "ovf-seed2", "ovf-seed3"]


def test_one_box_says_value_and_interval_of_every_method_at_a_sigma_d():
    figure = draw_curves(curves_of(["ovf", "irs"], [0.1, 0.2]))
    assert figure.layout.hovermode == "x unified"
    assert "σ<sub>d</sub>" in figure.layout.xaxis.unifiedhovertitle.text
    for name in ("OVF", "IRS"):
        (line,) = named(figure, name)
        assert [words.startswith(f"{name} <b>") for words in line.hovertext] == [True, True]
    assert named(figure, "OVF")[0].hovertext[0] == "OVF <b>80.0 %</b> (78.0 to 81.0 %)"


def test_the_axis_ends_where_networks_trained_with_noise_do():
    curves = pd.concat([curves_of(["vanilla"], [0.0, 0.1, 0.2, 0.4]), curves_of(["ovf"], [0.1, 0.2])])
    assert 0.2 < draw_curves(curves).layout.xaxis.range[1] < 0.25
    one = pd.concat([curves_of(["vanilla"], [0.0, 0.1, 0.2, 0.4]), curves_of(["ovf"], [0.1])])
    assert draw_curves(one).layout.xaxis.range[1] > 0.4


def test_a_line_that_leaves_the_axis_is_labelled_where_it_leaves():
    curves = pd.concat([curves_of(["vanilla"], [0.1, 0.2, 0.4]), curves_of(["ovf"], [0.1, 0.2])])
    assert {trace.x[0] for trace in draw_curves(curves).data if trace.mode == "text"} == {0.2}


def test_slice_and_chance_are_drawn_where_they_are():
    figure = draw_curves(curves_of(["ovf"], [0.1, 0.2]), slice_sigma_d=0.125, chance=0.01)
    chance, cut = figure.layout.shapes
    assert (chance.y0, chance.y1) == (1, 1)
    assert (cut.x0, cut.x1) == (0.125, 0.125)
    assert [note.text for note in figure.layout.annotations] == ["chance", "σ<sub>d</sub> = 0.125"]
    assert len(draw_curves(curves_of(["ovf"], [0.1]), slice_sigma_d=None).layout.shapes) == 1


def test_the_legend_names_the_interval_and_the_axes_begin_at_zero():
    figure = draw_curves(curves_of(["ovf"], [0.1, 0.4]))
    assert figure.layout.legend.title.text == "mean, 95 % interval"
    assert figure.layout.xaxis.range[0] == 0
    assert figure.layout.xaxis.range[1] > 0.4
    assert figure.layout.yaxis.range[0] == 0


def test_published_figures_are_hollow_marks_in_their_methods_colour():
    published = pd.DataFrame(
        {
            c.VARIANT: ["ovf", "ovf", "other"],
            c.LABEL: ["OVF", "OVF", "Other"],
            c.SIGMA_D: [0.1, 0.5, 0.2],
            c.ACCURACY: [0.7, 0.4, 0.3],
        }
    )
    figure = draw_curves(curves_of(["ovf"], [0.1, 0.2]), published=known(published))
    (ovf,) = named(figure, "OVF (published)")
    np.testing.assert_allclose(ovf.y, [70, 40])
    assert ovf.marker.symbol.endswith("-open")
    assert ovf.marker.color == variant_style(look("ovf"), mode="light").colour
    assert len(named(figure, "Other (published)")) == 1
    assert figure.layout.xaxis.range[1] > 0.5


def test_one_entry_of_the_legend_stands_for_published_marks_of_methods_with_a_line():
    published = pd.DataFrame(
        {
            c.VARIANT: ["ovf", "irs", "other"],
            c.LABEL: ["OVF", "IRS", "Other"],
            c.SIGMA_D: 0.1,
            c.ACCURACY: 0.5,
            c.NOTE: ["", "beyond the axis", ""],
        }
    )
    figure = draw_curves(curves_of(["ovf", "irs"], [0.1, 0.2]), published=known(published), published_name="theirs")
    (key,) = named(figure, "theirs")
    ovf, irs, other = (named(figure, f"{label} (published)")[0] for label in ("OVF", "IRS", "Other"))
    assert (key.x, key.y) == ((None,), (None,))
    assert key.marker.color == PALETTES["light"].text
    assert (ovf.showlegend, irs.showlegend, other.showlegend) == (False, False, True)
    assert ovf.legendgroup == irs.legendgroup == key.legendgroup != other.legendgroup
    assert irs.hovertext[0].endswith("<br>beyond the axis")
    assert ovf.hovertext[0].endswith("<b>50.0 %</b>")


def test_without_published_figures_nothing_tells_of_them():
    curves = curves_of(["ovf", "irs"], [0.1, 0.2])
    plain, empty = draw_curves(curves), draw_curves(curves, published=pd.DataFrame())
    assert len(plain.data) == len(empty.data)
    assert plain.layout.yaxis.range == empty.layout.yaxis.range


def test_labels_keep_clear_of_published_marks():
    published = pd.DataFrame({c.VARIANT: ["ovf"], c.LABEL: ["OVF"], c.SIGMA_D: [0.4], c.ACCURACY: [0.5]})
    figure = draw_curves(curves_of(["ovf", "irs"], [0.1, 0.2]), published=known(published))
    assert {trace.x[0] for trace in figure.data if trace.mode == "text"} == {0.4}


def test_lines_are_labelled_at_their_ends_up_to_eight_of_them():
    def labels(variants):
        figure = draw_curves(curves_of(variants, [0.0, 0.1, 0.2, 0.3, 0.4]))
        return [trace for trace in figure.data if trace.mode == "text"]

    assert len(labels(list(VARIANTS))) == len(VARIANTS)
    assert not labels([*VARIANTS, "ovf_n1", "ovf_n2", "irs_n1", "irs_n2"])


@pytest.mark.parametrize("end", [0.0, 0.5, 1.0])
def test_direct_labels_keep_apart_and_inside(end):
    curves = curves_of(["vanilla", "noise_injection", "ovf", "irs"], [0.0, 0.4])
    curves[c.MEAN] = end
    figure = draw_curves(curves)
    places = np.sort([trace.y[0] for trace in figure.data if trace.mode == "text"])
    assert np.diff(places).min() >= 6.9
    assert places[0] > 0
    assert places[-1] < figure.layout.yaxis.range[1]
    if end == 0.5:
        assert places.mean() == pytest.approx(50)


def test_a_variant_without_numbers_leaves_the_others_standing():
    curves = curves_of(["ovf", "irs"], [0.0, 0.1, 0.2, 0.3, 0.4])
    curves.loc[curves[c.VARIANT] == "ovf", [c.MEAN, c.LOWER, c.UPPER]] = np.nan
    curves[c.NUM_SEEDS] = curves[c.NUM_SEEDS].astype(float).mask(curves[c.VARIANT] == "ovf")
    figure = draw_curves(curves)
    np.testing.assert_allclose(named(figure, "IRS")[0].y[0], 89)
    assert len([trace for trace in figure.data if trace.mode == "text"]) == 1


# ---------------------------------------------------------------- EKL


def test_ekl_rises_over_the_share_of_chips():
    figure = ekl_distribution(quantiles_of("ovf", [0.01, 0.02, 0.04, 0.08, 0.1]), interval_name="chips", mode="light")
    line, median = figure.data
    np.testing.assert_allclose(line.x, [0.01, 0.02, 0.04, 0.08, 0.1])
    np.testing.assert_allclose(line.y, [10, 30, 50, 70, 90])
    np.testing.assert_allclose([median.x[0], median.y[0]], [0.04, 50])
    assert "median 0.04 nats" in line.hovertext[0]
    assert figure.layout.xaxis.type == "log"


def test_zeros_stand_at_the_left_edge_and_say_that_they_are_zero():
    figure = ekl_distribution(quantiles_of("ovf", [0.0, 0.0, 0.03, 0.3]), interval_name="chips", mode="light")
    line = figure.data[0]
    assert np.all(np.asarray(line.x) > 0)
    assert line.x[0] == line.x[1] < 0.03
    assert "0 nats" in line.hovertext[0]
    assert figure.layout.xaxis.ticktext[0] == "0"
    assert figure.layout.xaxis.tickvals[0] == line.x[0]


@pytest.mark.parametrize(
    ("values", "num_traces"),
    [
        ([0.01], 1),
        ([0.0], 1),
        ([0.0, 0.0, 0.0], 2),
        ([np.nan, 0.02, np.nan], 1),
        ([np.nan], 0),
        ([1e-9, 1e-4, 10.0], 2),
    ],
)
def test_ekl_survives_what_a_log_axis_does_not_like(values, num_traces):
    figure: Any = ekl_distribution(quantiles_of("ovf", values), interval_name="chips", mode="dark")
    assert len(figure.data) == num_traces
    assert np.isfinite(figure.layout.xaxis.range).all()
    assert figure.layout.xaxis.range[0] < figure.layout.xaxis.range[1]
    assert all(np.isfinite(trace.x).all() for trace in figure.data)


@pytest.mark.parametrize(
    ("high", "ticks"), [(0.05, ["0.01", "0.02", "0.05"]), (1.0, ["0.01", "0.03", "0.1", "0.3", "1"])]
)
def test_ekl_ticks_are_round_numbers_inside_the_axis(high, ticks):
    axis = ekl_distribution(quantiles_of("ovf", [0.01, high]), interval_name="", mode="light").layout.xaxis
    inside = (np.log10(axis.tickvals) >= axis.range[0]) & (np.log10(axis.tickvals) <= axis.range[1])
    assert [text for text, shown in zip(axis.ticktext, inside, strict=True) if shown] == ticks


# ---------------------------------------------------------------- decay ablation


def test_schedules_stand_side_by_side_around_their_n():
    figure = draw_ablation(ablation_points())
    schedules = [trace for trace in named(figure, "paper γ") if trace.x[0] is not None]
    assert [trace.xaxis for trace in schedules] == ["x", "x2"]
    np.testing.assert_allclose(schedules[0].y, [91, 92, 93, 94])
    np.testing.assert_allclose(np.round(schedules[0].x), [1, 2, 3, 4])
    starts = {name: named(figure, f"{name} γ")[1].x[0] for name in ("paper", "reversed", "constant")}
    assert starts["paper"] < starts["reversed"] < starts["constant"]
    np.testing.assert_allclose(schedules[0].error_y.array, 2)
    np.testing.assert_allclose(schedules[0].error_y.arrayminus, 1)


@pytest.mark.parametrize("mode", MODES)
def test_schedules_differ_in_symbol_and_shade_and_the_papers_wears_the_methods_colour(mode):
    figure = draw_ablation(ablation_points(), mode)
    marks = [trace for trace in figure.data if trace.xaxis == "x2" and trace.mode == "markers"]
    assert len({trace.marker.symbol for trace in marks}) == 3
    assert len({trace.marker.color for trace in marks}) == 3
    assert marks[0].marker.color == variant_style(look("irs"), mode=mode).colour


def test_the_control_is_the_line_of_zero_in_both_panels_and_once_in_the_legend():
    lines = named(draw_ablation(ablation_points()), "noise injection (zero)")
    assert [trace.xaxis for trace in lines] == ["x", "x2"]
    assert [trace.showlegend for trace in lines] == [True, False]
    np.testing.assert_allclose(lines[0].y, 0)


def test_the_ablations_axis_holds_every_interval_whole():
    points = ablation_points().assign(**{c.MEAN: 0.0, c.LOWER: -0.15, c.UPPER: 0.12})
    low, high = draw_ablation(points).layout.yaxis.range
    assert low < -15
    assert high > 12


def test_an_ablations_hover_says_the_pairs():
    marks = [trace for trace in named(draw_ablation(ablation_points()), "paper γ") if trace.x[0] is not None]
    assert marks[0].hovertext[0].endswith("+91.00 points</b> (+90.00 to +93.00)<br>3 seeds × 200 chips, paired")


def test_an_ablation_of_one_method_or_schedule_is_drawn():
    points = ablation_points()
    figure = draw_ablation(points[points[c.METHOD] == "irs"])
    assert {trace.xaxis for trace in figure.data if trace.x[0] is not None} == {"x"}
    only_paper = draw_ablation(points[points[c.DECAY] == "paper"])
    assert not named(only_paper, "reversed γ")


# ---------------------------------------------------------------- weight deviations


def test_each_layer_has_a_panel_with_an_outline_per_variant():
    figure = weight_deviations(histograms_of(["a", "b"], {"ovf": 1.0, "irs": 1.0}), x_title="x", mode="light")
    outlines = [trace for trace in figure.data if trace.line.shape == "hvh"]
    assert [(trace.name, trace.xaxis) for trace in outlines] == [
        ("OVF", "x"),
        ("IRS", "x"),
        ("OVF", "x2"),
        ("IRS", "x2"),
    ]
    np.testing.assert_allclose(outlines[0].x, [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
    assert [trace.showlegend for trace in outlines] == [True, True, False, False]


def test_a_common_closed_form_is_one_dashed_line_in_the_texts_colour():
    figure = weight_deviations(histograms_of(["a", "b"], {"ovf": 1.0, "irs": 1.0}), x_title="x", mode="dark")
    forms = named(figure, "closed form")
    assert len(forms) == 2
    assert [trace.showlegend for trace in forms] == [True, False]
    assert {trace.line.color for trace in forms} == {PALETTES["dark"].text}


def test_closed_forms_that_differ_wear_their_variants_colours():
    figure = weight_deviations(histograms_of(["a", "b"], {"ovf": 1.0, "irs": 0.5}), x_title="x", mode="dark")
    entry, *forms = named(figure, "closed form")
    assert [trace.showlegend for trace in (entry, *forms)] == [True, False, False, False, False]
    assert [trace.line.color for trace in forms[:2]] == [RANK_COLOURS[rank]["dark"] for rank in (3, 4)]


def test_a_missing_closed_form_is_left_out():
    histograms = histograms_of(["a"], {"ovf": 1.0}).assign(**{c.CLOSED_FORM_DENSITY: np.nan})
    assert not named(weight_deviations(histograms, x_title="x", mode="light"), "closed form")


def test_a_variant_that_only_a_later_layer_knows_is_in_the_legend():
    both = [histograms_of(["a"], {"ovf": 1.0}), histograms_of(["head"], {"irs": 1.0})]
    figure = weight_deviations(pd.concat(both), x_title="x", mode="light")
    assert named(figure, "IRS")[0].showlegend


def test_variants_of_one_method_differ_in_their_dashes_and_no_dash_is_the_closed_forms():
    plain = histograms_of(["a"], {"vanilla": 1.0, "ovf": 1.0})
    further = known(histograms_of(["a"], {"ovf": 1.0}).assign(**{c.VARIANT: "ovf_n1", c.LABEL: "OVF, N = 1"}))
    figure = weight_deviations(pd.concat([plain, further]), x_title="x", mode="light")
    vanilla, ovf, fewer = (trace.line for trace in figure.data if trace.line.shape == "hvh")
    assert vanilla.dash == ovf.dash == "solid"
    assert fewer.color == ovf.color
    assert fewer.dash not in ("solid", named(figure, "closed form")[0].line.dash)


def test_one_variant_is_filled_in_every_panel_and_several_in_none():
    one, two = histograms_of(["a", "b"], {"ovf": 1.0}), histograms_of(["a"], {"irs": 1.0})
    for histograms, fill in ((one, "tozeroy"), (pd.concat([one, two]), "none")):
        figure = weight_deviations(histograms, x_title="x", mode="light")
        assert {trace.fill for trace in figure.data if trace.line.shape == "hvh"} == {fill}


def test_the_figure_grows_with_its_layers():
    few = weight_deviations(histograms_of(list("abc"), {"ovf": 1.0}), x_title="x", mode="light")
    many = weight_deviations(
        histograms_of([f"layer{i}.0.downsample.0" for i in range(21)], {"ovf": 1.0}), x_title="x", mode="light"
    )
    assert many.layout.height > 2 * few.layout.height
    titles = [note.text for note in many.layout.annotations]
    assert len(set(titles)) == 22
    assert max(map(len, titles)) <= 17


# ---------------------------------------------------------------- training and layers


@pytest.mark.parametrize("num_rows", [1, 40])
def test_training_shows_the_loss_as_it_is_and_accuracies_in_per_cent(num_rows):
    history = history_of(num_rows)
    figure = training_curves(history, num_epochs=50, mode="light")
    assert [trace.yaxis for trace in figure.data] == ["y", "y2", "y2", "y2"]
    np.testing.assert_allclose(figure.data[0].y, history[c.LOSS])
    np.testing.assert_allclose(figure.data[1].y, 100 * history[c.VALIDATION_ACCURACY])
    assert figure.layout.xaxis.range[0] == 0
    assert figure.layout.xaxis2.range[1] == 51
    assert "markers" in figure.data[0].mode or num_rows == 40


def test_training_wears_its_variants_colour_and_survives_a_loss_that_blew_up():
    history = history_of(3).assign(**{c.LOSS: np.inf})
    figure = training_curves(history, num_epochs=3, mode="dark", look=look("irs"))
    assert np.isnan(figure.data[0].y).all()
    assert figure.data[1].line.color == variant_style(look("irs"), mode="dark").colour


def test_each_layer_has_a_ring_for_the_closed_form_and_a_dot_for_the_samples():
    layers = pd.DataFrame({c.LAYER: ["a", "b" * 30], c.REALISED_STD: [0.8, 0.7], c.CLOSED_FORM_STD: [0.81, 0.71]})
    ring, dot = layer_std(layers, mode="light").data
    np.testing.assert_allclose(ring.x, [0.81, 0.71])
    np.testing.assert_allclose(dot.x, [0.8, 0.7])
    np.testing.assert_allclose(ring.y, dot.y)


# ---------------------------------------------------------------- all charts


def test_a_method_has_one_colour_in_every_chart():
    figures: list[Any] = [
        draw_curves(curves_of(["ovf"], [0.1]), mode="dark"),
        ekl_distribution(quantiles_of("ovf", [0.1, 0.2]), interval_name="chips", mode="dark"),
        weight_deviations(histograms_of(["a"], {"ovf": 1.0}), x_title="x", mode="dark"),
    ]
    colour = variant_style(look("ovf"), mode="dark").colour
    assert [named(figure, "OVF")[0].line.color for figure in figures] == [colour] * 3
