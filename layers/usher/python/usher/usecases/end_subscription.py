"""POST /v1/accounts/{id}/subscription/cancel: an end now or with the period, and what is paid back."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.domain.access import PRODUCT
from usher.domain.change_policy import Refund, When
from usher.domain.errors import Conflict
from usher.domain.event import Event
from usher.domain.plan_changes import ENDED
from usher.domain.problems import FieldError, Problem, invalid
from usher.ports.store import Item
from usher.records.accounts import Account
from usher.records.change_leases import Lease
from usher.usecases.ending_now import end_now
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
        # Whoever finishes it, should this request break off and not be sent again, has to know all of it.
        asked = {"by": request.caller.subject, "role": request.caller.role, "key": request.key}
        return {"when": when, "refund": refund, **asked, **({"reason": body.reason} if body.reason else {})}

    def do(account: Account, row: Item, lease: Lease) -> SubscriptionState:
        return make_end(request, account, row, lease, desk, amounts)

    amounts: dict[str, int] = {}
    at = desk.clock.now().replace(microsecond=0)
    state = desk.changing(request, judge, do, at=at, came_to=amounts)
    return Ended(**state.model_dump(), **amounts, retained=_retained(state, desk))


def make_end(
    request: Request,
    account: Account,
    row: Item,
    lease: Lease,
    desk: SubscriptionDesk,
    amounts: dict[str, int],
) -> SubscriptionState:
    """Do what the lease's plan says, once however often; `amounts` is filled with what went back."""
    events: list[Event] = []
    reason = lease.plan.get("reason")
    if lease.plan["when"] == "period_end":
        desk.changes.end_at_period_end(lease.subscription_id, key=lease.key)
    else:
        back, events = end_now(account, row, lease, reason or "subscription ended", desk)
        amounts.update(refunded_minor=back.refunded, credited_minor=back.credit)
    return desk.record(
        request,
        account,
        lease.subscription_id,
        before=row,
        reason=reason,
        noted={"when": lease.plan["when"], "refund": lease.plan["refund"], **amounts},
        told=events,
    )


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


def ends_at(row: Item) -> str | None:
    """When it is to end, if that is settled."""
    if row.get("cancel_at"):
        return str(row["cancel_at"])
    return str(row["current_period_end"]) if row.get("cancel_at_period_end") else None


def _retained(state: SubscriptionState, desk: SubscriptionDesk) -> Retained:
    end = state.canceled_at if state.status in ENDED else state.cancel_at
    ends, policy = times.moment(end or state.current_period_end), desk.policy.retention
    records = ends.replace(year=ends.year + policy.records_years, day=min(ends.day, 28))
    return Retained(
        access_until=times.text(ends),
        data_until=times.text(ends + timedelta(days=policy.data_days)),
        records_until=times.text(records),
    )
