"""An example of every chart: frames of numbers that no other column holds, and which of them must be drawn.

A new chart adds one entry to `EXAMPLES`; `tests/contract/test_charts.py` holds it to what all charts keep.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard import charts
from dashboard.charts.run_marks import run_marks
from dashboard.charts.theme import Mode
from neft import columns as c
from tests.variants import known, look

VARIANTS = {"vanilla": "Vanilla", "noise_injection": "Noise injection", "ovf": "OVF", "irs": "IRS"}
SIGMA_DS = (0.0, 0.05, 0.1, 0.2, 0.4)
NAMES = ("ant", "bee", "cat")
RUNS = tuple(
    (f"{variant}-seed0", look(variant), letter, label)
    for letter, (variant, label) in zip("ABCD", VARIANTS.items(), strict=True)
)
COUNTS = {c.NUM_SEEDS: 3, c.NUM_INSTANCES: 200}


@dataclass(frozen=True)
class Example:
    """A chart's arguments: its frames by parameter, and the rest."""

    frames: Mapping[str, pd.DataFrame]
    drawn: Mapping[str, Mapping[Any, float]]
    """By frame and column: what the column's numbers are multiplied by where they are drawn."""
    options: Mapping[str, Any] = field(default_factory=dict)
    made: Callable[[Mode], Mapping[str, Any]] = lambda mode: {}
    """Options that depend on the mode."""
    stands: tuple[str, ...] = ()
    """Names of what is drawn without a row: lines of reference."""


def figure_of(name: str, frames: Mapping[str, pd.DataFrame], *, mode: Mode) -> go.Figure:
    """A chart of these frames, with the other arguments of its example."""
    example = EXAMPLES[name]
    return getattr(charts, name)(**frames, **example.options, **example.made(mode), mode=mode)


def odd(key: str, count: int, low: float, high: float) -> list[float]:
    """Numbers between two ends, other ones for every key."""
    return np.random.default_rng(crc32(key.encode())).uniform(low, high, count).tolist()


def rows(of: Mapping[str, Iterable[Any]], **others: Any) -> pd.DataFrame:
    """Every combination of some columns' values, with further columns beside them."""
    crossed = pd.MultiIndex.from_product(list(of.values()), names=list(of)).to_frame(index=False)
    return crossed.assign(**{name: others[name] for name in others})


def with_interval(key: str, frame: pd.DataFrame, *, low: float = 0.5, high: float = 0.9) -> pd.DataFrame:
    """The frame with a mean and the ends of its interval."""
    mean = np.array(odd(f"{key} mean", len(frame), low, high))
    below, above = (np.array(odd(f"{key} {end}", len(frame), 0.01, 0.04)) for end in (c.LOWER, c.UPPER))
    scale = high - low
    return frame.assign(**{c.MEAN: mean, c.LOWER: mean - scale * below, c.UPPER: mean + scale * above})


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its variants' labels and facts."""
    return known(frame.assign(**{c.LABEL: frame[c.VARIANT].map(VARIANTS)}))


def runs_of(frame: pd.DataFrame) -> "pd.Series[Any]":
    """The runs behind each row, of two seeds."""
    return frame[c.VARIANT].map(lambda variant: (f"{variant}-seed0", f"{variant}-seed1"))


def curves(key: str, sigma_ds: Sequence[float] = SIGMA_DS, *, low: float = 0.5, high: float = 0.9) -> pd.DataFrame:
    """A row per variant and sigma_d, with interval, counts and runs."""
    crossed = labelled(rows({c.VARIANT: list(VARIANTS), c.SIGMA_D: sigma_ds}, **COUNTS))
    return with_interval(key, crossed.assign(run_ids=runs_of(crossed)), low=low, high=high)


def curve(key: str, sigma_ds: Sequence[float] = SIGMA_DS) -> pd.DataFrame:
    """A row per sigma_d, with its interval."""
    return with_interval(key, pd.DataFrame({c.SIGMA_D: sigma_ds}))


def quantiles(key: str, of: str, values: Sequence[str]) -> pd.DataFrame:
    """The share of chips at or below each value."""
    shares = (np.arange(21) / 20).tolist()
    frames = [
        pd.DataFrame({of: value, c.QUANTILE: shares, c.VALUE: sorted(odd(f"{key} {value}", 21, 0.5, 0.9))})
        for value in values
    ]
    return pd.concat(frames, ignore_index=True)


def histogram(key: str, edges: Sequence[float] = (-0.9, -0.31, 0.29, 0.87)) -> pd.DataFrame:
    """Bins and their densities, sampled and in closed form."""
    count = len(edges) - 1
    return pd.DataFrame(
        {
            c.BIN_LEFT: edges[:-1],
            c.BIN_RIGHT: edges[1:],
            c.DENSITY: odd(f"{key} sampled", count, 0.2, 0.9),
            c.CLOSED_FORM_DENSITY: odd(f"{key} closed form", count, 0.2, 0.9),
        }
    )


def _schemes(sigma_ds: Sequence[float] = (0.1,)) -> pd.DataFrame:
    """A row per scheme and sigma_d, with interval, costs and noise."""
    names = ["default~open_loop", "scale=channel~open_loop", "default~residual"]
    frame = rows({c.SCHEME: names, c.SIGMA_D: sigma_ds})
    count = len(frame)
    words = {
        c.LABEL: frame[c.SCHEME].map(dict(zip(names, ("as published", "scale channel", "residual"), strict=True))),
        c.PROGRAMMING_LABEL: frame[c.SCHEME].map(dict(zip(names, ("Open loop", "Open loop", "Residual"), strict=True))),
        c.METHOD_RANK: frame[c.SCHEME].map(dict(zip(names, (0, 0, 3), strict=True))),
        c.DEPARTURE: frame[c.SCHEME].map(dict(zip(names, ("", names[1], ""), strict=True))),
        c.ON_FRONT: [place % 2 == 0 for place in range(count)],
    }
    numbers = {
        c.PULSES: odd("pulses", count, 4, 40),
        c.CLOSED_FORM_NOISE: odd("closed form noise", count, 0.1, 0.3),
        c.SAMPLED_NOISE: odd("sampled noise", count, 0.1, 0.3),
    }
    return with_interval("schemes", frame.assign(**words, **numbers))


def _weight_under_schemes() -> pd.DataFrame:
    schemes = _schemes().drop(columns=[c.MEAN, c.LOWER, c.UPPER])
    parts = [histogram(str(scheme)).assign(**{c.SCHEME: scheme, c.STD: 0.1}) for scheme in schemes[c.SCHEME]]
    return pd.concat(parts, ignore_index=True).merge(schemes, on=c.SCHEME)


def _budgets() -> pd.DataFrame:
    frame = rows({c.CHOICE: ["second_derivative", "random"], c.BUDGET: [0.0, 0.25, 1.0]})
    numbers = {c.PULSES: odd("budget pulses", 6, 4, 20), c.READS: odd("budget reads", 6, 0, 20)}
    return with_interval("budgets", frame.assign(**{c.LABEL: frame[c.CHOICE]}, **numbers))


def _settings() -> pd.DataFrame:
    terms = rows({c.VARIANT: ["ovf", "irs"], c.POSITION: [1.0, 2.0, 3.0]}, **COUNTS)
    words = {
        c.SETTING_LABEL: [f"N = {position:g}" for position in terms[c.POSITION]],
        c.SETTING_TICK: [f"{position:g}" for position in terms[c.POSITION]],
    }
    return with_interval("settings", labelled(terms).assign(**words, run_ids=runs_of(terms)))


def _advantages() -> pd.DataFrame:
    lengths = labelled(rows({c.VARIANT: ["ovf", "irs"], c.NUM_EPOCHS: [60, 240]}, num_instances=100))
    others = {
        c.NUM_STEPS: 8 * lengths[c.NUM_EPOCHS],
        c.NUM_PRESENTATIONS: 1000 * lengths[c.NUM_EPOCHS],
        c.LEARNING_RATE: 0.003,
        c.REFERENCE_LEARNING_RATE: 0.01,
        c.DIFFERENCE_SEEDS: 3,
    }
    frame = with_interval("advantages", lengths.assign(**others, run_ids=runs_of(lengths)), low=-0.1, high=0.1)
    return frame.rename(columns={c.MEAN: c.DIFFERENCE, c.LOWER: c.DIFFERENCE_LOWER, c.UPPER: c.DIFFERENCE_UPPER})


def _ablation() -> pd.DataFrame:
    crossed = {c.METHOD: ["ovf", "irs"], c.DECAY: ["paper", "reversed", "constant"], c.NUM_FEEDBACK: [1, 2, 3, 4]}
    points = rows(crossed, **COUNTS)
    keys = points[c.METHOD] + "_" + points[c.DECAY] + "_n" + points[c.NUM_FEEDBACK].astype(str)
    return with_interval("ablation", known(points.assign(**{c.VARIANT: keys, c.LABEL: points[c.METHOD].map(VARIANTS)})))


def _claims() -> pd.DataFrame:
    verdicts = ["supported", "opposite", "undecided"]
    frame = with_interval("claims", pd.DataFrame({"verdict": verdicts}), low=0.5, high=2.5)
    others = {"claim": "OVF beats noise injection", "data": "Digits 8×8", "margin": odd("margin", 3, 0.3, 0.4)}
    published = odd("claims published", 3, 0.9, 2.0)
    return frame.rename(columns={c.MEAN: "estimate"}).assign(**others, **COUNTS, published=published)


def _seeds() -> pd.DataFrame:
    seeds = labelled(rows({c.VARIANT: ["ovf", "irs"], c.SEED: [0, 1, 2]}, accuracy=odd("seeds", 6, 0.5, 0.9)))
    return seeds.assign(failed=seeds[c.ACCURACY] < 0.6, run_id=[f"run-{row}" for row in range(6)])


def _means(key: str) -> pd.DataFrame:
    made = {c.MEAN: odd(key, 2, 0.6, 0.9), "threshold": odd(f"{key} threshold", 2, 0.4, 0.5)}
    return labelled(pd.DataFrame({c.VARIANT: ["ovf", "irs"], **made}))


def _parts() -> pd.DataFrame:
    shares = np.array([odd(f"{part} share", 4, 0.1, 0.4) for part in ("seeds", "chips")])
    parts = {"share_seeds": shares[0], "share_chips": shares[1], "share_rest": 1 - shares.sum(axis=0)}
    stds = {name: odd(name, 4, 0.01, 0.04) for name in ("std", "std_seeds", "std_chips", "std_rest")}
    return labelled(pd.DataFrame({c.VARIANT: list(VARIANTS), **parts, **stds, **COUNTS}))


def _board() -> pd.DataFrame:
    board = labelled(pd.DataFrame({c.VARIANT: list(VARIANTS), **COUNTS}))
    words = {c.METHOD_LABEL: board[c.LABEL], c.CONSTRAINT_LABEL: ["", "Clipped weights", "", "Clipped weights"]}
    words |= {c.CHIPS_LABEL: [""] * 4, c.ENTRY_LABEL: board[c.LABEL]}
    ranks = {c.RANK: [1, 2, 3, 4], c.RANK_LOWER: [1, 1, 3, 4], c.RANK_UPPER: [2, 2, 3, 4]}
    return with_interval("board", board.assign(**words, **ranks, run_ids=runs_of(board)))


def _reliability() -> pd.DataFrame:
    bins = labelled(rows({c.VARIANT: ["ovf", "irs"], c.BIN_LEFT: [0.0, 0.5]}, num_predictions=[10, 90, 25, 75]))
    bins = with_interval("reliability", bins).rename(columns={c.MEAN: c.ACCURACY})
    shares = {c.SHARE: odd("shares", 4, 0.1, 0.9), c.MEAN_CONFIDENCE: odd("confidence", 4, 0.3, 0.9)}
    return bins.assign(bin_right=bins[c.BIN_LEFT] + 0.5, **shares)


def _confidences() -> pd.DataFrame:
    split = labelled(rows({c.VARIANT: ["ovf", "irs"], "outcome": ["right", "wrong"]}))
    low, high = odd("low", 4, 0.2, 0.4), odd("high", 4, 0.95, 1.0)
    return with_interval("confidences", split).assign(low=low, high=high)


def _audit() -> pd.DataFrame:
    others = {"ratio": odd("ratio", 2, 0.9, 1.1), c.CI95: odd("audit", 2, 0.01, 0.03), "num_sampled": [800, 1600]}
    stds = {c.REALISED_STD: odd("realised", 2, 0.04, 0.06), c.CLOSED_FORM_STD: odd("closed", 2, 0.04, 0.06)}
    return labelled(pd.DataFrame({c.VARIANT: "ovf", c.LAYER: ["first", "second"], **others, **stds}))


def _layer_weights() -> pd.DataFrame:
    layers = labelled(rows({c.VARIANT: ["ovf", "irs"], c.LAYER: ["first", "second"]}, num_seeds=3))
    shares = {c.MIDDLE_SHARE: odd("middle", 4, 0.3, 0.5), "deviation_to_weight": odd("ratio", 4, 0.1, 0.9)}
    return with_interval("weights", layers.assign(**shares))


def _layer_deviations() -> pd.DataFrame:
    return pd.DataFrame(
        {
            c.LAYER: ["first", "second"],
            c.MEAN: odd("layers", 2, 0.4, 0.5),
            "lowest": odd("lowest", 2, 0.1, 0.3),
            "highest": odd("highest", 2, 0.6, 0.9),
        }
    )


def _votes() -> pd.DataFrame:
    return pd.DataFrame({c.INSTANCE: range(5), c.PREDICTED_CLASS: 1, c.PROBABILITY: odd("votes", 5, 0.4, 0.9)})


def _tally() -> pd.DataFrame:
    votes = pd.DataFrame({c.PREDICTED_CLASS: range(3), c.NUM_VOTES: [7, 2, 1]})
    tally = with_interval("tally", votes, low=0.2, high=0.8)
    return tally.rename(columns={c.MEAN: c.SHARE}).assign(probability=odd("probability", 3, 0.2, 0.6))


def _changes() -> pd.DataFrame:
    pairs = rows({c.TRUE_CLASS: range(3), c.PREDICTED_CLASS: range(3)})
    clean, chip = [50, 3, 1, 4, 46, 9, 0, 2, 41], [37, 9, 8, 11, 29, 19, 14, 1, 36]
    difference = np.subtract(chip, clean)
    return pairs.assign(**{c.CLEAN_COUNT: clean, c.CHIP_COUNT: chip, c.DIFFERENCE: difference})


def _own_levels() -> pd.DataFrame:
    levels = pd.DataFrame({c.LEVEL: range(4), c.LEVEL_STD: odd("own levels", 4, 0.5, 1.5)})
    std = 0.05 * levels[c.LEVEL_STD]
    return levels.assign(**{c.STD: std, c.LOWER: 0.9 * std, c.UPPER: 1.2 * std})


def _published_levels() -> pd.DataFrame:
    devices = rows({c.DEVICE: ["rram1", "rram4"], c.LEVEL: range(4)}, level_std=odd("published levels", 8, 0.5, 1.5))
    return devices.assign(**{c.LABEL: devices[c.DEVICE].str.upper(), c.STD: 0.05 * devices[c.LEVEL_STD]})


def _level_histograms() -> pd.DataFrame:
    bins = rows({c.LEVEL: [0, 1], c.BIN_LEFT: [-0.1, 0.0]}, share=odd("measured", 4, 0.1, 0.9))
    left = bins[c.BIN_LEFT] + bins[c.LEVEL]
    gaussian = odd("gaussian", 4, 0.1, 0.9)
    return bins.assign(**{c.BIN_LEFT: left, c.BIN_RIGHT: left + 0.1, c.GAUSSIAN_SHARE: gaussian})


def _slices() -> pd.DataFrame:
    return pd.DataFrame(
        {
            c.SLICE: [1, 0],
            c.SIGNIFICANCE: [4, 1],
            c.LEVEL: [2, 1],
            c.LEVEL_STD: odd("level std", 2, 0.2, 0.4),
            c.LEVEL_ERROR: odd("level error", 2, -0.3, 0.3),
            c.WEIGHT_ERROR: odd("weight error", 2, -0.1, 0.1),
            c.VARIANCE_SHARE: [16 / 17, 1 / 17],
        }
    )


def _device_levels() -> pd.DataFrame:
    levels = rows({c.SIGNIFICANCE: [1, 4], c.INSTANCE: [0, 1]}, value=odd("held", 4, 1.0, 3.0))
    return levels.assign(level=[2, 2, 3, 3])


def _ranked() -> pd.DataFrame:
    accuracy = sorted(odd("ranked", 4, 0.5, 0.9))
    share = [0.25, 0.5, 0.75, 1.0]
    return pd.DataFrame({c.INSTANCE: [4, 2, 7, 0], c.ACCURACY: accuracy, c.RANK: [1, 2, 3, 4], c.SHARE: share})


def _tail() -> pd.DataFrame:
    accuracy = sorted(odd("tail", 3, 0.1, 0.4))
    return pd.DataFrame(
        {c.INSTANCE: [41, 2, 812], c.ACCURACY: accuracy, c.RANK: [1, 2, 3], c.SHARE: [0.0007, 0.0014, 0.0021]}
    )


def _raced_percentile() -> pd.DataFrame:
    value, lower, upper = 0.37, 0.33, 0.42
    return pd.DataFrame(
        {c.PERCENTILE: [1], c.VALUE: [value], c.LOWER: [lower], c.UPPER: [upper], c.NUM_INSTANCES: [1400]}
    )


def _trained() -> pd.DataFrame:
    return with_interval("trained", rows({c.TRAIN_SIGMA_D: [0.1, 0.2], c.SIGMA_D: SIGMA_DS}, **COUNTS))


def _histories() -> pd.DataFrame:
    return rows({c.RUN_ID: [run[0] for run in RUNS], c.EPOCH: [1, 2, 3]}, validation_accuracy=odd("runs", 12, 0.5, 0.9))


def _run_curves(key: str) -> pd.DataFrame:
    crossed = rows({c.RUN_ID: [run[0] for run in RUNS], c.SIGMA_D: SIGMA_DS}, num_instances=200, num_pairs=200)
    return with_interval(key, crossed)


def _history() -> pd.DataFrame:
    scores = (c.LOSS, c.TRAIN_ACCURACY, c.VALIDATION_ACCURACY, c.VALIDATION_CLEAN_ACCURACY)
    return pd.DataFrame({c.EPOCH: [1, 2, 3], **{name: odd(f"history {name}", 3, 0.5, 0.9) for name in scores}})


def _deviations() -> pd.DataFrame:
    each = [
        histogram(f"{variant} {layer}").assign(**{c.VARIANT: variant, c.LAYER: layer})
        for layer in ("first", "second")
        for variant in ("ovf", "irs")
    ]
    return labelled(pd.concat(each, ignore_index=True))


def _estimates() -> pd.DataFrame:
    crossed = rows({c.LABEL: ["mean", "percentile"], c.NUM_INSTANCES: [10, 100, 400]})
    return with_interval("estimates", crossed).rename(columns={c.MEAN: c.VALUE})


def _percentiles() -> pd.DataFrame:
    return curves("percentiles", (0.1, 0.2)).rename(columns={c.MEAN: c.VALUE})


def _published(**columns: Any) -> pd.DataFrame:
    return labelled(pd.DataFrame({c.VARIANT: ["ovf", "irs"], **columns}))


INTERVAL = {c.MEAN: 100, c.LOWER: 100, c.UPPER: 100}
"""Accuracy and the ends of its interval, in per cent."""
PLAIN = {"interval_name": "mean, 95 % interval"}


def _with_marks(mode: Mode) -> dict[str, Any]:
    return {"marks": run_marks(RUNS, mode=mode)}


def _worst_cases() -> pd.DataFrame:
    """A row per th_g."""
    th_gs = (0.0, 0.013, 0.027, 0.05)
    ends = {
        c.ACCURACY: (0.05, 0.45),
        c.UNIFORM_MEAN: (0.8, 0.9),
        c.UNIFORM_MIN: (0.6, 0.7),
        c.GAUSSIAN_MEAN: (0.8, 0.9),
        c.GAUSSIAN_MIN: (0.6, 0.7),
    }
    return pd.DataFrame({c.TH_G: th_gs} | {name: odd(f"worst {name}", 4, *between) for name, between in ends.items()})


def _steps() -> pd.DataFrame:
    """A row per step."""
    accuracies = (0.913, 0.847, 0.629)
    return pd.DataFrame(
        {
            c.LABEL: ["training images", "test images", "variation in stage 1"],
            c.ACCURACY: accuracies,
            c.CI95: [0.0, 0.0, 0.031],
            c.COST: [1 - 0.913, 0.913 - 0.847, 0.847 - 0.629],
            c.COST_CI95: [0.0, 0.0, 0.029],
        }
    )


def _margins() -> pd.DataFrame:
    bins = labelled(rows({c.VARIANT: ["ovf", "irs"], c.BIN_LEFT: [-0.5, 0.0, 0.5]}, share=odd("margins", 6, 0.1, 0.6)))
    return bins.assign(bin_right=bins[c.BIN_LEFT] + 0.5)


def _by_temperature(key: str, low: float, high: float) -> pd.DataFrame:
    at = labelled(rows({c.VARIANT: ["noise_injection"], c.POSITION: [1.0, 4.0, 16.0]}, **COUNTS))
    return with_interval(key, at, low=low, high=high)


def _hardware() -> pd.DataFrame:
    frame = pd.DataFrame({c.LABEL: ["devices", "DACs", "ADCs"], c.COUNT: [638_528, 5_041, 53]})
    numbers = {name: odd(name, 3, 0.1, 0.6) for name in (c.AREA, c.ENERGY, c.AREA_SHARE, c.ENERGY_SHARE)}
    return frame.assign(**numbers, **{c.NUM_OPERATIONS: [5_108_224, 40_328, 402_048]})


def _trials() -> pd.DataFrame:
    frame = pd.DataFrame({c.TRIAL: [1, 2, 3, 4], c.SIGNS: ["bb", "++", "+b", "-+"], c.WIDTH: [1.0, 1.0, 1.5, 1.0]})
    numbers = {name: odd(name, 4, 0.3, 0.9) for name in (c.VALIDATION_ACCURACY, c.AREA_SHARE, c.MERIT)}
    flags = {c.ON_FRONT: [True, False, True, False], c.IS_CHOSEN: [False, False, True, False]}
    return frame.assign(**numbers, **flags)


EXAMPLES: dict[str, Example] = {
    "accuracy_by_budget": Example(
        {"points": _budgets()},
        {"points": {c.MEAN: 100, c.LOWER: 100, c.UPPER: 100, c.PULSES: 1, c.BUDGET: 100}},
        {"at": 0.25},
    ),
    "accuracy_vs_cost": Example(
        {"points": _schemes()},
        {"points": {c.MEAN: 100, c.LOWER: 100, c.UPPER: 100, c.PULSES: 1}},
        {
            "cost": c.PULSES,
            "cost_title": "pulses a weight",
            "value_title": "1st percentile (%)",
            "front_names": c.LABEL,
        },
    ),
    "scheme_curves": Example(
        {"means": _schemes((0.1, 0.2))},
        {"means": {c.MEAN: 100, c.SIGMA_D: 1}},
        {"chance": 0.1, "sigma_d": 0.1},
    ),
    "scheme_noise": Example({"noise": _schemes()}, {"noise": {c.CLOSED_FORM_NOISE: 100, c.SAMPLED_NOISE: 100}}),
    "weight_under_schemes": Example(
        {"histograms": _weight_under_schemes()}, {"histograms": {c.BIN_LEFT: 1, c.BIN_RIGHT: 1}}
    ),
    "accuracy_distribution": Example(
        {"quantiles": labelled(quantiles("accuracy", c.VARIANT, list(VARIANTS)))},
        {"quantiles": {c.VALUE: 100, c.QUANTILE: 100}},
        PLAIN,
    ),
    "accuracy_vs_sigma_d": Example(
        {
            "curves": curves("accuracy"),
            "published": _published(sigma_d=[0.11, 0.23], accuracy=odd("published", 2, 0.3, 0.4)),
        },
        {"curves": INTERVAL | {c.SIGMA_D: 1}, "published": {c.ACCURACY: 100, c.SIGMA_D: 1}},
        {"slice_sigma_d": 0.1, "chance": 0.1, "connect": True, **PLAIN},
    ),
    "advantage_by_budget": Example(
        {"advantages": _advantages()},
        {"advantages": {c.DIFFERENCE: 100, c.DIFFERENCE_LOWER: 100, c.DIFFERENCE_UPPER: 100}},
        {"reference": look("noise_injection"), "reference_label": "Noise injection", **PLAIN},
        stands=("Noise injection (zero)",),
    ),
    "calibration_vs_sigma_d": Example(
        {"curves": curves("calibration", low=0.05, high=0.3), "after": curves("after", (0.1,), low=0.01, high=0.04)},
        {"curves": INTERVAL, "after": INTERVAL},
        {"after_name": "calibrated", **PLAIN},
    ),
    "chip_histogram": Example(
        {"histogram": pd.DataFrame({c.BIN_LEFT: [0.5, 0.6], c.BIN_RIGHT: [0.6, 0.7], c.NUM_INSTANCES: [37, 71]})},
        {"histogram": {c.NUM_INSTANCES: 1}},
        {"marks": (charts.Mark("mean", 0.63, lower=0.6, upper=0.65),), "look": look("irs"), "x_title": "accuracy (%)"},
        stands=("mean 63.0 %",),
    ),
    "chip_ranks": Example(
        {"ranked": _ranked(), "mean": with_interval("mean chip", pd.DataFrame(index=[0]))},
        {"ranked": {c.ACCURACY: 100, c.SHARE: 100}, "mean": INTERVAL},
        {"instance": 2, "clean": 0.97, "look": look("irs")},
        stands=("no variation",),
    ),
    "chip_votes": Example(
        {"votes": _votes()},
        {"votes": {c.PROBABILITY: 1}},
        {"class_names": NAMES, "truth": 1, "num_chips": 100},
    ),
    "claims_forest": Example(
        {"claims": _claims()},
        {"claims": {"estimate": 1, c.LOWER: 1, c.UPPER: 1, "published": 1, "margin": 1}},
        {"unit_title": "points of accuracy"},
    ),
    "class_votes": Example(
        {"tally": _tally()},
        {"tally": {c.SHARE: 100, c.PROBABILITY: 100, c.LOWER: 100, c.UPPER: 100}},
        {"class_names": NAMES, "truth": 1},
    ),
    "code_stds": Example(
        {
            "codes": pd.DataFrame(
                {c.CODE: range(4), c.STD: odd("codes", 4, 0.2, 1), c.CLOSED_FORM_STD: odd("even", 4, 0.2, 1)}
            )
        },
        {"codes": {c.STD: 1, c.CLOSED_FORM_STD: 1}},
        {"name": "mine", "even_name": "RRAM1"},
    ),
    "confidence_split": Example(
        {"confidences": _confidences()}, {"confidences": INTERVAL | {"low": 100, "high": 100}}, PLAIN
    ),
    "confusion_change": Example({"changes": _changes()}, {"changes": {c.DIFFERENCE: 1}}, {"class_names": NAMES}),
    "crossbar": Example({"slices": _slices()}, {"slices": {c.LEVEL: 1}}, {"sign": -1, "max_level": 3}),
    "curves_by_training": Example(
        {
            "curves": _trained(),
            "noise_free": known(curve("noise-free").assign(**{c.VARIANT: "vanilla"}, **COUNTS)),
            "matched": curve("matched", (0.1,)),
        },
        {"curves": INTERVAL, "noise_free": {c.MEAN: 100}, "matched": {c.MEAN: 100}},
        {"chance": 0.1},
    ),
    "decay_ablation": Example(
        {"points": _ablation()},
        {"points": INTERVAL},
        {"reference": look("noise_injection"), "reference_label": "Noise injection"},
        stands=("Noise injection (zero)",),
    ),
    "device_curves": Example(
        {"curve": curve("own device"), "beside": curve("other device")},
        {"curve": INTERVAL | {c.SIGMA_D: 1}, "beside": INTERVAL},
        {"name": "mine", "beside_name": "RRAM1", "at": 0.1, "look": look("irs"), "chance": 0.1},
    ),
    "device_levels": Example({"slices": _slices()}, {"slices": {c.LEVEL: 1}}, {"max_level": 3}),
    "difference_vs_sigma_d": Example(
        {"differences": curves("differences", low=-0.1, high=0.1).query("variant != 'irs'")},
        {"differences": INTERVAL},
        {"reference": look("irs"), "reference_label": "IRS", **PLAIN},
        stands=("IRS (zero)",),
    ),
    "ekl_distribution": Example(
        {"quantiles": labelled(quantiles("ekl", c.VARIANT, list(VARIANTS)))},
        {"quantiles": {c.VALUE: 1, c.QUANTILE: 100}},
        PLAIN,
    ),
    "ekl_vs_sigma_d": Example(
        {
            "curves": curves("ekl", (0.1, 0.2), low=0.1, high=0.4),
            "published": _published(sigma_d=[0.1, 0.2], ekl=odd("published ekl", 2, 1e-5, 1e-2)),
        },
        {"curves": {c.MEAN: 1, c.LOWER: 1, c.UPPER: 1}, "published": {c.EKL: 1}},
        {"metric_title": "EKL (nats)", **PLAIN},
    ),
    "estimates_by_chips": Example(
        {"estimates": _estimates()},
        {"estimates": {c.VALUE: 100, c.LOWER: 100, c.UPPER: 100, c.NUM_INSTANCES: 1}},
        {"names": {"mean": "mean", "percentile": "1st percentile"}, "look": look("irs")},
    ),
    "hardware_parts": Example({"parts": _hardware()}, {"parts": {c.AREA_SHARE: 100, c.ENERGY_SHARE: 100}}),
    "layer_audit": Example({"audit": _audit()}, {"audit": {c.CI95: 100}}),
    "layer_costs": Example(
        {
            "layers": with_interval("layers", pd.DataFrame({c.LAYER: ["first", "second"]})),
            "together": with_interval("together", pd.DataFrame({c.LAYER: [c.ALL_LAYERS]})),
        },
        {"layers": INTERVAL, "together": {c.MEAN: 100}},
        {"clean": 0.97, "look": look("irs")},
    ),
    "layer_std": Example(
        {"layers": _audit()[[c.LAYER, c.REALISED_STD, c.CLOSED_FORM_STD]]},
        {"layers": {c.REALISED_STD: 1, c.CLOSED_FORM_STD: 1}},
    ),
    "layer_deviations": Example(
        {"layers": _layer_deviations(), "methods": _layer_weights().drop(columns=[c.MEAN, c.LOWER, c.UPPER])},
        {"layers": {c.MEAN: 100, "lowest": 100, "highest": 100}, "methods": {"deviation_to_weight": 100}},
        stands=("mean over methods",),
    ),
    "layer_weights": Example({"layers": _layer_weights()}, {"layers": INTERVAL}, PLAIN),
    "level_histograms": Example(
        {"histograms": _level_histograms(), "levels": pd.DataFrame({c.LEVEL: [0, 1], c.TARGET: [0.03, 0.97]})},
        {"histograms": {c.SHARE: 100, c.GAUSSIAN_SHARE: 100}, "levels": {c.TARGET: 100}},
    ),
    "level_spread": Example(
        {"own": _own_levels(), "published": _published_levels()},
        {"own": {c.LEVEL_STD: 1, c.LOWER: 20, c.UPPER: 20}, "published": {c.LEVEL_STD: 1}},
        {"sigma_d": 0.05, "name": "mine"},
    ),
    "preview_curve": Example(
        {"curve": curve("preview"), "real": curve("real", (0.1,))},
        {"curve": INTERVAL, "real": INTERVAL},
        {"look": look("irs"), "chance": 0.1, "real_name": "200 real chips"},
    ),
    "programmed_weight": Example(
        {"histogram": histogram("programmed")},
        {"histogram": {c.DENSITY: 1, c.CLOSED_FORM_DENSITY: 1}},
        {"target": 0.6},
    ),
    "race_still_in": Example(
        {"still_in": pd.DataFrame({c.NUM_IMAGES: [64, 128, 390], c.NUM_INSTANCES: [1000, 321, 17]})},
        {"still_in": {c.NUM_IMAGES: 1, c.NUM_INSTANCES: 1}},
        {"image_name": "images", "look": look("irs")},
    ),
    "race_tail": Example(
        {"tail": _tail(), "ranked": _ranked(), "percentiles": _raced_percentile()},
        {
            "tail": {c.ACCURACY: 100, c.SHARE: 100},
            "ranked": {c.ACCURACY: 100, c.SHARE: 100},
            "percentiles": {c.VALUE: 100, c.LOWER: 100, c.UPPER: 100, c.PERCENTILE: 1},
        },
        {"percentile_name": "1st percentile", "instance": 2, "look": look("irs")},
    ),
    "ranking": Example(
        {"rows": _board()},
        {"rows": INTERVAL},
        {
            "value_title": "accuracy (%)",
            "reference": "vanilla",
            "reference_name": "Vanilla",
            "is_difference": False,
            **PLAIN,
        },
    ),
    "margin_distribution": Example(
        {"bins": _margins(), "medians": labelled(pd.DataFrame({c.VARIANT: ["ovf", "irs"], c.VALUE: [0.123, 0.321]}))},
        {"bins": {c.BIN_LEFT: 1, c.SHARE: 100}, "medians": {c.VALUE: 1}},
    ),
    "reliability": Example(
        {"bins": _reliability()},
        {"bins": {c.ACCURACY: 100, c.MEAN_CONFIDENCE: 100, c.LOWER: 100, c.UPPER: 100, c.SHARE: 100}},
        PLAIN,
        stands=("as sure as it may be",),
    ),
    "run_curves": Example(
        {"curves": _run_curves("runs")}, {"curves": INTERVAL}, {"slice_sigma_d": 0.1, "chance": 0.1}, _with_marks
    ),
    "run_differences": Example(
        {"differences": _run_curves("run differences").query("run_id != 'irs-seed0'")},
        {"differences": INTERVAL},
        {"reference": "irs-seed0", "slice_sigma_d": 0.1},
        _with_marks,
        stands=("D · IRS (zero)",),
    ),
    "run_distributions": Example(
        {"quantiles": quantiles("runs", c.RUN_ID, [run[0] for run in RUNS])},
        {"quantiles": {c.VALUE: 100, c.QUANTILE: 100}},
        {},
        _with_marks,
    ),
    "run_histories": Example(
        {"histories": _histories()}, {"histories": {c.VALIDATION_ACCURACY: 100, c.EPOCH: 1}}, {}, _with_marks
    ),
    "search_trials": Example(
        {"trials": _trials()},
        {"trials": {c.VALIDATION_ACCURACY: 100, c.AREA_SHARE: 100}},
        {"area_weight": 0.1, "floor": 0.4},
        stands=("merit of the choice", "floor"),
    ),
    "seed_dots": Example(
        {"seeds": _seeds(), "means": _means("seed means")},
        {"seeds": {c.ACCURACY: 100}, "means": {c.MEAN: 100, "threshold": 100}},
    ),
    "setting_points": Example(
        {
            "points": _settings(),
            "published": _published(
                setting_label="N = 3",
                setting_tick="3",
                position=3.0,
                accuracy=odd("published terms", 2, 0.4, 0.45),
                source="Table 1",
            ),
        },
        {"points": INTERVAL, "published": {c.ACCURACY: 100}},
        {"axis_title": "feedback terms N", "numeric": True, "logarithmic": False, **PLAIN},
    ),
    "slice_errors": Example({"slices": _slices()}, {"slices": {c.VARIANCE_SHARE: 100}}, {"w_max": 2.0}),
    "slice_levels": Example({"levels": _device_levels()}, {"levels": {c.VALUE: 1, c.LEVEL: 1}}, {"max_level": 3}),
    "std_vs_conductance": Example(
        {
            "curve": pd.DataFrame({c.CONDUCTANCE: odd("places", 4, 0, 40), c.STD: odd("formula", 4, 0.2, 1)}),
            "sampled": pd.DataFrame(
                {
                    c.CONDUCTANCE: odd("levels", 4, 0, 40),
                    c.SAMPLED_STD: odd("sampled", 4, 0.2, 1),
                    c.LOWER: odd("low stds", 4, 0.1, 0.2),
                    c.UPPER: odd("high stds", 4, 1, 1.2),
                }
            ),
        },
        {"curve": {c.STD: 1}, "sampled": {c.SAMPLED_STD: 1, c.LOWER: 1, c.UPPER: 1}},
        {"unit": "µS"},
    ),
    "temperature_effects": Example(
        {
            "tested": _by_temperature("tested", 0.8, 0.9),
            "trained": _by_temperature("trained", 0.9, 0.99),
            "ratios": _by_temperature("ratios", 3.0, 4.0),
        },
        {"tested": INTERVAL, "trained": INTERVAL, "ratios": {c.MEAN: 1, c.LOWER: 1, c.UPPER: 1}},
        PLAIN,
    ),
    "live_curve": Example(
        {
            "beside": curves("means", (0.0, 0.1, 0.2)),
            "means": pd.DataFrame({c.SIGMA_D: [0.0, 0.1, 0.2], c.MEAN: [0.97, 0.91, 0.73]}),
        },
        {"beside": {c.MEAN: 100}, "means": {c.MEAN: 100}},
        {"name": "this run", "chance": 0.1},
    ),
    "training_curves": Example(
        {"history": _history()},
        {"history": {c.LOSS: 1, c.TRAIN_ACCURACY: 100, c.VALIDATION_ACCURACY: 100, c.VALIDATION_CLEAN_ACCURACY: 100}},
        {"num_epochs": 5},
    ),
    "unlucky_chips": Example(
        {"percentiles": _percentiles(), "means": curves("means", (0.1, 0.2))},
        {"percentiles": {c.VALUE: 100, c.LOWER: 100, c.UPPER: 100}, "means": {c.MEAN: 100}},
        {"name": "5th percentile", "chance": 0.1},
    ),
    "variance_parts": Example(
        {"parts": _parts()}, {"parts": {"share_seeds": 100, "share_chips": 100, "share_rest": 100}}
    ),
    "variance_shares": Example(
        {
            "shares": pd.DataFrame(
                {c.SIGNIFICANCE: [1, 4], c.MEAN: odd("share", 2, 0.1, 0.9), c.VARIANCE_SHARE: [0.0588, 0.9412]}
            )
        },
        {"shares": {c.MEAN: 100, c.VARIANCE_SHARE: 100}},
    ),
    "waterfall": Example(
        {"steps": _steps()},
        {"steps": {c.ACCURACY: 100}},
        {"look": look("irs"), "dearest": "test images"},
    ),
    "weight_deviations": Example(
        {"histograms": _deviations(), "beside": _deviations()},
        {"histograms": {c.DENSITY: 1, c.CLOSED_FORM_DENSITY: 1}, "beside": {}},
        {"x_title": "deviation"},
    ),
    "weight_distribution": Example(
        {
            "histogram": histogram("weight"),
            "marks": pd.DataFrame({"label": ["target"], "value": [0.123], "dash": ["dash"]}),
        },
        {"histogram": {c.DENSITY: 1, c.CLOSED_FORM_DENSITY: 1}, "marks": {"value": 1}},
    ),
    "weight_errors": Example(
        {"cells": pd.DataFrame(np.reshape(odd("cells", 6, -0.3, 0.3), (2, 3)))},
        {"cells": {0: 1, 1: 1, 2: 1}},
        {"signed": True, "unit": "w"},
    ),
    "worst_case_curve": Example(
        {"curve": _worst_cases()},
        {"curve": dict.fromkeys((c.ACCURACY, c.UNIFORM_MEAN, c.UNIFORM_MIN, c.GAUSSIAN_MEAN, c.GAUSSIAN_MIN), 100)},
        {
            "look": look("irs"),
            "chance": 0.1,
            "num_draws": 10,
            "end": 0.05,
            "worst_chip": 0.712,
            "worst_chip_name": "worst of 200 chips",
        },
        stands=("worst of 200 chips",),
    ),
}
