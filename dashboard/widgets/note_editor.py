"""A user's note and tags on a run: shown as plain text, written in a form."""

import streamlit as st

from dashboard.data.foreign import foreign
from dashboard.data.notes import (
    MAX_TAG,
    MAX_TAGS,
    MAX_TEXT,
    Note,
    list_notes,
    make_note,
    read_note,
    revise_note,
    write_note,
)
from dashboard.rights import demand_changes, is_read_only
from neft.errors import NeftError, NoteChangedError

AGAIN = (
    "What you wrote is still in the form: keep it again to put it in the place of what is there now, which is below."
)


def tags_of_runs() -> dict[str, list[str]]:
    """The tags of every run that has some, by id."""
    return {run_id: list(note.tags) for run_id, note in list_notes().notes.items() if note.tags}


def all_tags() -> list[str]:
    """Every tag there is, sorted."""
    return sorted({tag for tags in tags_of_runs().values() for tag in tags})


def show_note_problems() -> None:
    """Notes that cannot be read, named with their reasons."""
    problems = list_notes().problems
    if problems:
        count = "1 note" if len(problems) == 1 else f"{len(problems)} notes"
        with st.expander(f"{count} cannot be read", icon=":material/broken_image:"):
            for reason in problems.values():
                st.text(reason)


def note_editor(run_id: str) -> None:
    """Draw the form; what is changed in it is kept when its button is pressed."""
    note = _note(run_id)
    text_key, tags_key, seen_key, failed_key, other_key = (
        f"{part}_{run_id}" for part in ("note", "tags", "note_seen", "note_failed", "note_other")
    )

    def fill(with_note: Note | None) -> None:
        shown = with_note or Note()
        st.session_state.update({seen_key: with_note, text_key: shown.text, tags_key: list(shown.tags)})
        for key in (failed_key, other_key):
            _ = st.session_state.pop(key, None)

    def keep() -> None:
        seen: Note | None = st.session_state[seen_key]
        try:
            demand_changes()
            kept = _keep(run_id, seen, make_note(st.session_state[text_key], st.session_state[tags_key]))
        except NoteChangedError as error:
            st.session_state.update({failed_key: f"{error} {AGAIN}", other_key: error.text})
            st.session_state[seen_key] = Note(text=error.text, tags=(seen or Note()).tags)
        except NeftError as error:
            st.session_state[failed_key] = str(error)
        else:
            fill(kept)
            st.toast("The note is kept.", icon=":material/check:")

    if text_key not in st.session_state:  # drawn for the first time, or anew after another page
        fill(note)
    note = note or Note()
    st.markdown("## Your note")
    with st.form(f"note_form_{run_id}", border=True):
        st.text_area(
            "Note",
            max_chars=MAX_TEXT,
            height=110,
            key=text_key,
            placeholder="What you tried, and what came of it",
            help="Plain text, kept on this machine beside the runs; the runs themselves stay as they are.",
        )
        st.multiselect(
            "Tags",
            sorted({*all_tags(), *note.tags, *st.session_state[tags_key]}),
            accept_new_options=True,
            max_selections=MAX_TAGS,
            key=tags_key,
            placeholder="Choose tags, or type new ones",
            help=f"Up to {MAX_TAGS} words of at most {MAX_TAG} characters, by which the table of runs can be filtered.",
        )
        st.form_submit_button("Keep the note", icon=":material/save:", on_click=keep, disabled=is_read_only())
    if failed_key in st.session_state:
        st.error(f"Not kept: {foreign(str(st.session_state[failed_key]))}", icon=":material/error:")
        if st.session_state.get(other_key):
            st.text(st.session_state[other_key])
    elif note.updated:
        st.caption(f"Written {note.updated}.")


def _note(run_id: str) -> Note | None:
    """The run's note; None, with a word, where it cannot be read."""
    try:
        return read_note(run_id) or Note()
    except NeftError as error:
        st.warning(f"{foreign(str(error))} Keeping a new one replaces it.", icon=":material/broken_image:")
        return None


def _keep(run_id: str, seen: Note | None, wanted: Note) -> Note:
    """Change what the form changed, or write anew what could not be read when the form was filled; returns the note."""
    if seen is None and run_id in list_notes().problems:
        write_note(run_id, wanted)
        return wanted
    return revise_note(run_id, seen or Note(), wanted)
