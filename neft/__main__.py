"""`neft` and `python -m neft`: runs the command line; an expected error is one sentence, never a traceback."""

import sys

from neft.cli import main as command_line
from neft.cli.printing import say_beside
from neft.errors import NeftError, StoppedError
from neft.runs.apart import keep_apart

FAILED = 2
INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit."""
    keep_apart()
    try:
        command_line(prog_name="neft")
    except StoppedError as stopped:
        say_beside(str(stopped), style="yellow")
        sys.exit(INTERRUPTED)
    except NeftError as error:
        say_beside(str(error), name="Error", style="bold red")
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
