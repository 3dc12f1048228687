"""Sweeper of the inbox: what was claimed and never finished is queued again."""

from datetime import timedelta

from usher.domain import times
from usher.ports.clock import Clock
from usher.ports.queue import Message, Queue
from usher.ports.store import Item
from usher.records.failures import Failures
from usher.records.inbox import SHARDS, Inbox, OnParked

LEASE = timedelta(minutes=2)  # longer than a message's way through its queue when all is well
MAX_SWEEPS = 5  # an event that five more deliveries did not finish is for a person


def lease(sweeps: int) -> timedelta:
    """How long an event that was swept so often may stay unfinished: 2, 4, 8, ... minutes.

    The last one, before it is parked, is longer than any queue's visibility timeout times its receives, so
    that no event is parked while its message is still under way; and an outage queues few more of each.
    """
    return LEASE * (1 << sweeps)


def sweep_inbox(*, inbox: Inbox, failures: Failures, queue: Queue, clock: Clock, on_parked: OnParked) -> int:
    """Returns how many events were queued again. Consumers are idempotent, so one too many does no harm.

    An event that was swept too often is parked with the reason, visible and replayable.
    """
    now = clock.now()
    before = now - LEASE
    requeued = 0
    for shard in range(SHARDS):
        cursor: str | None = None
        while True:
            page = inbox.pending(shard, before=before, cursor=cursor)
            for row in page.items:
                sweeps = row.get("sweeps", 0)
                if times.moment(row["queued_at"]) + lease(sweeps) > now:
                    continue
                if sweeps >= MAX_SWEEPS:
                    reason = f"unfinished after {MAX_SWEEPS} more deliveries"
                    filed = failures.filing_event(row, step="sweep_inbox", reason=reason, now=now)
                    if inbox.park(row["event_id"], reason=reason, now=now, filed=filed):
                        on_parked(row["event_id"], row["type"] if "type" in row else row["source"], reason)
                    continue
                queue.send(*message_of(row, sweep=times.text(now)))
                inbox.queued_again(row["event_id"], now=now)
                requeued += 1
            cursor = page.cursor
            if cursor is None:
                break
    return requeued


def message_of(row: Item, *, sweep: str) -> tuple[str, list[Message]]:
    """The queue of a stored event, and the message that brings it there again; `sweep` names this time."""
    event_id = row["event_id"]
    if row["source"] == "stripe":
        body = {"event_id": event_id, "group": row["group"]}
        # A name of its own: the queue would drop a second message of the first one's name.
        return "stripe-events", [Message(body, group=row["group"], deduplication_id=f"{event_id}@{sweep}")]
    body = {"event_id": event_id, "signup_id": row["signup_id"], "correlation_id": row["correlation_id"]}
    if "workflow" in row:
        body["workflow"] = row["workflow"]
    return "signups", [Message(body)]
