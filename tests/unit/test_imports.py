"""What the package imports, and what it must not."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import neft

PACKAGE = Path(neft.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
UNPICKLERS = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "shelve", "marshal", "jsonpickle"}
LOADERS = {("torch", "load"), ("joblib", "load"), ("pd", "read_pickle"), ("pandas", "read_pickle")}
REFUSALS = {"weights_only": True, "allow_pickle": False}
"""What tells torch and NumPy to refuse whatever would have to be unpickled."""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_unpickled(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tensors_alone = {
        id(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and any(word.arg == "weights_only" for word in node.keywords)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert not {name.name.split(".")[0] for name in node.names} & UNPICKLERS
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in UNPICKLERS
            assert not {(node.module, name.name) for name in node.names} & LOADERS
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and id(node) not in tensors_alone:
            assert (node.value.id, node.attr) not in LOADERS
        if isinstance(node, ast.keyword) and node.arg in REFUSALS:
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is REFUSALS[node.arg]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec"}


def modules_after(statement: str) -> set[str]:
    command = [sys.executable, "-c", f"{statement}; import sys; print(*sys.modules)"]
    answer = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


def test_showing_stored_numbers_imports_no_torch() -> None:
    assert not modules_after("import neft.runs.store, neft.tables, neft.runs.records, neft.reference") & {
        "torch",
        "torchvision",
        "sklearn",
        "streamlit",
    }


def test_library_imports_no_app() -> None:
    assert not modules_after("import neft.sweeps.sweep") & {"dashboard", "streamlit", "plotly"}
