"""Searches for signs: kept whole, listed, and refused where they are not what they should be."""

import json
from pathlib import Path

import pytest

from neft.errors import StoreError
from neft.runs import searches
from neft.runs.searches import SearchTrial
from tests.stored_experiments import a_record


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEFT_HOME", str(tmp_path))
    return tmp_path


RUN = a_record("digits-mlp4x128-ovf-s0.1-seed0-01234567")


def kept(key: str = "0123abcd", *, signs: tuple[str, ...] = ("bb", "++")) -> None:
    trials = [SearchTrial(signs=one, width=1, validation_accuracy=0.9, area_share=1.0, run_id=RUN.id) for one in signs]
    _ = searches.save(key, RUN.facts, trials, area_weight=0.1, max_drop=0.02, num_trials=30)


def test_kept_search_is_listed_with_its_trials() -> None:
    kept()

    (found,) = searches.listed().records
    assert [trial.signs for trial in found.trials] == ["bb", "++"]
    assert (found.key, found.num_trials, found.dataset_label) == ("0123abcd", 30, RUN.facts.dataset_label)


def test_trials_are_kept_in_the_place_of_those_before() -> None:
    kept()
    kept(signs=("bb", "++", "+b"))

    (found,) = searches.listed().records
    assert len(found.trials) == 3


def test_nothing_kept_lists_nothing() -> None:
    assert searches.listed().records == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "made by a newer version"),
        ({"key": "ffffffff"}, "it is that of something else"),
        ({"area_weight": -1}, "area_weight"),
        ({"trials": []}, "trials"),
        ({"version": None}, "it is no search"),
    ],
)
def test_search_that_is_not_what_it_should_be_is_named_while_others_are_listed(
    home: Path, change: dict[str, object], words: str
) -> None:
    kept()
    kept("89abcdef")
    path = home / "searches" / "0123abcd.json"
    raw = json.loads(path.read_text(encoding="utf-8")) | change
    path.write_text(json.dumps(raw), encoding="utf-8")

    listing = searches.listed()
    assert [record.key for record in listing.records] == ["89abcdef"]
    assert words in listing.problems["0123abcd.json"]


def test_trials_of_different_networks_are_refused() -> None:
    kept(signs=("bb", "+"))

    assert "different networks" in searches.listed().problems["0123abcd.json"]


def test_folder_that_cannot_be_written_is_told(home: Path) -> None:
    (home / "searches").write_text("a file", encoding="utf-8")

    with pytest.raises(StoreError, match="The trials of a search cannot be written to"):
        kept()


def test_searches_whose_folder_cannot_be_read_are_told(home: Path) -> None:
    (home / "searches").symlink_to("searches")

    (reason,) = searches.listed().problems.values()
    assert "searches' cannot be read: Too many levels of symbolic links" in reason
