"""Consumer of the queue `usage`: buffered records are counted in batches, each once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from usher.domain.errors import NotFound, RetryableError
from usher.domain.ids import derived
from usher.ports.clock import Clock
from usher.ports.queue import Message, Queue
from usher.records.subscribers import Subscribers
from usher.records.usage import UsageBook
from usher.records.usage_shares import UsageRecord
from usher.usecases.accept_usage import QUEUE


class UsageBatch(BaseModel):
    """A message of the queue. Its records are read one by one, so that one that is broken breaks no other.

    `alone`: its one record could not be counted among others.
    """

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    records: list[dict[str, Any]]
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that cannot be counted, of the message at a position of the batch."""

    at: int
    said: dict[str, Any]
    error: Exception


@dataclass(frozen=True, slots=True)
class _Read:
    at: int
    said: dict[str, Any]
    record: UsageRecord


def record_usage(
    batches: Sequence[UsageBatch], *, book: UsageBook, subscribers: Subscribers, queue: Queue, clock: Clock
) -> Mapping[int, Exception]:
    """Count the records of all messages; returns the errors of messages that failed, by position.

    A record that cannot be counted is sent on in a message of its own, in a lane of its own, and only that
    one fails: it comes to the dead-letter queue, and holds up nobody. Raises RetryableError: nothing is lost
    or counted twice when all of it comes again.
    """
    read: list[_Read] = []
    poison: list[Poison] = []
    for at, batch in enumerate(batches):
        for said in batch.records:
            try:
                read.append(_Read(at, said, UsageRecord.model_validate(said)))
            except ValidationError as error:
                poison.append(Poison(at, said, error))
    for each in _rounds(read):
        poison += _count(each, book=book, subscribers=subscribers, clock=clock)
    failed = {each.at: each.error for each in poison if batches[each.at].alone}
    alone = [
        Message({"records": [each.said], "alone": True}, group=_own_lane(each.said))
        for each in poison
        if each.at not in failed
    ]
    if alone:
        queue.send(QUEUE, alone)
    return failed


def _rounds(read: Sequence[_Read]) -> Iterator[list[_Read]]:
    """All records, each id at most once in a round; what is said twice in the same words is left out."""
    waiting = list(read)
    while waiting:
        first: dict[str, _Read] = {}
        later: list[_Read] = []
        for each in waiting:
            if first.setdefault(each.record.id, each).record != each.record:
                later.append(each)
        yield list(first.values())
        waiting = later


def _count(read: Sequence[_Read], *, book: UsageBook, subscribers: Subscribers, clock: Clock) -> list[Poison]:
    """Count these; returns those that cannot be, found by halves: whatever was counted is counted once."""
    try:
        by_account: dict[str, list[UsageRecord]] = {}
        for each in read:
            by_account.setdefault(each.record.account_id, []).append(each.record)
        owners = subscribers.of(sorted(by_account))
        if unknown := by_account.keys() - owners.keys():
            raise NotFound(f"no account {sorted(unknown)[0]}")
        book.count(by_account, owners, now=clock.now())
    except RetryableError:
        raise
    except Exception as error:  # noqa: BLE001 - one record's fault must not fail its neighbours
        if len(read) == 1:
            return [Poison(read[0].at, read[0].said, error)]
        half = len(read) // 2
        parts = (read[:half], read[half:])
        return [
            found for part in parts for found in _count(part, book=book, subscribers=subscribers, clock=clock)
        ]
    return []


def _own_lane(said: Mapping[str, Any]) -> str:
    return derived("alone", str(said.get("account_id")), str(said.get("id")))
