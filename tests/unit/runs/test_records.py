import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from neft.run_id import is_run_id
from neft.runs import records
from neft.runs.records import RunRecord, StoredFile, make_provenance
from neft.runs.store import RunStore


@pytest.fixture(scope="session")
def record(filled_store: RunStore) -> RunRecord:
    return filled_store.record(filled_store.ids()[0])


def test_record_survives_json_text(record: RunRecord) -> None:
    assert RunRecord.model_validate_json(record.model_dump_json()) == record


def test_summary_is_found_by_its_sigma_d(record: RunRecord) -> None:
    row = record.summary.at(0.1)

    assert row is not None
    assert row.sigma_d == 0.1
    assert record.summary.at(0.7) is None


def test_sum_is_sixty_four_hex_digits() -> None:
    with pytest.raises(ValidationError):
        StoredFile(sha256="0" * 63, num_bytes=1)


@pytest.mark.parametrize("revision", ["0123abc", None])
def test_revision_may_be_given_for_a_copy_without_history(
    revision: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    records._git_revision.cache_clear()
    monkeypatch.setenv("NEFT_GIT_REVISION", revision or "")

    made = make_provenance(
        torch_device="cpu", threads=1, training_seconds=1.23456, evaluation_seconds=0.0, preset=None, command=""
    )
    records._git_revision.cache_clear()

    if revision:
        assert made.git_revision == revision
    elif (Path(records.__file__).parents[2] / ".git").exists():
        assert re.fullmatch("[0-9a-f]{40}", made.git_revision or "")
    else:
        assert made.git_revision is None
    assert made.training_seconds == 1.235
    assert set(made.versions) >= {"neft", "python", "torch", "numpy"}


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("digits-vgg8w4-ovf-s0.20-seed0-1a2b3c4d", True),
        ("a-00000000", True),
        ("-00000000", False),
        (".hidden-00000000", False),
        ("a..b-00000000", False),
        ("a/b-00000000", False),
        ("a-0000000", False),
        ("a-0000000G", False),
        ("a-00000000\n", False),
        ("a" * 200 + "-00000000", False),
    ],
)
def test_ids(text: str, valid: bool) -> None:
    assert is_run_id(text) is valid
