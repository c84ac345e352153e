"""Independent work over cores: in order, each thread with its own, ended when nobody takes more."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from threading import Event

import pytest
import torch

from neft.evaluation.spread import spread

CORES = (1, 3)


@pytest.mark.parametrize("cores", CORES)
def test_results_come_in_the_order_of_their_tasks(cores: int) -> None:
    def slow_first(_worker: int, task: int) -> int:
        time.sleep(0.02 if task % 3 == 0 else 0)
        return task * task

    assert list(spread(range(12), slow_first, range(cores))) == [task * task for task in range(12)]


@pytest.mark.parametrize("cores", CORES)
def test_first_task_meets_the_first_worker(cores: int) -> None:
    for _ in range(20):
        first, *_ = spread(range(6), lambda worker, _task: worker, range(cores))
        assert first == 0


def test_no_two_threads_have_the_same_worker_at_once() -> None:
    busy: set[int] = set()

    def work(worker: int, _task: int) -> bool:
        was_free = worker not in busy
        busy.add(worker)
        time.sleep(0.002)
        busy.discard(worker)
        return was_free

    assert all(spread(range(60), work, range(4)))


@pytest.mark.parametrize("cores", CORES)
def test_each_computes_in_one_thread_of_torchs_and_in_inference_mode(cores: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3 if cores > 1 else 1)
    try:
        found = list(
            spread(range(8), lambda _w, _t: (torch.get_num_threads(), torch.is_inference_mode_enabled()), range(cores))
        )
        left = torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
    assert set(found) == {(1, True)}
    assert left == (3 if cores > 1 else 1)
    assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize("cores", CORES)
def test_what_work_raises_is_raised_where_results_are_taken(cores: int) -> None:
    def work(_worker: int, task: int) -> int:
        if task == 2:
            message = "no more"
            raise ValueError(message)
        return task

    taken: list[int] = []
    with pytest.raises(ValueError, match="no more"):
        taken.extend(spread(range(50), work, range(cores)))
    assert taken == [0, 1]


@pytest.mark.parametrize("cores", CORES)
def test_whoever_takes_no_more_ends_it_and_no_thread_is_left(cores: int) -> None:
    before, begun = threading.active_count(), list[int]()
    ended = Event()

    def work(_worker: int, task: int) -> int:
        begun.append(task)
        return task

    with closing(spread(range(1000), work, range(cores), ended=ended)) as results:
        assert next(results) == 0

    assert len(begun) <= 2 * cores + 1
    assert threading.active_count() == before
    assert ended.is_set() == (cores > 1)


def test_tasks_are_taken_only_when_they_can_soon_be_begun() -> None:
    taken = 0

    def counted() -> Iterator[int]:
        nonlocal taken
        for task in range(100):
            taken += 1
            yield task

    with closing(spread(counted(), lambda _w, task: task, range(2))) as results:
        next(results)
        assert taken <= 4
