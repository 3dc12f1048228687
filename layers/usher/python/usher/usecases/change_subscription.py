"""POST /v1/accounts/{id}/subscription/change: another plan or quantity, a promotion code (C4)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from usher.domain import times
from usher.domain.change_policy import When
from usher.domain.errors import VendorRejected
from usher.domain.plan_changes import PlanChange, Wanted, judged
from usher.domain.problems import FieldError, Problem, invalid
from usher.ports.store import Item
from usher.records.accounts import Account
from usher.records.change_leases import Lease
from usher.usecases.fields import Body, Text
from usher.usecases.subscription_desk import Request, SubscriptionDesk
from usher.usecases.subscription_state import SubscriptionState, declined

_REVIEWERS = frozenset({"billing", "admin"})  # whom sales lets put a customer on any plan
_PROMO_REFUSED = frozenset({"coupon_expired", "promotion_code_invalid", "coupon_not_applicable"})
Quantity = Annotated[int, Field(ge=1)]


class ChangeBody(Body):
    """Body of .../change. `priced_at` is what a preview answered: it then costs the same to the cent."""

    plan: Text | None = None
    quantity: Quantity | None = None
    promo: Text | None = None
    when: When | None = None
    priced_at: Text | None = None


def change_subscription(request: Request, body: ChangeBody, desk: SubscriptionDesk) -> SubscriptionState:
    """Make the change, once per request; returns how the subscription stands then.

    Raises:
        NotFound, Conflict: no such account; the subscription cannot change, or would not.
        Problem: 400 naming a bad field, 402 when the bank declined and nothing changed, 409 with the new
            state when another change was faster.
    """

    def judge(account: Account, row: Item) -> Item:
        wanted = Wanted(body.plan, body.quantity, body.promo, body.when)
        return judged_for(request, wanted, row, desk).as_item()

    def do(account: Account, row: Item, lease: Lease) -> SubscriptionState:
        change = PlanChange.of_item(lease.plan)
        if change.when == "now":
            desk.usage.flush(account.account_id)
        try:
            outcome = desk.changes.change(lease.subscription_id, change, at=lease.at, key=lease.key)
        except VendorRejected as error:
            raise refused(change, error) from error
        if outcome is not None:
            raise declined(outcome, f"The change to {change.plan}")
        noted = {"direction": change.direction, "when": change.when, "promo": body.promo}
        return desk.record(
            request,
            account,
            lease.subscription_id,
            before=row,
            noted={name: value for name, value in noted.items() if value is not None},
        )

    return desk.changing(request, judge, do, at=_priced_at(body.priced_at, desk))


def judged_for(request: Request, wanted: Wanted, row: Item, desk: SubscriptionDesk) -> PlanChange:
    """The change that may be made, its promotion as the vendor knows it. Raises Conflict, Problem 400."""
    change = judged(wanted, row, catalog=desk.catalog, policy=desk.policy, may_review=may_review(request))
    return with_promotion(change, desk)


def may_review(request: Request) -> bool:
    """Whether the caller may put a customer on a plan that sales decides on."""
    return request.caller.role in _REVIEWERS


def with_promotion(change: PlanChange, desk: SubscriptionDesk) -> PlanChange:
    """The change with the vendor's id of its promotion. Raises Problem 400 for a code that there is not."""
    if change.promo is None:
        return change
    found = desk.costs.promotion(change.promo)
    if found is None:
        message = "is not a promotion code that can be used now; look at its spelling, or leave it out"
        raise invalid((FieldError("promo", message),))
    return replace(change, promo=found)


def refused(change: PlanChange, error: VendorRejected) -> Problem | VendorRejected:
    """A 400 when it was the promotion code that the vendor refused, else the error as it is."""
    if change.promo and (error.code in _PROMO_REFUSED or error.status == 400):
        message = "cannot be used for this: it may be over, used up, or for others; leave it out"
        return invalid((FieldError("promo", message),))
    return error


def whole_second(moment: datetime) -> datetime:
    """The vendor prorates by whole seconds."""
    return moment.replace(microsecond=0)


def _priced_at(given: str | None, desk: SubscriptionDesk) -> datetime:
    """The moment that the change is prorated by. Raises Problem 400 when a preview's prices hold no more."""
    now = desk.clock.now()
    if given is None:
        return whole_second(now)
    try:
        at = times.moment(given)
    except ValueError:
        at = None
    holds = timedelta(minutes=desk.policy.preview_minutes)
    if at is None or at.tzinfo is None or not now - holds <= at <= now:
        message = f"is the priced_at of a preview not older than {desk.policy.preview_minutes} minutes"
        raise invalid((FieldError("priced_at", message),))
    return whole_second(at)
