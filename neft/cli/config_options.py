"""Options made from the models' schemas, and the sections that help shows them in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo
from typing_extensions import override

from neft.cli.setting_types import ComponentType, NumberType, WordType
from neft.component import bounds_text, limits_of, symbol_of
from neft.config import RunConfig
from neft.errors import ConfigError
from neft.options import FAMILIES, Option, make_config, option_table

TITLES = {
    "dataset": "Data",
    "backbone": "Backbone",
    "device": "Device",
    "mapping": "Mapping",
    "programming": "Programming",
    "converters": "Converters",
    "method": "Method",
    "constraint": "Weight constraint",
    "training": "Training",
    "evaluation": "Evaluation on chips",
    "effects": "What happens to test chips",
}


class SectionedCommand(click.Command):
    """A command whose help groups the config's options by what they configure."""

    @override
    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {title: [] for title in TITLES.values()}
        general: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if row is not None:
                title = TITLES.get(getattr(parameter, "config_part", ""), "")
                sections.get(title, general).append(row)
        for title, rows in [*sections.items(), ("General", general)]:
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class ConfigOption(click.Option):
    """An option that belongs to a part of the config."""

    config_part: str = ""


def config_parameters(parts: tuple[str, ...] = tuple(TITLES)) -> list[click.Parameter]:
    """One option for every setting of these parts."""
    found: list[click.Parameter] = []
    table = option_table()
    for part in parts:
        if part in FAMILIES:
            found.append(_choice(part))
        found += [_parameter(option) for option in table.values() if option.part == part]
    return found


def place_parameters() -> list[click.Parameter]:
    """Options for where the images of a stored run are now."""
    return [_parameter(option) for option in option_table().values() if option.is_place]


def at_its_place(config: RunConfig, values: dict[str, Any]) -> RunConfig:
    """A stored run's config with its images where they are now; those options are taken out of the values.

    Raises:
        ConfigError: its images are none of one's own, which alone have a place.
    """
    names = [name for name, option in option_table().items() if option.is_place]
    given = {name: value for name in names if (value := values.pop(name, None)) is not None}
    moved = make_config(given, config).dataset
    # what lies there must be what the run was made with
    known = {name: getattr(moved, name) for name in given}
    return config.model_copy(update={"dataset": config.dataset.model_copy(update=known)})


def config_from(values: Mapping[str, Any], config_file: Path | None = None, base: RunConfig | None = None) -> RunConfig:
    """The config that a command's options ask for.

    Raises:
        ConfigError: it cannot be.
    """
    if config_file is not None:
        base = _read(config_file)
    known = {*option_table(), *FAMILIES}
    return make_config({name: value for name, value in values.items() if name in known}, base)


def _read(config_file: Path) -> RunConfig:
    try:
        return RunConfig.from_json(config_file.read_bytes())
    except OSError as error:
        message = f"--config: '{config_file}' cannot be read: {error.strerror}."
    except ConfigError as error:
        message = f"--config: '{config_file}' is no config: {error}"
    raise ConfigError(message)


def _choice(part: str) -> ConfigOption:
    option = ConfigOption(
        [f"--{part}"],
        metavar="NAME",
        type=ComponentType(part, tuple(FAMILIES[part])),
        help=f"One of: {', '.join(FAMILIES[part])}. [default: {_default(RunConfig.model_fields[part])}]",
    )
    option.config_part = part
    return option


def _parameter(option: Option) -> ConfigOption:
    if option.is_switch:
        flags = f"{option.flag}/{option.flag.replace('--', '--no-', 1)}"
        made = ConfigOption([flags, option.name], default=None, help=option.help())
    elif option.bare_value is not None:
        made = ConfigOption(
            [option.flag, option.name],
            metavar=f"[{_metavar(option)}]",
            is_flag=False,
            flag_value=option.bare_value,
            type=_type(option),  # refuses a word that was meant as an argument
            help=option.help(),
        )
    else:
        metavar = "|".join(option.choices) if option.choices else _metavar(option)
        made = ConfigOption([option.flag, option.name], metavar=metavar, type=_type(option), help=option.help())
    made.config_part = option.part
    return made


def _type(option: Option) -> click.ParamType[Any]:
    """What its word alone may be; any text where only the config can tell."""
    if not option.is_alike:
        return click.STRING
    symbol = symbol_of(option.info)
    where = option.flag if _is_said_by(option.flag, symbol) else f"{option.flag}{symbol}"
    if option.choices and get_origin(option.info.annotation) is Literal:
        return WordType(where, option.choices)
    kinds = {option.info.annotation, *get_args(option.info.annotation)} - {type(None)}
    if not kinds & {int, float} or get_origin(option.info.annotation) is tuple:
        return click.STRING
    return NumberType(where, whole=int in kinds, allowed=bounds_text(option.info), **limits_of(option.info))


def _is_said_by(flag: str, symbol: str) -> bool:
    return flag.strip("-").replace("-", " ") == symbol.strip(" ()")


def _metavar(option: Option) -> str:
    if option.is_component:
        return "TEXT"
    annotation = str(option.info.annotation)
    for kind, name in (("tuple", "LIST"), ("float", "NUMBER"), ("int", "COUNT")):
        if kind in annotation:
            return name
    return "TEXT"


def _default(field: FieldInfo) -> str:
    name = field.default.name
    width = getattr(field.default, "width", None)
    return name if width is None else f"{name} at width {width:g}"
