"""Pages drawn by turns: one at once, first come first drawn, and nobody waits for one who waits."""

import threading
import time
from collections.abc import Callable

import pytest

from dashboard.computing import turns
from dashboard.computing.turns import AT_ONCE, give_back, in_turn, look_about


class LeftError(Exception):
    """The page is not looked at any more."""


def stays() -> None:
    """Nobody has left."""


def leave() -> None:
    raise LeftError


def run_all(*works: Callable[[], None]) -> list[threading.Thread]:
    """Start each a little after the one before."""
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    return threads


def test_few_are_drawn_at_once_and_in_the_order_in_which_they_came() -> None:
    began: list[int] = []
    most: list[int] = []
    inside = set[int]()

    def draw(number: int) -> None:
        with in_turn(stays):
            began.append(number)
            inside.add(number)
            most.append(len(inside))
            time.sleep(0.05)
            inside.remove(number)

    for thread in run_all(*(lambda number=number: draw(number) for number in range(8))):
        thread.join(timeout=20)

    assert began == list(range(8))
    assert max(most) == AT_ONCE


def test_whoever_waits_for_something_else_keeps_nobody_waiting() -> None:
    answered, drawn = threading.Event(), threading.Event()

    def ask() -> None:
        with in_turn(stays):
            give_back()
            _ = answered.wait(20)

    def draw() -> None:
        with in_turn(stays):
            drawn.set()

    threads = run_all(*[ask] * (AT_ONCE + 2), draw)
    is_drawn = drawn.wait(0.9 * turns.AT_MOST)
    answered.set()
    for thread in threads:
        thread.join(timeout=20)

    assert is_drawn


def test_a_turn_that_takes_too_long_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "AT_MOST", 0.2)
    answered, drawn = threading.Event(), threading.Event()

    def hang() -> None:
        with in_turn(stays):
            _ = answered.wait(20)

    def draw() -> None:
        with in_turn(stays):
            drawn.set()

    threads = run_all(*[hang] * AT_ONCE, draw)
    is_drawn = drawn.wait(10)
    answered.set()
    for thread in threads:
        thread.join(timeout=20)

    assert is_drawn


def test_pages_that_take_long_let_in_no_more_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "AT_MOST", 0.01)
    monkeypatch.setattr(turns, "LITTLE", 0.0)  # however busy the machine is, what computes is seen to
    answered, most = threading.Event(), list[int]()
    inside = set[int]()

    def compute(number: int) -> None:
        with in_turn(stays):
            inside.add(number)
            most.append(len(inside))
            while not answered.is_set():
                _ = sum(range(1000))
            inside.remove(number)

    threads = run_all(*(lambda number=number: compute(number) for number in range(turns.TOGETHER + 4)))
    time.sleep(1.0)
    together = len(most)
    monkeypatch.setattr(turns, "HANGS", 0.1)  # and keep nobody waiting for ever
    time.sleep(1.0)
    in_all = len(most)
    answered.set()
    for thread in threads:
        thread.join(timeout=20)

    assert together == turns.TOGETHER
    assert in_all > together


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="the system does not tell what a page takes")
def test_pages_that_wait_for_what_another_computes_keep_nobody_waiting() -> None:
    computing, answered, drawn = threading.Lock(), threading.Event(), threading.Event()

    def compute() -> None:
        with in_turn(stays):
            give_back()
            with computing:
                _ = answered.wait(20)

    def want_the_same() -> None:
        with in_turn(stays), computing:
            pass

    def draw() -> None:
        with in_turn(stays):
            drawn.set()

    threads = run_all(compute, *[want_the_same] * 6, draw)
    is_drawn = drawn.wait(0.6 * turns.HANGS)
    answered.set()
    for thread in threads:
        thread.join(timeout=20)

    assert is_drawn


def test_a_page_that_is_left_while_it_waits_is_not_drawn_and_takes_no_turn() -> None:
    answered = threading.Event()
    seen: list[str] = []

    def hang() -> None:
        with in_turn(stays):
            _ = answered.wait(20)

    def come_and_go() -> None:
        with pytest.raises(LeftError), in_turn(leave):
            seen.append("drawn")
        seen.append("left")

    threads = run_all(*[hang] * AT_ONCE, come_and_go)
    threads[-1].join(timeout=20)
    answered.set()
    for thread in threads:
        thread.join(timeout=20)

    assert seen == ["left"]
    assert not turns._waiting
    assert not turns._drawing


def test_without_a_turn_nobody_is_known_to_look() -> None:
    look_about()

    with in_turn(leave), pytest.raises(LeftError):
        look_about()
