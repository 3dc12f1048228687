"""A subscription that ends at once: what goes back, worked out, noted, and paid back once."""

from dataclasses import asdict, dataclass
from datetime import datetime

from usher.domain.change_policy import Refund
from usher.domain.errors import VendorRejected
from usher.domain.event import Event
from usher.domain.invoice_events import CreditBalanceAdjusted
from usher.ports.store import Item
from usher.records.accounts import Account
from usher.records.change_leases import Lease
from usher.usecases.subscription_desk import SubscriptionDesk

ENDED = "subscription_ended"  # in events, which leave us: what a person wrote does not


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


def end_now(
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
        str(row["customer_id"]),
        amount_minor=back.credit,
        currency=currency,
        change=lease.name,
        key=f"{lease.key}/credit",
    )
    fields = {"adjustment_id": id, "amount_minor": back.credit, "currency": currency}
    return back, [CreditBalanceAdjusted(**fields, reason=ENDED)]


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
    found, request = desk.refunds.refundable(payment_id), f"{lease.name}/{payment_id}"
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
