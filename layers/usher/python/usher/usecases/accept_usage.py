"""POST /v1/usage: a call's records are checked together, and buffered all or none (A5)."""

from collections.abc import Iterator, Sequence
from typing import Any

from usher.domain.plans import PlanCatalog
from usher.domain.problems import FieldError, Problem, invalid
from usher.domain.recent import Recent
from usher.domain.usage import UsagePolicy
from usher.ports.clock import Clock
from usher.ports.http import Request
from usher.ports.queue import Message, Queue
from usher.records.subscribers import Subscribers
from usher.records.usage import UsageBook
from usher.records.usage_shares import UsageRecord
from usher.usecases.fields import body_of
from usher.usecases.usage_request import UsageBody, refusals

QUEUE = "usage"
MAX_BODY = 1024 * 1024
LANES = 16  # an account's records are counted one batch after the other, in one of so many lanes
PER_MESSAGE = 250  # of the longest names a hundred kilobytes
_MOST_NAMED = 50


def accept_usage(
    request: Request,
    *,
    book: UsageBook,
    subscribers: Subscribers,
    queue: Queue,
    recent: Recent,
    plans: PlanCatalog,
    policy: UsagePolicy,
    clock: Clock,
) -> dict[str, int]:
    """Returns how many records are `accepted` and how many `repeated`: known before, and counted once.

    Nothing of a call is taken when any of its records is not. Raises Problem 400 (bad records, named by
    index and field), 409 (ids that were used with other content), 413, 415; StoreUnavailable (send it again).
    """
    kind = request.headers.get("content-type", "")
    body = body_of(request.body, UsageBody, content_type=kind, most=MAX_BODY)
    records = body.records
    accounts = subscribers.statuses(sorted({record.account_id for record in records}))
    bad = refusals(records, accounts=accounts, metrics=plans.metrics.keys(), policy=policy, now=clock.now())
    if errors := tuple(bad):
        raise invalid(errors)
    fresh, contradictions = _sorted_out(records, book, recent)
    if contradictions:
        raise _conflict(contradictions)
    if fresh:
        queue.send(QUEUE, list(_messages(fresh)))
        recent.note((record.id, _content(record)) for record in fresh)
    return {"accepted": len(fresh), "repeated": len(records) - len(fresh)}


def _sorted_out(
    records: Sequence[UsageRecord], book: UsageBook, recent: Recent
) -> tuple[list[UsageRecord], list[int]]:
    """The records that were not taken before, and the positions of those that contradict an earlier one.

    What is still in the buffer is known to the process that put it there; what another one did is found when
    it is counted, and told as an event.
    """
    first: dict[str, UsageRecord] = {}
    contradictions: list[int] = []
    for at, record in enumerate(records):
        before, known = first.setdefault(record.id, record), recent.find(record.id)
        if (before is not record and before != record) or known not in (None, _content(record)):
            contradictions.append(at)
    unknown = [record for record in first.values() if recent.find(record.id) is None]
    stored = book.known([record.id for record in unknown])
    positions = {id(record): at for at, record in enumerate(records)}
    fresh: list[UsageRecord] = []
    for record in unknown:
        item = stored.get(record.id)
        if item is None:
            fresh.append(record)
        elif not record.is_told_by(item):
            contradictions.append(positions[id(record)])
    return fresh, sorted(contradictions)


def _content(record: UsageRecord) -> int:
    return hash((record.account_id, record.metric, record.quantity, record.recorded_at))


def _conflict(positions: Sequence[int]) -> Problem:
    what = "was used before with other content: give this record an id of its own, or leave it out"
    errors = tuple(FieldError(f"records.{at}.id", what) for at in positions[:_MOST_NAMED])
    detail = f"{len(positions)} of these records have the id of another one; nothing of this call was taken"
    return Problem(409, "Conflict", detail, errors)


def _messages(records: Sequence[UsageRecord]) -> Iterator[Message]:
    lanes: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        lanes.setdefault(_lane(record.account_id), []).append(vars(record))
    for lane, own in sorted(lanes.items()):
        for start in range(0, len(own), PER_MESSAGE):
            yield Message({"records": own[start : start + PER_MESSAGE]}, group=lane)


def _lane(account_id: str) -> str:
    return f"lane-{sum(account_id.encode()) % LANES}"
