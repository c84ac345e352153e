"""Options that several verbs take; those of a config are made from its models (`neft.cli.config_options`)."""

from pathlib import Path

import click

from neft.runs.commands import TORCH_DEVICE


def _or_all_cores(_context: click.Context, _option: click.Parameter, count: int | None) -> int:
    import joblib  # noqa: PLC0415 - a tenth of a second that no other verb needs

    return count or joblib.cpu_count()


store_option = click.option(
    "--store",
    "store_root",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of runs to write to. [default: NEFT_HOME/runs, else the user's data folder]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output.")
data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="NEFT_DATA_DIR",
    help="Folder of data sets. [env: NEFT_DATA_DIR; default: the user's cache folder]",
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    default=None,
    callback=_or_all_cores,
    help="Cores over which chips are spread. It changes no number. [default: all]",
)
torch_device_option = click.option(
    "--torch-device", default=TORCH_DEVICE, show_default=True, help="Where torch computes: cpu, cuda, cuda:1, mps."
)
