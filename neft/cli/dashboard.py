"""neft dashboard."""

import contextlib
import os
import subprocess
import sys

import click

from neft.runs.apart import environment_with
from neft.runs.places import app_root


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Port that it listens at.")
@click.option("--browser/--no-browser", default=True, help="Whether to open a browser window. [default: --browser]")
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Address that it listens at; of a network (0.0.0.0: all that this machine has) it is to be looked at only.",
)
@click.option("--allow-changes", is_flag=True, help="Over the network, let who knows the access code change things.")
@click.option(
    "--name", "names", metavar="NAME", multiple=True, help="A further host name, as of a proxy or a name server."
)
def dashboard(port: int, host: str, names: tuple[str, ...], *, browser: bool, allow_changes: bool) -> None:
    r"""Open the dashboard: cached runs at once, trainings from the Train page.

    It listens to this machine alone, and lets in the user who started it. Another user is asked for the access code
    that the command prints. An ssh tunnel of your own account is you: whoever reaches its other end is let in.

    With --host it serves whoever reaches that address, to be looked at: no training, no import, no notes, no removal.
    With --allow-changes who opens the printed address with its code may do all of that too. The connection is not
    encrypted: over more than a network you trust, put a proxy with TLS in front and give its --name.

    \b
    Examples:
      neft dashboard
      neft dashboard --host 0.0.0.0                      a class looks
      neft dashboard --host 192.168.1.20 --allow-changes
    """
    # the dashboard stands on this package, not the other way round: hand the process over
    options = ["--port", str(port), "--host", host]
    options += [*([] if browser else ["--no-browser"]), *(["--allow-changes"] if allow_changes else [])]
    options += [word for name in names for word in ("--name", name)]
    _ = sys.stdout.flush()
    _become([sys.executable, "-P", "-m", "dashboard", *options], environment_with(app_root()))


def _become(command: list[str], environment: dict[str, str]) -> None:
    """Be another program. On Windows, where the shell would not wait for that one, start it and end with it."""
    if sys.platform != "win32":
        os.execve(command[0], command, environment)  # noqa: S606 - our own program, arguments as a list
    with subprocess.Popen(command, env=environment) as started:  # noqa: S603
        while True:
            with contextlib.suppress(KeyboardInterrupt):  # it hears Ctrl-C too, and ends by itself
                sys.exit(started.wait())
