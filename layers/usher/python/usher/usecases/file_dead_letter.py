"""A message that its queue gave up becomes a row that a person sees and can send again."""

from typing import Any

from usher.domain.ids import derived
from usher.ports.clock import Clock
from usher.records.failures import Failures, of_event, of_message
from usher.records.inbox import Inbox


def file_dead_letter(
    queue: str, body: dict[str, Any], *, group: str | None, failures: Failures, inbox: Inbox, clock: Clock
) -> str | None:
    """File the message of a work queue; returns the id of its row, None when there is nothing to file.

    The body holds ids only, so the row may. A message whose event is parked is on the list already, under
    the event's own name. One whose event is done was dealt with, and only its deletion was lost, once per
    delivery (a process that dies again and again loses it so): nobody has to look at that. Raises
    ConditionFailed when the row changes at this moment: come again.
    """
    event_id = str(body.get("event_id", ""))
    row = inbox.get(event_id) if event_id else None
    if row is not None and row["state"] == "done":
        return None
    if row is not None and row["state"] == "parked":
        return of_event(event_id)
    failure_id = of_message(queue, body)
    filed = failures.filing(
        failure_id,
        "message",
        str(body.get("signup_id") or event_id or queue),
        step=queue,
        reason=f"the queue {queue} gave it up: each try of its consumer failed",
        correlation_id=str(body.get("correlation_id") or event_id or derived("cor", failure_id)),
        now=clock.now(),
        queue=queue,
        body=body,
        group=group,
    )
    failures.write([filed])
    return failure_id
