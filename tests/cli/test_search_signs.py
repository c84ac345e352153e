"""neft search-signs: signs by layer, chosen on validation accuracy and area."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from neft.cli import main
from neft.runs import searches
from neft.runs.searches import SearchRecord
from neft.runs.store import RunStore

SMALL = (
    *("--max-train", "100", "--backbone", "mlp", "--hidden-units", "6", "--hidden-layers", "1"),
    *("--epochs", "2", "--sigma-d", "0.02", "--validation-instances", "1"),
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEFT_HOME", str(tmp_path))
    return tmp_path


def searched(*options: str) -> dict[str, list[dict[str, object]]]:
    done = CliRunner().invoke(main, ["search-signs", *SMALL, *options, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout[done.stdout.index("{") :])


def test_trials_begin_with_the_two_references_and_area_is_that_of_the_devices() -> None:
    trials = searched("--trials", "3", "--max-drop", "1")["trials"]

    assert [trial["signs"] for trial in trials[:2]] == ["bb", "++"]
    assert [trial["area_share"] for trial in trials[:2]] == [1.0, 0.5]
    for trial in trials:
        assert trial["merit"] == pytest.approx(
            float(str(trial["validation_accuracy"])) - 0.1 * float(str(trial["area_share"]))
        )


def test_search_that_goes_on_makes_the_trials_of_one_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = searched("--trials", "3", "--max-drop", "1")["trials"]
    further = searched("--trials", "5", "--max-drop", "1")["trials"]
    monkeypatch.setenv("NEFT_HOME", str(tmp_path / "other"))
    at_once = searched("--trials", "5", "--max-drop", "1")["trials"]

    assert further[:3] == first
    assert further == at_once


def test_torn_journal_loses_no_trial_and_is_told(home: Path) -> None:
    words = ["search-signs", *SMALL, "--trials", "4", "--max-drop", "1", "--json"]
    first = searched("--trials", "4", "--max-drop", "1")["trials"]
    (journal,) = (home / "searches").glob("*.journal")
    whole = journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    torn = {
        "at its end": whole[:-20],
        "as the first trial is begun": b"".join(lines[:4])[:-5],
        "in its midst": b"".join([*lines[:-4], b'{"op\n', *lines[-4:]]),
        "with zeros": whole[:-20] + bytes(20),
        "at its beginning": whole[:3],
    }
    for where, content in torn.items():
        journal.write_bytes(content)
        again = CliRunner().invoke(main, words)

        assert again.exit_code == 0, (where, again.output)
        assert json.loads(again.stdout[again.stdout.index("{") :])["trials"] == first, where
        assert f"The search's journal '{journal.name}' was torn after" in " ".join(again.stderr.split()), where
        assert "torn" not in CliRunner().invoke(main, words).stderr, where
    assert len(RunStore(home / "runs").ids()) == len({trial["run_id"] for trial in first})


def test_trials_are_kept_for_the_dashboard_after_each(home: Path) -> None:
    found = searched("--trials", "2", "--max-drop", "1")["trials"]

    (kept,) = searches.listed().records
    assert [trial.run_id for trial in kept.trials] == [trial["run_id"] for trial in found]
    assert (home / "searches" / f"{kept.key}.journal").is_file()

    verb, *words = shlex.split(kept.command)[1:]
    again = CliRunner().invoke(main, [verb, *words, "--json"])
    assert verb == "search-signs"
    assert json.loads(again.stdout[again.stdout.index("{") :])["trials"] == found
    assert len(searches.listed().records) == 1


def test_search_that_goes_on_never_keeps_fewer_trials_than_before(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    save = searches.save

    def counting(*given: Any, **named: Any) -> SearchRecord:
        kept.append(len(given[2]))
        return save(*given, **named)

    _ = searched("--trials", "3", "--max-drop", "1")
    monkeypatch.setattr(searches, "save", counting)
    _ = searched("--trials", "5", "--max-drop", "1")

    assert min(kept) == 3
    assert kept[-1] == 5


def test_signs_come_back_layer_by_layer_where_too_much_is_lost(home: Path) -> None:
    longer = ("--epochs", "20", "--hidden-units", "16", "--max-train", "300")  # so that both signs are better
    found = searched("--trials", "2", "--max-drop", "0", "--area-weight", "10", *longer)
    signs = [trial["signs"] for trial in found["trials"]]

    # the area counts so much that one sign everywhere has the best merit; the last layer is the smaller one
    assert signs[:3] == ["bb", "++", "+b"]
    assert found["chosen"]["validation_accuracy"] >= found["trials"][0]["validation_accuracy"]  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert len(RunStore(home / "runs").ids()) == len(set(signs))  # each is trained once


def test_widths_must_hold_1_and_be_of_a_backbone_that_has_one() -> None:
    for options, words in (
        (("--widths", "0"), "must be numbers in (0, 16]"),
        (("--widths", "1,x"), "must be numbers in (0, 16], as '1,1.5'; got '1,x'"),
        (("--widths", "1,2"), "widths are of backbones with a width; 'mlp1x6' has none"),
    ):
        done = CliRunner().invoke(main, ["search-signs", *SMALL, *options])
        assert done.exit_code != 0
        assert words in str(done.exception or done.output)
