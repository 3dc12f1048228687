"""One failure is tried again: a sign-up goes on, a dead letter or a parked event is queued once more."""

from usher.domain import times
from usher.domain.errors import Conflict, NotFound
from usher.ports.queue import Message
from usher.ports.store import ConditionFailed, Item, Write
from usher.records.failures import Failure
from usher.usecases.failed_runs import redrive_run
from usher.usecases.redrive import redrive_onboarding
from usher.usecases.redriving import Order, Redriving, audited
from usher.usecases.sweep_inbox import message_of


def redrive_failure(failure_id: str, order: Order, s: Redriving) -> Item:
    """Try again what this row is about; returns what was set going.

    Raises NotFound, and Conflict when it is being tried already, or is mended.
    """
    failure = s.failures.find(failure_id)
    if failure is None:
        raise NotFound(f"no failure {failure_id}")
    if failure.kind == "message":
        return _send_again(failure, order, s)
    if failure.kind == "event":
        return _claim_again(failure, order, s)
    if failure.kind == "reconciliation":
        return {"failure_id": failure_id, **redrive_run(failure, order, s)}
    return {"failure_id": failure_id, **redrive_onboarding(failure.subject, order, s)}


def _send_again(failure: Failure, order: Order, s: Redriving) -> Item:
    """A dead letter goes to its queue once more; whoever's mark it is sends it."""
    _take(failure, order, s)
    assert failure.queue is not None and failure.body is not None
    name = f"{failure.failure_id}@{failure.tries}" if failure.group else None
    s.queue.send(failure.queue, [Message(failure.body, group=failure.group, deduplication_id=name)])
    return {"failure_id": failure.failure_id, "queue": failure.queue}


def _claim_again(failure: Failure, order: Order, s: Redriving) -> Item:
    """A parked event is claimed and queued as if it had just come; were that lost, the sweeper does it."""
    row, now = s.inbox.get(failure.subject), s.clock.now()
    if row is None or row["state"] == "done":
        s.failures.write([s.failures.resolving(failure, now=now)])
        raise Conflict("the event was dealt with meanwhile: the failure is resolved")
    _take(failure, order, s, s.inbox.claiming_again(failure.subject, now=now))
    queue, messages = message_of(row, sweep=times.text(now))
    s.queue.send(queue, messages)
    return {"failure_id": failure.failure_id, "queue": queue}


def _take(failure: Failure, order: Order, s: Redriving, *also: Write) -> None:
    if failure.state != "open":
        since = f" since {failure.redriven_at}" if failure.state == "redriving" else ""
        raise Conflict(f"the failure is {failure.state}{since}: there is nothing to try again")
    row = s.failures.redriving(failure, by=order.by, execution=None, now=s.clock.now())
    before, after = {"state": failure.state, "tries": failure.tries}, {"state": "redriving"}
    try:
        s.failures.write([row, *also, *audited(failure.failure_id, before, after, order, s)])
    except ConditionFailed as error:
        raise Conflict("somebody else is having this tried again right now") from error
