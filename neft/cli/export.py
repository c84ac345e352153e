"""neft export."""

from pathlib import Path

import click

from neft.cli.output import print_json
from neft.cli.printing import echo
from neft.cli.shared_options import json_option
from neft.errors import BundleError
from neft.runs.bundles import Manifest, export_runs
from neft.runs.files import look_at, whole_file
from neft.runs.store import Stores


@click.command()
@click.argument("run_ids", metavar="RUN_ID...", nargs=-1, required=True)
@click.option(
    "--out",
    "out",
    metavar="FILE.zip",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@json_option
def export(run_ids: tuple[str, ...], out: Path, *, overwrite: bool, as_json: bool) -> None:
    r"""Pack stored runs into one zip file, to hand on or to keep.

    It holds the runs as they are stored (settings, numbers, every chip, weights where they were kept), your notes on
    them, a checksum of every file, and the commands that make them again. `neft import` takes it in, on any machine.

    \b
    Examples:
      neft export RUN_A --out run.zip
      neft export RUN_A RUN_B --out two_runs.zip
      neft export $(neft runs --method irs --json | jq -r '.runs[].run_id') --out irs.zip
    """
    if look_at(out, BundleError) is not None and not overwrite:
        message = f"--out: '{out}' is there already. Choose another name, or replace it with --overwrite."
        raise BundleError(message)
    manifest = _write(run_ids, out)
    if as_json:
        print_json({"file": str(out), "num_bytes": out.stat().st_size, **manifest.model_dump(mode="json")})
        return
    count = len(manifest.runs)
    echo(f"{count} run{'' if count == 1 else 's'}, {out.stat().st_size / 1e6:.1f} MB: {out}")
    echo(f"To take {'it' if count == 1 else 'them'} in elsewhere: neft import {out.name}")


def _write(run_ids: tuple[str, ...], out: Path) -> Manifest:
    stores = Stores.default()
    with (
        whole_file(out.absolute(), what=f"--out: '{out.name}'", makes_folder=False, error=BundleError) as draft,
        draft.open("w+b") as target,
    ):
        return export_runs([stores.find(run_id) for run_id in run_ids], stores, target)
