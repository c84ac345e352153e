"""Start the dashboard: `python -m dashboard --port 8501`."""

import socket
import sys
from pathlib import Path

import click

ADDRESS = "127.0.0.1"


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option("--browser/--no-browser", default=True)
def main(port: int, *, browser: bool) -> None:
    """Serve the dashboard on 127.0.0.1."""
    if _taken(port):
        message = f"Port {port} on {ADDRESS} is in use (is a dashboard open already?). Choose another with --port."
        raise click.ClickException(message)
    from streamlit.web import cli  # noqa: PLC0415 - slow; a wrong option should answer at once

    script = Path(__file__).with_name("app.py")
    headless = "false" if browser else "true"
    # only the command line's own entry reads the config.toml beside the script
    options = [f"--server.port={port}", f"--server.address={ADDRESS}", f"--server.headless={headless}"]
    sys.argv = ["streamlit", "run", str(script), *options]
    sys.exit(cli.main())


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return True
    return False


if __name__ == "__main__":
    main()
