"""What the computing process answers to forms: their fields, and the trainings and experiments that they describe."""

from dataclasses import dataclass
from typing import Literal

FieldKind = Literal["switch", "choice", "text", "float", "int"]


@dataclass(frozen=True)
class FormField:
    """A setting as a form asks for it."""

    option: str
    """Its name on the command line."""
    part: str
    """A family or a section of the config."""
    owner: str | None
    """The family's component that has it; None for a section's."""
    label: str
    help: str
    kind: FieldKind
    initial: bool | str | float | None
    """What the field begins with; None: nothing given."""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    step: float = 1

    @property
    def name(self) -> str:
        """Of all the form's fields this one's."""
        return f"{self.option}_{self.owner}" if self.owner else self.option


@dataclass(frozen=True)
class Form:
    """Everything that can be set in a config."""

    families: dict[str, dict[str, str]]
    """By family its components' labels by their names."""
    fields: tuple[FormField, ...]
    chosen: dict[str, str]
    """By family the component that a form begins with."""
    can_download: frozenset[str]
    """Data sets that can be fetched."""


@dataclass(frozen=True)
class PlannedTraining:
    """A training that a form describes."""

    run_id: str
    name: str
    """What people call the run."""
    config_json: str
    command: str
    num_epochs: int


@dataclass(frozen=True)
class Duration:
    """How long something will take here, in seconds."""

    training: float
    evaluation: float
    low: float
    high: float
    words: str
    """A sentence: from when to when, and what tells."""


@dataclass(frozen=True)
class PlannedSweep:
    """What is left of an experiment at some size."""

    command: str
    num_planned: int
    num_missing: int
    duration: Duration | None
    """Of what is missing; None where nothing tells."""
