"""A config as flat options: `--dataset digits --width 0.25 --beta 0.01`. One table serves parsing, help and writing.

A component's fields become options under their own names; a few that would clash (both training and evaluation have a
seed) have names of their own. An option that belongs to another component than the one chosen is an error, never
ignored.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from neft.component import Component, bounds_text, default_name, number_text
from neft.config import EvaluationConfig, RunConfig, TrainingConfig
from neft.constraints import CONSTRAINTS
from neft.datasets import DATASETS
from neft.devices import DEVICES, PUBLISHED, BaseDevice, device_from_text, parse_stds
from neft.errors import ConfigError, unknown_name
from neft.mapping.bit_slicing import BitSlicing
from neft.methods import METHODS
from neft.networks.backbones import BACKBONES
from neft.sigma_d import rounded_sigma_d

FAMILIES: dict[str, Mapping[str, type[Component]]] = {
    "dataset": DATASETS,
    "backbone": BACKBONES,
    "device": DEVICES,
    "method": METHODS,
    "constraint": CONSTRAINTS,
}
SECTIONS: dict[str, type[Component]] = {
    "mapping": BitSlicing,
    "training": TrainingConfig,
    "evaluation": EvaluationConfig,
}
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
                found[name] = Option(name, part, field, earlier.info if earlier else info, owners, defaults)
    for part, section in SECTIONS.items():
        for field, info in section.model_fields.items():
            name = RENAMED.get((part, field), field)
            found[name] = Option(name, part, field, info, (), (default_text(info),))
    return found


def make_config(values: Mapping[str, Any], base: RunConfig | None = None) -> RunConfig:
    """A config from flat options over a base.

    Args:
        values: by option name, and the components' names under `dataset`, `backbone`, `device`, `method`,
            `constraint`; None is not given.
        base: what holds where no option is given; a component that is chosen anew starts from its own defaults.

    Raises:
        ConfigError: an unknown name, a value out of bounds, or an option that the chosen component does not have.
    """
    base = base or RunConfig()
    given = {name: value for name, value in values.items() if value is not None}
    parts: dict[str, Any] = {part: _chosen(part, given.pop(part, None), base) for part in FAMILIES}
    parts |= {part: getattr(base, part).model_dump() for part in SECTIONS}
    table = option_table()
    for option in table.values():
        if option.field in parts[option.part] and (
            option.decided_by in given or option.is_decided(getattr(base, option.part))
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
    return RunConfig.make(**parts)


def to_values(config: RunConfig) -> dict[str, Any]:
    """The flat options that make this config from the defaults: what differs from them, and every component's name."""
    values: dict[str, Any] = {}
    for name, option in option_table().items():
        component = getattr(config, option.part)
        if option.field in type(component).model_fields:
            value = getattr(component, option.field)
            own_default = type(component).model_fields[option.field].default
            left_out = value == own_default if option.decided_by is None else option.is_decided(component)
            if not left_out:
                values[name] = value.short_name if isinstance(value, BaseDevice) else value
    return {part: getattr(config, part).name for part in FAMILIES} | values


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
    if option.name == "test_sigma_d" and isinstance(value, str):
        return parse_sigma_ds(value)
    if option.name == "worst_case" and isinstance(value, str):
        return parse_sigma_ds(value, flag="--worst-case (th_g)")
    if option.name == "test_device" and isinstance(value, str):
        return device_from_text(value).model_dump()
    if option.name == "level_stds" and isinstance(value, str):
        return parse_stds(value)
    known = get_args(option.info.annotation) if get_origin(option.info.annotation) is Literal else ()
    return next((choice for choice in known if str(choice) == value), value)
