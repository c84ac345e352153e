"""neft import."""

from pathlib import Path
from typing import BinaryIO

import click
from rich.table import Table

from neft.cli.fitting_tables import print_table
from neft.cli.output import print_json
from neft.cli.shared_options import json_option, store_option
from neft.errors import BundleError
from neft.runs.bundles import Found, import_runs, look_into
from neft.runs.store import RunStore, Stores

WORDS = {"new": "can be imported", "imported": "imported", "there": "already there", "refused": "refused"}


@click.command("import")
@click.argument("file", metavar="FILE.zip", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what is in the file and what would become of it.")
@store_option
@json_option
def import_(file: Path, store_root: Path | None, *, dry_run: bool, as_json: bool) -> None:
    r"""Take runs out of a zip file into your own store: a bundle of `neft export`, or a run's folder, zipped.

    Every file is checked against its checksum first, and a run is taken whole or not at all. A run that is stored
    already stays as it is: the same one is passed over, another one of the same id is refused. If any run is refused,
    the others are taken all the same, and the exit code is 2.

    \b
    Examples:
      neft import runs.zip
      neft import runs.zip --dry-run             what is inside
      neft import runs.zip --store elsewhere     into another folder of runs
    """
    stores = Stores.default()
    if store_root is not None:
        stores = Stores(own=RunStore(store_root), shipped=stores.shipped)
    with _opened(file) as source:
        found = look_into(source, stores) if dry_run else import_runs(source, stores)
    if as_json:
        print_json({"runs": [_as_json(one) for one in found]})
    else:
        print_table(_table(found))
    refused = [one for one in found if one.status == "refused"]
    if refused:
        is_or_are = "is" if len(refused) == 1 else "are"
        taken = f" ({sum(one.status == 'imported' for one in found)} taken)" if len(found) > 1 and not dry_run else ""
        message = f"{len(refused)} of {len(found)} runs {is_or_are} refused{taken}: {refused[0].words}"
        raise BundleError(message)


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        message = f"'{file}' cannot be read: {error.strerror}."
        raise BundleError(message) from None


def _as_json(one: Found) -> dict[str, object]:
    return {
        "id": one.run_id,
        "status": one.status,
        "words": one.words,
        "num_bytes": one.num_bytes,
        "label": one.record.facts.label if one.record else None,
        "command": one.record.provenance.command if one.record else None,
    }


def _table(found: tuple[Found, ...]) -> Table:
    table = Table(title=f"{len(found)} run{'' if len(found) == 1 else 's'}")
    for heading in ("id", "method", "data", "", "why"):
        table.add_column(heading)
    for one in found:
        facts = one.record.facts if one.record else None
        cells = (one.run_id, facts.label if facts else "–", facts.dataset_label if facts else "–")
        table.add_row(*(cell.replace("[", r"\[") for cell in (*cells, WORDS[one.status], one.words)))
    return table
