"""The command line: one file a verb. A verb is imported when it is called, so listing runs does not wait for torch.

Nothing is computed here: verbs ask the rooms below, and print.
"""

import importlib
import keyword
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import click
from typing_extensions import override

from neft import __version__
from neft.cli.remembered import recall, remember
from neft.errors import unknown_name, without_controls

VERBS = {
    "dashboard": "Open the dashboard in a browser.",
    "train": "Train a network and evaluate it on sampled chips.",
    "evaluate": "Evaluate a stored run's network under other conditions.",
    "evaluate-module": "Try a network of your own on sampled chips.",
    "sweep": "Run a named experiment: many trainings at once.",
    "search-signs": "Search the sign of every layer, for half the devices.",
    "runs": "List the stored runs.",
    "show": "Show one stored run.",
    "note": "Write a note and tags on a stored run.",
    "delete": "Remove runs of your own.",
    "waterfall": "Say which step costs a stored network its accuracy.",
    "hardware": "Say what stored networks cost on a chip.",
    "schemes": "Try a stored network under other mappings and programmings.",
    "worst-case": "Search a network's worst case under small deviations.",
    "device": "Read a laboratory's file of conductances as a device.",
    "devices": "List the device technologies, with sources and formulas.",
    "compare": "Compare stored runs on the same chips.",
    "leaderboard": "Rank every training method with every weight constraint.",
    "claims": "Say which claims the stored experiments support.",
    "export": "Pack stored runs into a zip file.",
    "import": "Take runs out of a zip file.",
    "licences": "List what is installed with neft, and under which licences.",
}
WRITING = {
    *("train", "evaluate", "evaluate-module", "sweep", "search-signs", "note", "delete"),
    *("waterfall", "worst-case", "schemes", "export", "import"),
}
"""Those that write into the user's home: what killed processes left there is swept first."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed."""

    def __init__(self, *names: Any, **attributes: Any) -> None:
        super().__init__(*names, **attributes)
        self.help = _with_kept_lines(self.help)

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        load = partial(_imported, cmd_name)
        if "torch" in sys.modules:  # what takes long is there
            return load()
        return recall(cmd_name, load) or load()

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if word not in VERBS and not word.startswith("-"):
            kind = "command"
            raise unknown_name(kind, word, VERBS)
        return super().resolve_command(ctx, args)

    @override
    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with _plain_refusals():
            return super().make_context(info_name, args, parent, **extra)

    @override
    def invoke(self, ctx: click.Context) -> Any:
        with _plain_refusals():
            return super().invoke(ctx)

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@contextmanager
def _plain_refusals() -> Generator[None]:
    """Click repeats a wrong word as it came, and prints its refusals itself."""
    try:
        yield
    except click.ClickException as error:
        vars(error)["message"] = without_controls(error.message)
        raise


def _imported(verb: str) -> click.Command:
    """A verb; its options are kept where importing it took long."""
    was_quick = "torch" in sys.modules
    name = f"{verb}_" if keyword.iskeyword(verb) else verb.replace("-", "_")
    command: click.Command = getattr(importlib.import_module(f"neft.cli.{name}"), name)
    command.help = _with_kept_lines(command.help)
    if not was_quick and "torch" in sys.modules:
        remember(verb, command)
    return command


def _with_kept_lines(text: str | None) -> str | None:
    r"""A raw docstring's `\b` as the one character by which click knows lines that are not to be wrapped."""
    return None if text is None else text.replace(r"\b", "\b")


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.pass_context
@click.version_option(__version__, prog_name="neft")
def main(context: click.Context) -> None:
    r"""See and fight device variation in compute-in-memory neural networks.

    Trains small networks with and without noise injection and negative feedback (OVF, IRS), and evaluates them on
    hundreds of sampled chips.

    \b
    A first look:
      neft dashboard                                    the cached runs, in a browser
      neft train --backbone mlp --method ovf --seed 7   a training of seconds on scikit-learn's digits
      neft runs                                         what is stored
    """
    if context.invoked_subcommand in WRITING:
        from neft.runs.sweeping import sweep_home  # noqa: PLC0415 - what only shows waits for nothing

        sweep_home()
