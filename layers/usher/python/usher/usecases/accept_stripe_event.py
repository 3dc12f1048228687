"""Intake of a Stripe event: verify on the raw bytes, store, queue in order per customer, answer (A2)."""

from typing import Any

from pydantic import ValidationError

from usher.domain import strict_json
from usher.domain.problems import Problem, malformed
from usher.domain.stripe_signature import is_genuine
from usher.ports.clock import Clock
from usher.ports.http import Request
from usher.ports.keeper import Keeper
from usher.ports.queue import Queue
from usher.ports.secrets import Secrets
from usher.ports.store import Store
from usher.usecases.keep_stripe_event import StripeEvent, keep_stripe_event

MAX_BODY = 1024 * 1024


def accept_stripe_event(
    request: Request,
    *,
    store: Store,
    queue: Queue,
    keeper: Keeper,
    secrets: Secrets,
    clock: Clock,
    keep_days: int,
) -> dict[str, Any]:
    """Returns the acknowledgement. Raises Problem 400, StoreUnavailable (nothing acknowledged)."""
    if len(request.body) > MAX_BODY:
        raise Problem(413, "Body too large", "A Stripe event is at most 1 MB")
    header = request.headers.get("stripe-signature", "")
    if not is_genuine(request.body, header, secrets=secrets.active("stripe_webhook"), wall=clock.wall()):
        raise malformed(
            "The Stripe-Signature header does not match these bytes, or is older than five minutes",
            "Stripe-Signature",
        )
    event = _parse(request.body)
    keep_stripe_event(
        event,
        request.body,
        store=store,
        queue=queue,
        keeper=keeper,
        clock=clock,
        keep_days=keep_days,
    )
    return {"received": True}


def _parse(body: bytes) -> StripeEvent:
    try:
        return StripeEvent.model_validate(strict_json.parse(body))
    except ValidationError as error:
        fields = [
            ".".join(map(str, entry["loc"])) for entry in error.errors(include_input=False) if entry["loc"]
        ]
        raise malformed(
            f"This is not a Stripe event: look at {', '.join(fields) or 'the body'}", *fields
        ) from error
