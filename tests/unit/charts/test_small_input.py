"""An input that is no image as a small picture."""

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from dashboard.charts.small_input import HEIGHT, MOST_POINTS, small_input, thinned
from dashboard.charts.theme import Mode

SVG = "{http://www.w3.org/2000/svg}"


def paths(values: np.ndarray, mode: Mode = "light") -> list[ET.Element]:
    """Without the line of the mean."""
    return ET.fromstring(small_input(values, mode=mode)).findall(f"{SVG}path")[1:]  # noqa: S314 - our own


def heights(path: ET.Element) -> list[float]:
    return [float(point.split()[1]) for point in str(path.get("d"))[1:].split("L")]


def test_a_series_is_a_line_a_channel_each_in_a_colour_of_its_own() -> None:
    lines = paths(np.array([[0, 1], [1, 0], [0.5, 0.5]]))

    assert [heights(line) for line in lines] == [[HEIGHT - 1, 1], [1, HEIGHT - 1], [HEIGHT / 2, HEIGHT / 2]]
    assert len({line.get("stroke") for line in lines}) == 3


def test_a_feature_vector_is_a_bar_a_feature_from_the_mean() -> None:
    (bars,) = paths(np.array([0.0, 0.5, 1.0]))

    assert [part.split()[1] for part in str(bars.get("d")).split("M")[1:]] == [
        f"{HEIGHT / 2:g}V{end:.1f}" for end in (HEIGHT - 1, HEIGHT / 2, 1)
    ]


def test_light_and_dark_pages_have_other_colours() -> None:
    values = np.ones((2, 5))
    assert small_input(values, mode="light") != small_input(values, mode="dark")


def test_a_long_series_keeps_its_peaks_and_a_short_one_its_points() -> None:
    values = np.full(10_000, 0.5)
    values[[123, 7777]] = 0.0, 1.0

    assert len(thinned(values)) <= MOST_POINTS
    assert (thinned(values).min(), thinned(values).max()) == (0, 1)
    assert thinned(values[:9]) is not None
    assert np.array_equal(thinned(values[:9]), values[:9])


@pytest.mark.parametrize("shape", [(1,), (561,), (1, 1), (9, 128), (2, 60_000)])
def test_any_size_is_drawn_in_a_few_kilobytes_a_channel(shape: tuple[int, ...]) -> None:
    assert len(small_input(np.zeros(shape), mode="dark")) < 5_000 * max(shape[0] if len(shape) > 1 else 1, 1)
