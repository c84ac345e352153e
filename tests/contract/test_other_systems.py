"""What one system has and another lacks is asked for before it is used: by the type stubs of the standard library."""

import ast
import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [path for name in ("neft", "dashboard") for path in sorted((ROOT / name).rglob("*.py"))]
SYSTEMS = ("win32", "darwin", "linux")


def stub(module: str) -> ast.Module | None:
    """A module of the standard library as the type checker knows it; None where it is none."""
    found = importlib.util.find_spec("basedpyright")
    assert found is not None
    assert found.origin is not None
    base = Path(found.origin).parent / "dist" / "typeshed-fallback" / "stdlib" / module.replace(".", "/")
    for path in (base.with_suffix(".pyi"), base / "__init__.pyi"):
        if path.is_file():
            return ast.parse(path.read_text(encoding="utf-8"))
    return None


def is_met(test: ast.expr, system: str) -> bool:
    """Whether a condition of a stub may hold on a system; of what does not ask for the system, it may."""
    if isinstance(test, ast.BoolOp):
        met = [is_met(value, system) for value in test.values]
        return all(met) if isinstance(test.op, ast.And) else any(met)
    words = ast.unparse(test)
    if words.startswith("sys.platform"):
        return bool(eval(words.replace("sys.platform", repr(system))))  # noqa: S307 - of the type checker's own files
    return True


def given(body: list[ast.stmt], system: str) -> Iterator[str]:
    """The names that a stub's statements give on a system."""
    for one in body:
        match one:
            case ast.If():
                yield from _given_where(one, system)
            case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
                yield one.name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign():
                yield from (target.id for target in one.targets if isinstance(target, ast.Name))
            case ast.Import() | ast.ImportFrom():
                yield from (alias.asname or alias.name for alias in one.names)
            case _:
                pass


def _given_where(one: ast.If, system: str) -> Iterator[str]:
    is_so = is_met(one.test, system)
    if is_so:
        yield from given(one.body, system)
    # versions of Python are not told apart: what either gives is given
    if not is_so or "sys.version_info" in ast.unparse(one.test):
        yield from given(one.orelse, system)


@cache
def not_everywhere(module: str) -> frozenset[str]:
    """The names of a module that some system lacks."""
    found = stub(module) if module in sys.stdlib_module_names else None
    by_system = [set(given(found.body, system)) for system in SYSTEMS] if found is not None else []
    return frozenset(set.union(*by_system) - set.intersection(*by_system)) if by_system else frozenset()


def asks(source: ast.AST) -> bool:
    """Whether a piece of source asks for the system, or for what it has."""
    words = ast.unparse(source)
    return "sys.platform" in words or "hasattr(" in words


def unasked(source: str) -> list[str]:
    """What a source uses of the standard library that some system lacks, where its function asks for nothing alike."""
    tree = ast.parse(source)
    modules = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    found = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
        if alias.name in not_everywhere(node.module)
    ]
    found += [f"import {name}" for name in modules.values() if name in ONLY_POSIX]
    used = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.attr in not_everywhere(modules.get(node.value.id, ""))
    ]
    functions = (
        [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)] if used else []
    )
    asking = {inner for outer in functions if asks(outer) for inner in ast.walk(outer)}
    return found + [ast.unparse(node) for node in used if node not in asking]


ONLY_POSIX = frozenset({"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"})
"""Modules that Windows has not; their stubs are empty there, or say so in words alone."""


def test_stubs_tell_what_systems_lack() -> None:
    assert {"WNOHANG", "fork", "getuid", "nice", "startfile"} <= not_everywhere("os")
    assert {"SIGKILL", "SIGALRM", "setitimer"} <= not_everywhere("signal")
    assert not {"kill", "waitpid", "environ", "open", "O_RDONLY"} & not_everywhere("os")
    assert not {"SIGTERM", "SIGINT", "signal"} & not_everywhere("signal")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os\ndef f():\n    return os.waitpid(1, os.WNOHANG)", ["os.WNOHANG"]),
        ("import signal as s\nKILL = s.SIGKILL", ["s.SIGKILL"]),
        ("from signal import SIGHUP", ["signal.SIGHUP"]),
        ("import fcntl", ["import fcntl"]),
        ("import os\ndef f():\n    return os.nice(1) if hasattr(os, 'nice') else 0", []),
        ("import os, sys\ndef f():\n    return os.fork() if sys.platform != 'win32' else 0", []),
    ],
)
def test_what_is_used_unasked_is_found(source: str, found: list[str]) -> None:
    assert unasked(source) == found


def test_nothing_is_used_that_a_system_lacks() -> None:
    found = {str(path.relative_to(ROOT)): unasked(path.read_text(encoding="utf-8")) for path in SOURCES}

    assert {path: names for path, names in found.items() if names} == {}
