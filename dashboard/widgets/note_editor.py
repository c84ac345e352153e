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

AGAIN = "What you wrote is still in the form: keep it again to put it in the place of what is there now{}."


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


class _Form:
    """What a session keeps of the form of one run, by these keys."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.text = f"note_{run_id}"
        self.tags = f"tags_{run_id}"
        self.seen = f"note_seen_{run_id}"
        """The note that the form was filled with; None for one that cannot be read."""
        self.failed = f"note_failed_{run_id}"
        self.other = f"note_other_{run_id}"
        """The text that somebody else wrote meanwhile."""

    def fill(self, note: Note | None) -> None:
        """Put a note in the form, and remember that it is what is seen there."""
        shown = note or Note()
        st.session_state.update({self.seen: note, self.text: shown.text, self.tags: list(shown.tags)})
        for key in (self.failed, self.other):
            _ = st.session_state.pop(key, None)

    def is_behind(self, note: Note | None) -> bool:
        """Whether the note was changed elsewhere, and nothing in the form."""
        state = st.session_state
        shown = state[self.seen] or Note()
        is_untouched = state[self.text] == shown.text and state[self.tags] == list(shown.tags)
        return is_untouched and self.failed not in state and note != state[self.seen]

    def keep(self) -> None:
        """Keep what was changed in the form."""
        state = st.session_state
        seen: Note | None = state[self.seen]
        try:
            demand_changes()
            kept = _keep(self.run_id, seen, make_note(state[self.text], state[self.tags]))
        except NoteChangedError as error:
            again = AGAIN.format(", which is below" if error.text else ": nothing")
            state.update({self.failed: f"{error} {again}", self.other: error.text})
            state[self.seen] = Note(text=error.text, tags=(seen or Note()).tags)
        except NeftError as error:
            state[self.failed] = str(error)
        else:
            self.fill(kept)
            st.toast("The note is kept.", icon=":material/check:")


def note_editor(run_id: str) -> None:
    """Draw the form; what is changed in it is kept when its button is pressed."""
    note, form = _note(run_id), _Form(run_id)
    if form.text not in st.session_state or form.is_behind(
        note
    ):  # drawn for the first time, or anew after another page
        form.fill(note)
    st.markdown("## Your note")
    with st.form(f"note_form_{run_id}", border=True):
        st.text_area(
            "Note",
            max_chars=MAX_TEXT,
            height=110,
            key=form.text,
            placeholder="What you tried, and what came of it",
            help="Plain text, kept on this machine beside the runs; the runs themselves stay as they are.",
        )
        st.multiselect(
            "Tags",
            sorted({*all_tags(), *st.session_state[form.tags]}),
            accept_new_options=True,
            max_selections=MAX_TAGS,
            key=form.tags,
            placeholder="Choose tags, or type new ones",
            help=f"Up to {MAX_TAGS} words of at most {MAX_TAG} characters, by which the table of runs can be filtered.",
        )
        st.form_submit_button("Keep the note", icon=":material/save:", on_click=form.keep, disabled=is_read_only())
    if form.failed in st.session_state:
        st.error(f"Not kept: {foreign(str(st.session_state[form.failed]))}", icon=":material/error:")
        if st.session_state.get(form.other):
            st.text(st.session_state[form.other])
    elif (seen := st.session_state[form.seen]) is not None and seen.updated:
        st.caption(f"Written {foreign(seen.updated)}.")


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
