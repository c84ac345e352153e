"""Independent work spread over cores: a thread and an own network each, results in order.

Each thread computes in one thread of torch's, as a single core would: over how many cores work is spread changes no
number.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event
from typing import TypeVar

import torch

from neft.chips.deployed import DeployedNetwork

Task = TypeVar("Task")
Worker = TypeVar("Worker")
Result = TypeVar("Result")


@contextmanager
def one_thread_each(cores: int) -> Generator[ThreadPoolExecutor]:
    """So many threads, each of which computes in one thread of torch's; this one goes on with as many as before."""
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(before)


def spread(
    tasks: Iterable[Task],
    work: Callable[[Worker, Task], Result],
    workers: Sequence[Worker],
    *,
    ended: Event | None = None,
) -> Generator[Result]:
    """The result of every task, in their order; whoever takes no more of them ends it.

    Args:
        tasks: taken when one more can be begun.
        work: what is done with a task, in inference mode.
        workers: what each thread has for itself, as of `team_of`; the first task meets the first of them. With a single
            one all is done in this thread.
        ended: set when nothing more is wanted, for work that looks at it.
    """
    if len(workers) == 1:
        yield from _here(tasks, work, workers[0])
    else:
        yield from _in_threads(tasks, work, workers, ended or Event())


def _here(tasks: Iterable[Task], work: Callable[[Worker, Task], Result], worker: Worker) -> Generator[Result]:
    for task in tasks:
        with torch.inference_mode():
            found = work(worker, task)
        yield found


def _in_threads(
    tasks: Iterable[Task], work: Callable[[Worker, Task], Result], workers: Sequence[Worker], ended: Event
) -> Generator[Result]:
    free: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers[1:]:
        free.put(worker)

    def one(task: Task, own: Worker | None) -> Result:
        own = free.get() if own is None else own
        try:
            with torch.inference_mode():
                return work(own, task)
        finally:
            free.put(own)

    with one_thread_each(len(workers)) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for number, task in enumerate(tasks):
                waiting.append(pool.submit(one, task, None if number else workers[0]))
                if len(waiting) > len(workers):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            ended.set()
            for future in waiting:
                _ = future.cancel()


def team_of(deployed: DeployedNetwork, cores: int) -> list[DeployedNetwork]:
    """The network and its twins, one for each core; alone on a GPU."""
    twins = cores - 1 if deployed.torch_device == "cpu" else 0
    return [deployed, *(deployed.twin() for _ in range(twins))]
