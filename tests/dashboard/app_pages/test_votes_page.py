"""One input and a hundred chips: votes grow, are read at every stop, and are those of the very chips."""

import pytest
import torch

from dashboard.computing.work import restored
from dashboard.data import opened_chips, restorable
from dashboard.data.opened_chips import FIRST_LOOK, NUM_VOTERS, VOTE_SIGMA_DS
from dashboard.pages import Page
from neft import columns
from neft.runs.records import RunRecord
from neft.runs.store import WEIGHTS, RunStore
from tests.dashboard.driver import charts, open_page, traces, words

BARS, CELLS = "Votes of", "The class that each"


def a_run(store: RunStore) -> RunRecord:
    return next(record for record in store.list().records if record.facts.method == "irs")


def test_votes_are_those_of_the_very_chips(shipped: RunStore) -> None:
    record = a_run(shipped)
    opened = restored.opened_chips(record.id, restorable.checksum(record))
    asked = opened_chips.voters(record, 5)
    while not asked.is_finished:
        asked.advance()
    asked.advance()

    assert asked.num_chips == NUM_VOTERS
    for chip in (0, 99):
        logits = opened.logits(chip, sigma_ds=[0.2], images=[5])[0, 0]
        vote = asked.votes(0.2).iloc[chip]
        assert vote[columns.INSTANCE] == chip
        assert vote[columns.PREDICTED_CLASS] == int(logits.argmax())
        assert vote[columns.PROBABILITY] == pytest.approx(float(torch.softmax(logits, 0).max()), rel=1e-5)
    assert asked.tally(0.2)[columns.NUM_VOTES].sum() == NUM_VOTERS
    assert asked.votes(0.0)[columns.PREDICTED_CLASS].nunique() == 1


def test_the_slider_reads_the_votes_at_its_stop(shipped: RunStore) -> None:
    record = a_run(shipped)
    asked = opened_chips.voters(record, 5)
    while not asked.is_finished:
        asked.advance()

    app = open_page(Page.VOTES, run=record.id, image="5", votes_at="0.2")

    assert not app.exception
    for sigma_d in (0.2, 0.4):
        expected = asked.tally(sigma_d)
        bars = next(trace for trace in traces(app, BARS) if trace["type"] == "bar")
        assert bars["x"] == pytest.approx((100 * expected[columns.SHARE]).tolist())
        truth = restorable.pictures(record, (5,))[0].true_class
        right = int(expected[columns.NUM_VOTES].iloc[truth])
        assert f"**{right} of 100 chips** say that image 5 is {truth}, which it is" in words(app)
        if sigma_d < 0.4:
            app = app.select_slider(key="votes_at").set_value("0.4").run()


def test_votes_grow_with_every_redraw(shipped: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened_chips, "A_PASS", 1e-4)  # one chip a pass

    app = open_page(Page.VOTES, run=a_run(shipped).id, image="5")
    assert "1 of 100 chips asked" in words(app)
    app = app.run()

    assert "2 of 100 chips asked" in words(app)
    (cells,) = traces(app, CELLS)
    texts = [text for row in cells["text"] for text in row]
    assert len(texts) == NUM_VOTERS
    assert sum(text != "" for text in texts) == 2


def test_the_most_contested_image_is_shown_first(shipped: RunStore) -> None:
    record = a_run(shipped)
    opened = restored.opened_chips(record.id, restorable.checksum(record))
    usual = opened_chips.usual_sigma_d(record, VOTE_SIGMA_DS)

    app = open_page(Page.VOTES, run=record.id)

    image = int(app.number_input(key="image").value or 0)
    assert image == int(opened_chips.contested(record, usual)[columns.IMAGE].iloc[0])
    said = torch.stack([opened.logits(chip, sigma_ds=[usual])[0] for chip in range(FIRST_LOOK)]).argmax(dim=2)
    most = [int(torch.bincount(votes).max()) for votes in said.T]
    assert most[image] < max(most)


def test_a_thumbnail_takes_its_image_into_the_address(shipped: RunStore) -> None:
    record = a_run(shipped)
    other = int(opened_chips.contested(record, 0.1)[columns.IMAGE].iloc[3])

    app = open_page(Page.VOTES, run=record.id)
    app = app.button_group(key="contested_image").set_value(other).run()

    assert not app.exception
    assert app.number_input(key="image").value == other
    assert f"image {other} is" in words(app)


@pytest.mark.parametrize(
    "address", [{"image": "99999"}, {"image": "-1"}, {"votes_at": "0.33", "image": "x", "run": "y"}]
)
def test_wrong_values_in_the_address_do_no_harm(shipped: RunStore, address: dict[str, str]) -> None:
    app = open_page(Page.VOTES, **address)

    assert not app.exception
    assert len(charts(app)) == 2


def test_damaged_weights_are_named(shipped: RunStore) -> None:
    record = a_run(shipped)
    (shipped.root / record.id / WEIGHTS).write_bytes(b"nothing")

    app = open_page(Page.VOTES, run=record.id)

    assert not app.exception
    assert f"Run '{record.id}' is corrupt" in app.error[0].value


def test_a_wrong_chip_can_be_opened_where_the_evaluation_has_it(shipped: RunStore) -> None:
    record = a_run(shipped)

    assert opened_chips.stored_chip_address(record, 3, 0.2) == {
        "run": record.id,
        "chip": "number",
        "number": "3",
        "chip_at": "0.2",
    }
    assert opened_chips.stored_chip_address(record, 99, 0.2) is None
    assert opened_chips.stored_chip_address(record, 3, 0.0) is None
    assert opened_chips.stored_chip_address(record, 3, 0.125) is None
    said = words(open_page(Page.VOTES, run=record.id, image="5", votes_at="0.4"))
    assert "Open one of these chips" in said
