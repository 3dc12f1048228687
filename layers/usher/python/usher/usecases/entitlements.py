"""GET /v1/accounts/{id}/entitlements: what the product lets an account do, and where it sends the others.

Row C14 of docs/product.md.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.domain.access_policy import AccessPolicy
from usher.domain.entitlements import Entitlement, Page, entitlement
from usher.domain.errors import NotFound, StoreUnavailable
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import Plan, PlanCatalog
from usher.ports.clock import Clock
from usher.records.entitlements import Standing, Standings, Used
from usher.usecases.remembered_standings import Remembered


class LimitOfMetric(BaseModel):
    """How much of a metric the plan holds per billing period. `reached` and `hard`: serve no more of it."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    most: int
    hard: bool
    reached: bool


class Entitlements(BaseModel):
    """What is answered. `features`, `credits` and `limits` are of the plan, and nothing while not `enabled`.

    `access` is reduced while a payment is late: `features` are what is left. `basis` says what the answer
    rests on: what holds now, what was known `as_of` when the store did not answer, or nothing but policy.
    """

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    account_id: str
    enabled: bool
    access: Literal["full", "reduced", "none"]
    status: str
    plan: str | None
    features: dict[str, bool]
    credits: int
    limits: dict[str, LimitOfMetric]
    page: Page
    url: str
    basis: Literal["current", "last_known", "assumed"] = "current"
    as_of: str | None = None


@dataclass(frozen=True, slots=True)
class Entitling:
    """What telling an account's entitlements needs."""

    standings: Standings
    remembered: Remembered
    plans: PlanCatalog
    policy: OnboardingPolicy
    access: AccessPolicy
    clock: Clock
    public_url: str


def entitlements(account_id: str, *, entitling: Entitling) -> Entitlements:
    """What the account may do now, and the address of the page it is to see. Raises NotFound.

    A store that does not answer is no reason to turn paying customers away, nor to know nothing of who has
    been turned away: policy says what holds then, and the answer says that it does.
    """
    e, wall = entitling, entitling.clock.wall()
    known = e.remembered.find(account_id)
    if known is not None and wall - known[1] < timedelta(seconds=e.access.remembered_seconds):
        return _told(account_id, known[0], e)
    try:
        standing = e.standings.of(
            account_id,
            now=e.clock.now(),
            fresh=timedelta(minutes=e.access.checked_minutes),
            metrics=tuple(e.plans.metrics),
        )
    except StoreUnavailable:
        return _unknown(account_id, known, wall, e)
    if standing is None:
        raise NotFound(f"no account {account_id}")
    e.remembered.learn(account_id, standing, wall)
    return _told(account_id, standing, e)


def _told(account_id: str, standing: Standing, e: Entitling) -> Entitlements:
    now = times.text(e.clock.now())
    found = entitlement(
        standing.account_status,
        standing.held,
        beta_phase=e.policy.beta_phase,
        now=now,
        past_due=e.access.past_due,
    )
    plan = e.plans.plans.get(found.plan or "") if found.enabled else None
    return Entitlements(
        account_id=account_id,
        enabled=found.enabled,
        access=("reduced" if found.reduced else "full") if found.enabled else "none",
        status=found.status,
        plan=found.plan,
        features=_features(found, plan, e) if plan else {},
        credits=plan.credits if plan else 0,
        limits=_limits(plan, standing, now) if plan else {},
        page=found.page,
        url=_address(found.page, account_id, e),
    )


def _features(found: Entitlement, plan: Plan, e: Entitling) -> dict[str, bool]:
    kept = e.access.past_due.keeps if found.reduced else plan.flags
    return {name: given and name in kept for name, given in plan.flags.items()}


def _limits(plan: Plan, standing: Standing, now: str) -> dict[str, LimitOfMetric]:
    nothing = Used(quantity=0, until="")
    found = {}
    for metric, limit in plan.limits.items():
        used = standing.used.get(metric, nothing)
        reached = used.until > now and used.quantity >= limit.most
        found[metric] = LimitOfMetric(most=limit.most, hard=limit.hard, reached=reached)
    return found


def _address(page: Page, account_id: str, e: Entitling) -> str:
    match page:
        case "app":
            return e.policy.product_url
        case "blocked":
            return f"{e.public_url}/blocked"
        case "subscription":
            return f"{e.public_url}/subscription?{urlencode({'account': account_id})}"
        case "pricing":
            return f"{e.public_url}/pricing?{urlencode({'client_reference_id': account_id})}"


def _unknown(
    account_id: str, known: tuple[Standing, datetime] | None, wall: datetime, e: Entitling
) -> Entitlements:
    """What policy says while the store does not answer."""
    decision = e.access.when_unknown
    if decision == "last_known":
        if known is not None and wall - known[1] < timedelta(minutes=e.access.last_known_minutes):
            basis = {"basis": "last_known", "as_of": known[0].read_at}
            return _told(account_id, known[0], e).model_copy(update=basis)
        decision = e.access.unseen
    allowed = decision == "allow"
    names = {name for plan in e.plans.plans.values() for name in plan.flags}
    page: Page = "app" if allowed else "blocked"
    return Entitlements(
        account_id=account_id,
        enabled=allowed,
        access="full" if allowed else "none",
        status="unknown",
        plan=None,
        features=dict.fromkeys(sorted(names), True) if allowed else {},
        credits=0,
        limits={},
        page=page,
        url=_address(page, account_id, e),
        basis="assumed",
    )
