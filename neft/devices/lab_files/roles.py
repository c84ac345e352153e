"""Which column of a laboratory's file is what: what its header says, else what its numbers look like.

A guess is only ever a start: each is said in a sentence, and a user's own choice takes its place.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from neft.devices.lab_files import patterns, units
from neft.devices.lab_files.levels import listed
from neft.devices.lab_files.tables import SHOWN, Column, Table
from neft.errors import ConfigError, one_line, unknown_name

Role = Literal["level", "target", "window_low", "window_high", "measured", "mean", "std", "cv", "time", "success"]
ROLES: dict[Role, str] = {
    "level": "the level's number or name",
    "target": "the conductance that was aimed at",
    "window_low": "the lower end of the window that a write had to hit",
    "window_high": "its upper end",
    "measured": "what a device ended up with",
    "mean": "a level's mean",
    "std": "a level's std",
    "cv": "a level's std over its own mean",
    "time": "time since programming",
    "success": "whether a write succeeded, 1 or 0",
}
NAMES: dict[Role, str] = {
    "std": r"(?:std|sigma|stdev|stddev|std_dev|sd|standard_deviation)(?:_.*)?|.*_(?:std|sigma|sd|stdev)",
    "cv": r"cv|rsd|rel_std|relative_std|(?:std|sigma)_?/_?(?:mean|mu)",
    "mean": r"(?:mean|mu|avg|average)(?:_.*)?|.*_(?:mean|avg|mu)",
    "level": r"(?:target_|programmed_|prog_)?(?:levels?|lvl|lev|states?)(?:_?(?:id|no|nr|index|number))?",
    "target": (
        r"targets?(?:_.*)?|aim|[gri]_?(?:target|tgt|aim|prog|set)|set_?point|intended|desired|nominal(?:_.*)?|goal"
    ),
    "window_low": r"(?:[trgi]|window|target|range)_?(?:min|lo|low|lower)|lo|low|lower|min",
    "window_high": r"(?:[trgi]|window|target|range)_?(?:max|hi|high|upper)|hi|high|upper|max",
    "time": r"time(?:pt|_point|_s|_sec)?|t(?:_s)?|elapsed(?:_.*)?|delay(?:_s)?|seconds|(?:retention|read)_time(?:_s)?",
    "success": r"success|pass(?:ed)?|(?:is_)?ok|valid|verified",
    "measured": (
        r"measur(?:ed|ements?)(?:_.*)?|.*_measured|[gri]_?(?:meas|read|final|f|out)|read(?:out)?|actual|observed|"
        r"after_relax(?:ation)?|after_write|conductances?|resistances?|(?:read_)?current|i_(?:at_)?[\d_]+m?v|value|final|g|r"
    ),
}
"""Of columns, by role: the first role that fits is a column's."""
LISTS = "each row's list"
"""What is measured where rows end in lists."""
WIDE = "the columns side by side"
"""What is measured where a row holds many readings."""
FEWEST_ROWS = 8
"""Without a header, fewer tell nothing."""
LEAST_ALIKE = 8
"""Columns of one kind that are many readings a row."""


@dataclass(frozen=True)
class Roles:
    """What each role's column is called."""

    columns: Mapping[Role, str]
    units: Mapping[Role, str] = field(default_factory=dict[Role, str])
    """Units that are given, over those in the header."""
    cycle: int = 0
    """Rows go through so many levels in turn; 1 where all are of one state, 0 where a column tells the level."""
    guesses: tuple[str, ...] = ()
    """What was guessed, in sentences."""

    def of(self, role: Role) -> str:
        """The column's name; empty where there is none."""
        return self.columns.get(role, "")

    @property
    def is_per_level(self) -> bool:
        """Whether stds are given, rather than measurements."""
        return bool(self.of("std") or self.of("cv"))

    @property
    def has_levels(self) -> bool:
        """Whether a column tells a row's level."""
        return any(self.of(role) for role in ("level", "target", "window_low"))


def chosen(table: Table, *, columns: Mapping[str, str], units: Mapping[str, str], cycle: int | None = None) -> Roles:
    """The roles that a user gave, and for the rest a guess.

    Args:
        table: the file.
        columns: by role, a column's name, or its place from 1; an empty one says that there is none.
        units: by role.
        cycle: the number of levels that rows go through in turn; guessed if not given.

    Raises:
        ConfigError: an unknown role or column, or nothing that can be a device's data.
    """
    for role in (*columns, *units):
        if role not in ROLES:
            kind = "role of a column"
            raise unknown_name(kind, role, ROLES)
    if cycle is not None and not 0 <= cycle <= patterns.MAX_LEVELS:
        message = f"The number of levels in turn must lie in [1, {patterns.MAX_LEVELS}]; got {cycle}."
        raise ConfigError(message)
    given: dict[Role, str] = {role: _found(table, name) for role, name in columns.items() if role in ROLES}
    found = _completed(table, given, cycle)
    return replace(found, units={role: unit for role, unit in units.items() if role in ROLES})


def column_of(table: Table, name: str) -> Column:
    """A table's column by its name."""
    return next(column for column in table.columns if column.name == name)


def _found(table: Table, name: str) -> str:
    if not name or name in (*table.names, LISTS, WIDE):
        return name
    same = [known for known in table.names if known.lower() == name.lower()]
    if not same and name.isdecimal() and 1 <= int(name) <= len(table.names):
        same = [table.names[int(name) - 1]]
    if len(same) == 1:
        return same[0]
    kind = "column"
    raise unknown_name(kind, name, table.names)


def _completed(table: Table, given: Mapping[Role, str], cycle: int | None) -> Roles:
    columns: dict[Role, str] = _by_name(table, given) if table.has_header else {}
    columns = _without_doubles({**columns, **given})
    roles = Roles({role: name for role, name in columns.items() if name}, cycle=cycle or 0)
    if roles.is_per_level:
        return _per_level(table, roles)
    none = {role for role, name in given.items() if not name}
    if table.lists and "measured" not in none:
        return _of_lists(table, roles)
    if not table.has_header and not given and (told := patterns.stds_by_level(table.columns)) is not None:
        sentence = f"Columns are taken as {', '.join(f'{role} ({name})' for role, name in told.items())}."
        return Roles({role: name for role, name in told.items() if role in ROLES}, guesses=(sentence,))
    for step in (_with_window, _with_measured, _with_wide, _with_levels_by_value, _with_any):
        guessed = step(table, roles, given)
        if not none & guessed.columns.keys():  # what is said to be no column's stays so
            roles = guessed
    if not roles.of("measured"):
        raise ConfigError(_question(table))
    if not roles.has_levels and roles.cycle == 0:
        roles = _with_cycle(table, roles)
    return _with_success(table, roles, given)


def _by_name(table: Table, given: Mapping[Role, str]) -> dict[Role, str]:
    taken = set(given.values())
    found: dict[Role, str] = {}
    several: dict[Role, list[Column]] = {}
    for column in table.columns:
        fitting: list[Role] = [role for role, names in NAMES.items() if re.fullmatch(names, column.key)]
        if fitting and column.name not in taken:
            several.setdefault(fitting[0], []).append(column)
    if not several.keys() & {"measured", "std", "cv"}:
        several |= _by_unit(table, taken | {column.name for known in several.values() for column in known})
    for role, candidates in several.items():
        first = candidates[0]
        if role == "time":  # nominal times before those of a clock
            first = min(candidates, key=lambda column: len(np.unique(column.known)))
        found[role] = first.name
    return found


def _by_unit(table: Table, taken: set[str]) -> dict[Role, list[Column]]:
    """What was measured, under a name of its own: the column whose unit is a conductance's, or of what tells it."""
    found = [column for column in table.columns if column.name not in taken and _tells_conductance(column)]
    return {"measured": found} if found else {}


def _tells_conductance(column: Column) -> bool:
    unit = units.find(column.unit) if column.unit else None
    return unit is not None and unit.kind in ("conductance", "resistance", "current")


def _without_doubles(columns: Mapping[Role, str]) -> dict[Role, str]:
    """Half a window is none."""
    kept = dict(columns)
    if not (kept.get("window_low") and kept.get("window_high")):
        _ = kept.pop("window_low", None), kept.pop("window_high", None)
    return kept


def _per_level(table: Table, roles: Roles) -> Roles:
    if roles.of("measured"):
        message = (
            f"The file has a column '{roles.of('measured')}' that looks measured and a column "
            f"'{roles.of('std') or roles.of('cv')}' that looks like a std: it must be raw or per level, not both. "
            "Say which is neither."
        )
        raise ConfigError(message)
    if not (roles.has_levels or roles.of("mean")):
        raise ConfigError(_question(table))
    return roles


def _of_lists(table: Table, roles: Roles) -> Roles:
    columns = dict(roles.columns) | {"measured": LISTS}
    guesses: tuple[str, ...] = ()
    if not roles.has_levels and len(table.columns) == 2:
        columns |= {"window_low": table.columns[0].name, "window_high": table.columns[1].name}
        guesses = ("The first two columns are taken as a write's window, the list behind them as readings.",)
    return replace(roles, columns=columns, guesses=guesses)


# ---------------------------------------------------------------- by their numbers
def _free(table: Table, roles: Roles) -> list[Column]:
    """Columns that have no role yet and hold different numbers."""
    taken = set(roles.columns.values())
    return [column for column in table.columns if column.name not in taken and len(np.unique(column.known[:1000])) > 1]


def _with_window(table: Table, roles: Roles, given: Mapping[Role, str]) -> Roles:
    """Where a window stands in the file, the level's number adds nothing: it may be what was read."""
    columns = dict(roles.columns)
    if roles.of("window_low") and roles.of("level") and "level" not in given:
        del columns["level"]
        return replace(roles, columns=columns)
    if table.has_header or roles.has_levels:
        return roles
    found = patterns.window(table.columns)
    if found is None:
        return roles
    low, high, measured = found
    columns |= {"window_low": low.name, "window_high": high.name}
    if not roles.of("measured"):
        columns["measured"] = measured.name
    sentence = (
        f"Columns {low.name} and {high.name} are taken as the window that column {columns['measured']} had to hit."
    )
    return replace(roles, columns=columns, guesses=(*roles.guesses, sentence))


def _with_measured(table: Table, roles: Roles, _: Mapping[Role, str]) -> Roles:
    """Where it is known what was aimed at, the first column that follows it."""
    if roles.of("measured") or not roles.has_levels:
        return roles
    if roles.of("level"):
        level = column_of(table, roles.of("level"))
        following = patterns.explained_by(level, _free(table, roles))
    else:
        followed = roles.of("target") or roles.of("window_low")
        following = patterns.along(column_of(table, followed), _free(table, roles))
    if not following:
        return roles
    sentence = f"Column '{following[0].name}' is taken as what was measured: it follows what was aimed at."
    if len(following) > 1:
        sentence += f" So do: {listed([column.name for column in following[1:]])}."
    return replace(roles, columns={**roles.columns, "measured": following[0].name}, guesses=(*roles.guesses, sentence))


def _with_levels_by_value(table: Table, roles: Roles, _: Mapping[Role, str]) -> Roles:
    """Where no header tells what was aimed at, columns whose numbers do."""
    measured = roles.of("measured")
    if roles.has_levels or roles.cycle or measured in (LISTS, WIDE) or (table.has_header and not measured):
        return roles
    free = _free(table, roles)
    found = patterns.aimed_at(free, [column_of(table, measured)] if measured else None)
    if found is None:
        return roles
    role, aimed, read = found
    sentence = f"Column {aimed.name} is taken as the {role}, column {read.name} as what was measured."
    return replace(
        roles, columns={**roles.columns, role: aimed.name, "measured": read.name}, guesses=(*roles.guesses, sentence)
    )


def _with_wide(table: Table, roles: Roles, _: Mapping[Role, str]) -> Roles:
    """Many columns of one kind, where nothing tells what one of them would be."""
    if table.has_header or roles.has_levels or roles.of("measured"):
        return roles
    alike = patterns.alike(table.columns)
    if sum(len(np.unique(column.known[:1000])) > 1 for column in alike) < LEAST_ALIKE:
        return roles
    sentence = f"Columns {alike[0].name} to {alike[-1].name} are taken as readings, a row after the other."
    return replace(roles, columns={**roles.columns, "measured": WIDE}, guesses=(*roles.guesses, sentence))


def _with_any(table: Table, roles: Roles, _: Mapping[Role, str]) -> Roles:
    """Without a header, the column with the most different numbers."""
    if table.has_header or roles.of("measured") or table.num_rows < FEWEST_ROWS:
        return roles
    read = patterns.most_different(_free(table, roles))
    if read is None:
        return roles
    sentence = f"Column {read.name} is taken as what was measured."
    guesses = (*roles.guesses, *((sentence,) if len(table.columns) > 1 else ()))
    return replace(roles, columns={**roles.columns, "measured": read.name}, guesses=guesses)


def _with_cycle(table: Table, roles: Roles) -> Roles:
    values = readings(table, roles)
    length = patterns.cycle(values)
    if length is None:
        sentence = (
            "No column tells a level, and rows go through none in turn: all are taken as one state, whose std every "
            "level gets."
        )
        return replace(roles, cycle=1, guesses=(*roles.guesses, sentence))
    sentence = f"Readings repeat every {length}: they are taken to go through {length} levels in turn."
    return replace(roles, cycle=length, guesses=(*roles.guesses, sentence))


def _with_success(table: Table, roles: Roles, given: Mapping[Role, str]) -> Roles:
    if table.has_header or "success" in given or roles.is_per_level:
        return roles
    for column in _free(table, roles):
        known = column.known
        if set(np.unique(known)) == {0.0, 1.0} and known.mean() > 0.5:
            sentence = f"Column {column.name} is taken as whether a write succeeded."
            return replace(roles, columns={**roles.columns, "success": column.name}, guesses=(*roles.guesses, sentence))
    return roles


def readings(table: Table, roles: Roles) -> np.ndarray:
    """What was measured, in the file's order."""
    name = roles.of("measured")
    if name == LISTS:
        return np.concatenate(table.lists)
    if name == WIDE:
        return np.column_stack([column.numbers for column in patterns.alike(table.columns)]).ravel()
    return column_of(table, name).numbers


def _question(table: Table) -> str:
    if table.has_header:
        shown = listed([repr(one_line(name, SHOWN)) for name in table.names])
        return (
            "The header must name the columns 'level' and 'std', or 'level' (or 'target') and 'measured'; got "
            f"{shown}. Or say which column is what."
        )
    shown = "; ".join(f"{column.name} ({_range(column)})" for column in table.columns[:6])
    return (
        "The file has no header, and its numbers do not tell what they are: say which column is what. Columns: "
        f"{shown}."
    )


def _range(column: Column) -> str:
    known = column.known
    return "no numbers" if not len(known) else f"{known.min():.4g} to {known.max():.4g}"


def unread(table: Table, roles: Roles) -> Sequence[str]:
    """Columns that have no role."""
    taken = set(roles.columns.values())
    wide = {column.name for column in patterns.alike(table.columns)} if WIDE in taken else set[str]()
    return [name for name in table.names if name and name not in taken | wide]
