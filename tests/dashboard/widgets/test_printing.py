"""A document as a PDF, where a browser is on the machine."""

import pytest

from dashboard.widgets import printing
from dashboard.widgets.printing import browser, printed


@pytest.mark.skipif(browser() is None, reason="no browser on the path prints")
def test_a_document_becomes_a_pdf() -> None:
    assert printed("<!doctype html><title>T</title><p>Printed.").startswith(b"%PDF-")


def test_without_a_browser_it_says_what_was_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    printing.browser.cache_clear()
    try:
        with pytest.raises(OSError, match="chromium"):
            printed("<p>")
    finally:
        printing.browser.cache_clear()
