"""A user's note and tags on a run: shown as plain text, written in a form."""

import streamlit as st

from dashboard.data.foreign import foreign
from dashboard.data.notes import MAX_TAG, MAX_TAGS, MAX_TEXT, Note, list_notes, make_note, read_note, write_note
from dashboard.rights import demand_changes, is_read_only
from neft.errors import NeftError


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
    """Draw the form; what is written in it is kept when its button is pressed."""
    note = _note(run_id)
    text_key, tags_key, failed_key = (f"{part}_{run_id}" for part in ("note", "tags", "note_failed"))

    def keep() -> None:
        try:
            demand_changes()
            write_note(run_id, make_note(st.session_state[text_key], st.session_state[tags_key]))
        except NeftError as error:
            st.session_state[failed_key] = str(error)
        else:
            _ = st.session_state.pop(failed_key, None)
            st.toast("The note is kept.", icon=":material/check:")

    st.markdown("## Your note")
    with st.form(f"note_form_{run_id}", border=True):
        st.text_area(
            "Note",
            value=note.text,
            max_chars=MAX_TEXT,
            height=110,
            key=text_key,
            placeholder="What you tried, and what came of it",
            help="Plain text, kept on this machine beside the runs; the runs themselves stay as they are.",
        )
        st.multiselect(
            "Tags",
            sorted({*all_tags(), *note.tags}),
            default=list(note.tags),
            accept_new_options=True,
            max_selections=MAX_TAGS,
            key=tags_key,
            placeholder="Choose tags, or type new ones",
            help=f"Up to {MAX_TAGS} words of at most {MAX_TAG} characters, by which the table of runs can be filtered.",
        )
        st.form_submit_button("Keep the note", icon=":material/save:", on_click=keep, disabled=is_read_only())
    if failed_key in st.session_state:
        st.error(f"Not kept: {foreign(str(st.session_state[failed_key]))}", icon=":material/error:")
    elif note.updated:
        st.caption(f"Written {note.updated}.")


def _note(run_id: str) -> Note:
    """The run's note; an empty one, with a word, where it cannot be read."""
    try:
        return read_note(run_id) or Note()
    except NeftError as error:
        st.warning(f"{foreign(str(error))} Keeping a new one replaces it.", icon=":material/broken_image:")
        return Note()
