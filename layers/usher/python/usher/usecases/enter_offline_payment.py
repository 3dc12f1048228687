"""POST /v1/payments/offline: somebody enters a payment that came by bank transfer."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from usher.domain import times
from usher.domain.access import Caller
from usher.domain.errors import Conflict
from usher.domain.payment_matching import candidates
from usher.domain.problems import FieldError, Problem, invalid
from usher.ports.http import Answer
from usher.ports.store import ConditionFailed, Item, Put, Update
from usher.records.accounts import Account
from usher.records.audit import entry
from usher.records.offline_payments import OfflinePayment, changing, entering, payment_id
from usher.usecases.fields import Body, Text, Token
from usher.usecases.settle_offline_payment import OfflineDesk, invoice_for, settle, shown

_SLACK = timedelta(minutes=5)  # a bank's clock may be ahead of ours


def _moment(value: str) -> str:
    try:
        moment = times.moment(value)
    except ValueError:
        raise ValueError("is not a moment such as 2026-11-21T09:30:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("names no time zone; write it such as 2026-11-21T09:30:00Z")
    return times.text(moment)


class OfflinePaymentBody(Body):
    """Body of POST /v1/payments/offline. `amount` is in minor units of `currency`.

    `reference` is what the transfer says; `payer` who sent it. Without an invoice the answer names those that
    it may be for.
    """

    account_id: Token
    invoice_id: Token | None = None
    amount: Annotated[int, Field(ge=1, le=10**12)]
    currency: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
    reference: Text
    received_at: Annotated[str, StringConstraints(max_length=40), AfterValidator(_moment)]
    payer: Text | None = None


def enter_offline_payment(body: OfflinePaymentBody, caller: Caller, desk: OfflineDesk) -> Answer:
    """201 with the recorded payment, or 202 when a second person has to approve it; audited.

    The same transfer entered twice is one. Raises Problem 400 naming the bad field, or 409 that asks which
    invoice is meant; Conflict when the invoice cannot be paid.
    """
    account = desk.accounts.find(body.account_id)
    if account is None:
        raise invalid((FieldError("account_id", "is no account"),))
    now = desk.clock.now()
    if times.moment(body.received_at) > now + _SLACK:
        raise invalid((FieldError("received_at", "lies in the future"),))
    id = payment_id(account.account_id, body.reference, body.amount, body.currency, body.received_at)
    before = desk.payments.find(id)
    if before is not None:
        return _again(before, body, caller, account, desk)
    if body.invoice_id is None:
        raise _which(body, desk)
    waits = desk.policy.needs_approval(body.amount, body.currency)
    payment = OfflinePayment(
        offline_payment_id=id,
        account_id=account.account_id,
        invoice_id=body.invoice_id,
        amount_minor=body.amount,
        currency=body.currency,
        reference=body.reference,
        received_at=body.received_at,
        payer=body.payer,
        state="waiting_approval" if waits else "settling",
        entered_by=caller.subject,
        entered_at=times.text(now),
        version=1,
    )
    invoice_for(payment, account, desk)
    _enter(payment, entering(payment), caller, now, desk)
    return _answer(payment, caller, desk)


def _enter(
    payment: OfflinePayment, write: Put | Update, caller: Caller, now: datetime, desk: OfflineDesk
) -> None:
    after = {"state": payment.state, "invoice_id": payment.invoice_id, "amount_minor": payment.amount_minor}
    audit = entry(
        caller,
        "offline_payment.enter",
        subject=payment.offline_payment_id,
        after=after | {"currency": payment.currency, "account_id": payment.account_id},
        reason=payment.reference,
        now=now,
    )
    try:
        desk.store.transact([write, audit])
    except ConditionFailed as error:
        raise Conflict("somebody else entered this payment at this moment; look at it again") from error


def _answer(payment: OfflinePayment, caller: Caller, desk: OfflineDesk) -> Answer:
    if payment.state == "waiting_approval":
        approve = f"/v1/payments/offline/{payment.offline_payment_id}/approve"
        return Answer(202, shown(payment, approve_url=approve))
    return Answer(201, settle(payment, caller, desk))


def _again(
    before: OfflinePayment, body: OfflinePaymentBody, caller: Caller, account: Account, desk: OfflineDesk
) -> Answer:
    """The transfer is known: what was begun is finished, what was refused may go to another invoice."""
    if before.state == "refused":
        if body.invoice_id is None:
            raise _which(body, desk)
        waits = desk.policy.needs_approval(before.amount_minor, before.currency)
        values: Item = {"invoice_id": body.invoice_id, "attempt": before.attempt + 1}
        values |= {"entered_by": caller.subject}
        values |= {"state": "waiting_approval" if waits else "settling"}
        again = before.model_copy(update=values | {"version": before.version + 1})
        invoice_for(again, account, desk)
        now = desk.clock.now()
        _enter(again, changing(before, values, now=now), caller, now, desk)
        return _answer(again, caller, desk)
    if body.invoice_id not in (None, before.invoice_id):
        raise Conflict(f"this payment was entered for {before.invoice_id}; it is {before.state}")
    if before.state in ("settling", "waiting_approval"):
        return _answer(before, caller, desk)
    return Answer(200, shown(before))


def _which(body: OfflinePaymentBody, desk: OfflineDesk) -> Problem:
    """Asks for the invoice, with those that it may be."""
    rows = desk.records.invoices_of(body.account_id)
    found = candidates(rows, amount_minor=body.amount, currency=body.currency, reference=body.reference)
    if found:
        detail = "Which invoice does it pay? Send it again with the invoice_id of one of the candidates"
    else:
        detail = f"The account has no open invoice in {body.currency}: there is nothing that it could pay"
    named = (FieldError("invoice_id", "is needed"),)
    return Problem(
        409, "Which invoice?", detail, named, more={"candidates": [asdict(each) for each in found]}
    )
