"""neft note."""

import click

from neft.cli.output import print_json
from neft.cli.printing import echo
from neft.cli.shared_options import json_option
from neft.errors import ConfigError
from neft.runs.notes import MAX_TAG, MAX_TAGS, MAX_TEXT, Note, change_note, make_note, read_note, write_note
from neft.runs.store import Stores


@click.command()
@click.argument("run_id")
@click.option("--text", metavar="TEXT", help=f"The note, in place of the last one; at most {MAX_TEXT:,} characters.")
@click.option(
    "--tag",
    "tags",
    metavar="TAG",
    multiple=True,
    help=f"Add a tag: 1 to {MAX_TAG} characters without commas, at most {MAX_TAGS} a run. May be repeated.",
)
@click.option("--untag", "untags", metavar="TAG", multiple=True, help="Take a tag away. May be repeated.")
@click.option("--clear", is_flag=True, help="Remove the note with all its tags.")
@json_option
def note(
    run_id: str, text: str | None, tags: tuple[str, ...], untags: tuple[str, ...], *, clear: bool, as_json: bool
) -> None:
    r"""Write a note and tags on a stored run, or show what is written.

    Any run can have a note, also those that ship with the package: it lies in NEFT_HOME/notes, and the run stays as it
    is. What is not named stays: --tag leaves the text alone, --text the tags. The dashboard shows and filters by tags,
    `neft runs --tag TAG` lists the runs that have one, and `neft export` packs notes along. Deleting a run of your own
    removes its note.

    \b
    Examples:
      neft note RUN_ID --text "Diverged after epoch 40" --tag unstable
      neft note RUN_ID --tag baseline --untag unstable
      neft note RUN_ID                                    what is written
      neft note RUN_ID --clear
    """
    asked = text is not None or tags or untags
    if clear and asked:
        message = "--clear removes the whole note: it goes with neither --text, --tag nor --untag."
        raise ConfigError(message)
    stores = Stores.default()
    run_id = stores.find(run_id)
    _ = stores.holder(run_id).record(run_id)
    if clear:
        write_note(run_id, Note())
    elif asked:
        _ = change_note(run_id, lambda last: _changed(last, text, tags, untags))
    written = read_note(run_id) or Note()
    if as_json:
        print_json({"run_id": run_id, **written.model_dump(mode="json")})
        return
    for line in note_lines(written) or ("No note.",):
        echo(line)


def note_lines(written: Note, *, width: int = 4) -> tuple[str, ...]:
    """A note as a terminal shows it, below headings of this width: tags, then the text; nothing of an empty one."""
    indent = " " * (width + 2)
    tags = (f"{'tags':<{width}}  {', '.join(written.tags)}",) if written.tags else ()
    text = (f"{'note':<{width}}  {written.text}".replace("\n", f"\n{indent}"),) if written.text else ()
    return (*tags, *text)


def _changed(last: Note, text: str | None, tags: tuple[str, ...], untags: tuple[str, ...]) -> Note:
    unknown = [tag for tag in untags if tag.strip() not in last.tags]
    if unknown:
        known = ", ".join(last.tags) or "none"
        message = f"--untag: the run has no tag '{unknown[0]}'. Its tags: {known}."
        raise ConfigError(message)
    gone = {tag.strip() for tag in untags}
    kept = [tag for tag in (*last.tags, *tags) if tag.strip() not in gone]
    return make_note(last.text if text is None else text, kept)
