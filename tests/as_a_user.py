"""Scripts that are run with no more rights than the modes of files give, whoever runs the tests."""

import os
import shutil
import subprocess
import sys

import pytest

WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
"""Root's as well: it keeps its files, and may no longer pass over their modes."""


def as_a_user(script: str, *arguments: object) -> str:
    """What a script prints; where nothing can be refused to it, the test is skipped."""
    command = [*_before(), sys.executable, "-P", "-c", script, *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def _before() -> tuple[str, ...]:
    if not hasattr(os, "geteuid"):
        pytest.skip("modes of files forbid nothing here")
    if os.geteuid() != 0:
        return ()
    if shutil.which(WITHOUT_RIGHTS[0]) is None or subprocess.run([*WITHOUT_RIGHTS, "true"], check=False).returncode:
        pytest.skip("nothing is refused to root, and setpriv cannot take its rights")
    return WITHOUT_RIGHTS
