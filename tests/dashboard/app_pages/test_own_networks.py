"""Runs of networks of one's own on the pages."""

from pathlib import Path

import pytest
import torch
from torch import nn

import neft
from dashboard import address
from dashboard.pages import Page
from neft.runs.places import neft_home
from neft.runs.store import RunStore
from tests.dashboard.driver import charts, open_page, words


@pytest.fixture
def ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two runs of one's own, and none beside them."""
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "none")
    store = RunStore(neft_home() / "runs")
    images = torch.linspace(-1, 1, 20 * 64).reshape(20, 1, 8, 8).sin()
    for slope in (0.5, 1.0):
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 4)).eval()
        with torch.no_grad():
            for parameter in network.parameters():
                _ = parameter.copy_(torch.linspace(-slope, slope, parameter.numel()).cos().reshape(parameter.shape))
        batches = [(images, torch.arange(20) % 4)]
        _ = neft.try_network(network, batches, sigma_ds=[0.0, 0.1], num_instances=3, store=store, title="Mine")
    return store.ids()


@pytest.mark.parametrize("page", list(Page), ids=lambda page: page.name)
def test_every_page_bears_them(ids: list[str], page: Page) -> None:
    app = open_page(page, **{address.RUNS: ids})

    assert not app.exception
    assert not app.error


def test_a_run_is_shown_without_a_training(ids: list[str]) -> None:
    app = open_page(Page.RUNS, **{address.RUNS: ids[0]})

    assert any("Mine (own, " in frame.value.to_string() for frame in app.dataframe)
    assert "How did it train?" not in words(app)
    assert not any("Loss" in alt for alt in charts(app))


def test_the_training_form_does_not_offer_what_was_given(ids: list[str]) -> None:
    app = open_page(Page.TRAIN, **{address.TRAIN_LIKE: ids[0]})

    assert not app.exception
    assert not {"own_network", "own_batches", "trained_elsewhere"} & {
        option for box in app.selectbox for option in box.options
    }
