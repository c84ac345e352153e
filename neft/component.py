"""The base of everything a run is configured by: frozen, bounded, described once.

A field's `title` is its symbol (β), its `description` the help text, `json_schema_extra={"unit": …}` its unit,
`{"noun": …}` what the symbol stands for where the field's name does not say it, and its bounds are pydantic's.
Validation, JSON, the command line and the dashboard's forms all read those. On the command line a field with
`{"bare_value": …}` may be given without a value, which then means that one. A field with `{"decided_by": …}` follows
from that other field of its component where it is not given; one with `{"is_found": True}` from what lies there, so
that forms do not ask for it. `{"is_place": True}` marks where something lies on this machine.
"""

from typing import Any, ClassVar, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from neft.errors import MOST_SHOWN, ConfigError, one_line, unknown_name

MOST_NAMED = 8
"""So many of the settings that there are, are named where an unknown one is refused."""

C = TypeVar("C", bound=BaseModel)


class Component(BaseModel):
    """A frozen choice with bounded fields; unknown fields, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    is_given: ClassVar[bool] = False
    """Whether it says what a user's program gave, and so is no choice of a form or the command line."""

    @property
    def idle_fields(self) -> frozenset[str]:
        """Fields that decide no number, as the others stand: they are no part of a run's key."""
        return frozenset()


def default_name(component: type[Component]) -> str:
    """The literal `name` by which a registered component is chosen."""
    return cast("str", component.model_fields["name"].default)


def members(family: Any) -> dict[str, type[Any]]:
    """The components of a family, which is a discriminated union, by the names by which they are chosen."""
    union = get_args(family)[0]
    return {default_name(component): component for component in get_args(union) if not component.is_given}


def build(component: type[C], values: dict[str, Any]) -> C:
    """Make a component, turning pydantic's report into one sentence.

    Raises:
        ConfigError: naming the first field that is wrong, what was given, and what is allowed.
    """
    try:
        return component.model_validate(values)
    except ValidationError as error:
        raise ConfigError(first_problem(component, error)) from None


def first_problem(owner: type[BaseModel], error: ValidationError) -> str:
    """One sentence for the first thing a validation found wrong: its name and symbol, what was given, what is allowed.

    >>> from neft.mapping.bit_slicing import BitSlicing
    >>> try:
    ...     build(BitSlicing, {"weight_bits": 99})
    ... except ConfigError as wrong:
    ...     print(wrong)
    BitSlicing.weight_bits (M) must lie in [1, 16] bits; got 99.
    """
    problem = error.errors()[0]
    given = problem.get("input")
    shown = "" if isinstance(given, dict | BaseModel) else f"; got {one_line(repr(given), MOST_SHOWN)}"
    holder, name, field = _find(owner, problem["loc"])
    if problem["type"] == "union_tag_invalid":
        context = problem.get("ctx", {})
        known = [tag.strip("' ") for tag in str(context.get("expected_tags", "")).split(",")]
        return str(unknown_name(name, str(context.get("tag", "")), known))
    if problem["type"] == "extra_forbidden":
        return str(unknown_name(f"setting of {holder.__name__}", name, holder.model_fields, most=MOST_NAMED))
    if problem["type"] in ("missing", "union_tag_not_found"):
        absent = name if problem["type"] == "missing" else f"{name}.name"
        return f"{holder.__name__}.{absent} is required."
    where = holder.__name__ if field is None else f"{holder.__name__}.{name}{symbol_of(field)}"
    allowed = bounds_text(field) if field is not None else ""
    if allowed and problem["type"] in _BOUNDS:
        return f"{where} must lie in {allowed}{shown}."
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = message.replace("should be", "must be").replace("input is", "which is").rstrip(".")
    is_a_sentence = problem["type"] == "value_error" and message[:1].isupper()
    if field is None or is_a_sentence:
        return f"{where} {message}." if message.startswith("must") else f"{message}."
    return f"{where} {message}{shown}."


def bounds_text(field: FieldInfo) -> str:
    """A numeric field's bounds and unit, as `[0, 1]` or `>= 1 bits`; empty where it has none."""
    limits = limits_of(field)
    unit = unit_of(field)
    suffix = f" {unit}" if unit else ""
    lower = limits.get("ge", limits.get("gt"))
    upper = limits.get("le", limits.get("lt"))
    if lower is None and upper is None:
        return ""
    opening = "(" if "gt" in limits or lower is None else "["
    closing = ")" if "lt" in limits or upper is None else "]"
    return f"{opening}{_number(lower, '-∞')}, {_number(upper, '∞')}{closing}{suffix}"


def limits_of(field: FieldInfo) -> dict[str, float | int]:
    """A numeric field's bounds by their kind: `ge`, `gt`, `le`, `lt`."""
    return {key: getattr(item, key) for item in field.metadata for key in _LIMITS if hasattr(item, key)}


def symbol_of(field: FieldInfo) -> str:
    """A field's symbol in brackets, to follow its name; empty where it has none."""
    return f" ({field.title})" if field.title else ""


def unit_of(field: FieldInfo) -> str:
    """A field's unit; empty where it has none."""
    return _extra(field, "unit")


def noun_of(field: FieldInfo) -> str:
    """What a field's symbol stands for; empty where its name says it."""
    return _extra(field, "noun")


def _extra(field: FieldInfo, name: str) -> str:
    extra = field.json_schema_extra
    return str(extra.get(name, "")) if isinstance(extra, dict) else ""


def number_text(value: float | int) -> str:
    """A number as briefly as reads back to the very same number.

    >>> number_text(1.0), number_text(0.01), number_text(0.1234567)
    ('1', '0.01', '0.1234567')
    """
    brief = f"{value:g}"
    return brief if float(brief) == value else repr(value)


def component_text(component: Component) -> str:
    """A component in one word, as a command line takes it: its name, if it has one, and what is not the default.

    >>> from neft.mapping.stack import Mapping
    >>> component_text(Mapping(scale="channel", copies=2))
    'scale=channel,copies=2'
    """
    fields = type(component).model_fields
    settings = [
        f"{name}={setting_text(getattr(component, name))}"
        for name, field in fields.items()
        if name != "name" and getattr(component, name) != field.default
    ]
    name = default_tag(type(component))
    given = ",".join(settings)
    if name is None:
        return given or "default"
    return f"{name}:{given}" if given else name


def settings_from_text(text: str) -> dict[str, str]:
    """The settings of such a word, without a name: `scale=channel,copies=2`.

    Raises:
        ConfigError: no settings.
    """
    if text in ("", "default"):
        return {}
    found: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals or not name.strip() or name.strip() in found:
            message = f"Settings must be written as 'name=value,name=value', each name once; got '{text}'."
            raise ConfigError(message)
        found[name.strip()] = value.strip()
    return found


def setting_text(value: object) -> str:
    """A setting as it is written."""
    if isinstance(value, tuple):
        return "/".join(setting_text(part) for part in value)
    return number_text(value) if isinstance(value, float) else str(value)


_LIMITS = ("ge", "gt", "le", "lt")
_BOUNDS = ("greater_than_equal", "greater_than", "less_than_equal", "less_than")


def _number(value: float | int | None, absent: str) -> str:
    return absent if value is None else f"{value:g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _find(owner: type[BaseModel], path: tuple[int | str, ...]) -> tuple[type[BaseModel], str, FieldInfo | None]:
    """The model, name and field that a validation error's location points at."""
    holder = owner
    name = ""
    field: FieldInfo | None = None
    for part in path:
        members = [] if field is None else _models(field.annotation)
        tagged = [model for model in members if default_tag(model) == part]
        if tagged:
            holder, field = tagged[0], None
            continue
        if len(members) == 1:
            holder = members[0]
        if isinstance(part, str):
            name = part
            field = holder.model_fields.get(part)
    return holder, name or owner.__name__, field


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def default_tag(model: type[BaseModel]) -> str | None:
    """The literal `name` of a registered component; None for a model without one."""
    field = model.model_fields.get("name")
    return None if field is None else cast("str | None", field.default)
