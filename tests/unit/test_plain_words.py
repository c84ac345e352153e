"""What is shown of others' words is plain: whatever they are, and wherever a record keeps them."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from dashboard.data.foreign import foreign
from neft.errors import is_hidden, without_controls
from neft.plain_words import AMPERSAND, plain_words
from neft.runs.notes import Note
from neft.runs.races import RaceRecord
from neft.runs.records import Provenance, RunFacts
from neft.runs.searches import SearchRecord
from neft.runs.store import CACHED_RUNS, RunStore
from neft.runs.waterfalls import WaterfallRecord
from neft.runs.worst_cases import WorstCaseRecord
from tests.marked_words import SPELLINGS

HIDDEN = "\u202e\u2066\u200b\u200f\ufeff\u2028\u2029\U000e0041\x1b\x07"
WORDS = st.text(st.characters(codec="utf-8") | st.sampled_from("&#;:/@.w[]()<>`$" + HIDDEN), max_size=60)


@given(WORDS | st.lists(st.sampled_from((*SPELLINGS, *HIDDEN, "www", ".", "&", "#46;", ":", "//", "@"))).map("".join))
def test_plain_words_are_plain_already(text: str) -> None:
    shown = plain_words(text)
    assert plain_words(shown) == shown
    assert not any(map(is_hidden, shown))


@given(WORDS)
def test_no_character_comes_of_an_entity_in_plain_words(text: str) -> None:
    shown = plain_words(text)
    assert not any(f"&{name};" in shown for name in ("#46", "#x2e", "period", "colon", "commat", "amp", "lt"))


@pytest.mark.parametrize("text", ["www&#46;a.b", "https&colon;//a.b", "a&#64;a.b", "&lt;b&gt;", "&#x40;", "&amp;#46;"])
def test_an_entity_looks_as_it_was_written_and_is_none(text: str) -> None:
    shown = plain_words(text).replace("//", "")
    assert html.unescape(shown) == shown
    assert "&" not in foreign(text).replace("\\&", "")


@pytest.mark.parametrize("text", ["Q & A", "R&D", "AT&T; a", "a&b", "&", "OVF, N = 3, Δσ = 0.05", "stages.1.0.conv"])
def test_what_is_no_markup_stays(text: str) -> None:
    assert plain_words(text).replace(AMPERSAND, "&") == text


@pytest.mark.parametrize("hidden", HIDDEN)
def test_hidden_characters_go(hidden: str) -> None:
    assert not any(map(is_hidden, without_controls(f"a{hidden}b")))
    assert hidden not in foreign(f"a{hidden}b") + plain_words(f"a{hidden}b")


def test_every_text_of_a_record_that_people_read_is_plain() -> None:
    store = RunStore(CACHED_RUNS, read_only=True)
    raw = store.record(next(CACHED_RUNS.glob("digits-*-irs-*")).name).model_dump(mode="json")
    for model, part in ((RunFacts, "facts"), (Provenance, "provenance")):
        marked = {name: "<b>" if isinstance(value, str) else value for name, value in raw[part].items()}
        given = {"decay": "<b>"} if part == "facts" else {"created": raw[part]["created"]}
        read = model.model_validate(marked | given).model_dump()
        assert {name for name, value in read.items() if value == "<b>"} <= {"command"}


@pytest.mark.parametrize("other", ["<b>", "yesterday", "2026-01-31", "2026-01-31T12:00:00+01:00"])
def test_a_run_was_created_at_an_instant(other: str) -> None:
    one = TypeAdapter(Provenance.model_fields["created"].rebuild_annotation()).validate_python
    assert one("2026-01-31T12:00:00+00:00") == "2026-01-31T12:00:00+00:00"
    with pytest.raises(ValueError, match="must be an instant of UTC"):
        _ = one(other)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        *((model, "created") for model in (RaceRecord, WaterfallRecord, WorstCaseRecord, SearchRecord)),
        (Note, "updated"),
    ],
)
def test_a_moment_is_one(model: type[BaseModel], name: str) -> None:
    field = model.model_fields[name]
    one = TypeAdapter(field.rebuild_annotation()).validate_python
    for moment in ("2026-01-31", "2026-01-31T12:00:00+00:00", "2026-01-31T12:00:00.123456Z"):
        assert one(moment) == moment
    for other in (SPELLINGS[1], "2026-01-31 [x](//m.evil)", "2026-13-31", "now", "2026-01-31T12:00:00+00:00\n"):
        with pytest.raises(ValueError, match="A moment is written as"):
            _ = one(other)
