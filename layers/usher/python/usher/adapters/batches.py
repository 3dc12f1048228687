"""Batches: how many entries, of how many bytes in all, one AWS call takes."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

MAX_ENTRIES = 10
MAX_BYTES = 256 * 1024


def batches(sized: Sequence[tuple[T, int]]) -> Iterator[list[T]]:
    """The entries in order, at most 10 and at most 256 KiB in each batch; one larger entry stands alone."""
    batch: list[T] = []
    total = 0
    for entry, size in sized:
        if batch and (len(batch) == MAX_ENTRIES or total + size > MAX_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(entry)
        total += size
    if batch:
        yield batch
