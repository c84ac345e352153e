"""The README names what is there."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from neft.cli import main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^neft (\w.*?)(?:\s+#.*)?$", TEXT, flags=re.MULTILINE)


def test_every_path_is_there() -> None:
    paths = re.findall(r"`((?:neft|dashboard|tests|\.ci)/[\w/.]*)`", TEXT)

    assert "neft/reference/departures.md" in paths
    assert not [path for path in paths if not (ROOT / path).exists()]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_options(command: str) -> None:
    verb, *words = command.split()
    shown = CliRunner().invoke(main, [verb, "--help"], terminal_width=200)

    assert shown.exit_code == 0
    assert not [word for word in words if word.startswith("--") and not re.search(rf"{word}\b", shown.output)]
