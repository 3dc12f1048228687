"""Entitlements: what an account may use now, and which page is the only one for who may not."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.domain.access_policy import PastDue

Page = Literal["app", "blocked", "subscription", "pricing"]

LIVE = frozenset({"active", "trialing", "past_due"})
"""Who is past due keeps access, as policies/entitlements.yaml says, until dunning suspends the account."""
HELD = LIVE | {"unpaid", "paused"}
"""What an account has, whether or not it may use it now: a second one beside it would be billed too."""
NEVER_BEGAN = frozenset({"incomplete", "incomplete_expired"})


class Held(BaseModel):
    """A subscription of the account, the payment vendor's or our own. Times as `domain.times.text`."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    subscription_id: str
    plan: str | None = None
    status: str
    started_at: str
    ends_at: str | None = None  # of our own: when it ends by itself
    past_due_since: str | None = None

    def runs(self, now: str) -> bool:
        return self.status in LIVE and (self.ends_at is None or self.ends_at > now)


class Entitlement(BaseModel):
    """`plan` is what holds, or held last; `status` that of its subscription, or why there is none.

    `reduced`: a payment is late by too long for all of the plan.
    """

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    enabled: bool
    status: str
    page: Page
    plan: str | None = None
    reduced: bool = False


def entitlement(
    account_status: str,
    held: Sequence[Held],
    *,
    beta_phase: bool,
    now: str,
    past_due: PastDue = PastDue(),  # noqa: B008 - frozen
) -> Entitlement:
    """What the account gets.

    Who has a subscription that runs is in, on the newest one's plan, as soon as the account is set up. Who
    had one sees its subscription page alone. Who never had any is asked to choose a plan, or in the beta
    phase, where there is nothing to choose, to be patient.
    """
    begun = sorted(
        (each for each in held if each.status not in NEVER_BEGAN), key=lambda each: each.started_at
    )
    running = [each for each in begun if each.runs(now)]
    if running and account_status != "closed":
        best = running[-1]
        page: Page = {"active": "app", "pending": "blocked"}.get(account_status, "subscription")  # type: ignore[assignment]  # its values are pages
        status = best.status if account_status == "active" else account_status
        late = page == "app" and _is_late(best, past_due, now)
        if late and past_due.then == "none":
            page = "subscription"
        return Entitlement(
            enabled=page == "app", status=status, page=page, plan=best.plan, reduced=late and page == "app"
        )
    if begun and account_status != "closed":
        last = begun[-1]
        status = "ended" if last.status in LIVE | {"canceled"} else last.status
        return Entitlement(enabled=False, status=status, page="subscription", plan=last.plan)
    status = "closed" if account_status == "closed" else "none"
    return Entitlement(enabled=False, status=status, page="blocked" if beta_phase else "pricing")


def _is_late(best: Held, past_due: PastDue, now: str) -> bool:
    """Whether a payment has been late for longer than everything is had all the same."""
    if best.status != "past_due" or best.past_due_since is None:
        return False
    full = times.moment(best.past_due_since) + timedelta(days=past_due.full_days)
    return times.moment(now) >= full
