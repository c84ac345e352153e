"""What a sentence tells: its names and numbers, whatever the words between them."""

import re

NUMBER = re.compile(r"[+−-]?\d+(?:,\d{3})*(?:\.\d+)?")


def assert_tells(text: str, *facts: str) -> None:
    """Names and numbers stand in the text in this order, and the text has no number besides."""
    place = 0
    for fact in facts:
        found = re.compile(rf"(?<![\w.]){re.escape(fact)}(?![\w]|[.,]\d)").search(text, place)
        assert found, f"{fact!r} is not said (in this place): {text[place:]!r} of {text!r}"
        place = found.end()
    assert NUMBER.findall(text) == [number for fact in facts for number in NUMBER.findall(fact)], text
