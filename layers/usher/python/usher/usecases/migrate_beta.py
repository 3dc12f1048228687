"""POST /v1/beta/migrations: Beta plans are given an end, and their customers an offer for afterwards."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from usher.domain import times
from usher.domain.access import Caller
from usher.domain.account_events import PlanEnding
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.domain.problems import FieldError, OfFields, invalid
from usher.ports.checkout import Offers
from usher.ports.clock import Clock
from usher.ports.queue import Message, Queue
from usher.records.accounts import Accounts
from usher.records.audit import entry
from usher.records.events import EventLog
from usher.records.unbilled import Offer, UnbilledPlan, UnbilledPlans, parse, scheduling
from usher.usecases.asking import NOTICES
from usher.usecases.fields import Paged, Text, Token
from usher.usecases.pages import page, reading_a_page

MOST = 25  # accounts of one request: each is a transaction and a message


def _day(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("names a day that does not exist") from error
    return value


Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_day)]


class MigrationBody(Paged):
    """Body of POST /v1/beta/migrations: some accounts or all, a promotion code or so much per cent off."""

    accounts: Annotated[list[Token], Field(min_length=1, max_length=MOST)] | None = None
    all: Literal[True] | None = None
    ends_on: Day
    promo: Text | None = None
    percent_off: Annotated[int, Field(ge=1, le=100)] | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> "MigrationBody":
        if (self.accounts is None) == (self.all is None):
            raise OfFields("name either accounts, or all: true", "accounts", "all")
        if (self.promo is None) == (self.percent_off is None):
            raise OfFields("name either promo or percent_off", "promo", "percent_off")
        return self


@dataclass(frozen=True, slots=True)
class Migrating:
    """What a migration needs."""

    accounts: Accounts
    unbilled: UnbilledPlans
    offers: Offers
    log: EventLog
    queue: Queue
    plans: PlanCatalog
    policy: OnboardingPolicy
    clock: Clock


def migrate_beta(body: MigrationBody, caller: Caller, migrating: Migrating) -> dict[str, Any]:
    """`items`, each with its `outcome`, and `next_cursor` where more of all are left.

    Outcomes: `migrating`; `already` (the same end and offer stood; the mail is not sent twice); `not_beta`
    (it is on no such plan, or has left it); `unknown`. The plan ends when the day `ends_on` begins (UTC).
    Raises Problem 400 for a day that is over and for a code that nobody can redeem.
    """
    ends_at = times.text(datetime.combine(date.fromisoformat(body.ends_on), datetime.min.time(), UTC))
    if ends_at <= times.text(migrating.clock.now()):
        raise invalid((FieldError("ends_on", "has begun already; name a day to come"),))
    offer = _offer(body, migrating)
    ids, cursor = _accounts(body, migrating)
    items = [_migrate(id, ends_at, offer, caller, migrating) for id in ids]
    return page(items, cursor)


def _offer(body: MigrationBody, migrating: Migrating) -> Offer:
    if body.promo is not None:
        found = migrating.offers.promotion_code(body.promo)
        if found is None:
            raise invalid((FieldError("promo", "is no code that can be redeemed at the payment vendor now"),))
        return Offer(kind="promotion_code", id=found, text=f"the discount of code {body.promo}")
    months, percent = migrating.policy.beta_offer_months, body.percent_off
    assert percent is not None  # one of the two is there
    coupon = migrating.offers.coupon(percent_off=percent, months=months)
    return Offer(kind="coupon", id=coupon, text=f"{percent} % off for {months} months")


def _accounts(body: MigrationBody, migrating: Migrating) -> tuple[list[str], str | None]:
    """The accounts of this request; of all, one page, of the plan that is by invitation and not billed."""
    if body.accounts is not None:
        return list(dict.fromkeys(body.accounts)), None
    ids: list[str] = []
    cursor = body.cursor
    for plan in beta_plans(migrating.plans):
        with reading_a_page():
            found = migrating.unbilled.running(plan, limit=min(body.limit, MOST), cursor=cursor)
        ids += [parse(item).account_id for item in found.items]
        cursor = found.cursor
    return ids, cursor


def beta_plans(plans: PlanCatalog) -> list[str]:
    """The plan that nobody is billed for; the catalog has one at most."""
    return [key for key, plan in plans.plans.items() if not plan.billed][:1]


def _migrate(id: str, ends_at: str, offer: Offer, caller: Caller, migrating: Migrating) -> dict[str, Any]:
    account, own = migrating.accounts.find(id), migrating.unbilled.find(id)
    if account is None:
        return {"account_id": id, "outcome": "unknown"}
    if own is None or not own.runs or account.status == "closed":
        return {"account_id": id, "outcome": "not_beta"}
    outcome = "already"
    if (own.ends_at, own.offer) != (ends_at, offer):
        outcome, own = "migrating", _schedule(own, ends_at, offer, caller, account.correlation_id, migrating)
    notice = {
        "notice": "beta_offer",
        "signup_id": account.signup_id,
        "correlation_id": account.correlation_id,
        "round": str(own.round),
    }
    migrating.queue.send(NOTICES, [Message(notice)])
    return {"account_id": id, "outcome": outcome, "ends_at": ends_at, "offer": offer.text}


def _schedule(
    own: UnbilledPlan, ends_at: str, offer: Offer, caller: Caller, correlation_id: str, migrating: Migrating
) -> UnbilledPlan:
    now = migrating.clock.now()
    audit = entry(
        caller,
        "beta.migrate",
        subject=own.account_id,
        before={"ends_at": own.ends_at} if own.ends_at else None,
        after={"ends_at": ends_at, "offer": offer.text},
        now=now,
    )
    migrating.log.commit(
        own.account_id,
        [PlanEnding(plan=own.plan, ends_at=ends_at)],
        [scheduling(own, ends_at=ends_at, offer=offer), audit],
        correlation_id=correlation_id,
        now=now,
    )
    return own.model_copy(update={"ends_at": ends_at, "offer": offer, "round": own.round + 1})
