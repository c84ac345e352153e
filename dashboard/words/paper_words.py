"""What a paper that shows a run cites."""

from dashboard.data.stored import RunRecord
from dashboard.words import glossary

PARTS = ("method", "constraint", "device", "backbone", "dataset", "programming")
"""Of a run's config, those that someone published."""


def sources(record: RunRecord) -> str:
    """The keys of the sources of a run's method, devices, network and data, as the glossary has them."""
    names = {f"{part}.{record.config[part].get('name')}" for part in PARTS if part in record.config}
    return " ".join(term.source for term in glossary.terms().values() if names & set(term.names))
