"""POST /v1/accounts/{id}/subscription/cancel: an end now or with the period, and what is paid back."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.domain.access import PRODUCT
from usher.domain.change_policy import Refund, When
from usher.domain.errors import Conflict, VendorRejected
from usher.domain.event import Event
from usher.domain.invoice_events import CreditBalanceAdjusted
from usher.domain.plan_changes import ENDED
from usher.domain.problems import FieldError, Problem, invalid
from usher.ports.store import Item
from usher.records.accounts import Account
from usher.records.change_leases import Lease
from usher.usecases.fields import Body, Text
from usher.usecases.subscription_desk import Request, SubscriptionDesk
from usher.usecases.subscription_state import SubscriptionState


class EndBody(Body):
    """How it ends; what is left out is as policies/changes.yaml says."""

    when: When | None = None
    refund: Refund | None = None


class CancelBody(EndBody):
    """Body of .../cancel."""

    reason: Text | None = None


class Retained(BaseModel):
    """What stays after the end, and until when: access, the customer's data, invoices and payments."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    access_until: str
    data_until: str
    records_until: str


class Ended(SubscriptionState):
    """How it stands, what goes back (minor units of `currency`), and what stays.

    `refunded_minor` to the cards that paid, `credited_minor` to the credit balance: what credit had paid for.
    """

    refunded_minor: int = 0
    credited_minor: int = 0
    retained: Retained


def end_subscription(request: Request, body: CancelBody, desk: SubscriptionDesk) -> Ended:
    """End it, once per request. Its open invoices become void: who leaves is not asked for them any more.

    Raises NotFound; Conflict when it has ended, or ends like that already; Problem 400 for a refund that
    cannot be, 409 when another change was faster.
    """

    def judge(account: Account, row: Item) -> Item:
        when, refund = judged_end(body, row, desk)
        if refund != "none" and request.caller.role == PRODUCT:
            detail = "A refund takes a person with the role billing; the product ends it with refund: none"
            raise Problem(403, "Forbidden", detail)
        if when == "period_end" and ends_at(row):
            raise Conflict(
                f"the subscription ends at {ends_at(row)} already; cancel with when: now ends it now"
            )
        return {"when": when, "refund": refund}

    def do(account: Account, row: Item, lease: Lease) -> SubscriptionState:
        events: list[Event] = []
        if lease.plan["when"] == "period_end":
            desk.changes.end_at_period_end(lease.subscription_id, key=lease.key)
        else:
            back, events = _end_now(account, row, lease, body.reason or "subscription ended", desk)
            amounts.update(refunded_minor=back.refunded, credited_minor=back.credit)
        return desk.record(
            request,
            account,
            lease.subscription_id,
            before=row,
            reason=body.reason,
            noted={"when": lease.plan["when"], "refund": lease.plan["refund"], **amounts},
            told=events,
        )

    amounts: dict[str, int] = {}
    at = desk.clock.now().replace(microsecond=0)
    state = desk.changing(request, judge, do, at=at, came_to=amounts)
    return Ended(**state.model_dump(), **amounts, retained=_retained(state, desk))


def judged_end(body: EndBody, row: Item, desk: SubscriptionDesk) -> tuple[When, Refund]:
    """When it ends and what is paid back. Raises Conflict when it has ended, Problem 400 for the refund."""
    if row["status"] in ENDED:
        raise Conflict(
            f"subscription {row['subscription_id']} ended at {row.get('ended_at', 'an earlier time')}"
        )
    when = body.when or desk.policy.cancel
    refund = body.refund or (desk.policy.refund if when == "now" else "none")
    if refund not in desk.policy.refunds:
        allowed = ", ".join(desk.policy.refunds)
        raise invalid((FieldError("refund", f"is not offered; these are: {allowed}"),))
    if when == "period_end" and refund != "none":
        message = "goes with when: now; until the period ends what was paid for is there to be used"
        raise invalid((FieldError("refund", message),))
    if when == "period_end" and row["status"] == "paused":
        raise Conflict("a paused subscription has no period that could end; cancel it with when: now")
    return when, refund


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What an end gives back, in minor units: of which payment, and as credit what credit had paid for."""

    payments: dict[str, int]
    credit: int = 0

    @property
    def refunded(self) -> int:
        return sum(self.payments.values())


def given_back(row: Item, refund: Refund, *, at: datetime, desk: SubscriptionDesk) -> GivenBack:
    """What goes back when the subscription ends at the moment `at`, of the newest payment first."""
    id, back = str(row["subscription_id"]), dict[str, int]()
    if refund == "none" or row["status"] in ("trialing", "paused", "past_due", "unpaid"):
        return GivenBack(back)  # of a period that is not paid nothing can go back
    paid = desk.costs.paid(id)
    left = max(paid.total_minor if refund == "full" else desk.costs.unused(id, at=at), 0)
    for payment_id in paid.payments:
        if not left:
            break
        found = desk.refunds.refundable(payment_id)
        if found is None or found.disputed:
            continue
        amount = min(found.left_minor, left)
        if amount > 0:
            back[payment_id] = amount
            left -= amount
    # What is left of a payment that went back before, or that a bank has taken back, is nobody's credit.
    return GivenBack(back, min(left, paid.otherwise_minor))


def ends_at(row: Item) -> str | None:
    """When it is to end, if that is settled."""
    if row.get("cancel_at"):
        return str(row["cancel_at"])
    return str(row["current_period_end"]) if row.get("cancel_at_period_end") else None


def _end_now(
    account: Account, row: Item, lease: Lease, reason: str, desk: SubscriptionDesk
) -> tuple[GivenBack, list[Event]]:
    """What goes back is worked out and noted first: after the end nobody could tell it any more."""
    again = "back" in lease.plan
    if not again:
        back = given_back(row, lease.plan["refund"], at=lease.at, desk=desk)
        lease = desk.leases.note(lease, {**lease.plan, "back": asdict(back)})
    back = GivenBack(**lease.plan["back"])
    desk.closer.cancel_subscription(lease.subscription_id, idempotency_key=f"{lease.key}/end")
    went = {
        payment_id: _refund(payment_id, amount, account, lease, reason, desk, again=again)
        for payment_id, amount in back.payments.items()
    }
    back = GivenBack(went, back.credit)
    if not back.credit:
        return back, []
    currency = str(row.get("currency") or desk.catalog.currency)
    id = desk.costs.give_credit(
        str(row["customer_id"]), amount_minor=back.credit, currency=currency, key=f"{lease.key}/credit"
    )
    fields = {"adjustment_id": id, "amount_minor": back.credit, "currency": currency}
    return back, [CreditBalanceAdjusted(**fields, reason=reason)]


def _refund(
    payment_id: str,
    amount: int,
    account: Account,
    lease: Lease,
    reason: str,
    desk: SubscriptionDesk,
    *,
    again: bool,
) -> int:
    """What of a payment went back; nothing, when others have given or taken it back since it was worked out.

    `again`: an earlier run may have done it, by a key that the vendor does not know any more.
    """
    found, request = desk.refunds.refundable(payment_id), f"{lease.key}/{payment_id}"
    assert found is not None  # it was there when the amount was worked out
    if again and desk.refunds.find(found.payment, request=request) is not None:
        return amount
    try:
        desk.refunds.refund(  # recorded when the vendor rings, as every refund is
            found.payment,
            amount_minor=amount,
            request=request,
            reason=reason,
            correlation_id=account.correlation_id,
            idempotency_key=f"{lease.key}/refund/{payment_id}",
        )
    except VendorRejected:
        now = desk.refunds.refundable(payment_id)
        if now is not None and not now.disputed and now.left_minor >= amount:
            raise
        return 0
    return amount


def _retained(state: SubscriptionState, desk: SubscriptionDesk) -> Retained:
    end = state.canceled_at if state.status in ENDED else state.cancel_at
    ends, policy = times.moment(end or state.current_period_end), desk.policy.retention
    records = ends.replace(year=ends.year + policy.records_years, day=min(ends.day, 28))
    return Retained(
        access_until=times.text(ends),
        data_until=times.text(ends + timedelta(days=policy.data_days)),
        records_until=times.text(records),
    )
