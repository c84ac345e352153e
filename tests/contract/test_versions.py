"""One version, wherever it stands, with a word on what it changed."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import neft
from neft.runs.bundles.manifest import MANIFEST_VERSION
from neft.runs.plans import PLAN_VERSION
from neft.runs.records import SCHEMA_VERSION

ROOT = Path(__file__).parents[2]
CHANGES = (ROOT / "neft" / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_version_is_the_same_everywhere_and_has_its_changes() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert neft.__version__ == declared == version("neft")
    assert re.findall(r"^## (.+)$", CHANGES, flags=re.MULTILINE)[0] == declared


def test_the_versions_of_what_is_stored_are_told() -> None:
    words = f"runs have `schema_version` {SCHEMA_VERSION}, plans `plan_version` {PLAN_VERSION}"
    assert words in CHANGES
    assert f"bundles `schema_version` {MANIFEST_VERSION}" in CHANGES
