"""What every table says of a variant beside its key: the facts that pages and charts go by, never by a name."""

from collections.abc import Sequence

import pandas as pd

from neft import columns
from neft.runs.records import RunRecord

VARIANT_FACTS = (
    columns.VARIANT,
    columns.LABEL,
    columns.METHOD,
    columns.METHOD_RANK,
    columns.DEPARTURE,
    columns.USES_NOISE,
    columns.HAS_FEEDBACK,
    columns.IS_CONTROL,
)


Fact = str | int
"""A key, words, a rank, or yes or no."""


def variant_facts(record: RunRecord) -> dict[str, Fact]:
    """The facts of a run's variant, by column."""
    facts = record.facts
    return {
        columns.VARIANT: facts.variant,
        columns.LABEL: facts.label,
        columns.METHOD: facts.method,
        columns.METHOD_RANK: facts.rank,
        columns.DEPARTURE: facts.departure,
        columns.USES_NOISE: facts.uses_noise,
        columns.HAS_FEEDBACK: facts.has_feedback,
        columns.IS_CONTROL: facts.is_control,
    }


def facts_of(rows: pd.DataFrame) -> dict[str, object]:
    """The facts of the one variant that some rows are of, by column."""
    first = rows[list(VARIANT_FACTS)].iloc[0]
    return dict(zip(VARIANT_FACTS, first, strict=True))


def series_facts(series: str, runs: Sequence[RunRecord]) -> dict[str, Fact]:
    """The facts of an experiment's series, by column: those of the run that it is named for.

    A series that is named for none of its runs varies something of them: it has no departure of its own unless all
    share one, and is the control where one of them is.

    Args:
        series: its key.
        runs: the stored runs of the series, at least one.
    """
    found = [variant_facts(record) for record in runs]
    named = next((facts for facts in found if facts[columns.VARIANT] == series), None)
    departures = {facts[columns.DEPARTURE] for facts in found}
    facts = named or found[0] | {
        columns.DEPARTURE: departures.pop() if len(departures) == 1 else "",
        columns.IS_CONTROL: any(facts[columns.IS_CONTROL] for facts in found),
    }
    return facts | {columns.VARIANT: series}
