"""What a sweep set out to do, kept beside its runs: which run stands where in which experiment.

A page that shows an experiment reads its runs off the plan: no run has to be recognised by its settings, and what is
missing can be named.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, ValidationError

from neft.component import Component, first_problem
from neft.errors import StoreError, one_line
from neft.runs import files
from neft.runs.migrations import migrated_plan
from neft.runs.store import DRAFTS
from neft.sigma_d import SigmaD

PLAN_VERSION = 3
FOLDER = "plans"
NAME_PATTERN = r"^[a-z0-9_]+(-[0-9a-f]{8})?$"
KEY_PATTERN = r"^[a-z0-9_.+-]+$"


class PlanEntry(Component):
    """A run's place in an experiment."""

    experiment: str
    series: str
    """The line it belongs to, by its key; chooses its colour."""
    setting: str = Field(pattern=KEY_PATTERN)
    """What was varied, by its key in the experiment."""
    position: float
    sigma_d: SigmaD
    """Device variation at which the run is read."""
    seed: int
    run_id: str

    @property
    def is_of_a_scheme(self) -> bool:
        """Whether its series names a mapping or programming (`RunFacts.chips`, which begins with a tilde)."""
        return "~" in self.series


class PlanRecord(Component):
    """plans/<name>.json."""

    plan_version: int = PLAN_VERSION
    name: str = Field(pattern=NAME_PATTERN)
    preset: str
    command: str
    """What makes the missing runs."""
    words: dict[str, str] = Field(default_factory=dict)
    """Of series and settings that an older plan had in words alone, by the keys they were given."""
    fixed_seeds: dict[str, int] = Field(default_factory=dict)
    """By experiment the number of seeds that the preset fixes, whatever this sweep asked for: with no other number is
    an experiment free of the suspicion that seeds were added until something showed."""
    entries: tuple[PlanEntry, ...]

    @property
    def experiments(self) -> tuple[str, ...]:
        """Names of the experiments it holds, in their order."""
        return tuple(dict.fromkeys(entry.experiment for entry in self.entries))


def save_plan(root: Path, plan: PlanRecord) -> None:
    """Write a plan below a store's root, whole or not at all; one entry a line.

    Raises:
        StoreError: the folder cannot be written.
    """
    head = plan.model_dump(mode="json", exclude={"entries"})
    rows = ",\n".join(json.dumps(entry.model_dump(mode="json"), ensure_ascii=False) for entry in plan.entries)
    opening = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    text = f'{opening},\n "entries": [\n{rows}\n]\n}}\n'
    target = root / FOLDER / f"{plan.name}.json"
    with files.whole_file(target, what=f"The plan '{plan.name}'", drafts=root / DRAFTS) as draft:
        _ = draft.write_text(text, encoding="utf-8")


def load_plans(root: Path) -> tuple[dict[str, PlanRecord], dict[str, str]]:
    """Every plan below a store's root by its name, and why others cannot be read."""
    plans: dict[str, PlanRecord] = {}
    problems: dict[str, str] = {}
    try:
        found = files.files_in(root / FOLDER, ".json")
    except StoreError as error:
        return {}, {FOLDER: str(error)}
    for path in found:
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(raw, Mapping) and int(raw.get("plan_version", 0)) > PLAN_VERSION:
                problems[path.stem] = "made by a newer version of neft"
                continue
            plans[path.stem] = PlanRecord.model_validate(migrated_plan(raw) if isinstance(raw, Mapping) else raw)
        except ValidationError as error:
            problems[path.stem] = one_line(first_problem(PlanRecord, error))
        except (OSError, AttributeError, LookupError, ValueError, TypeError, OverflowError, RecursionError):
            problems[path.stem] = "not a plan"
    return plans, problems
