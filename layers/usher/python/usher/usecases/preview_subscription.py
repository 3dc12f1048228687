"""POST /v1/accounts/{id}/subscription/preview: what a change or an end would cost; nothing changes."""

from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.domain.change_policy import Refund, When
from usher.domain.errors import VendorRejected
from usher.domain.plan_changes import Wanted
from usher.domain.problems import FieldError, invalid
from usher.ports.store import Item
from usher.usecases.change_subscription import Quantity, judged_for, refused, whole_second
from usher.usecases.end_subscription import EndBody, judged_end
from usher.usecases.ending_now import given_back
from usher.usecases.fields import Body, Text
from usher.usecases.subscription_desk import Request, SubscriptionDesk


class PreviewBody(Body):
    """Body of .../preview: another plan or quantity, or `cancel`."""

    plan: Text | None = None
    quantity: Quantity | None = None
    promo: Text | None = None
    when: When | None = None
    cancel: EndBody | None = None


class Line(BaseModel):
    """A line of what is invoiced at once; below 0 it gives back."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    description: str
    amount_minor: int
    period_start: str
    period_end: str
    proration: bool


class NextInvoice(BaseModel):
    """What is asked for at `at`, credit used."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    at: str
    amount_minor: int


class Preview(BaseModel):
    """To the cent, in minor units of `currency`. Times are ISO 8601 UTC.

    `charged_now_minor` is collected at once, `credited_minor` becomes credit for later invoices,
    `refunded_minor` goes back to who paid. Sent with the change, `priced_at` makes it cost the same until
    `prices_hold_until`.
    """

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    direction: Literal["upgrade", "downgrade", "promotion", "call_off", "cancel"]
    plan: str | None
    quantity: int
    when: When
    effective_at: str
    priced_at: str
    prices_hold_until: str
    currency: str
    charged_now_minor: int = 0
    credited_minor: int = 0
    refunded_minor: int = 0
    refund: Refund | None = None
    lines: tuple[Line, ...] = ()
    next_invoice: NextInvoice | None = None


def preview_subscription(request: Request, body: PreviewBody, desk: SubscriptionDesk) -> Preview:
    """Raises NotFound, Conflict and Problem 400 as the change itself would."""
    account, row = desk.held(request.account_id)
    at = whole_second(desk.clock.now())
    hold = at + timedelta(minutes=desk.policy.preview_minutes)
    common: dict[str, Any] = {"priced_at": times.text(at), "prices_hold_until": times.text(hold)}
    if body.cancel is not None:
        if body.plan or body.quantity or body.promo or body.when:
            raise invalid((FieldError("cancel", "stands alone: a subscription changes, or it ends"),))
        return Preview(**common, **_end(body.cancel, row, desk))
    wanted = Wanted(body.plan, body.quantity, body.promo, body.when)
    change = judged_for(request, wanted, row, desk)
    if change.when == "now":
        desk.usage.flush(account.account_id)  # as the change will: what it bills is in its price
    try:
        found = desk.costs.preview(str(row["subscription_id"]), change, at=at)
    except VendorRejected as error:
        raise refused(change, error) from error
    lines = [
        Line(
            description=line.description,
            amount_minor=line.amount_minor,
            period_start=times.text(line.period_start),
            period_end=times.text(line.period_end),
            proration=line.proration,
        )
        for line in found.lines
    ]
    following = None
    if found.next_at is not None and found.next_minor is not None:
        following = NextInvoice(at=times.text(found.next_at), amount_minor=found.next_minor)
    return Preview(
        **common,
        direction=change.direction,
        plan=change.plan,
        quantity=change.quantity,
        when=change.when,
        effective_at=row["current_period_end"] if change.when == "period_end" else times.text(at),
        currency=found.currency,
        charged_now_minor=found.charged_now_minor,
        credited_minor=found.credited_minor,
        lines=tuple(lines),
        next_invoice=following,
    )


def _end(body: EndBody, row: Item, desk: SubscriptionDesk) -> dict[str, Any]:
    at = whole_second(desk.clock.now())
    when, refund = judged_end(body, row, desk)
    back = given_back(row, refund if when == "now" else "none", at=at, desk=desk)
    return {
        "direction": "cancel",
        "plan": row.get("plan"),
        "quantity": row["quantity"],
        "when": when,
        "effective_at": times.text(at) if when == "now" else row["current_period_end"],
        "currency": row.get("currency") or desk.catalog.currency,
        "refunded_minor": back.refunded,
        "credited_minor": back.credit,
        "refund": refund,
    }
