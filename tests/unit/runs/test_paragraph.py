"""What a paper says of a run: every number is the record's own."""

import re

import pytest

from neft.errors import RunCorruptError
from neft.runs.paragraph import bibtex, methods_paragraph
from neft.runs.records import RunRecord
from neft.runs.store import CACHED_RUNS, RunStore


@pytest.fixture(scope="module")
def records() -> list[RunRecord]:
    """Shipped runs, some of every kind of network and data."""
    return RunStore(CACHED_RUNS).list().records[::97]


def test_paragraph_says_what_was_trained_how_long_and_on_how_many_chips(records: list[RunRecord]) -> None:
    for record in records:
        text = methods_paragraph(record)
        facts, summary = record.facts, record.summary
        assert f"with {facts.label}" in text
        assert f"for {summary.num_epochs} epochs" in text
        assert f"on {facts.num_instances:,} sampled chip" in text.replace("at most ", "")
        assert f"seed {facts.seed}" in text
        assert record.id in text


def test_accuracy_of_the_paragraph_is_the_stored_mean_with_digits_by_its_interval(records: list[RunRecord]) -> None:
    for record in records:
        own = record.summary.at(record.facts.train_sigma_d)
        if own is None or not own.metrics["accuracy"].ci95:
            continue
        found = re.search(r"accuracy is ([\d.]+) ± ([\d.]+) %", methods_paragraph(record))
        assert found is not None
        mean, half = own.metrics["accuracy"].mean, own.metrics["accuracy"].ci95
        assert mean is not None
        assert half is not None
        assert float(found[1]) == pytest.approx(100 * mean, abs=half * 10)
        assert float(found[2]) == pytest.approx(100 * half, rel=0.06)
        assert len(found[1].partition(".")[2]) == len(found[2].partition(".")[2])


def test_entry_of_a_run_holds_its_id_and_no_sign_that_latex_reads_otherwise(records: list[RunRecord]) -> None:
    for record in records:
        entry = bibtex(record)
        assert record.id in entry.replace("\\_", "_")
        assert entry.count("{") == entry.count("}")
        assert not re.search(r"(?<!\\)[&%$#_]", entry)


@pytest.mark.parametrize("part", ["training", "method", "evaluation"])
def test_record_that_lacks_what_a_paper_says_is_refused(records: list[RunRecord], part: str) -> None:
    config = {name: settings for name, settings in records[0].config.items() if name != part}

    with pytest.raises(RunCorruptError, match="lacks what a paper says"):
        methods_paragraph(records[0].model_copy(update={"config": config}))
