"""The base of everything a run is configured by: frozen, bounded, described once.

A field's `title` is its symbol (β), its `description` the help text, `json_schema_extra={"unit": …}` its unit, and its
bounds are pydantic's. Validation, JSON, the command line and the dashboard's forms all read those.
"""

from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from neft.errors import ConfigError


C = TypeVar("C", bound=BaseModel)


class Component(BaseModel):
    """A frozen choice with bounded fields; unknown fields, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def default_name(component: type[Component]) -> str:
    """The literal `name` by which a registered component is chosen."""
    return cast("str", component.model_fields["name"].default)


def build(component: type[C], values: dict[str, Any]) -> C:
    """Make a component, turning pydantic's report into one sentence.

    Raises:
        ConfigError: naming the first field that is wrong, what was given, and what is allowed.
    """
    try:
        return component.model_validate(values)
    except ValidationError as error:
        raise ConfigError(first_problem(component.__name__, error)) from None


def first_problem(owner: str, error: ValidationError) -> str:
    """One sentence for the first thing a validation found wrong."""
    problem = error.errors()[0]
    path = ".".join(str(part) for part in problem["loc"])
    where = f"{owner}.{path}" if path else owner
    message = problem["msg"].removeprefix("Value error, ")
    given = problem.get("input")
    shown = repr(given) if not isinstance(given, dict | BaseModel) else "a mapping"
    return f"{where}: {message[0].lower()}{message[1:]}; got {shown}."
