"""POST /v1/stripe/backfills: events that Stripe could not deliver come in by the way they should have."""

import json
from collections import Counter
from datetime import UTC, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from usher.domain import times
from usher.domain.access import Caller
from usher.domain.errors import VendorRejected
from usher.domain.problems import FieldError, invalid
from usher.domain.stripe_events import FOLLOWED
from usher.ports.clock import Clock
from usher.ports.keeper import Keeper
from usher.ports.queue import Queue
from usher.ports.store import Store
from usher.ports.vendor_events import VendorEvents
from usher.records.audit import entry
from usher.usecases.fields import Body, Token
from usher.usecases.keep_stripe_event import StripeEvent, keep_stripe_event

LISTED = timedelta(days=30)  # how far back Stripe lists events


def _moment(text: str) -> str:
    try:
        moment = times.moment(text)
        return times.text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise ValueError("must be a moment such as 2026-11-21T12:00:00Z") from error


class BackfillBody(Body):
    """`cursor` is the `next_cursor` of the page before."""

    since: Annotated[str, Field(max_length=40), AfterValidator(_moment)]
    cursor: Token | None = None


def backfill_stripe(
    body: BackfillBody,
    caller: Caller,
    *,
    events: VendorEvents,
    store: Store,
    queue: Queue,
    keeper: Keeper,
    clock: Clock,
    keep_days: int,
) -> dict[str, Any]:
    """A page of them: how many were `queued`, `known` already, caused by us (`echo`) or are not followed.

    They go through the inbox like those that were delivered, so that none is dealt with twice. With
    `next_cursor` there are more: ask again with it. Audited when something was queued. Raises Problem 400
    for a moment that Stripe does not list any more, and for a cursor that it does not know.
    """
    now, since = clock.now(), times.moment(body.since)
    if not now - LISTED <= since <= now:
        raise invalid((FieldError("since", "must lie within the last 30 days: Stripe lists no older ones"),))
    try:
        page = events.undelivered(since=since, cursor=body.cursor)
    except VendorRejected as error:
        if body.cursor is None:
            raise
        raise invalid((FieldError("cursor", "is not known to Stripe any more; start again"),)) from error
    came: Counter[str] = Counter()
    for raw in page.events:
        if raw.get("type") not in FOLLOWED:
            came["not_followed"] += 1
            continue
        try:
            event = StripeEvent.model_validate(raw)
        except ValidationError:  # of a shape that intake would have refused
            came["malformed"] += 1
            continue
        text = json.dumps(raw, separators=(",", ":")).encode()
        kept = keep_stripe_event(
            event, text, store=store, queue=queue, keeper=keeper, clock=clock, keep_days=keep_days
        )
        came[kept] += 1
    if came["queued"]:
        after = {"queued": came["queued"], "since": body.since}
        page_of = body.cursor or "stripe-events"
        store.write(entry(caller, "stripe.backfill", subject=page_of, after=after, now=now))
    kinds = ("queued", "known", "echo", "not_followed", "malformed")
    counts = {kind: came[kind] for kind in kinds}
    return {"found": len(page.events), **counts, "next_cursor": page.cursor}
