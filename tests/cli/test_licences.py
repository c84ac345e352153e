"""What is installed with neft, and under which licences."""

import json
import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest

from neft.cli.licences import UNNAMED, installed_with, stated_licence
from tests.cli.conftest import Neft

ROOT = Path(__file__).parents[2]
SPECIAL = re.compile(r"\b(A?GPL|LGPL|General Public|proprietary|commercial)\b", re.IGNORECASE)
"""Licences that ask more of who hands neft on than that notices are kept."""


def rows(neft: Neft) -> dict[str, dict[str, str]]:
    listed = json.loads(neft("licences", "--json").out)["licences"]
    return {row["package"]: row for row in listed}


def test_everything_that_is_declared_is_listed_with_its_version(neft: Neft) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = {re.split(r"[<>=!~;\[ ]", entry)[0].lower().replace("_", "-") for entry in declared}
    found = rows(neft)
    assert names | {"neft"} <= set(found)
    assert found["torch"]["version"] == distribution("torch").version


def test_what_only_an_extra_or_the_tests_need_is_not_listed(neft: Neft) -> None:
    assert not {"pytest", "distributed", "optuna", "ruff", "basedpyright"} & set(rows(neft))


def test_no_licence_is_unstated_or_asks_more_than_notices(neft: Neft) -> None:
    for row in rows(neft).values():
        assert row["licence"] != UNNAMED, row
        assert not SPECIAL.search(row["licence"]), row


def test_people_get_a_table(neft: Neft) -> None:
    lines = neft("licences").out.splitlines()
    assert lines[0].split("\t") == ["package", "version", "licence"]
    assert any(line.startswith("torch\t") for line in lines)


@pytest.mark.parametrize(
    ("told", "licence"),
    [
        ("License-Expression: MIT\nLicense: other", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License\nLicense: BSD", "BSD License"),
        ("Classifier: License :: OSI Approved\nLicense: Apache-2.0", "Apache-2.0"),
        (f"License: {'A' * 100}", f"{'A' * 79}…"),
        ("Summary: none", UNNAMED),
    ],
)
def test_a_licence_is_what_a_package_states(
    told: str, licence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "made-1.dist-info"
    made.mkdir()
    needs = "Requires-Dist: gone; sys_platform == 'none'\nRequires-Dist: gone-too; extra == 'x'"
    _ = (made / "METADATA").write_text(f"Metadata-Version: 2.4\nName: made\nVersion: 1\n{needs}\n{told}\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = installed_with("Made")
    assert list(found) == ["made"]
    assert stated_licence(found["made"]) == licence
