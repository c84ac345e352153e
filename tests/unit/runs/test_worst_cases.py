"""A worst case comes back from its file as it was stored, or is refused with the reason."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from neft.errors import RunCorruptError, RunNotFoundError, RunTooNewError, StoreError
from neft.evaluation.search_settings import SearchSettings
from neft.runs import waterfalls, worst_cases
from neft.runs.places import neft_home
from neft.runs.records import RunRecord
from neft.runs.store import WEIGHTS, RunStore
from neft.runs.worst_cases import WorstCaseRecord

TH_GS = (0.0, 0.01, 0.02, 0.03)
SETTINGS = SearchSettings(num_steps=5)
ALIKE = {"projected_accuracy": 0.3, "lagrangian_accuracy": 0.4, "uniform_mean": 0.9, "uniform_min": 0.8}
ROWS: list[dict[str, float | str]] = [
    {"th_g": th_g, "accuracy": accuracy, "found_by": by, **ALIKE, "gaussian_mean": 0.95, "gaussian_min": 0.9}
    for th_g, accuracy, by in zip(
        TH_GS, (0.97, 0.3, 0.3, 0.1), ("none", "projected", "projected", "lagrangian"), strict=True
    )
]


@pytest.fixture
def run(filled_store: RunStore) -> RunRecord:
    return filled_store.record(filled_store.ids()[0])


@pytest.fixture
def deviations() -> list[dict[str, Tensor]]:
    """The third is the second's: nothing worse was found."""
    small, large = ({"layer": torch.tensor([[-th_g, th_g]]), "other": torch.tensor([th_g])} for th_g in (0.01, 0.03))
    return [{}, small, small, large]


@pytest.fixture
def kept(run: RunRecord, deviations: list[dict[str, Tensor]]) -> WorstCaseRecord:
    return worst_cases.save(run, ROWS, deviations, settings=SETTINGS, num_images=70, seconds=1.23456)


@pytest.fixture
def path(run: RunRecord, kept: WorstCaseRecord) -> Path:
    return neft_home() / "worst_cases" / run.id / f"{kept.key}.safetensors"


def rewritten(path: Path, *, raw: dict[str, Any] | None = None, tensors: dict[str, Tensor] | None = None) -> None:
    """The file with other contents."""
    with safe_open(path, framework="np") as opened:
        metadata = dict(opened.metadata())
    if raw is not None:
        metadata["record"] = json.dumps(json.loads(metadata["record"]) | raw)
    save_file(load_file(path) if tensors is None else tensors, path, metadata=metadata)


def test_it_comes_back_as_it_was_stored(
    run: RunRecord, kept: WorstCaseRecord, deviations: list[dict[str, Tensor]]
) -> None:
    again = worst_cases.find(run, TH_GS, SETTINGS)

    assert again is not None
    assert again == kept
    assert again.table.to_dict("records") == ROWS
    assert (again.num_images, again.seconds, again.settings) == (70, 1.235, SETTINGS)
    for found, stored in zip(worst_cases.load_deviations(again), deviations, strict=True):
        assert found.keys() == stored.keys()
        assert all(torch.equal(tensor, stored[name]) for name, tensor in found.items())


def test_a_search_that_was_not_tried_has_no_accuracy(run: RunRecord) -> None:
    row = ROWS[0] | {"lagrangian_accuracy": float("nan")}
    record = worst_cases.save(run, [row], [{}], settings=SETTINGS, num_images=70, seconds=1.0)

    assert record.rows[0].lagrangian_accuracy is None
    assert worst_cases.find(run, TH_GS[:1], SETTINGS) == record


def test_a_deviation_that_several_bounds_share_is_stored_once(kept: WorstCaseRecord, path: Path) -> None:
    assert [row.deviation for row in kept.rows] == [-1, 0, 0, 1]
    assert sorted(load_file(path)) == ["0:layer", "0:other", "1:layer", "1:other"]


@pytest.mark.usefixtures("kept")
def test_another_question_finds_nothing(run: RunRecord) -> None:
    assert worst_cases.find(run, TH_GS[1:], SETTINGS) is None
    assert worst_cases.find(run, TH_GS, SearchSettings(num_steps=6)) is None
    retrained = run.files | {WEIGHTS: run.files[WEIGHTS].model_copy(update={"sha256": "0" * 64})}
    assert worst_cases.find(run.model_copy(update={"files": retrained}), TH_GS, SETTINGS) is None


def test_searches_are_listed_latest_first_and_others_named(run: RunRecord, kept: WorstCaseRecord, path: Path) -> None:
    rewritten(path, raw={"created": "2026-01-01T00:00:00+00:00"})
    earlier = worst_cases.find(run, TH_GS, SETTINGS)
    later = worst_cases.save(run, ROWS[:1], [{}], settings=SETTINGS, num_images=70, seconds=1.0)
    path.with_name("0" * 16 + path.suffix).write_bytes(b"no tensors")

    listing = worst_cases.listed(run)

    assert listing.records == [later, earlier]
    assert earlier != kept
    assert list(listing.problems) == ["0" * 16 + path.suffix]
    assert "it is no worst case. Delete the file to search again." in listing.problems["0" * 16 + path.suffix]


def test_of_a_run_without_weights_nothing_is_asked_or_stored(run: RunRecord) -> None:
    bare = run.model_copy(update={"files": {name: file for name, file in run.files.items() if name != WEIGHTS}})

    with pytest.raises(RunNotFoundError, match="was stored without its weights, so its worst case cannot be searched"):
        worst_cases.find(bare, TH_GS, SETTINGS)
    with pytest.raises(RunNotFoundError):
        worst_cases.save(bare, ROWS[:1], [{}], settings=SETTINGS, num_images=70, seconds=1.0)
    assert worst_cases.listed(bare).records == []


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({"run_id": "digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d"}, "it is that of something else"),
        ({"seconds": -1}, "seconds"),
        ({"rows": []}, "its rows are not those of its th_g"),
        ({"version": "x"}, "it is no worst case"),
    ],
)
@pytest.mark.usefixtures("kept")
def test_a_file_that_says_something_else_is_refused(
    run: RunRecord, path: Path, raw: dict[str, Any], reason: str
) -> None:
    rewritten(path, raw=raw)
    with pytest.raises(RunCorruptError, match=reason):
        worst_cases.find(run, TH_GS, SETTINGS)


@pytest.mark.usefixtures("kept")
def test_a_newer_version_s_file_says_so(run: RunRecord, path: Path) -> None:
    rewritten(path, raw={"version": 2})
    with pytest.raises(RunTooNewError, match="made by a newer version of neft"):
        worst_cases.find(run, TH_GS, SETTINGS)


def test_deviations_that_were_changed_are_refused(kept: WorstCaseRecord, path: Path) -> None:
    rewritten(path, tensors=load_file(path) | {"1:layer": torch.tensor([[0.0, 0.0]])})
    with pytest.raises(RunCorruptError, match="its deviations are not those that were stored"):
        worst_cases.load_deviations(kept)


def test_deviations_beyond_their_bound_are_refused(run: RunRecord) -> None:
    far = {"layer": torch.tensor([0.011])}
    record = worst_cases.save(run, ROWS[:2], [{}, far], settings=SETTINGS, num_images=70, seconds=1.0)
    with pytest.raises(RunCorruptError, match=r"more than th_g = 0\.01"):
        worst_cases.load_deviations(record)


@pytest.fixture
def blocked() -> None:
    """A file where the folder should be."""
    neft_home().mkdir(parents=True)
    (neft_home() / "worst_cases").write_text("")


@pytest.mark.usefixtures("blocked")
def test_a_folder_that_cannot_be_written_says_so(run: RunRecord) -> None:
    with pytest.raises(StoreError, match=r"The worst case of run '.*' cannot be written"):
        worst_cases.save(run, ROWS[:1], [{}], settings=SETTINGS, num_images=70, seconds=1.0)


def test_reading_needs_no_torch() -> None:
    command = [sys.executable, "-c", "import neft.runs.worst_cases, sys; print('torch' in sys.modules)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_what_the_system_does_not_tell_is_no_search_that_was_never_made(run: RunRecord) -> None:
    neft_home().mkdir(exist_ok=True)
    for name in ("worst_cases", "waterfalls"):
        (neft_home() / name).symlink_to(name)

    (reason,) = worst_cases.listed(run).problems.values()
    assert "cannot be read: Too many levels of symbolic links" in reason
    for find in (lambda: worst_cases.find(run, TH_GS, SETTINGS), lambda: waterfalls.find(run, 0.1)):
        with pytest.raises(StoreError, match="cannot be read: Too many levels of symbolic links"):
            _ = find()
