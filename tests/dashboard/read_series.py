"""Numbers of the comparison of methods, and charts that several pages draw of them, held against the stored files."""

from collections.abc import Sequence
from functools import cache
from math import isnan

import numpy as np
from streamlit.testing.v1 import AppTest

from tests.dashboard.read_back import SIGMA_DS, Files, has_values, named, near, percent, points, traces
from tests.independent.naive import statistics
from tests.independent.naive.statistics import crossed, quantile

BACKBONE, AT = "vgg8w4", 0.1
PLACE = {"net": BACKBONE, "at": str(AT)}
LABELS = ("Vanilla", "Noise injection", "Noise injection, T = 4", "OVF", "IRS")
CONTROL = "Noise injection, T = 4"


@cache
def trained_at(files: Files, label: str, sigma_d: float) -> tuple[str, ...]:
    """The runs behind a label: five seeds."""
    found = tuple(files.named(label, sigma_d, backbone=BACKBONE))
    assert len(found) == 5, (label, sigma_d, found)
    return found


def of(files: Files, label: str, sigma_d: float, metric: str = "accuracy") -> list[list[float]]:
    """Seeds x chips of a label at the device variation that it was trained for."""
    return files.table(trained_at(files, label, sigma_d), sigma_d, metric)


def means_are_drawn(app: AppTest, alt: str, files: Files, metric: str = "accuracy", scale: float = 100) -> None:
    """A mark a method and device variation: mean and half-width over seeds and chips."""
    for label in LABELS:
        drawn = points(app, alt, label)
        assert set(SIGMA_DS) <= set(drawn)
        for sigma_d, found in drawn.items():
            expected = crossed(of(files, label, sigma_d, metric))
            assert found == near([scale * expected.mean, scale * expected.half])


def distribution_is_drawn(
    app: AppTest, alt: str, label: str, values: list[list[float]], *, scale: float, marked: tuple[float, ...] = (0.5,)
) -> None:
    """A line of 201 quantiles over all seeds and chips, and marks on it."""
    drawn = traces(app, alt)
    (place,) = [k for k, one in enumerate(drawn) if one.get("name") == label and has_values(one)]
    every = sorted(value for row in values for value in row if not isnan(value))
    shares = [k / 200 for k in range(201)]
    assert drawn[place]["y"] == near(percent(shares))
    assert drawn[place]["x"] == near([scale * quantile(every, share) for share in shares])
    if marked:
        assert drawn[place + 1]["y"] == near(percent(marked))
        assert drawn[place + 1]["x"] == near([scale * quantile(every, share) for share in marked])


def typical_deviations(files: Files) -> list[float]:
    """By layer in %: the realised std over the RMS weight, the mean over seeds, then over methods."""
    by_method: list[list[float]] = []
    for label in LABELS:
        layers = [files.csv(run_id, "layers.csv") for run_id in trained_at(files, label, AT)]
        ratios = [AT * one["realised_std"] * one["w_max"] / one["rms_weight"] for one in layers]
        by_method.append([statistics.mean([float(one.iloc[k]) for one in ratios]) for k in range(len(ratios[0]))])
    return [100 * statistics.mean([one[k] for one in by_method]) for k in range(len(by_method[0]))]


def histograms_are_drawn(app: AppTest, files: Files, label: str) -> None:
    """Of the lowest seed's network by layer: densities over the RMS weight, and the closed form's beside them."""
    run_id = trained_at(files, label, AT)[0]
    sizes, bins = files.csv(run_id, "layers.csv"), files.csv(run_id, "deviations.csv.gz")
    drawn = traces(app, "Histograms of weight deviations")
    own = [one for one in drawn if one.get("name") == label]
    laws = [one for one in drawn if one.get("name") == "closed form" and has_values(one)]
    closed = laws[LABELS.index(label) :: len(LABELS)]
    assert len(own) == len(closed) == len(sizes)
    for line, law, layer in zip(own, closed, sizes.to_dict("records"), strict=True):
        rows = bins[bins["layer"] == layer["layer"]]
        factor = AT * layer["w_max"] / layer["rms_weight"]
        middles = [float(one) * factor for one in (rows["bin_left"] + rows["bin_right"]) / 2]
        assert line["x"] == law["x"] == near(middles)
        assert line["y"] == near([float(one) / factor for one in rows["density"]])
        assert law["y"] == near([float(one) / factor for one in rows["closed_form_density"]])


def magnitudes_are_drawn(app: AppTest, files: Files, label: str) -> None:
    """Of the lowest seed's network by layer: densities of |w| over the layer's largest, in 40 bins."""
    weights = files.weights(trained_at(files, label, AT)[0])
    lines = [one for one in traces(app, "Histograms of weight magnitudes") if one.get("name") == label]
    names = [str(name) for name in files.csv(trained_at(files, label, AT)[0], "layers.csv")["layer"]]
    assert len(lines) == len(names)
    for line, name in zip(lines, names, strict=True):
        weight = abs(weights[f"backbone.{name}.weight"])
        density, edges = np.histogram(weight / weight.max(), bins=40, range=(0, 1), density=True)
        assert line["x"] == near(((edges[1:] + edges[:-1]) / 2).tolist())
        # 51, 102, 153 and 204 of 255 lie on the edge of two bins, on which side is a matter of rounding
        assert _without_edges(line["y"]) == near(_without_edges(density.tolist()))


def _without_edges(density: Sequence[float]) -> list[float]:
    """With the bins at either side of such an edge in one."""
    found = list(density)
    for place in (8, 16, 24, 32):
        found[place - 1 : place + 1] = [found[place - 1] + found[place], 0.0]
    return found


def chips_are_counted(app: AppTest, alt: str, values: Sequence[float]) -> None:
    """A bar a range of accuracy: how many chips lie in it."""
    bars = named(app, alt, "chips")
    width = bars["width"] if isinstance(bars["width"], int | float) else bars["width"][0]
    pairs = list(zip(bars["x"], bars["y"], strict=True))
    assert sum(bars["y"]) == len(values)
    for place, (middle, count) in enumerate(pairs):
        low, high = middle - width / 2, middle + width / 2
        is_last = place == len(pairs) - 1
        edge = 1e-6 * width
        least = sum(low + edge <= 100 * v < high - edge for v in values)
        most = sum(low - edge <= 100 * v < high + edge or (is_last and 100 * v >= high - edge) for v in values)
        assert least <= count <= most, (middle, count)


def shown(mean: statistics.Mean) -> str:
    """In per cent, as pages say it."""
    return f"{100 * mean.mean:.1f} ± {100 * mean.half:.1f}"
