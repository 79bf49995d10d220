"""The same tasks on a Dask cluster: one of our own here, or any by its address.

Dask takes tasks of a worker that was lost to another one. Each result comes back here
and is kept here; the cluster needs no shared disk, only lecturelib and bubblewrap.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from lecturelib.grading.grade import Runner, Task, perform


def cluster(address: str | None = None, workers: int = 2) -> Runner:
    """A runner on the cluster at `address` ("tcp://host:8786"), or on a new one here.

    Raises ImportError with the way to install Dask, OSError if nobody answers there.
    """
    try:
        from distributed import Client, LocalCluster, as_completed
    except ImportError as e:
        raise ImportError(
            "--scheduler: needs Dask; install it with `pip install "
            "distributed`, or leave the option out"
        ) from e

    def run(tasks: Iterator[Task]) -> Iterator[tuple[Task, Any]]:
        own = (
            None
            if address
            else LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address=None,
            )
        )
        with Client(own or address, timeout=10) as client:
            try:
                yield from _all(client, tasks, as_completed)
            finally:
                if own is not None:
                    own.close()

    return run


def _all(
    client: Any, tasks: Iterator[Task], as_completed: Any
) -> Iterator[tuple[Task, Any]]:
    """Keep a few tasks for each processor in the cluster, and no more in memory."""
    ahead = 3 * max(1, sum(client.nthreads().values()))
    running = {}

    def submit(task: Task) -> Any:
        future = client.submit(perform, task, pure=False, retries=2)
        running[future.key] = task
        return future

    finished = as_completed([submit(task) for task in islice(tasks, ahead)])
    for future in finished:
        task = running.pop(future.key)
        try:
            result = future.result()
        except Exception as e:
            result = RuntimeError(f"{type(e).__name__}: {e}")
        future.release()
        for following in islice(tasks, 1):
            finished.add(submit(following))
        yield task, result
