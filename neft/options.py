"""A config as flat options: `--dataset digits --width 0.25 --beta 0.01`. One table serves parsing, help and writing.

A component's fields become options under their own names; a few that would clash (both training and evaluation have a
seed) have names of their own. An option that belongs to another component than the one chosen is an error, never
ignored.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from neft.component import (
    Component,
    bounds_text,
    build,
    component_text,
    default_name,
    number_text,
    settings_from_text,
)
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.constraints import CONSTRAINTS
from neft.datasets import DATASETS
from neft.devices import DEVICES, PUBLISHED, BaseDevice, device_from_text, parse_stds
from neft.effects import Effects
from neft.errors import ConfigError, unknown_name
from neft.mapping.stack import Mapping as WeightMapping
from neft.methods import METHODS
from neft.networks.backbones import BACKBONES
from neft.networks.converters import Converters
from neft.programming import PROGRAMMINGS
from neft.sigma_d import rounded_sigma_d

FAMILIES: dict[str, Mapping[str, type[Component]]] = {
    "dataset": DATASETS,
    "backbone": BACKBONES,
    "device": DEVICES,
    "method": METHODS,
    "constraint": CONSTRAINTS,
    "programming": PROGRAMMINGS,
}
SECTIONS: dict[str, type[Component]] = {
    "mapping": WeightMapping,
    "converters": Converters,
    "training": TrainingConfig,
    "evaluation": EvaluationConfig,
    "effects": Effects,
}
WITHIN = {"effects": "evaluation"}
"""Sections that are a part of another one."""
UNSAID = ("programming",)
"""Families whose usual component goes without saying."""
RENAMED = {
    ("device", "stds"): "level_stds",
    ("device", "title"): "device_title",
    ("device", "file_sha256"): "device_file_sha256",
    ("training", "quantise"): "train_quantise",
    ("training", "sampler"): "train_sampler",
    ("evaluation", "quantise"): "test_quantise",
    ("evaluation", "sampler"): "test_sampler",
    ("evaluation", "seed"): "chip_seed",
    ("evaluation", "sigma_ds"): "test_sigma_d",
    ("evaluation", "device"): "test_device",
    ("evaluation", "mapping"): "test_mapping",
    ("evaluation", "programming"): "test_programming",
    ("evaluation", "converters"): "test_converters",
}


@dataclass(frozen=True)
class Option:
    """One option: where its value goes, and what its help says."""

    name: str
    part: str
    """Which part of the config: a family or a section."""
    field: str
    info: FieldInfo
    owners: tuple[str, ...]
    """The components of a family that have it; empty for a section's."""
    defaults: tuple[str, ...]
    """Its default in words for each owner; one entry for a section's."""
    is_alike: bool = True
    """Whether every owner takes the same values."""

    @property
    def flag(self) -> str:
        """`--beta`."""
        return "--" + self.name.replace("_", "-")

    @property
    def is_switch(self) -> bool:
        """Whether it is a yes or no."""
        return self.info.annotation is bool

    @property
    def is_run(self) -> bool:
        """Whether it names a stored run."""
        return self._is_marked("is_run")

    @property
    def is_found(self) -> bool:
        """Whether it follows from what lies on the machine, so that nobody is asked for it."""
        return self._is_marked("is_found")

    @property
    def is_place(self) -> bool:
        """Whether it says where something lies on this machine."""
        return self._is_marked("is_place")

    @property
    def is_component(self) -> bool:
        """Whether its value is a component, written in one word."""
        return self.part == "evaluation" and self.field in ("mapping", "programming", "converters")

    @property
    def choices(self) -> tuple[str, ...] | None:
        """The values of a closed choice; of devices those that need nothing given."""
        if self.field == "device":
            return tuple(PUBLISHED)
        return (
            tuple(str(value) for value in get_args(self.info.annotation))
            if get_origin(self.info.annotation) is Literal
            else None
        )

    @property
    def bare_value(self) -> float | None:
        """What it means without a value; None where it needs one."""
        extra = self.info.json_schema_extra
        found = extra.get("bare_value") if isinstance(extra, dict) else None
        return found if isinstance(found, float) else None

    @property
    def decided_by(self) -> str | None:
        """The field of the same component from which it follows where it is not given; None where from none."""
        extra = self.info.json_schema_extra
        found = extra.get("decided_by") if isinstance(extra, dict) else None
        return found if isinstance(found, str) else None

    def is_decided(self, component: Component) -> bool:
        """Whether a component's value is the one that follows where none is given."""
        if self.decided_by is None:
            return False
        try:
            other = type(component).model_validate(component.model_dump(exclude={self.field}))
        except ValidationError:  # without it the component cannot be
            return False
        return getattr(other, self.field) == getattr(component, self.field)

    def help(self) -> str:
        """Symbol, meaning, bounds with unit, whose it is, what it means without a value, and defaults."""
        title = self.info.title or ""
        symbol = f"{title}: " if len(title) == 1 or not title.isascii() else ""
        bounds = bounds_text(self.info)
        allowed = f" In {bounds}." if bounds else ""
        owners = f" For {', '.join(self.owners)}." if self.owners else ""
        bare = "" if self.bare_value is None else f" Without a value: {shown(self.bare_value)}."
        return f"{symbol}{self.info.description}{allowed}{owners}{bare}{self._default_text()}"

    def _is_marked(self, mark: str) -> bool:
        extra = self.info.json_schema_extra
        return isinstance(extra, dict) and extra.get(mark) is True

    def _default_text(self) -> str:
        if not any(self.defaults):
            return ""
        if len(set(self.defaults)) == 1:
            return f" [default: {self.defaults[0]}]"
        each = ", ".join(f"{owner} {default}" for owner, default in zip(self.owners, self.defaults, strict=True))
        return f" [default: {each}]"


def default_text(field: FieldInfo) -> str:
    """A field's default in words; empty where it has none."""
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "default_text" in extra:
        return str(extra["default_text"])
    default = field.get_default(call_default_factory=True)
    return "" if field.is_required() or default is None else shown(default)


def option_table() -> dict[str, Option]:
    """Every option but the choices of components themselves, by name."""
    found: dict[str, Option] = {}
    for part, family in FAMILIES.items():
        for component in family.values():
            for field, info in component.model_fields.items():
                if field == "name":
                    continue
                name = RENAMED.get((part, field), field)
                earlier = found.get(name)
                owners = (*(earlier.owners if earlier else ()), default_name(component))
                defaults = (*(earlier.defaults if earlier else ()), default_text(info))
                is_alike = earlier is None or (earlier.is_alike and _takes_the_same(earlier.info, info))
                found[name] = Option(name, part, field, earlier.info if earlier else info, owners, defaults, is_alike)
    for part, section in SECTIONS.items():
        for field, info in section.model_fields.items():
            if WITHIN.get(field) == part:
                continue
            name = RENAMED.get((part, field), field)
            found[name] = Option(name, part, field, info, (), (default_text(info),))
    return found


def _takes_the_same(info: FieldInfo, other: FieldInfo) -> bool:
    return (info.annotation, info.metadata) == (other.annotation, other.metadata)


def make_config(values: Mapping[str, Any], base: RunConfig | None = None) -> RunConfig:
    """A config from flat options over a base.

    Args:
        values: by option name, and the components' names under `dataset`, `backbone`, `device`, `method`,
            `constraint`, `programming`; None is not given.
        base: what holds where no option is given; a component that is chosen anew starts from its own defaults.

    Raises:
        ConfigError: an unknown name, a value out of bounds, or an option that the chosen component does not have.
    """
    base = base or RunConfig()
    given = {name: value for name, value in values.items() if value is not None}
    parts: dict[str, Any] = {part: _chosen(part, given.pop(part, None), base) for part in FAMILIES}
    parts |= {part: part_of(base, part).model_dump() for part in SECTIONS}
    table = option_table()
    for option in table.values():
        if option.field in parts[option.part] and (
            option.decided_by in given or option.is_decided(part_of(base, option.part))
        ):
            del parts[option.part][option.field]
    for name, value in given.items():
        if name not in table:
            kind = "option"
            raise unknown_name(kind, name, table)
        option = table[name]
        chosen = parts[option.part].get("name")
        if option.owners and chosen not in option.owners:
            message = (
                f"{option.flag} is no option of {option.part} '{chosen}'; it belongs to: {', '.join(option.owners)}."
            )
            raise ConfigError(message)
        parts[option.part][option.field] = _parsed(option, value)
    for part, holder in WITHIN.items():
        parts[holder][part] = parts.pop(part)
    return RunConfig.make(**parts)


def part_of(config: RunConfig, part: str) -> Component:
    """A config's component of a family or a section, by its name here."""
    return getattr(getattr(config, WITHIN[part]), part) if part in WITHIN else getattr(config, part)


def to_values(config: RunConfig) -> dict[str, Any]:
    """The flat options that make this config from the defaults: what differs from them, and every component's name."""
    values: dict[str, Any] = {}
    for name, option in option_table().items():
        component = part_of(config, option.part)
        if option.field in type(component).model_fields:
            value = getattr(component, option.field)
            own_default = type(component).model_fields[option.field].default
            left_out = value == own_default if option.decided_by is None else option.is_decided(component)
            if not left_out:
                values[name] = shown(value) if isinstance(value, Component) else value
    names = {part: getattr(config, part).name for part in FAMILIES}
    usual = {part: RunConfig.model_fields[part].default.name for part in UNSAID}
    return {part: name for part, name in names.items() if usual.get(part) != name} | values


def mapping_from_text(text: str) -> WeightMapping:
    """A mapping from what is not the default: `scale=channel,sign=differential`.

    Raises:
        ConfigError: no settings, or one that cannot be.
    """
    return build(WeightMapping, settings_from_text(text))


def programming_from_text(text: str) -> Component:
    """A programming scheme from its name and what is not the default: `residual:sides=one`.

    Raises:
        ConfigError: no such scheme, or a setting that cannot be.
    """
    name, _, rest = text.partition(":")
    if name not in PROGRAMMINGS:
        kind = "programming"
        raise unknown_name(kind, name, PROGRAMMINGS)
    return build(PROGRAMMINGS[name], settings_from_text(rest))


def as_of_test_chips(values: Mapping[str, Any], base: RunConfig) -> dict[str, Any]:
    """Options in which mapping and programming are those of the test chips alone, as a re-evaluation takes them.

    Args:
        values: by option name; None is not given.
        base: the run's config, whose test chips' mapping and programming hold where nothing is given.

    Raises:
        ConfigError: settings that cannot be.
    """
    table = option_table()
    parts = ("mapping", "programming", "converters")
    own = {name for name, option in table.items() if option.part in parts} | {"programming"}
    given = {name: value for name, value in values.items() if value is not None and name in own}
    found = {name: value for name, value in values.items() if name not in own}
    if not given:
        return found
    start = make_config({name: found[name] for name in map("test_{}".format, parts) if found.get(name)}, base)
    converters = start.test_converters
    if "converter_ranges" not in given and any(table[name].part == "converters" for name in given if name in table):
        # other converters than those of the training: their ranges cannot have been learned
        bits = {"dac_bits": converters.dac_bits, "adc_bits": converters.adc_bits, "scaling": converters.scaling}
        converters = build(Converters, bits)
    before = RunConfig(mapping=start.test_mapping, programming=start.test_programming, converters=converters)
    chips = make_config(given, before)
    if chips.mapping != base.mapping or start.evaluation.mapping is not None:
        found["test_mapping"] = component_text(chips.mapping)
    if chips.programming != base.programming or start.evaluation.programming is not None:
        found["test_programming"] = component_text(chips.programming)
    if chips.converters != base.converters or start.evaluation.converters is not None:
        found["test_converters"] = component_text(chips.converters)
    return found


def on_its_own_device(config: RunConfig, base: RunConfig) -> RunConfig:
    """A re-evaluation's config, whose test device is left out where it is the training's: both ways it is one run.

    Args:
        config: the re-evaluation's.
        base: the run's; one that restates its device itself keeps that, as its id counts it.
    """
    if config.evaluation.device != config.device or base.evaluation.device is not None:
        return config
    return config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"device": None})})


def command_line(config: RunConfig, verb: str = "neft train") -> str:
    """A command that makes this config again."""
    return option_words(verb, to_values(config))


def option_words(verb: str, values: Mapping[str, Any]) -> str:
    """A verb with flat options as one writes them; what is no option of a config, or not given, is left out."""
    words = verb.split()
    table = option_table()
    for name, value in values.items():
        option = table.get(name)
        if value is None or (option is None and name not in FAMILIES):
            continue
        if option is not None and option.is_switch:
            words.append(option.flag if value else option.flag.replace("--", "--no-", 1))
        else:
            words += [f"--{name.replace('_', '-')}", shown(value)]
    return shlex.join(words)


def parse_sigma_ds(text: str, *, flag: str = "--test-sigma-d (test σ_d)") -> tuple[float, ...]:
    """`0,0.1,0.2` or `first:last:step`, the last included.

    Raises:
        ConfigError: neither.

    >>> parse_sigma_ds("0:0.2:0.05")
    (0.0, 0.05, 0.1, 0.15, 0.2)
    """
    try:
        if ":" not in text:
            return tuple(float(part) for part in text.split(","))
        first, last, step = (float(part) for part in text.split(":"))
        count = round((last - first) / step)
    except (ValueError, ZeroDivisionError, OverflowError):
        count = -1
        first = step = 0.0
    if not 0 <= count <= 200:
        message = f"{flag} must be like '0,0.1,0.2' or '0:0.4:0.05' (first:last:step); got '{text}'."
        raise ConfigError(message)
    return tuple(rounded_sigma_d(first + index * step) for index in range(count + 1))


def shown(value: object) -> str:
    """A value as it is written on a command line."""
    if isinstance(value, Component):
        return value.short_name if isinstance(value, BaseDevice) else component_text(value)
    if isinstance(value, tuple):
        return ",".join(shown(part) for part in value)
    if isinstance(value, bool):
        return "on" if value else "off"
    return number_text(value) if isinstance(value, float) else str(value)


def _chosen(part: str, name: str | None, base: RunConfig) -> dict[str, Any]:
    if name is None:
        return getattr(base, part).model_dump()
    if name not in FAMILIES[part]:
        raise unknown_name(part, name, FAMILIES[part])
    return {"name": name}


def _parsed(option: Option, value: Any) -> Any:
    if isinstance(value, str) and option.name in _FROM_TEXT:
        return _FROM_TEXT[option.name](value)
    known = get_args(option.info.annotation) if get_origin(option.info.annotation) is Literal else ()
    return next((choice for choice in known if str(choice) == value), value)


_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "test_sigma_d": parse_sigma_ds,
    "worst_case": partial(parse_sigma_ds, flag="--worst-case (th_g)"),
    "test_device": lambda text: device_from_text(text).model_dump(),
    "test_mapping": lambda text: mapping_from_text(text).model_dump(),
    "test_programming": lambda text: programming_from_text(text).model_dump(),
    "test_converters": lambda text: build(Converters, settings_from_text(text)).model_dump(),
    "level_bias": parse_stds,
    "level_stds": parse_stds,
}
"""How options are read that are no plain numbers, words or switches."""
