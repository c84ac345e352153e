"""What the packages import is what an installation brings."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
OWN = {"neft", "dashboard"}
OPTIONAL = {"distributed", "optuna"}
"""Of an extra; who lacks it is told so."""


def imported() -> set[str]:
    """Top-level modules of others that the packages import, anywhere."""
    found: set[str] = set()
    for package in OWN:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.partition(".")[0])
    return found - OWN - set(sys.stdlib_module_names)


def test_everything_that_is_imported_is_declared_with_bounds() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    by_name = {re.split(r"[<>=!~;\[ ]", entry)[0].lower().replace("_", "-"): entry for entry in declared}
    providers = packages_distributions()
    needed = {
        module: {name.lower().replace("_", "-") for name in providers.get(module, [module])} for module in imported()
    }

    assert {module for module, names in needed.items() if not names & set(by_name)} <= OPTIONAL
    assert [entry for entry in declared if "<" not in entry and "==" not in entry and "~=" not in entry] == []
