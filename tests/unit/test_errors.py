"""Every error of ours is told in one plain, short line, whatever text of a stranger's it repeats."""

import copy
import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import dashboard
import neft
from neft.errors import MOST, ConfigError, NeftError, StoppedError, UnclearImagesError, unknown_name

SPECIAL: dict[type[NeftError], dict[str, object]] = {UnclearImagesError: {"checksum": "1f"}, StoppedError: {"epoch": 3}}
"""What some need besides their message."""
ALL_SOURCES = {"neft": neft, "dashboard": dashboard}


def every_kind(of: type[NeftError] = NeftError) -> Iterator[type[NeftError]]:
    yield of
    for kind in of.__subclasses__():
        yield from every_kind(kind)


def said(kind: type[NeftError], message: str) -> str:
    return str(kind(message, **SPECIAL.get(kind, {})))


@pytest.fixture(scope="module", autouse=True)
def _all_of_them_are_known() -> None:
    for name, package in ALL_SOURCES.items():
        for module in pkgutil.iter_modules(package.__path__):
            if not module.ispkg and not module.name.startswith("_") and module.name != "app":
                _ = importlib.import_module(f"{name}.{module.name}")
    for module in ("dashboard.computing.process", "dashboard.jobs.jobs", "dashboard.rights"):
        _ = importlib.import_module(module)


def test_every_error_is_one_line_of_300_characters_at_most_without_control_characters() -> None:
    kinds = set(every_kind())
    assert len(kinds) > 14

    for kind in kinds:
        line = said(kind, "The file\n'" + "x\x1b[31m\x07y\t" * 1000 + "'\r\n cannot be read: delete it.")

        assert len(line) <= MOST == 300, kind
        assert line.isprintable(), kind
        assert line.startswith("The file 'x"), kind
        assert line.endswith("' cannot be read: delete it."), kind


def test_short_errors_say_what_they_were_given() -> None:
    for kind in every_kind():
        assert said(kind, "No run 'a'.") == "No run 'a'."
        assert said(kind, "x" * 300) == "x" * 300


def test_errors_come_through_from_the_computing_process_as_they_are() -> None:
    error = copy.copy(UnclearImagesError("a" * 400, "1f"))  # made anew of its arguments, as there

    assert (len(str(error)), error.checksum) == (300, "1f")
    assert str(copy.copy(ConfigError("b\nc"))) == "b c"


def test_unknown_name_among_many_keeps_its_beginning() -> None:
    line = str(unknown_name("column", "x" * 5000, ["y" * 5000, *(f"d{n}" for n in range(2000))]))

    assert len(line) == 300
    assert line.startswith("Unknown column 'xxx")
    assert line.endswith("d1999.")
