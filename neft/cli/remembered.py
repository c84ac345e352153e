"""What a verb's options were when it was last imported: a mistyped option is refused before torch is imported.

Importing a verb that trains takes seconds, reading its options from a file does not. The file holds for exactly the
source files that it was made from, and decides nothing but refusals: a line that passes is read again by the verb
itself. Where it cannot be written or read, the verb alone judges.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click
from typing_extensions import override

from neft.cli.setting_types import TYPES
from neft.runs.places import neft_home

HELP = {"-h", "--help"}


class Remembered(click.Command):
    """Stands for a verb until its line is known to hold no mistake that can be seen without importing it."""

    def __init__(self, name: str, params: Sequence[click.Parameter], load: Callable[[], click.Command]) -> None:
        super().__init__(name, params=list(params))
        self._load = load

    @override
    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The verb's own context.

        Raises:
            click.UsageError: an unknown option, or one that lacks its value.
            ConfigError: a value that cannot be.
        """
        if not HELP & set(args):
            _ = super().make_context(info_name, list(args), parent, **extra)
        return self._load().make_context(info_name, args, parent, **extra)


def recall(verb: str, load: Callable[[], click.Command]) -> click.Command | None:
    """A stand-in for a verb that was called before; None where nothing, or nothing of these source files, is kept.

    Args:
        verb: its name.
        load: imports it.
    """
    try:
        kept = json.loads(_place(verb).read_text(encoding="utf-8"))
        if kept["source"] != _source():
            return None
        return Remembered(verb, [_parameter(**one) for one in kept["parameters"]], load)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(verb: str, command: click.Command) -> None:
    """Keep a verb's options."""
    kept = {"source": _source(), "parameters": [_plain(one) for one in command.params]}
    place = _place(verb)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _ = place.write_text(json.dumps(kept), encoding="utf-8")
    except OSError:  # a home that cannot be written costs no more than time
        return


def _place(verb: str) -> Path:
    return neft_home() / "options" / f"{verb}.json"


def _source() -> str:
    """Changes with every change of the package's files."""
    root = Path(__file__).parents[1]
    files = ((str(path), path.stat()) for path in sorted(root.rglob("*.py")))
    text = "\n".join(f"{path} {stat.st_mtime_ns} {stat.st_size}" for path, stat in files)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(parameter: click.Parameter) -> dict[str, Any]:
    """A parameter as JSON holds it: how it is written, and what its word may be."""
    if not isinstance(parameter, click.Option):
        declared, flags = [str(parameter.name)], {}
    else:
        ways = ["/".join(pair) for pair in zip_longest(parameter.opts, parameter.secondary_opts, fillvalue="")]
        declared, flags = [str(parameter.name), *(way.rstrip("/") for way in ways)], _flags(parameter)
    settings = {name: getattr(parameter, name) for name in ("required", "nargs", "metavar")}
    return {"declared": declared, **settings, "type": _plain_type(parameter.type), **flags}


def _flags(option: click.Option) -> dict[str, Any]:
    if option.is_flag:
        return {"is_flag": True}
    bare = option.flag_value
    optional = {"is_flag": False, "flag_value": bare} if isinstance(bare, float | int | str) else {}
    return {"multiple": option.multiple, **optional}


def _parameter(declared: list[str], **settings: Any) -> click.Parameter:
    kind = settings.pop("type")
    if not settings.get("is_flag"):
        settings["type"] = _type(**kind)
    else:
        del settings["nargs"], settings["metavar"]
    return (click.Argument if len(declared) == 1 else click.Option)(declared, **settings)


def _plain_type(kind: click.ParamType[Any]) -> dict[str, Any]:
    for name, known in TYPES.items():
        if isinstance(kind, known):
            return {"name": name, **asdict(kind)}
    if isinstance(kind, click.IntRange | click.FloatRange):
        limits = {name: getattr(kind, name) for name in ("min", "max", "min_open", "max_open")}
        return {"name": "whole" if isinstance(kind, click.IntRange) else "real", **limits}
    if isinstance(kind, click.Choice):
        return {"name": "choice", "choices": list(kind.choices)}
    return {"name": kind.name if kind in (click.INT, click.FLOAT) else "text"}


def _type(name: str, **settings: Any) -> click.ParamType[Any]:
    if name in TYPES:
        return TYPES[name](**{key: _frozen(value) for key, value in settings.items()})
    known = {"whole": click.IntRange, "real": click.FloatRange, "choice": click.Choice}
    numbers = {click.INT.name: click.INT, click.FLOAT.name: click.FLOAT}
    return known[name](**settings) if name in known else numbers.get(name, click.STRING)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
