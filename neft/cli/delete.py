"""neft delete."""

import click

from neft.cli.fitting_tables import say
from neft.cli.printing import echo
from neft.errors import ConfigError
from neft.runs.removal import remove_own_run
from neft.runs.store import Stores


@click.command()
@click.argument("run_ids", metavar="RUN_ID...", nargs=-1, required=True)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete(run_ids: tuple[str, ...], *, yes: bool) -> None:
    """Remove runs of your own, each with the note on it. Those that ship with the package stay.

    Before anything is removed, every id is looked up, and you are asked once. A run that can no longer be read is
    removed like any other.
    """
    stores = Stores.default()
    found = list(dict.fromkeys(stores.find(run_id) for run_id in run_ids))
    shipped = [run_id for run_id in found if not stores.own.has_name(run_id)]
    if shipped:
        message = f"{', '.join(shipped)}: not a run of your own; what ships with the package stays."
        raise ConfigError(message)
    if not yes:
        for run_id in found:
            say(run_id)
        _ = click.confirm("Remove this run?" if len(found) == 1 else f"Remove these {len(found)} runs?", abort=True)
    for run_id in found:
        remove_own_run(run_id)
        echo(run_id)
