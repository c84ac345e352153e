"""neft show."""

import json

import click

from neft.cli.note import note_lines
from neft.cli.output import print_converters, print_json, print_results, record_json
from neft.cli.printing import echo
from neft.cli.shared_options import json_option
from neft.errors import NoteError
from neft.reference.citations import bibtex
from neft.runs.notes import Note, read_note
from neft.runs.paragraph import bibtex as run_bibtex
from neft.runs.paragraph import methods_paragraph
from neft.runs.records import RunRecord
from neft.runs.store import Stores


@click.command()
@click.argument("run_id")
@click.option(
    "--config", "only_config", is_flag=True, help="Print the run's config alone, as JSON for `neft train --config`."
)
@click.option(
    "--paper", is_flag=True, help="Print what a paper says of the run: its methods in a paragraph, and BibTeX."
)
@json_option
def show(run_id: str, *, only_config: bool, paper: bool, as_json: bool) -> None:
    """Show one stored run: its numbers, where it came from, the command that makes it again, and your note on it."""
    if only_config + paper + as_json > 1:
        message = "--config, --paper and --json are three ways of printing a run: give one of them."
        raise click.UsageError(message)
    stores = Stores.default()
    run_id = stores.find(run_id)
    store = stores.holder(run_id)
    record = store.record(run_id)
    if only_config:
        print_json(record.config)
        return
    if paper:
        echo(f"{methods_paragraph(record)}\n\n{run_bibtex(record)}\n{bibtex(_sources(record))}", nl=False)
        return
    if as_json:
        print_json(record_json(record))
        return
    print_results(record, store.instances(record))
    print_converters(store.tables(record).layers)
    for one in record.summary.worst_case:
        echo(f"Worst case found at th_g = {one.th_g:g}: {100 * one.accuracy:.2f} %")
    provenance = record.provenance
    facts = {
        "parameters": f"{record.summary.num_parameters:,}",
        "devices": f"{record.summary.num_devices:,}",
        **_of_training(record),
        "evaluation": f"{provenance.evaluation_seconds:.1f} s",
        "created": provenance.created,
        "revision": provenance.git_revision or "unknown",
        "versions": json.dumps(provenance.versions),
        "again": provenance.command or "unknown",
        "files": str(store.root / run_id),
    }
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        echo(f"{name:<{width}}  {value}")
    for line in _note(run_id, width):
        echo(line)


def _sources(record: RunRecord) -> str:
    """The keys of what the parts of a run's config were taken from."""
    from neft.runs.facts import stored_config  # noqa: PLC0415 - imports torch, which stored numbers do not need

    config = stored_config(record)
    parts = (getattr(config, name) for name in type(config).model_fields)
    return " ".join(str(getattr(part, "source", "")) for part in parts)


def _of_training(record: RunRecord) -> dict[str, str]:
    """What there is to be said of the training, where the network was trained here."""
    if not record.summary.num_epochs:
        return {"training": record.facts.label.lower()}
    return {
        "selected epoch": f"{record.summary.selected_epoch} of {record.summary.num_epochs}",
        "training": f"{record.provenance.training_seconds:.1f} s",
    }


def _note(run_id: str, width: int) -> tuple[str, ...]:
    """Your note on the run, or why it cannot be read."""
    try:
        return note_lines(read_note(run_id) or Note(), width=width)
    except NoteError as error:
        return (str(error),)
