"""Calls computed by the workers of a Dask scheduler; needs what `pip install "neft[cluster]"` brings."""

import asyncio
import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from neft.errors import NeftError

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 10
"""How long the scheduler may take to answer."""
WORKER_SECONDS = 60
"""How long it may then take to have a worker."""

Task = TypeVar("Task")
Result = TypeVar("Result")


def on_cluster(
    address: str,
    call: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    on_loss: Callable[[Task, str], Result],
) -> Iterator[Result]:
    """The result of every task, in the order in which they end.

    A worker's death gives its tasks to another; the scheduler gives a task up once several workers died of it.

    Args:
        address: the scheduler's, `tcp://host:port`.
        call: computes one task, in a worker.
        tasks: begun in this order.
        on_loss: makes a result of a task that was given up, and the reason.

    Raises:
        NeftError: Dask is not installed, or there is no scheduler, or it has no worker, or it went away.
    """
    with _client(address) as client:
        from distributed import CancelledError, as_completed  # noqa: PLC0415 - an optional package

        under_way = dict(zip(client.map(call, tasks, pure=False), tasks, strict=True))
        for future in as_completed(list(under_way), loop=client.loop):
            # while somebody holds it, a result that was in a worker when that was killed would be computed once more
            task = under_way.pop(future)
            try:
                result = future.result()
            except (CancelledError, OSError):  # nobody but the scheduler's end cancels a task
                message = (
                    "The scheduler of the Dask cluster is gone; what was finished is kept. Run the same command again."
                )
                raise NeftError(message) from None
            except Exception as error:  # noqa: BLE001 - whatever befell one task, the others go on
                result = on_loss(task, _reason(error))
            future.release()  # the last one, too, while whoever takes results does something else
            yield result


@contextmanager
def _client(address: str) -> Generator["Client"]:
    """Connected to a scheduler that has a worker."""
    try:
        from distributed import Client  # noqa: PLC0415
        from distributed.utils import silence_logging_cmgr  # noqa: PLC0415
    except ImportError:
        message = 'A sweep on a cluster needs Dask. Install it with: pip install "neft[cluster]"'
        raise NeftError(message) from None
    try:
        with ThreadPoolExecutor(max_workers=1) as elsewhere:  # this thread may be in a notebook, which has its own loop
            elsewhere.submit(asyncio.run, _greet(address)).result()
    except Exception as error:  # noqa: BLE001 - whatever answers there may be no scheduler
        message = f"No Dask scheduler answers at '{address}' ({error}). Start one with `dask scheduler`."
        raise NeftError(message) from None
    with (
        silence_logging_cmgr(logging.CRITICAL),
        silence_logging_cmgr(logging.CRITICAL, root="distributed.client"),  # its account of a scheduler that went away
        Client(address, timeout=CONNECT_SECONDS, set_as_default=False) as client,
    ):
        try:
            client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError:
            message = (
                f"The Dask scheduler at '{address}' has no worker. Start some with "
                f"`dask worker {address} --nworkers 4 --nthreads 1`."
            )
            raise NeftError(message) from None
        yield client


async def _greet(address: str) -> None:
    """Ask before there is a client: one that finds no scheduler is left open, and is loud about it later."""
    from distributed import rpc  # noqa: PLC0415

    async with rpc(address, timeout=CONNECT_SECONDS) as scheduler:
        _ = await scheduler.identity()


def _reason(error: BaseException) -> str:
    from distributed import KilledWorker  # noqa: PLC0415

    if isinstance(error, KilledWorker):
        return "Every worker process that was given this run was killed (out of memory?)."
    return f"{type(error).__name__}: {error}"
