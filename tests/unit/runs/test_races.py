"""A race comes back from its file as it was stored, or is refused with the reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from neft.errors import RunCorruptError, RunNotFoundError, RunTooNewError, StoreError
from neft.evaluation.race import RacedChip, RaceResult
from neft.runs import races
from neft.runs.chips_key import chips_key
from neft.runs.facts import stored_config
from neft.runs.places import neft_home
from neft.runs.races import RaceQuestion, RaceRecord
from neft.runs.records import RunRecord
from neft.runs.store import RunStore

LOWEST = tuple(RacedChip(instance, accuracy) for instance, accuracy in ((7, 0.25), (3, 0.5), (9, 0.5), (2, 0.75)))


@pytest.fixture
def run(filled_store: RunStore) -> RunRecord:
    return filled_store.record(filled_store.ids()[0])


@pytest.fixture
def asked(run: RunRecord) -> RaceQuestion:
    return RaceQuestion(
        weights=races.weights_of(run),
        chips=chips_key(stored_config(run)),
        sigma_d=0.1 + 0.2,
        num_instances=400,
        percentile=1,
    )


@pytest.fixture
def kept(run: RunRecord, asked: RaceQuestion) -> RaceRecord:
    result = RaceResult(LOWEST, num_whole=40, passes=1000, whole_passes=8000, still_in=((5, 400), (20, 41)))
    return races.save(run, asked, result, num_images=20, chance_of_error=0.01, seconds=1.23456, is_own=True)


@pytest.fixture
def path(run: RunRecord, kept: RaceRecord) -> Path:
    return neft_home() / "races" / run.id / f"{kept.asked.key}.json"


def test_it_comes_back_as_it_was_stored(run: RunRecord, asked: RaceQuestion, kept: RaceRecord) -> None:
    assert races.find(run, asked) == kept
    assert (kept.instances, kept.accuracies) == ((7, 3, 9, 2), (0.25, 0.5, 0.5, 0.75))
    assert (kept.asked.sigma_d, kept.seconds, kept.cost) == (0.3, 1.235, 0.125)


def test_another_question_has_another_answer(run: RunRecord, asked: RaceQuestion, kept: RaceRecord) -> None:
    del kept
    changes: list[dict[str, Any]] = [{"percentile": 5}, {"num_instances": 401}, {"sigma_d": 0.2}, {"chips": "0" * 16}]
    assert [races.find(run, asked.model_copy(update=change)) for change in changes] == [None] * 4


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"accuracies": [0.25, 0.5, 0.5]}, "a chip lacks its accuracy"),
        ({"accuracies": [0.25, 0.5, 0.5, 1.5]}, r"every accuracy must lie in \[0, 1\]"),
        ({"accuracies": [0.5, 0.25, 0.5, 0.75]}, "its chips are not in their order"),
        ({"instances": [7, 9, 3, 2]}, "its chips are not in their order"),
        ({"instances": [7, 3, 9, 400]}, "one of those that were raced"),
        ({"still_in": [[64, 400], [20, 40]]}, "how many chips met how many images does not fit its other numbers"),
        ({"still_in": [[5, 400], [20, 400]]}, "how many chips met how many images does not fit its other numbers"),
        ({"still_in": [[5, 399], [20, 40]]}, "how many chips met how many images does not fit its other numbers"),
        ({"still_in": [[5, 400], [19, 40]]}, "how many chips met how many images does not fit its other numbers"),
        ({"still_in": [[5, 400], [20, 39]]}, "how many chips met how many images does not fit its other numbers"),
        ({"run_id": "digits-mlp1x1-vanilla-s0.00-seed0-00000000"}, "it is that of something else"),
    ],
)
def test_a_file_that_was_changed_is_refused(
    run: RunRecord, asked: RaceQuestion, path: Path, change: dict[str, Any], why: str
) -> None:
    _ = path.write_text(json.dumps(json.loads(path.read_text()) | change))

    with pytest.raises(RunCorruptError, match=f"{why}. Delete the file to race again"):
        _ = races.find(run, asked)


def test_a_version_without_end_is_refused(run: RunRecord, asked: RaceQuestion, path: Path) -> None:
    _ = path.write_text(path.read_text().replace('"version": 2', '"version": 1e999'))

    with pytest.raises(RunCorruptError):
        _ = races.find(run, asked)


def test_one_of_a_newer_version_says_so(run: RunRecord, asked: RaceQuestion, path: Path) -> None:
    _ = path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 99}))

    with pytest.raises(RunTooNewError, match="made by a newer version"):
        _ = races.find(run, asked)


def test_no_other_folder_is_reached(run: RunRecord, asked: RaceQuestion) -> None:
    with pytest.raises(RunNotFoundError, match="is not a run's id"):
        _ = races.find(run.model_copy(update={"id": "../secret"}), asked)


def test_a_folder_that_cannot_be_written_is_told(run: RunRecord, asked: RaceQuestion) -> None:
    neft_home().mkdir(parents=True, exist_ok=True)
    _ = (neft_home() / "races").write_text("a file")

    with pytest.raises(StoreError, match="The race of run"):
        _ = races.save(
            run,
            asked,
            RaceResult(LOWEST, 40, 1000, 8000),
            num_images=20,
            chance_of_error=0.01,
            seconds=1.0,
            is_own=True,
        )


def test_one_of_the_first_version_is_read_as_it_is(run: RunRecord, asked: RaceQuestion, path: Path) -> None:
    later = json.loads(path.read_text())
    _ = path.write_text(
        json.dumps({key: later[key] for key in later if key not in ("still_in", "is_own")} | {"version": 1})
    )

    found = races.find(run, asked)

    assert found is not None
    assert (found.still_in, found.is_own) == ((), None)
    assert found.instances == (7, 3, 9, 2)


def test_one_that_ships_is_found_and_ones_own_comes_before_it(
    run: RunRecord, asked: RaceQuestion, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "shipped" / "races" / run.id / path.name
    shipped.parent.mkdir(parents=True)
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "shipped")
    _ = shipped.write_text(json.dumps(json.loads(path.read_text()) | {"seconds": 77.0}))
    before = races.stamp()

    assert races.find(run, asked).seconds == 1.235  # type: ignore[union-attr]
    path.unlink()
    assert races.find(run, asked).seconds == 77.0  # type: ignore[union-attr]
    assert races.stamp() != before


def test_all_of_a_runs_weights_are_listed_and_what_cannot_be_read_is_named(
    run: RunRecord, asked: RaceQuestion, kept: RaceRecord, path: Path
) -> None:
    other = asked.model_copy(update={"weights": "1" * 64})
    _ = races.save(
        run, other, RaceResult(LOWEST, 40, 1000, 8000), num_images=20, chance_of_error=0.01, seconds=1.0, is_own=True
    )
    _ = path.with_name(f"{'0' * 16}.json").write_text("{}")

    listing = races.listed(run)

    assert listing.records == [kept]
    (reason,) = listing.problems
    assert "Delete the file to race again" in reason


def test_one_that_ships_stands_in_for_ones_own_that_cannot_be_read(
    run: RunRecord, kept: RaceRecord, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "shipped" / "races" / run.id / path.name
    shipped.parent.mkdir(parents=True)
    monkeypatch.setattr("neft.runs.store.CACHED_RUNS", tmp_path / "shipped")
    _ = shipped.write_text(path.read_text())
    _ = path.write_text("{}")

    listing = races.listed(run)

    assert listing.records == [kept]
    assert len(listing.problems) == 1


def test_of_a_run_without_weights_no_race_is_listed(run: RunRecord, kept: RaceRecord) -> None:
    del kept
    assert races.listed(run.model_copy(update={"files": {}})).records == []


def test_folder_that_cannot_be_read_is_told(run: RunRecord, asked: RaceQuestion, path: Path) -> None:
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to(path.parent)  # which nobody can follow

    (reason,) = races.listed(run).problems
    assert f"{run.id}' cannot be read" in reason
    with pytest.raises(StoreError, match="cannot be read"):
        _ = races.find(run, asked)
