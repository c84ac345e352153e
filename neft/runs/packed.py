"""Records that keep their parts as text until they are asked for, so that ten thousand of them take little.

A list of runs reads the facts of all, and the summaries and configs of a few.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, PrivateAttr, TypeAdapter
from typing_extensions import override

from neft.runs.records import Provenance, RunFacts, RunRecord, RunSummary, StoredFile

SEPARATOR = b"\n"
"""Between the parts; JSON in one line has none inside."""
REMEMBERED = 512
"""So many of each part, the latest that were asked for, are not read again."""
LEVEL = 1
"""Of compression: higher ones take longer and win little."""


class PackedRecord(RunRecord):
    """A record whose parts are read out of their text when they are asked for; taken whole it is a plain one."""

    _packed: bytes = PrivateAttr()

    if not TYPE_CHECKING:  # to a type checker it has the fields of every record

        def __getattr__(self, name: str) -> Any:
            read = _READERS.get(name)
            if read is not None:
                return read(self._packed)
            if name != "facts":
                return super().__getattr__(name)
            # every list reads those of all, and keeps them; of the rest the latest few are remembered
            found = RunFacts.model_validate_json(self._packed.split(SEPARATOR, 1)[0])
            for name_of_fact, fact in found.__dict__.items():
                if isinstance(fact, str):  # most runs have the same words
                    found.__dict__[name_of_fact] = intern(fact)
            self.__dict__[name] = found
            return found

    @override
    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> RunRecord:
        """A plain record, other parts of which may be given; what is replaced is not read."""
        given = dict(update or {})
        parts = {name: given[name] if name in given else getattr(self, name) for name in RunRecord.model_fields}
        plain = RunRecord.model_construct(**parts)
        return plain.model_copy(deep=True) if deep else plain

    @override
    def __eq__(self, other: object) -> bool:
        return self.model_copy() == (other.model_copy() if isinstance(other, PackedRecord) else other)

    __hash__ = None  # as any record's: it holds a dict

    @override
    def __iter__(self) -> Any:
        return iter(self.model_copy())

    @override
    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield from self.model_copy().__repr_args__()

    @override
    def __copy__(self) -> Any:
        return self.model_copy()

    @override
    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Any:
        return self.model_copy(deep=True)

    @override
    def __reduce_ex__(self, protocol: Any) -> Any:
        return unpack, (self.id, self._packed)

    @override
    def model_dump(self, **how: Any) -> dict[str, Any]:
        """As any record's."""
        return self.model_copy().model_dump(**how)

    @override
    def model_dump_json(self, **how: Any) -> str:
        """As any record's."""
        return self.model_copy().model_dump_json(**how)


def pack(record: RunRecord) -> bytes | None:
    """A record's parts as text, compressed but for what lists read; None where it would not come back the same."""
    try:
        facts, provenance = _json(record.facts), _json(record.provenance)
        summary = _json(record.summary)
        # words for people are made plain whenever they are read; a key may be no text that JSON brings back
        told = (facts, RunFacts), (provenance, Provenance), (summary, RunSummary)
        if [kind.model_validate_json(text) for text, kind in told] != [record.facts, record.provenance, record.summary]:
            return None
        config = json.dumps(record.config, separators=(",", ":")).encode()
        rest = SEPARATOR.join((config, summary, _FILES.dump_json(record.files)))
        return SEPARATOR.join((facts, provenance, zlib.compress(rest, LEVEL)))
    except (ValueError, TypeError, RecursionError):
        return None


def unpack(run_id: str, packed: bytes) -> PackedRecord:
    """The record of which `pack` made this text."""
    record = PackedRecord.__new__(PackedRecord)
    # what `model_construct` does, without the defaults that would stand for parts
    object.__setattr__(record, "__dict__", {"schema_version": _VERSION, "id": run_id})
    object.__setattr__(record, "__pydantic_fields_set__", _FIELDS)
    object.__setattr__(record, "__pydantic_extra__", None)
    object.__setattr__(record, "__pydantic_private__", {"_packed": packed})
    return record


def _json(part: BaseModel) -> bytes:
    return part.model_dump_json().encode()


def _reader(place: int, read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def of_packed(packed: bytes) -> Any:
        return read(zlib.decompress(packed.split(SEPARATOR, 2)[2]).split(SEPARATOR)[place])

    return lru_cache(maxsize=REMEMBERED)(of_packed)


def _provenance(packed: bytes) -> Provenance:
    return Provenance.model_validate_json(packed.split(SEPARATOR, 2)[1])


_VERSION = cast("int", RunRecord.model_fields["schema_version"].default)
_FIELDS = set(RunRecord.model_fields)
_FILES = TypeAdapter(dict[str, StoredFile])
_READERS: dict[str, Callable[[bytes], Any]] = {
    "provenance": lru_cache(maxsize=REMEMBERED)(_provenance),
    "config": _reader(0, json.loads),
    "summary": _reader(1, RunSummary.model_validate_json),
    "files": _reader(2, _FILES.validate_json),
}
"""Of the parts but the facts."""
