"""A mistake that can be seen in the line alone is refused before torch is imported, once a verb was called before."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from neft.cli import VERBS, main
from neft.cli.remembered import recall, remember
from neft.errors import ConfigError

TOLD = """
import sys
from neft.__main__ import main
sys.argv = ["neft", *sys.argv[1:]]
try:
    main()
finally:
    print("torch" in sys.modules)
"""


def in_a_process(home: Path, *arguments: str) -> tuple[str, bool]:
    """What a call of its own says on standard error, and whether it imported torch."""
    ended = subprocess.run(
        [sys.executable, "-c", TOLD, *arguments],
        env=os.environ | {"NEFT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stderr, ended.stdout.splitlines()[-1] == "True"


def test_second_mistake_waits_for_nothing_and_is_told_alike(tmp_path: Path) -> None:
    first = in_a_process(tmp_path, "train", "--sigmad", "0.1")
    second = in_a_process(tmp_path, "train", "--sigmad", "0.1")

    assert (first[1], second[1]) == (True, False)
    assert first[0] == second[0]
    assert "--sigma-d" in second[0]


def test_line_without_a_mistake_reaches_the_verb(tmp_path: Path) -> None:
    _ = in_a_process(tmp_path, "train", "--sigmad", "0.1")
    error, with_torch = in_a_process(tmp_path, "train", "--device", "rram4", "--device-bits", "4", "--dry-run")

    assert with_torch
    assert "device_bits (K) must be 2; got 4." in error


def the_verb(name: str) -> click.Command:
    found = main.get_command(click.Context(main), name)
    assert found is not None
    return found


def never() -> click.Command:
    pytest.fail("it was imported")


def recalled(name: str) -> click.Command:
    remember(name, the_verb(name))
    found = recall(name, never)
    assert found is not None
    return found


@pytest.mark.parametrize("name", VERBS)
def test_what_is_kept_of_a_verb_reads_lines_as_the_verb_does(name: str) -> None:
    kept = [parameter.to_info_dict() for parameter in recalled(name).params]
    own = [parameter.to_info_dict() for parameter in the_verb(name).params]

    for ours, theirs in zip(kept, own, strict=True):
        for what in ("name", "opts", "secondary_opts", "required", "nargs", "param_type_name"):
            assert ours[what] == theirs[what]
        assert ours.get("is_flag") == theirs.get("is_flag")
        assert ours.get("multiple") == theirs.get("multiple")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--sigma-d 0,15", "--sigma-d (train σ_d) must be a number; got '0,15'. Did you mean 0.15?"),
        ("--epochs 0", "--epochs must lie in [1, 10000]; got '0'."),
        ("--decay steep", "--decay (γ schedule) must be 'paper', 'reversed' or 'constant'; got 'steep'."),
        ("--method ovff", "Unknown method 'ovff'. Did you mean 'ovf'?"),
    ],
)
def test_value_that_cannot_be_is_refused_by_what_is_kept(line: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        _ = recalled("train").make_context("train", line.split())

    assert sentence in str(refused.value)


@pytest.mark.parametrize("line", ["--bogus", "--threads 0", "--threads many", "--epochs"])
def test_line_that_cannot_be_read_is_refused_by_what_is_kept(line: str) -> None:
    with pytest.raises(click.UsageError):
        _ = recalled("train").make_context("train", line.split())


def test_nothing_is_recalled_of_other_source_files(monkeypatch: pytest.MonkeyPatch) -> None:
    remember("train", the_verb("train"))
    monkeypatch.setattr("neft.cli.remembered._source", lambda: "other")

    assert recall("train", never) is None


@pytest.mark.parametrize("kept", ["", "[]", "{}", '{"source": 1}'])
def test_nothing_is_recalled_from_a_damaged_file(kept: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEFT_HOME", str(tmp_path))
    remember("train", the_verb("train"))
    (path,) = (tmp_path / "options").iterdir()
    path.write_text(kept, encoding="utf-8")

    assert recall("train", never) is None
