"""Forms of the models' settings, and the trainings that they describe."""

from typing import Any

from pydantic.fields import FieldInfo

from dashboard.computing.form_answers import FieldKind, Form, FormField, PlannedTraining
from neft.component import Component, noun_of, unit_of
from neft.config import RunConfig
from neft.datasets import DATASETS
from neft.devices import BaseDevice
from neft.options import FAMILIES, Option, command_line, make_config, option_table, part_of, shown
from neft.pipeline import identified
from neft.runs.facts import run_facts
from neft.runs.store import Stores
from neft.sweeps.run_time import demand_size

INITIAL = {"width": 0.25, "epochs": 20}
"""Where the form starts elsewhere than the models do: at something that trains in about a minute."""
CHOSEN = {"method": "ovf"}
"""Which components the form starts with where they are others than the models'."""
SYMBOL_LENGTH = 2
"""A title that is no longer is a symbol."""


def form() -> Form:
    """Everything that can be set, in the order of the options."""
    families = {
        part: {name: str(getattr(component, "label", name)) for name, component in family.items()}
        for part, family in FAMILIES.items()
    }
    fields = tuple(_field(option, owner) for option in _asked() for owner in option.owners or (None,))
    chosen = {part: _name(RunConfig.model_fields[part].default) for part in FAMILIES} | CHOSEN
    can_download = frozenset(name for name, dataset in DATASETS.items() if dataset.can_download)
    return Form(families, fields, chosen, can_download)


def plan(values: dict[str, Any]) -> PlannedTraining:
    """The training of these options.

    Args:
        values: by option name, None where nothing is given, and the components' names by their families.

    Raises:
        ConfigError: options that cannot be.
        DataMissingError: images of one's own are not there: they are part of what the run is.
    """
    config = identified(make_config(values))
    demand_size(config)
    return PlannedTraining(
        run_id=config.run_id,
        name=_run_name(config),
        config_json=config.to_json(),
        command=command_line(config),
        num_epochs=config.training.epochs,
    )


def _run_name(config: RunConfig) -> str:
    """What people will call its run: how many classes there are is no part of it."""
    return run_facts(config, num_classes=2).name


def held(config_json: str) -> dict[str, Any]:
    """What the form holds for a config: its components by their families, and its fields by their names.

    Raises:
        ConfigError: the config does not fit the models.
    """
    config = RunConfig.from_json(config_json)
    found: dict[str, Any] = {part: _name(getattr(config, part)) for part in FAMILIES}
    for option in _asked():
        component = part_of(config, option.part)
        if option.field in type(component).model_fields:
            owner = _name(component) if option.part in FAMILIES else None
            value = None if option.is_decided(component) else getattr(component, option.field)
            found[_field(option, owner).name] = _drawn(_kind(option, owner), value)
    return found


def next_seed(config_json: str, queued: tuple[str, ...]) -> str:
    """The same config with the next seed of which no run is stored or queued.

    Args:
        config_json: the config.
        queued: ids of the runs that are about to be made.

    Raises:
        ConfigError: the config does not fit the models.
    """
    config, stores = RunConfig.from_json(config_json), Stores.default()
    while True:
        training = config.training.model_copy(update={"seed": config.training.seed + 1})
        config = config.model_copy(update={"training": training})
        if config.run_id not in stores and config.run_id not in queued:
            return config.to_json()


def _asked() -> list[Option]:
    """The options that forms ask for."""
    return [option for option in option_table().values() if not option.is_found]


def _name(component: Component) -> str:
    """The name by which a component was chosen."""
    return str(getattr(component, "name", ""))


# ---------------------------------------------------------------- fields
def _field(option: Option, owner: str | None) -> FormField:
    kind, default = _kind(option, owner), _initial(option, owner)
    low, high = _bounds(option, float if kind == "float" else int)
    return FormField(
        option=option.name,
        part=option.part,
        owner=owner,
        label=_label(option),
        help=option.help(),
        kind=kind,
        initial=default,
        choices=option.choices or (),
        low=low,
        high=high,
        step=_step(default) if kind == "float" else 1,
    )


def _kind(option: Option, owner: str | None) -> FieldKind:
    annotation = str(_info(option, owner).annotation)
    if option.is_switch:
        return "switch"
    if option.choices:
        return "choice"
    if option.is_component or "tuple" in annotation or "str" in annotation:
        return "text"
    return "float" if "float" in annotation else "int"


def _initial(option: Option, owner: str | None) -> Any:
    """What an option's field begins with."""
    default = None if option.decided_by else _info(option, owner).get_default(call_default_factory=True)
    return _drawn(_kind(option, owner), INITIAL.get(option.name, default))


def _drawn(kind: FieldKind, value: Any) -> Any:
    """A setting's value as its field holds it."""
    if kind == "text":
        return shown(value) if value else ""
    if value is None or kind == "switch":
        return value
    if kind == "choice":
        return value.short_name if isinstance(value, BaseDevice) else str(value)
    return float(value) if kind == "float" else int(value)


def _info(option: Option, owner: str | None) -> FieldInfo:
    return option.info if owner is None else FAMILIES[option.part][owner].model_fields[option.field]


def _label(option: Option) -> str:
    title = option.info.title or option.name
    unit = unit_of(option.info)
    suffix = f" ({unit})" if unit and unit not in option.name else ""
    if len(title) <= SYMBOL_LENGTH:
        noun = noun_of(option.info) or option.name.replace("_", " ")
        return f"{noun[0].upper()}{noun[1:]} {title}{suffix}"
    return f"{title[0].upper()}{title[1:]}{suffix}" if title[0].isascii() else f"{title}{suffix}"


def _bounds(option: Option, cast: type[float] | type[int]) -> tuple[float | None, float | None]:
    limits = {
        name: getattr(item, name) for item in option.info.metadata for name in ("ge", "le", "lt") if hasattr(item, name)
    }
    below = limits.get("lt")
    low, high = limits.get("ge"), limits.get("le", below - 1 if isinstance(below, int) else None)
    return None if low is None else cast(low), None if high is None else cast(high)


def _step(default: float | None) -> float:
    """A tenth of the default's leading digit: steps that can be seen and not overshot."""
    if not default:
        return 0.01
    exponent = len(f"{abs(default):.10f}".split(".")[1]) - len(f"{abs(default):.10f}".split(".")[1].lstrip("0"))
    return 10.0 ** -(exponent + 1) if abs(default) < 1 else 1.0
