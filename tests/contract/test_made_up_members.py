"""One file and one line: made-up members of every family, which nothing else knows, go through the whole house."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WALK = "tests/dashboard/walk_made_up_members.py"
MEMBERS = "tests.contract.made_up_members"


@pytest.mark.timeout(600)
def test_made_up_members_of_every_family_go_through_command_line_store_tables_charts_and_pages() -> None:
    """In a process of its own, in which they are registered before any config is made of the registries."""
    arguments = ["-q", "-o", "addopts=", "-p", "no:randomly", "--import-mode=importlib", "-p", MEMBERS, WALK]

    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout[-8000:]
