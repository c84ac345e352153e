"""Charts for the last row of a room."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dashboard.charts.enlarged import ROOM, TYPE, enlarged
from tests.chart_examples import EXAMPLES, figure_of


def fonts(part: Any) -> Iterator[float]:
    """The size of every font in a figure."""
    if isinstance(part, dict):
        for key, inner in part.items():
            if key.endswith("font") and "size" in inner:
                yield inner["size"]
            yield from fonts(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            yield from fonts(inner)


def drawn(figure: Any) -> list[Any]:
    """The heights of all that a figure's traces draw."""
    return [trace.get("y") for trace in json.loads(figure.to_json())["data"]]


@pytest.mark.parametrize("name", ["accuracy_vs_sigma_d", "class_votes", "weight_deviations"])
def test_every_font_of_a_chart_grows_alike(name: str) -> None:
    figure = figure_of(name, EXAMPLES[name].frames, mode="light")

    usual, large = (sorted(fonts(one.to_plotly_json())) for one in (figure, enlarged(figure)))

    assert usual
    assert large == pytest.approx([TYPE * size for size in usual])


def test_enlarged_chart_draws_the_same_numbers_and_leaves_the_given_one() -> None:
    figure = figure_of("accuracy_vs_sigma_d", EXAMPLES["accuracy_vs_sigma_d"].frames, mode="light")
    before = figure.to_json()

    large = enlarged(figure)

    assert figure.to_json() == before
    assert drawn(large) == drawn(figure)
    assert large.layout.height == round(ROOM * figure.layout.height)
    assert large.layout.yaxis.range == figure.layout.yaxis.range
