"""One refund, from the vendor to our records: given back once however often it is asked for, audited."""

from dataclasses import dataclass
from typing import Any

from usher.domain import money
from usher.domain.access import Caller
from usher.domain.errors import Conflict, KeySpent, NotYet, VendorRejected
from usher.domain.problems import FieldError, Problem
from usher.ports.billing_facts import BillingFacts
from usher.ports.clock import Clock
from usher.ports.refunds import Refundable, RefundGateway
from usher.ports.store import ConditionFailed, Item
from usher.records.accounts import Accounts
from usher.records.audit import entry
from usher.records.billing import PAYMENTS, BillingRecords, Known, ids_in
from usher.records.refund_requests import RefundRequest, RefundRequests

_RECORDINGS = 3


@dataclass(frozen=True, slots=True)
class RefundDesk:
    """What giving money back needs."""

    accounts: Accounts
    records: BillingRecords
    refunds: RefundGateway
    requests: RefundRequests
    clock: Clock


def refundable(payment_id: str, desk: RefundDesk) -> Refundable:
    """The payment as the vendor has it now. Raises Conflict when it has none."""
    found = desk.refunds.refundable(payment_id)
    if found is None:
        raise Conflict("the payment vendor does not know this payment any more")
    return found


def refuse(row: Item, found: Refundable, amount: int) -> None:
    """Raise Conflict when nothing of it can be given back, Problem 400 when it is less than `amount`."""
    currency, left = found.payment.currency, found.left_minor
    if found.payment.status != "succeeded":
        raise Conflict(f"the payment is {found.payment.status}; only what was paid can be given back")
    if found.disputed:
        raise Conflict("the payment is disputed: its bank decides who gets the money, answer the dispute")
    if left == 0:
        raise Conflict("all of this payment was given back already")
    if amount > left:
        paid = money.text(int(row["amount_minor"]), currency)
        said = f"is more than is left: {money.text(left, currency)} of {paid}"
        more = {"left": left, "currency": currency}
        raise Problem(400, "More than is left", f"amount {said}", (FieldError("amount", said),), more=more)


def give_back(
    request: RefundRequest, found: Refundable, caller: Caller, row: Item, desk: RefundDesk
) -> dict[str, Any]:
    """Do what the request says, and record it; returns the refund as the API shows it.

    Raises VendorUnavailable when nobody knows whether it was done: the same request goes on with it.
    """
    known = known_of(request.payment_id, desk)
    try:
        facts = desk.refunds.refund(
            found.payment,
            amount_minor=request.amount_minor,
            request=request.id,
            reason=request.reason,
            correlation_id=_correlation_id(row, desk),
            idempotency_key=request.id,
        )
    except KeySpent as error:
        made = desk.refunds.find(found.payment, request=request.id)
        if made is None:
            desk.requests.drop(request)
            raise NotYet("the payment vendor failed; nothing was refunded, send the request again") from error
        facts = made
    except VendorRejected as error:
        desk.requests.drop(request)
        refuse(row, refundable(request.payment_id, desk), request.amount_minor)
        raise Conflict(f"the payment vendor refuses this refund: {error.code}") from error
    return recorded(facts, known, request, caller, row, desk)


def known_of(payment_id: str, desk: RefundDesk) -> Known:
    """What we hold of the payment, to be read before the vendor is asked."""
    return desk.records.known({(PAYMENTS, payment_id)})


def recorded(
    facts: BillingFacts, known: Known, request: RefundRequest, caller: Caller, row: Item, desk: RefundDesk
) -> dict[str, Any]:
    """Record a refund that was made; returns it as the API shows it.

    The vendor's bell may be faster: then what it wrote is read, and the vendor asked, once more.
    """
    for _ in range(_RECORDINGS):
        try:
            _write(facts, known, request, caller, row, desk)
        except ConditionFailed:
            pending = desk.requests.under_way(request.payment_id)
            if pending is None or pending.id != request.id:
                break  # the same request, sent twice at once, has recorded it
            known = desk.records.known(ids_in(facts))
            facts = desk.refunds.find(facts.payments[0], request=request.id) or facts
        else:
            break
    else:
        raise NotYet("sync records this refund at this moment; send the request again")
    (payment,), (refund,) = facts.payments, facts.refunds
    return {
        "refund_id": refund.refund_id,
        "payment_id": payment.payment_id,
        "account_id": row["account_id"],
        "amount": refund.amount_minor,
        "currency": refund.currency,
        "status": refund.status,
        "left": payment.amount_minor - (payment.refunded_minor or 0),
    }


def _write(
    facts: BillingFacts, known: Known, request: RefundRequest, caller: Caller, row: Item, desk: RefundDesk
) -> None:
    (payment,), (refund,) = facts.payments, facts.refunds
    refunded, now = payment.refunded_minor or 0, desk.clock.now()
    audit = entry(
        caller,
        "refund.issue",
        subject=payment.payment_id,
        before={"refunded_minor": refunded - refund.amount_minor},
        after={"refunded_minor": refunded, "refund_id": refund.refund_id},
        reason=request.reason,
        now=now,
    )
    desk.records.record(
        facts,
        account_id=row["account_id"],
        known=known,
        correlation_id=_correlation_id(row, desk),
        now=now,
        also=(audit, desk.requests.closing(request)),
    )


def _correlation_id(row: Item, desk: RefundDesk) -> str:
    account = desk.accounts.find(row["account_id"])
    return account.correlation_id if account else str(row["account_id"])
