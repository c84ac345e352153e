"""A sweep's runs on a Dask cluster, through joblib's Dask backend; needs what `pip install "neft[cluster]"` brings."""

import asyncio
import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from joblib._dask import DaskDistributedBackend
from typing_extensions import override

from neft.errors import NeftError

CONNECT_SECONDS = 10
"""How long the scheduler may take to answer."""
WORKER_SECONDS = 60
"""How long it may then take to have a worker."""


class ClusterBackend(DaskDistributedBackend):
    """joblib's backend, without its three gaps.

    A task that the scheduler gives up, as it does once several workers died of it, has a result (joblib waits for it
    for ever); a scheduler that is gone is an error that says so; a cluster of one thread is sent its work, rather than
    the calling process doing it.
    """

    def __init__(self, client: Any, on_loss: Callable[[tuple[Any, ...], str], object]) -> None:
        """`on_loss` makes a result of the arguments of a task that was given up, and the reason."""
        super().__init__(client=client)
        self._on_loss = on_loss

    @override
    def effective_n_jobs(self, n_jobs: int) -> int:
        return max(2, super().effective_n_jobs(n_jobs))

    @override
    def submit(self, func: Any, callback: Any = None) -> Any:
        def tell(ended: "Future[object]") -> None:
            error = ended.exception()
            if error is not None:
                callback([self._on_loss(arguments, _reason(error)) for _, arguments, _ in func.items])

        future = super().submit(func, callback)
        future.add_done_callback(tell)
        return future

    @override
    def retrieve_result_callback(self, out: Any) -> Any:
        if isinstance(out, BaseException):  # a cancelled task: nobody but the scheduler's end cancels one
            message = (
                "The scheduler of the Dask cluster is gone; what was finished is kept. Run the same command again."
            )
            raise NeftError(message) from None
        return super().retrieve_result_callback(out)


@contextmanager
def cluster_backend(address: str, on_loss: Callable[[tuple[Any, ...], str], object]) -> Generator[ClusterBackend]:
    """A joblib backend whose tasks are computed by the workers of a Dask scheduler.

    Args:
        address: the scheduler's, `tcp://host:port`.
        on_loss: makes a result of the arguments of a task that was given up, and the reason.

    Raises:
        NeftError: Dask is not installed, or there is no scheduler, or it has no worker.
    """
    try:
        from distributed import Client  # noqa: PLC0415 - an optional package
    except ImportError:
        message = 'A sweep on a cluster needs Dask. Install it with: pip install "neft[cluster]"'
        raise NeftError(message) from None
    try:
        with ThreadPoolExecutor(max_workers=1) as elsewhere:  # this thread may be in a notebook, which has its own loop
            elsewhere.submit(asyncio.run, _greet(address)).result()
    except Exception as error:  # noqa: BLE001 - whatever answers there may be no scheduler
        message = f"No Dask scheduler answers at '{address}' ({error}). Start one with `dask scheduler`."
        raise NeftError(message) from None
    with _quiet(), Client(address, timeout=CONNECT_SECONDS, set_as_default=False) as client:
        try:
            client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError:
            message = (
                f"The Dask scheduler at '{address}' has no worker. Start some with "
                f"`dask worker {address} --nworkers 4 --nthreads 1`."
            )
            raise NeftError(message) from None
        yield ClusterBackend(client, on_loss)


async def _greet(address: str) -> None:
    """Ask before there is a client: one that finds no scheduler hangs on for half a minute."""
    from distributed import rpc  # noqa: PLC0415

    async with rpc(address, timeout=CONNECT_SECONDS) as scheduler:
        _ = await scheduler.identity()


@contextmanager
def _quiet() -> Generator[None]:
    """Without Dask's own account of a scheduler that went away."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _reason(error: BaseException) -> str:
    from distributed import KilledWorker  # noqa: PLC0415

    if isinstance(error, KilledWorker):
        return "Every worker process that was given this run was killed (out of memory?)."
    return f"{type(error).__name__}: {error}"
