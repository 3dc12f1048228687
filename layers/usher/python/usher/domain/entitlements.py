"""Entitlements: what an account may use now, and which page is the only one for who may not."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

Page = Literal["app", "blocked", "subscription", "pricing"]

LIVE = frozenset({"active", "trialing", "past_due"})
"""Who is past due keeps access: when that ends is for dunning to say, which suspends the account."""
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

    def runs(self, now: str) -> bool:
        return self.status in LIVE and (self.ends_at is None or self.ends_at > now)


class Entitlement(BaseModel):
    """`plan` is what holds, or held last; `status` that of its subscription, or why there is none."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    enabled: bool
    status: str
    page: Page
    plan: str | None = None


def entitlement(account_status: str, held: Sequence[Held], *, beta_phase: bool, now: str) -> Entitlement:
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
        return Entitlement(enabled=page == "app", status=status, page=page, plan=best.plan)
    if begun and account_status != "closed":
        last = begun[-1]
        status = "ended" if last.status in LIVE | {"canceled"} else last.status
        return Entitlement(enabled=False, status=status, page="subscription", plan=last.plan)
    status = "closed" if account_status == "closed" else "none"
    return Entitlement(enabled=False, status=status, page="blocked" if beta_phase else "pricing")
