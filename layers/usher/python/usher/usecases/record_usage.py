"""Consumer of the queue `usage`: buffered records are counted in batches, each once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from usher.domain.errors import InvalidCommand, NotFound, RetryableError
from usher.domain.ids import derived
from usher.ports.clock import Clock
from usher.ports.queue import Message, Queue
from usher.records.subscribers import Subscribers
from usher.records.usage import UsageBook
from usher.records.usage_shares import UsageRecord
from usher.usecases.accept_usage import QUEUE


class UsageBatch(BaseModel):
    """A message of the queue. A record that is broken stays as it came, and breaks no other.

    `alone`: its one record could not be counted among others.
    """

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    records: list[Annotated[UsageRecord | dict[str, Any], Field(union_mode="left_to_right")]]
    alone: bool = False


class _Read(NamedTuple):
    """A record of the message at a position of the batch."""

    at: int
    record: UsageRecord


class _Poison(NamedTuple):
    """A record that cannot be counted, of the message at a position of the batch."""

    at: int
    said: dict[str, Any]
    error: Exception


def record_usage(
    batches: Sequence[UsageBatch], *, book: UsageBook, subscribers: Subscribers, queue: Queue, clock: Clock
) -> Mapping[int, Exception]:
    """Count the records of all messages; returns the errors of messages that failed, by position.

    A record that cannot be counted is sent on in a message of its own, in a lane of its own, and only that
    one fails: it comes to the dead-letter queue, and holds up nobody. Raises RetryableError: nothing is lost
    or counted twice when all of it comes again.
    """
    said = [(at, each) for at, batch in enumerate(batches) for each in batch.records]
    read = [_Read(at, each) for at, each in said if isinstance(each, UsageRecord)]
    unreadable = InvalidCommand("this is no usage record")
    poison = [_Poison(at, each, unreadable) for at, each in said if not isinstance(each, UsageRecord)]
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
            before = first.setdefault(each.record.id, each)
            if before is not each and before.record != each.record:
                later.append(each)
        yield list(first.values())
        waiting = later


def _count(
    read: Sequence[_Read], *, book: UsageBook, subscribers: Subscribers, clock: Clock
) -> list[_Poison]:
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
            return [_Poison(read[0].at, dict(vars(read[0].record)), error)]
        half = len(read) // 2
        parts = (read[:half], read[half:])
        return [
            found for part in parts for found in _count(part, book=book, subscribers=subscribers, clock=clock)
        ]
    return []


def _own_lane(said: Mapping[str, Any]) -> str:
    return derived("alone", str(said.get("account_id")), str(said.get("id")))
