"""What is kept for all sessions: found by what was asked, computed once, and for no longer than the stores stay."""

import runpy
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from dashboard.data.caches import kept, key_of
from neft.runs.store import RunStore


@dataclass(frozen=True)
class One:
    value: object


@dataclass(frozen=True)
class Other:
    value: object


def test_keys_differ_wherever_values_do() -> None:
    values = [
        *(None, "", "a", "None", 0, 1, 0.0, 0.1, True, (), ("a",), ("a", "b"), ("ab",), (("a",), "b"), ("a", ("b",))),
        *(One("a"), Other("a"), One(("a",)), One(One("a")), ("One", "a"), "('a',)"),
    ]

    keys = [key_of(value) for value in values]

    assert len(set(keys)) == len(values)


def test_equal_values_have_one_key() -> None:
    assert key_of(One(("a", 0.1 + 0.2))) == key_of(One(("a", 0.30000000000000004)))


@pytest.mark.parametrize("value", [["a"], {"a": 1}, One({"a"}), (object(),)])
def test_what_can_change_is_no_key(value: object) -> None:
    with pytest.raises(TypeError, match="texts, numbers and tuples"):
        _ = key_of(value)


def test_what_many_ask_at_once_is_computed_once(shipped: RunStore) -> None:
    computed: list[str] = []

    @kept(max_entries=2)
    def slow(text: str, *, _beside: object = None) -> list[str]:
        computed.append(text)
        time.sleep(0.2)
        return [text]

    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(slow("a", _beside=object()))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert computed == ["a"]
    assert len({id(one) for one in found}) == 1

    assert slow(text="a") is found[0], "by name or by place"
    (shipped.root / "another").mkdir()
    assert slow("a") == ["a"]
    assert computed == ["a", "a"]


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("keep", ["kept", "kept_copies"])
def test_functions_of_one_name_in_two_files_that_run_as_main_have_answers_of_their_own(
    tmp_path: Path, keep: str
) -> None:
    pages = tmp_path / "first.py", tmp_path / "second.py"
    for page in pages:
        _ = page.write_text(
            f"from dashboard.data.caches import {keep}\n\n\n@{keep}(max_entries=2)\n"
            f"def card(run_id):\n    return [run_id, {page.stem!r}, object]\n"
        )

    def told() -> list[list[object]]:
        return [runpy.run_path(str(page), run_name="__main__")["card"]("a") for page in pages]

    once, again = told(), told()

    assert once == again == [["a", "first", object], ["a", "second", object]]
    assert keep == "kept_copies" or all(one is other for one, other in zip(once, again, strict=True))
