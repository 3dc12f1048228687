"""A Stripe event on its way in: stored once, queued in the order of its customer."""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from usher.domain.stripe_events import CATALOG, is_echo, subject
from usher.ports.clock import Clock
from usher.ports.keeper import Keeper
from usher.ports.queue import Message, Queue
from usher.ports.store import ConditionFailed, Store
from usher.records import inbox

QUEUE = "stripe-events"
MAX_KEPT = (
    256 * 1024
)  # a row holds 400 KB; of a larger event the digest is kept, its object is fetched anyway

Name = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]  # what a FIFO queue takes as a group
Text = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class _EventRequest(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore")

    idempotency_key: Text | None = None


class _EventObject(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore")

    id: Text | None = None  # an upcoming invoice or a balance has none
    object: Text
    customer: Name | None = None


class _Former(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore")

    customer: Name | None = None


class _EventData(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore")

    object: _EventObject
    previous_attributes: _Former | None = None


class StripeEvent(BaseModel):
    """What intake reads of an event: enough to store and order it. Its object is fetched later."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore")

    id: Name
    type: Text
    created: int = Field(ge=0, lt=2**53)
    request: _EventRequest | None = None
    data: _EventData


def keep_stripe_event(
    event: StripeEvent,
    body: bytes,
    *,
    store: Store,
    queue: Queue,
    keeper: Keeper,
    clock: Clock,
    keep_days: int,
) -> Literal["queued", "known", "echo"]:
    """Returns what became of it; `known`: it was dealt with before. Raises StoreUnavailable.

    An event that our own call caused is stored and needs no more: the step that called records the answer.
    A repeat of one that is not finished is queued again.
    """
    about, former = event.data.object, event.data.previous_attributes
    kind, id = subject(about.object, about.id, about.customer, former.customer if former else None)
    customer = id if kind == "customer" else about.customer
    group = CATALOG if kind == CATALOG else customer or event.id
    names = {"event_id": f"stripe#{event.id}", "group": group}
    extra: dict[str, Any] = {
        "type": event.type,
        "group": group,
        "object_kind": kind,
        "happened_at": event.created,
    }
    if id:
        extra["object_id"] = id
    if event.request and event.request.idempotency_key:
        extra["idempotency_key"] = event.request.idempotency_key
    row = inbox.row(
        names["event_id"],
        source="stripe",
        body=body.decode() if len(body) <= MAX_KEPT else "",
        digest=hashlib.sha256(body).hexdigest(),
        received_at=clock.now(),
        keep_days=keep_days,
        extra=extra,
    )
    if is_echo(extra.get("idempotency_key"), kind):
        inbox.Inbox(store).keep(row, outcome="echo")
        return "echo"
    message = Message(names, group=group, deduplication_id=event.id)
    try:
        keeper.keep([row], QUEUE, message)
    except ConditionFailed as error:
        there = error.failed[0]
        if there is None or there["state"] != "claimed":
            return "known"
        queue.send(QUEUE, [message])
    return "queued"
