"""Sources as a page shows them: the keys that code cites by, in words."""

from neft.reference import departures
from neft.reference.citations import bibtex, cite, references, with_references

__all__ = ["bibtex", "cite", "departures", "references", "with_references"]
