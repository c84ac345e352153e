"""`neft` and `python -m neft`: runs the command line; an expected error is one sentence, never a traceback."""

import sys

from rich.console import Console

from neft.cli import main as command_line
from neft.errors import NeftError, StoppedError

FAILED = 2
INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit."""
    try:
        command_line(prog_name="neft")
    except StoppedError as stopped:
        Console(stderr=True).print(f"[yellow]{stopped}[/]", highlight=False, soft_wrap=True)
        sys.exit(INTERRUPTED)
    except NeftError as error:
        console = Console(stderr=True)
        console.print("[bold red]Error:[/] ", end="")
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
