"""Intake of a Stripe event: verify on the raw bytes, store, queue in order per customer, answer."""

import hashlib
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from usher.domain import strict_json
from usher.domain.problems import Problem, malformed
from usher.domain.stripe_events import is_echo, subject
from usher.domain.stripe_signature import is_genuine
from usher.ports.clock import Clock
from usher.ports.http import Request
from usher.ports.queue import Message, Queue
from usher.ports.secrets import Secrets
from usher.ports.store import Store
from usher.records import inbox

MAX_BODY = 1024 * 1024
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


def accept_stripe_event(
    request: Request, *, store: Store, queue: Queue, secrets: Secrets, clock: Clock, keep_days: int
) -> dict[str, Any]:
    """Returns the acknowledgement. Raises Problem 400, StoreUnavailable (nothing acknowledged).

    An event that our own call caused is stored and needs no more: the step that called records the answer.
    """
    if len(request.body) > MAX_BODY:
        raise Problem(413, "Body too large", "A Stripe event is at most 1 MB")
    header = request.headers.get("stripe-signature", "")
    if not is_genuine(request.body, header, secrets=secrets.active("stripe_webhook"), wall=clock.wall()):
        raise malformed(
            "The Stripe-Signature header does not match these bytes, or is older than five minutes"
        )
    event = _parse(request.body)
    about, former = event.data.object, event.data.previous_attributes
    kind, id = subject(about.object, about.id, about.customer, former.customer if former else None)
    customer = id if kind == "customer" else about.customer
    group = customer or event.id
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
        body=request.body.decode() if len(request.body) <= MAX_KEPT else "",
        digest=hashlib.sha256(request.body).hexdigest(),
        received_at=clock.now(),
        keep_days=keep_days,
        extra=extra,
    )
    if is_echo(extra.get("idempotency_key"), kind):
        inbox.Inbox(store).keep(row, outcome="echo")
        return {"received": True}
    there = inbox.Inbox(store).claim(row)
    if there is None or there["state"] == "claimed":
        queue.send("stripe-events", [Message(names, group=group, deduplication_id=event.id)])
    return {"received": True}


def _parse(body: bytes) -> StripeEvent:
    try:
        return StripeEvent.model_validate(strict_json.parse(body))
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, entry["loc"])) for entry in error.errors(include_input=False))
        raise malformed(f"This is not a Stripe event: look at {fields or 'the body'}") from error
