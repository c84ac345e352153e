"""A pool of one worker process: joblib's copy of loky, of which joblib promises nothing, so that it is asked for here.

Where joblib moves it, the package `loky` has the same class (`from loky import ProcessPoolExecutor`): declare that in
pyproject.toml and import it here. The standard library's would not do: it has no idle timeout, and on Linux it forks a
server that has threads.
"""

from collections.abc import Callable, Mapping
from typing import Any


def one_worker(
    *, idle: float, initializer: Callable[..., None], initargs: tuple[Any, ...], env: Mapping[str, str]
) -> Any:
    """A pool that starts its process with the first question; `submit` returns a future.

    Args:
        idle: seconds without a question after which the process ends; the next question starts another.
        initializer: is called in the process before anything else.
        initargs: what it is given.
        env: variables of the process beside those of this one.
    """
    # a third of a second that the first page can do without
    from joblib.externals.loky import ProcessPoolExecutor  # noqa: PLC0415

    return ProcessPoolExecutor(1, timeout=idle, initializer=initializer, initargs=initargs, env=dict(env))
