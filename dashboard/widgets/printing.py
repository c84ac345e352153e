"""A document as a PDF, printed by a browser of this machine: nothing is installed for it."""

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
AT_MOST = 60
"""Seconds that a browser is given."""


@cache
def browser() -> str | None:
    """The first browser on the path that can print; None where there is none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def printed(document: str) -> bytes:
    """A document of one HTML file as a PDF.

    Raises:
        OSError: no browser is here, or it printed nothing.
    """
    found = browser()
    if found is None:
        message = f"No browser that prints is on the path; looked for {', '.join(BROWSERS)}."
        raise OSError(message)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "document.html", Path(folder) / "document.pdf"
        _ = source.write_text(document, encoding="utf-8")
        words = [found, "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-pdf-header-footer"]
        # a browser refuses its sandbox to the superuser; what it prints here asks for nothing
        words += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        words += [f"--user-data-dir={folder}/profile", "--virtual-time-budget=10000", f"--print-to-pdf={target}"]
        try:
            _ = subprocess.run([*words, source.as_uri()], capture_output=True, check=False, timeout=AT_MOST)  # noqa: S603
        except subprocess.TimeoutExpired as error:
            message = f"{found} did not print within {AT_MOST} s."
            raise OSError(message) from error
        if not target.is_file():
            message = f"{found} printed nothing."
            raise OSError(message)
        return target.read_bytes()
