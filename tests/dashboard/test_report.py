"""The report of a page: its numbers are the stored ones, and what it needs to be made again is in it."""

import html
import re
import shlex
from html.parser import HTMLParser

import pandas as pd
import pytest
from typing_extensions import override

from dashboard import charts
from dashboard.address import Reading
from dashboard.data import exchange, results, stored
from dashboard.pages import Page
from dashboard.widgets.chart_card import Card, Drawn
from dashboard.widgets.share_popover import Shared, report_bytes
from neft import columns
from neft.runs.records import RunRecord
from neft.runs.store import RunStore
from neft.tables import crossed_interval
from neft.tables.percentiles import low_percentiles_of_run
from tests.dashboard.driver import open_page, words

CHANCE = 0.1
HERE = "http://127.0.0.1:8501/?methods=OVF&at=0.1"


class Tables(HTMLParser):
    """The tables of a document by the title above them: heads, and rows of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self._tag, self._title = "", ""
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        if tag == "table":
            self.found[self._title] = []
        if tag == "tr":
            self.found[self._title].append([])

    @override
    def handle_data(self, data: str) -> None:
        if self._tag == "h2":
            self._title = data
        if self._tag in ("th", "td"):
            self.found[self._title][-1].append(data)
        self._tag = ""

    def column(self, title: str, head: str) -> list[str]:
        rows = next(rows for name, rows in self.found.items() if name.startswith(title))
        return [row[rows[0].index(head)] for row in rows[1:]]


@pytest.fixture
def records(shipped: RunStore) -> list[RunRecord]:
    return shipped.list().records


@pytest.fixture
def curves(records: list[RunRecord]) -> pd.DataFrame:
    return stored.curves(Reading(tuple(record.id for record in records), "fixed", 0.1), columns.ACCURACY)


@pytest.fixture
def text(records: list[RunRecord], curves: pd.DataFrame) -> str:
    figure = charts.accuracy_vs_sigma_d(
        curves, slice_sigma_d=0.1, chance=CHANCE, interval_name="mean", connect=True, mode="light"
    )
    card = Card("accuracy", "How fast?", "Look.", "Defined.", "Alt.")
    shared = Shared(lead="**OVF** wins.", further={"Again": lambda: curves})
    drawn = [Drawn(card, figure, curves)]
    return report_bytes("A title", shared, drawn, records, mode="light", here=HERE).decode()


def test_means_and_intervals_are_those_of_the_stored_chips(
    text: str, curves: pd.DataFrame, shipped: RunStore, records: list[RunRecord]
) -> None:
    tables = Tables(text)

    means = [float(cell) for cell in tables.column("How fast?", "Mean")]
    halves = [float(cell) for cell in tables.column("How fast?", "± 95 %")]
    assert means == pytest.approx(curves[columns.MEAN].tolist(), rel=1e-5)
    ovf = [record for record in records if record.facts.variant == "ovf"]
    chips = [shipped.instances(record).query("abs(sigma_d - 0.1) < 1e-9")["accuracy"].tolist() for record in ovf]
    own = crossed_interval(pd.DataFrame(chips).to_numpy(dtype=float))
    where = [
        index
        for index, row in enumerate(curves.to_dict("records"))
        if row[columns.VARIANT] == "ovf" and row[columns.SIGMA_D] == pytest.approx(0.1)
    ]
    assert means[where[0]] == pytest.approx(own.mean, rel=1e-5)
    assert halves[where[0]] == pytest.approx(own.ci95, rel=1e-5)
    assert tables.column("How fast?", "Seeds")[where[0]] == "2"
    assert tables.column("How fast?", "Chips")[where[0]] == "4"


def test_every_run_is_there_with_its_stored_numbers(text: str, records: list[RunRecord]) -> None:
    tables = Tables(text)

    assert tables.column("The 10 runs", "Id") == [record.id for record in records]
    assert tables.column("The 10 runs", "Run") == [record.facts.name for record in records]
    found = dict(
        zip(
            zip(tables.column("Every run", "Id"), tables.column("Every run", "σ_d"), strict=True),
            tables.column("Every run", "Accuracy"),
            strict=True,
        )
    )
    for record in records:
        for row in record.summary.test:
            mean = row.metrics["accuracy"].mean
            assert mean is not None
            assert float(found[record.id, f"{row.sigma_d:.6g}"]) == pytest.approx(mean, rel=1e-5)


def test_percentiles_are_there_with_their_limits(text: str, records: list[RunRecord], shipped: RunStore) -> None:
    tables = Tables(text)
    heads = ("1st percentile", "1st pct., at least", "1st pct., at most")
    where = list(zip(tables.column("Every run", "Id"), tables.column("Every run", "σ_d"), strict=True))
    found = dict(zip(where, zip(*(tables.column("Every run", head) for head in heads), strict=True), strict=True))

    for record in records:
        for row in low_percentiles_of_run(shipped.instances(record)).to_dict("records"):
            value, lower, upper = found[record.id, f"{row[columns.SIGMA_D]:.6g}"]
            assert float(value) == pytest.approx(row[columns.PERCENTILE_1], rel=1e-5)
            assert float(upper) == pytest.approx(row[columns.PERCENTILE_1_UPPER], rel=1e-5)
            assert (lower == "–") == (row[columns.SIGMA_D] > 0)  # four chips set no lower limit
    assert "missing where so few chips set none" in text


def test_percentile_that_a_chart_shows_is_in_numbers(shipped: RunStore, records: list[RunRecord]) -> None:
    every = results.low_percentiles(Reading(tuple(record.id for record in records), "fixed", 0.1))

    table = exchange.means_table(every)

    assert table is not None
    assert {"Percentile", "Value", "Lower", "Upper", "Seeds", "Chips"} <= set(table.columns)
    assert "Mean" not in table
    assert set(table["Percentile"]) == {1, 5}


def test_every_run_has_the_command_that_makes_it_again(text: str, records: list[RunRecord]) -> None:
    for record in records:
        command = re.search(rf"<dt>{record.id}</dt><dd><code>(.*?)</code></dd>", text)
        assert command is not None
        assert shlex.split(html.unescape(command[1])) == shlex.split(exchange.commands([record])[record.id])


def test_report_says_its_finding_versions_and_address(text: str, records: list[RunRecord]) -> None:
    assert "<strong>OVF</strong> wins." in text
    assert html.escape(HERE) in text
    assert f"torch {records[0].provenance.versions['torch']}" in text
    assert "What differs between them" in Tables(text).found


def test_of_many_runs_only_the_trained_sigma_d_is_reported(
    records: list[RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "FEW_RUNS", 3)

    table = exchange.results_table(records)

    trained = {record.id: record.facts.train_sigma_d for record in records}
    assert len(table) == len(records)
    assert (table["Id"].map(trained) - table["σ_d"]).abs().max() < 1e-9


def test_landing_page_offers_its_report_and_its_address(shipped: RunStore) -> None:
    app = open_page(read="Fixed")

    assert not app.exception
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels.count("Report as HTML") == 1
    assert labels.count("HTML") == labels.count("CSV") == len(app.get("plotly_chart"))
    assert "read=fixed" in words(app)
    assert "runs as one file" in words(app)


def test_page_without_a_chart_offers_no_report(shipped: RunStore) -> None:
    app = open_page(Page.COMPARE)

    assert not app.exception
    assert [button.proto.label for button in app.get("download_button")] == []
