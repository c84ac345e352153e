"""Notes on runs: kept whole or not at all, never outside their folder; what is no note is named and harms nothing."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neft.errors import ConfigError, NoteChangedError, NoteError
from neft.runs.notes import (
    LOCK,
    MAX_BYTES,
    MAX_TAG,
    MAX_TAGS,
    MAX_TEXT,
    Note,
    NoteListing,
    change_note,
    delete_note,
    list_notes,
    make_note,
    read_note,
    revise_note,
    write_note,
)
from neft.runs.places import neft_home

RUN = "digits-mlp2x16-ovf-s0.20-seed0-1a2b3c4d"
OTHER = "digits-mlp2x16-irs-s0.20-seed0-1a2b3c4d"
PRINTABLE = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))
TAGS = st.lists(st.text(PRINTABLE.filter(lambda letter: letter != ","), max_size=MAX_TAG), max_size=MAX_TAGS)


def file_of(run_id: str) -> Path:
    return neft_home() / "notes" / f"{run_id}.json"


def put(content: bytes, run_id: str = RUN) -> None:
    file_of(run_id).parent.mkdir(parents=True, exist_ok=True)
    file_of(run_id).write_bytes(content)


def test_run_without_a_note_has_none() -> None:
    assert read_note(RUN) is None
    assert list_notes().notes == {}


@given(text=st.text(PRINTABLE | st.sampled_from("\n\t"), max_size=200), tags=TAGS)
def test_note_is_read_as_it_was_written(text: str, tags: list[str]) -> None:
    note = make_note(text, tags)

    write_note(RUN, note)

    assert read_note(RUN) == (None if note.is_empty else note)


def test_note_takes_the_place_of_the_last_one_and_leaves_nothing_else() -> None:
    write_note(RUN, make_note("first", ["a"]))
    write_note(RUN, make_note("second", ["b", "c"]))

    note = read_note(RUN)
    assert note is not None
    assert (note.text, note.tags) == ("second", ("b", "c"))
    assert {path.name for path in file_of(RUN).parent.iterdir()} == {file_of(RUN).name, LOCK}


def test_changes_at_once_are_all_kept() -> None:
    tags = [f"tag {number}" for number in range(8)]
    started = Barrier(len(tags))

    def add(tag: str) -> None:
        _ = started.wait()
        change_note(RUN, lambda last: make_note(last.text, (*last.tags, tag)))

    with ThreadPoolExecutor(len(tags)) as pool:
        _ = list(pool.map(add, tags))

    assert sorted((read_note(RUN) or Note()).tags) == tags


def test_note_is_revised_by_what_differs_from_what_was_seen() -> None:
    seen = make_note("first", ["a", "b"])
    write_note(RUN, make_note("first", ["a", "b", "c"]))

    written = revise_note(RUN, seen, make_note("second", ["b", "d"]))

    assert (written.text, written.tags) == ("second", ("b", "c", "d"))
    assert read_note(RUN) == written


def test_text_that_both_changed_is_refused_with_what_is_there() -> None:
    write_note(RUN, make_note("theirs"))

    with pytest.raises(NoteChangedError, match=r"changed elsewhere meanwhile\.$") as refused:
        revise_note(RUN, make_note("first"), make_note("mine"))

    assert refused.value.text == "theirs"
    assert (read_note(RUN) or Note()).text == "theirs"
    assert revise_note(RUN, make_note("first"), make_note("theirs", ["x"])).tags == ("x",)  # both to the same


def test_empty_note_removes_the_last_one() -> None:
    write_note(RUN, make_note("something"))

    write_note(RUN, make_note("  \n"))

    assert not file_of(RUN).exists()


def test_deleting_a_note_twice_is_no_error() -> None:
    write_note(RUN, make_note("something"))

    delete_note(RUN)
    delete_note(RUN)

    assert read_note(RUN) is None


def test_tags_lose_white_space_and_repetitions() -> None:
    assert make_note(tags=[" baseline ", "", "slow chip", "baseline"]).tags == ("baseline", "slow chip")


@pytest.mark.parametrize("run_id", ["../../etc/passwd", "", "a", f"../{RUN}", f"{RUN}/x", f"{RUN}\n"])
def test_what_is_no_runs_id_is_refused(run_id: str) -> None:
    words = "is not a run's id"
    with pytest.raises(NoteError, match=words):
        read_note(run_id)
    with pytest.raises(NoteError, match=words):
        delete_note(run_id)
    with pytest.raises(NoteError, match=words):
        write_note(run_id, make_note("x"))


@pytest.mark.parametrize(
    ("text", "tags", "words"),
    [
        ("x" * (MAX_TEXT + 1), (), r"at most 4,000 characters; got 4,001\."),
        ("colour \x1b[31m", (), "plain text; got control characters"),
        ("\ud800", (), "plain text; got"),
        ("", ["\udcff"], "in one line"),
        ("", [str(number) for number in range(MAX_TAGS + 1)], r"at most 12 tags; got 13\."),
        ("", ["x" * (MAX_TAG + 1)], "1 to 32 characters in one line, without commas; got 'xxx"),
        ("", ["a,b"], "without commas; got 'a,b'"),
        ("", ["a\nb"], "in one line"),
    ],
)
def test_what_cannot_be_a_note_is_refused_in_words(text: str, tags: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make_note(text, tags)


def test_longest_note_is_kept() -> None:
    note = make_note("\N{EARTH GLOBE EUROPE-AFRICA}" * MAX_TEXT, ["\N{EARTH GLOBE EUROPE-AFRICA}" * MAX_TAG])

    write_note(RUN, note)

    assert read_note(RUN) == note


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b'{"text": 1}',
        b'{"tags": ["a", "a"]}',
        b'{"text": "x", "run": "y"}',
        b'{"text": "\\u001b[31m"}',
        b"\xff\xfe",
        b"[" * MAX_BYTES,
        b'{"text": "' + b"x" * MAX_BYTES + b'"}',
    ],
)
def test_note_that_cannot_be_read_is_named_while_others_are_shown(content: bytes) -> None:
    write_note(OTHER, make_note("good"))
    put(content)

    listing = list_notes()

    assert [note.text for note in listing.notes.values()] == ["good"]
    assert list(listing.problems) == [RUN]
    assert f"The note on run '{RUN}' cannot be read" in listing.problems[RUN]
    with pytest.raises(NoteError):
        read_note(RUN)


def test_file_that_is_named_like_no_run_is_no_note() -> None:
    put(b"{}", "README")
    put(b"{}", ".draft-x")

    assert list_notes() == NoteListing()


def test_unreadable_note_can_be_written_anew() -> None:
    put(b"{")

    write_note(RUN, make_note("again"))

    assert read_note(RUN) is not None


def test_note_that_cannot_be_written_says_so() -> None:
    neft_home().mkdir(parents=True)
    (neft_home() / "notes").write_text("a file in the way", encoding="utf-8")

    with pytest.raises(NoteError, match=f"The note on run '{RUN}' cannot be written"):
        write_note(RUN, make_note("x"))


def test_note_knows_when_it_was_written() -> None:
    assert make_note("x").updated.endswith("+00:00")
    assert Note().is_empty


def test_notes_whose_folder_cannot_be_read_are_told_and_refused() -> None:
    neft_home().mkdir()
    (neft_home() / "notes").symlink_to("notes")

    (reason,) = list_notes().problems.values()

    assert "notes' cannot be read: Too many levels of symbolic links" in reason
    with pytest.raises(NoteError, match="cannot be read: Too many levels"):
        delete_note(RUN)
