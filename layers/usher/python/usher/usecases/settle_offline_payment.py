"""What a bank transfer comes to once nobody has to say yes any more: vendor, records, audit."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from usher.domain import money, times
from usher.domain.access import Caller
from usher.domain.errors import Conflict, KeySpent, NotYet, VendorRejected
from usher.domain.money_policy import ApprovalPolicy
from usher.domain.payment_matching import PAYABLE
from usher.domain.problems import FieldError, Problem
from usher.ports.billing_facts import BillingFacts, InvoiceSnapshot
from usher.ports.clock import Clock
from usher.ports.outside_money import OutsideMoney
from usher.ports.store import ConditionFailed, Item, Store
from usher.records.accounts import Account, Accounts
from usher.records.audit import entry
from usher.records.billing import INVOICES, BillingRecords, Known, ids_in
from usher.records.offline_payments import OfflinePayment, OfflinePayments, changing

_RECORDINGS = 3
_SLACK = timedelta(minutes=5)  # the vendor's clock may be behind ours


@dataclass(frozen=True, slots=True)
class OfflineDesk:
    """What entering and approving bank transfers needs."""

    store: Store
    accounts: Accounts
    records: BillingRecords
    payments: OfflinePayments
    vendor: OutsideMoney
    policy: ApprovalPolicy
    clock: Clock

    def change(self, payment: OfflinePayment, values: Item) -> OfflinePayment:
        """The payment with `values`. Raises Conflict when somebody else was faster."""
        try:
            self.store.write(changing(payment, values, now=self.clock.now()))
        except ConditionFailed as error:
            raise Conflict("somebody else changed this payment at this moment; look at it again") from error
        return payment.model_copy(update={**values, "version": payment.version + 1})


def invoice_for(payment: OfflinePayment, account: Account, desk: OfflineDesk) -> InvoiceSnapshot:
    """The invoice as the vendor has it now. Raises Problem 400 or Conflict when the payment cannot pay it."""
    found = desk.vendor.invoice(payment.invoice_id)
    invoice = found.invoices[0] if found else None
    if invoice is None or invoice.customer_id != account.customer_id:
        raise _bad("invoice_id", "is no invoice of this account")
    if invoice.currency != payment.currency:
        raise _bad("currency", f"is not the invoice's, which is in {invoice.currency}")
    if invoice.status not in PAYABLE:
        raise Conflict(f"the invoice is {invoice.status}; only what is open can be paid")
    left = _left(invoice)
    if payment.amount_minor > left:
        over, owed = payment.amount_minor - left, money.text(left, invoice.currency)
        said = f"is {money.text(over, invoice.currency)} more than is owed of this invoice ({owed})"
        detail = f"amount {said}: enter what it pays of each invoice by itself, and give the rest back"
        more = {"left": left, "over": over, "currency": invoice.currency}
        raise Problem(400, "More than is owed", detail, (FieldError("amount", said),), more=more)
    return invoice


def settle(payment: OfflinePayment, caller: Caller, desk: OfflineDesk) -> dict[str, Any]:
    """Tell the vendor, then record payment and invoice with their events; returns the payment as shown.

    It may be done again after an unknown outcome: the keys name the payment. Raises Conflict when the vendor
    does not take it any more; the payment is `refused` then, and can be entered again for another invoice.
    """
    account = desk.accounts.find(payment.account_id)
    if account is None or account.customer_id is None:
        raise Conflict("the account has no customer at the payment vendor")
    moment, key = times.moment(payment.received_at), f"offline/{payment.offline_payment_id}"
    known, attach = desk.records.known({(INVOICES, payment.invoice_id)}), f"{key}/attach/{payment.attempt}"
    record = payment.payment_id
    try:
        record = record or desk.vendor.report(
            customer_id=account.customer_id,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            received_at=moment,
            reference=payment.reference,
            offline_payment_id=payment.offline_payment_id,
            since=times.moment(payment.entered_at) - _SLACK,
            idempotency_key=f"{key}/report/{payment.attempt}",
        )
        facts = desk.vendor.attach(payment.invoice_id, record, received_at=moment, idempotency_key=attach)
    except KeySpent as error:  # nothing came of it, and nothing ever will under this key
        desk.change(payment, {"attempt": payment.attempt + 1} | _named(record))
        raise NotYet("the payment vendor failed; send the request again") from error
    except VendorRejected as error:
        desk.change(payment, {"state": "refused"} | _named(record))
        detail = "the vendor does not count it towards this invoice any more; enter it for another one"
        raise Conflict(detail) from error
    for _ in range(_RECORDINGS):
        try:
            return _record(payment, record, facts, known, caller, account, desk)
        except ConditionFailed:
            now = desk.payments.find(payment.offline_payment_id)
            if now is not None and now.state == "recorded":
                return shown(now)
            known = desk.records.known(ids_in(facts))
            facts = desk.vendor.attach(payment.invoice_id, record, received_at=moment, idempotency_key=attach)
    raise NotYet("sync records this invoice at this moment; send the request again")


def shown(payment: OfflinePayment, **more: Any) -> dict[str, Any]:
    """A payment as the API answers it."""
    hidden = {"version", "attempt", "amount_minor"}
    fields = payment.model_dump(exclude_none=True, exclude=hidden)
    return {**fields, "amount": payment.amount_minor, **more}


def _record(
    payment: OfflinePayment,
    record: str,
    facts: BillingFacts,
    known: Known,
    caller: Caller,
    account: Account,
    desk: OfflineDesk,
) -> dict[str, Any]:
    invoice, now = facts.invoices[0], desk.clock.now()
    values: Item = {"state": "recorded", "payment_id": record}
    audit = entry(
        caller,
        "offline_payment.record",
        subject=payment.offline_payment_id,
        before={"state": payment.state},
        after={**values, "invoice_id": payment.invoice_id, "invoice_status": invoice.status},
        reason=payment.reference,
        now=now,
    )
    desk.records.record(
        facts,
        account_id=payment.account_id,
        known=known,
        correlation_id=account.correlation_id,
        now=now,
        also=(changing(payment, values, now=now), audit),
    )
    return shown(
        payment.model_copy(update=values), invoice_status=invoice.status, invoice_left=_left(invoice)
    )


def _named(record: str | None) -> Item:
    return {"payment_id": record} if record else {}


def _left(invoice: InvoiceSnapshot) -> int:
    told = invoice.amount_remaining_minor
    return invoice.amount_due_minor - invoice.amount_paid_minor if told is None else told


def _bad(field: str, message: str) -> Problem:
    return Problem(400, "Invalid request", f"{field} {message}", (FieldError(field, message),))
