"""Every page over a run whose inputs are no images: they are drawn as what they are, and called so."""

import base64
from pathlib import Path

import numpy as np
import pytest

from dashboard.data import opened_chips, restorable
from dashboard.pages import Page
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.methods import NoiseInjection
from neft.pipeline import Settings, run
from neft.runs.records import RunRecord
from neft.runs.store import RunStore, Stores
from neft.seeding import numpy_generator
from tests.dashboard.driver import open_page, words

SHAPES = {"series": (2, 24), "feature vector": (9,)}
BACKBONES = {
    "series": {"name": "cnn1d", "width": 1 / 32},
    "feature vector": {"name": "mlp", "hidden_layers": 2, "hidden_units": 8},
}


@pytest.fixture(params=SHAPES)
def record(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunRecord:
    """The only run there is; its class is hard to tell, so that chips flip some."""
    called = request.param
    labels = np.arange(90) % 3
    noise = numpy_generator(0, "other inputs").normal(size=(90, *SHAPES[called]))
    np.savez(tmp_path / "data.npz", x=noise + labels.reshape(-1, *(1,) * len(SHAPES[called])), y=labels)
    config = RunConfig.make(
        dataset={"name": "arrays", "path": str(tmp_path / "data.npz")},
        backbone=BACKBONES[called],
        method=NoiseInjection(),
        training=TrainingConfig(epochs=6, validation_instances=2, batch_size=16),
        evaluation=EvaluationConfig(sigma_ds=(0.0, 0.1, 0.3), num_instances=6),
    )
    stores = Stores(own=RunStore(tmp_path / "shipped"), shipped=RunStore(tmp_path / "none", read_only=True))
    made = run(config, Settings(store=stores.own, pretrained_stores=stores, unfinished_root=tmp_path / "unfinished"))
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "shipped")
    return made


def pictures_of(html: str) -> list[str]:
    """Every SVG in a text."""
    parts = html.split("data:image/svg+xml;base64,")[1:]
    return [base64.b64decode(part.partition('"')[0].partition(")")[0]).decode() for part in parts]


@pytest.mark.parametrize("page", list(Page))
def test_every_page_opens_over_such_a_run(page: Page, record: RunRecord) -> None:
    app = open_page(page, run=record.id)

    assert not app.exception


def test_votes_are_asked_of_one_of_them_and_no_drawing_is_offered(record: RunRecord) -> None:
    called = restorable.called(record)
    app = open_page(Page.VOTES, run=record.id, image="3")

    assert not app.exception
    assert app.title[0].value == f"What do a hundred chips say of one {called.one}?"
    assert f"say that {called.one} 3 is" in words(app)
    assert "Drawn by hand" not in str(app.sidebar)
    assert not opened_chips.takes_drawings(record)
    (tile,) = [html.proto.body for html in app.get("html") if "<figure>" in html.proto.body]
    (svg,) = pictures_of(tile)
    assert svg.count("<path") == 1 + (2 if called.one == "series" else 1)
    (pills,) = [group for group in app.get("button_group") if "Most contested" in str(group.proto.label)]
    assert "data:image/svg+xml" in str(pills.proto)


def test_a_chip_shows_those_that_it_flips_as_what_they_are(record: RunRecord) -> None:
    called = restorable.called(record)
    app = open_page(Page.CHIP, run=record.id, chip="Worst", chip_at="0.3")
    report = opened_chips.report(record, 0.3, int(opened_chips.ranked(record, 0.3)["instance"].iloc[0]))

    assert not app.exception
    assert f"## Which {called.many} does it flip?" in words(app)
    tiles = [html.proto.body for html in app.get("html") if "<figure>" in html.proto.body]
    drawn = sum(len(pictures_of(tile)) for tile in tiles)
    assert drawn == min(len(report.flipped), opened_chips.FIRST_IMAGES) > 0
