"""POST /v1/payments/offline/{id}/approve and /reject: a second person decides on a bank transfer."""

from typing import Any

from usher.domain.access import Caller
from usher.domain.errors import Conflict, NotFound
from usher.domain.problems import Problem
from usher.ports.store import ConditionFailed, Item
from usher.records.audit import entry
from usher.records.offline_payments import OfflinePayment, changing
from usher.usecases.fields import Body, Text
from usher.usecases.settle_offline_payment import OfflineDesk, invoice_for, settle, shown


class ApprovalBody(Body):
    """Body of POST /v1/payments/offline/{id}/approve."""

    reason: Text | None = None


class RejectionBody(Body):
    """Body of POST /v1/payments/offline/{id}/reject."""

    reason: Text


def approve_offline_payment(id: str, body: ApprovalBody, caller: Caller, desk: OfflineDesk) -> dict[str, Any]:
    """Returns the recorded payment; audited. Sent again by the same person it goes on where it stopped.

    Raises NotFound, Problem 403 for who entered it, Conflict when it does not wait or cannot be paid now.
    """
    payment = _found(id, desk)
    if payment.state == "settling" and payment.approved_by == caller.subject:
        return settle(payment, caller, desk)
    if payment.state == "recorded" and payment.approved_by == caller.subject:
        return shown(payment)
    _require_waiting(payment)
    if payment.entered_by == caller.subject:
        detail = "A second person approves: not the one who entered it"
        raise Problem(403, "Forbidden", detail)
    account = desk.accounts.find(payment.account_id)
    if account is None:
        raise Conflict("the account is gone")
    invoice_for(payment, account, desk)
    values: Item = {"state": "settling", "approved_by": caller.subject}
    return settle(_decided(payment, values, "approve", body.reason, caller, desk), caller, desk)


def reject_offline_payment(id: str, body: RejectionBody, caller: Caller, desk: OfflineDesk) -> dict[str, Any]:
    """Returns the rejected payment; audited. Whoever entered it may take it back so.

    Raises NotFound, Conflict when it does not wait.
    """
    payment = _found(id, desk)
    _require_waiting(payment)
    values: Item = {"state": "rejected", "reason": body.reason}
    return shown(_decided(payment, values, "reject", body.reason, caller, desk))


def _found(id: str, desk: OfflineDesk) -> OfflinePayment:
    payment = desk.payments.find(id)
    if payment is None:
        raise NotFound(f"no offline payment {id}")
    return payment


def _require_waiting(payment: OfflinePayment) -> None:
    if payment.state != "waiting_approval":
        raise Conflict(f"this payment is {payment.state}; it does not wait for anybody")


def _decided(
    payment: OfflinePayment, values: Item, verb: str, reason: str | None, caller: Caller, desk: OfflineDesk
) -> OfflinePayment:
    now = desk.clock.now()
    audit = entry(
        caller,
        f"offline_payment.{verb}",
        subject=payment.offline_payment_id,
        before={"state": payment.state},
        after=values,
        reason=reason,
        now=now,
    )
    try:
        desk.store.transact([changing(payment, values, now=now), audit])
    except ConditionFailed as error:
        raise Conflict("somebody else decided on this payment at this moment; look at it again") from error
    return payment.model_copy(update={**values, "version": payment.version + 1})
