"""The public door: `import neft` gives these names, lazily, and keeps them when rooms move."""

import ast
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import neft

PUBLIC = {
    "ChipLaw",
    "NeftError",
    "Progress",
    "RunConfig",
    "RunRecord",
    "RunStore",
    "Settings",
    "Stores",
    "chip_law",
    "compare_runs",
    "evaluate",
    "generator",
    "load_data",
    "make_config",
    "preview_network",
    "program",
    "reevaluate",
    "restore_network",
    "run",
    "runs_table",
    "stored_config",
    "try_network",
}
"""A name may be added here; one that is taken away breaks its users' programs."""
README = Path(__file__).parents[2] / "README.md"


def answer(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_public_names_are_these() -> None:
    assert set(neft.__all__) == PUBLIC


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_name_is_there_and_documented(name: str) -> None:
    found = getattr(neft, name)

    assert found.__name__ == name
    assert inspect.getdoc(found)


def test_type_checkers_are_told_of_every_name_and_of_the_same_home() -> None:
    tree = ast.parse(inspect.getsource(neft))
    told = {
        alias.name: node.module
        for branch in tree.body
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert told == {name: module for module, names in neft._HOMES.items() for name in names}
    assert set(told) == PUBLIC


def test_public_name_is_no_module() -> None:
    """A module that is imported becomes an attribute of its package, and would hide the name."""
    modules = {module.name for module in pkgutil.iter_modules(neft.__path__)}

    assert not modules & PUBLIC


def test_import_alone_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'pandas', 'numpy', 'pydantic', 'scipy'}"

    assert answer(f"import sys, neft; dir(neft); print(sorted({heavy} & set(sys.modules)))") == "[]"


def test_store_is_opened_without_torch() -> None:
    assert answer("import sys, neft; neft.Stores.default().list(); print('torch' in sys.modules)") == "False"


def test_names_are_listed_before_they_are_loaded() -> None:
    listed = answer("import neft; print(*dir(neft))").split()

    assert {name for name in listed if not name.startswith("__")} == PUBLIC


def test_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match=r"no public name 'evalute'\. Did you mean 'evaluate'\? Public: ChipLaw,"):
        _ = neft.evalute


def test_readme_uses_the_public_door_alone() -> None:
    """Every `neft.name` of the section is one of these names."""
    section = README.read_text(encoding="utf-8").partition("## In Python")[2].partition("\n## ")[0]
    used = set(re.findall(r"\bneft\.([A-Za-z_]+)", section))

    assert {"run", "make_config", "try_network", "program", "RunStore"} <= used <= PUBLIC
    assert not re.findall(r"from neft[.\w]* import", section)


def test_readme_reads_what_is_stored(capsys: pytest.CaptureFixture[str]) -> None:
    section = README.read_text(encoding="utf-8").partition("## In Python")[2]
    (block,) = (block for block in re.findall(r"```python\n(.*?)```", section, re.DOTALL) if "stores.find" in block)

    exec(block, {"neft": neft})  # noqa: S102 - our own README

    said = capsys.readouterr().out
    stores = neft.Stores.default()
    record = stores.shipped.record(stores.find("digits-vgg8w4-irs-s0.10-seed0-bb"))
    means = stores.shipped.instances(record).groupby("sigma_d")["accuracy"].mean()
    assert min(stores.shipped.ids())[:20] in said  # a wide table is cut in the middle
    assert f"{means.iloc[-1]:.6f}" in said
