"""Which cores of the machine this process and its vendors' stand-ins use."""

import contextlib
import os
from collections.abc import Iterable, Iterator


@contextlib.contextmanager
def on_one_core(*, others: Iterable[int] = ()) -> Iterator[None]:
    """Keep this process's threads, those it starts from here on, on one core; the vendors have the rest.

    The threads share one interpreter lock, and handing it to a thread on another core costs more than that
    core adds: measured with benchmarks/pipeline.py, a quarter of the rate (docs/benchmarks.md).

    Args:
        others: processes that keep off this core, where there is another.
    """
    allowed: set[int] = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()
    ours = {min(allowed, default=0)}
    if len(allowed) < 2:
        yield
        return
    os.sched_setaffinity(0, ours)
    for process in others:
        with contextlib.suppress(ProcessLookupError):  # it has ended, which whoever waits for it is told
            os.sched_setaffinity(process, allowed - ours)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
