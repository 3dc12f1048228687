"""POST /v1/refunds: an operator gives a payment back, in whole or in part (C7)."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from usher.domain.access import Caller
from usher.domain.errors import Conflict, NotFound
from usher.domain.problems import Problem
from usher.ports.store import Item
from usher.records.billing import PAYMENTS
from usher.records.refund_requests import RefundRequest
from usher.usecases.fields import Body, Text, Token
from usher.usecases.give_back import RefundDesk, give_back, known_of, recorded, refundable, refuse

LEASE = timedelta(minutes=2)  # longer than any call to the vendor: then what came of it can be looked up


class RefundBody(Body):
    """Body of POST /v1/refunds. `amount` is in minor units; without it all that is left goes back."""

    payment_id: Token
    amount: Annotated[int, Field(ge=1)] | None = None
    reason: Text


def issue_refund(body: RefundBody, caller: Caller, desk: RefundDesk) -> dict[str, Any]:
    """Returns the refund, and what is left of the payment after it; audited.

    One at a time for each payment: its number is the key at the vendor, so that asking again after an unknown
    outcome gives nothing back twice. Raises NotFound, Conflict when nothing can be refunded or another refund
    is under way, Problem 400 when it is more than is left.
    """
    row = _payment(body.payment_id, desk)
    if pending := desk.requests.under_way(body.payment_id):
        done = _what_became(pending, body, caller, row, desk)
        if done is not None:
            return done
    found = refundable(body.payment_id, desk)
    amount = body.amount or found.left_minor
    refuse(row, found, amount)
    request = desk.requests.open(
        body.payment_id,
        amount_minor=amount,
        asked=body.amount,
        reason=body.reason,
        caller=caller,
        now=desk.clock.now(),
    )
    if request is None:
        raise _busy()
    return give_back(request, found, caller, row, desk)


def _payment(payment_id: str, desk: RefundDesk) -> Item:
    row = desk.records.known({(PAYMENTS, payment_id)})[PAYMENTS, payment_id]
    if row is None:
        raise NotFound(f"no payment {payment_id}")
    if row.get("method") == "offline":
        raise Conflict("this payment came by bank transfer: give it back the way it came")
    return row


def _what_became(
    pending: RefundRequest, body: RefundBody, caller: Caller, row: Item, desk: RefundDesk
) -> dict[str, Any] | None:
    """A refund was begun whose outcome is not on record: finish it, or find out that nothing came of it.

    The same request goes on with it. Another one waits until the first can be looked up, and goes on
    afterwards: None.
    """
    again = pending.repeats(caller, body.amount, body.reason)
    young = desk.clock.now() - pending.at < LEASE
    if young and not again:
        raise _busy()
    found = refundable(body.payment_id, desk)
    if again and young:
        held = desk.requests.taken_up(pending, now=desk.clock.now())
        if held is None:
            raise _busy()
        return give_back(held, found, caller, row, desk)
    known = known_of(body.payment_id, desk)
    facts = desk.refunds.find(found.payment, request=pending.id)
    if facts is None:
        desk.requests.drop(pending)
        return None
    answer = recorded(facts, known, pending, Caller(pending.by, caller.role), row, desk)
    return answer if again else None


def _busy() -> Problem:
    detail = "Another refund of this payment is under way; look at what is left in a moment"
    return Problem(409, "Conflict", detail, headers={"retry-after": "5"})
