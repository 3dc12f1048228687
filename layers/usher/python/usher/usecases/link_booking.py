"""An order for a payment link becomes a record that nothing loses, or is found to be one that is open."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from usher.domain.access import Caller
from usher.domain.account_events import AccountCreated, PlanSelected
from usher.domain.errors import StaleWrite
from usher.domain.event import Event
from usher.domain.payment_links import Offer
from usher.ports.store import ConditionFailed, Write
from usher.ports.teams import Team
from usher.records import inbox
from usher.records.accounts import Account
from usher.records.audit import entry
from usher.records.events import EventLog
from usher.records.link_onboardings import LinkOnboardings, claiming, opening, opening_account
from usher.records.signups import LinkOnboarding
from usher.usecases.link_order import PaymentLinkBody

SOURCE = "onboarding"  # of its row in the inbox, which the sweeper queues again when the API died
_OPEN = frozenset({"received", "waiting_payment"})
_TRIES = 4


def is_open(link: LinkOnboarding) -> bool:
    """Whether it may still be paid: asked for again, it is the same one. What broke before goes on."""
    return link.status in _OPEN or (link.status == "failed" and not link.is_paid)


def event_id(signup_id: str) -> str:
    """The name of an onboarding's row in the inbox."""
    return f"{SOURCE}#{signup_id}"


@dataclass(frozen=True, slots=True)
class Booking:
    """A checked request, and whose it turned out to be."""

    body: PaymentLinkBody
    caller: Caller
    offer: Offer
    deadline: datetime
    team: Team | None
    account: Account | None
    account_id: str
    claim: str
    team_claim: Write | None = None


def book(
    signup_id: str,
    correlation_id: str,
    order: Booking,
    *,
    onboardings: LinkOnboardings,
    log: EventLog,
    keep_days: int,
    now: datetime,
) -> tuple[LinkOnboarding, bool]:
    """Record, inbox row, claim and account, all or none; the open onboarding instead when there is one."""
    body = order.body
    record = opening(
        signup_id=signup_id,
        correlation_id=correlation_id,
        account_id=order.account_id,
        phone=body.phone,
        name=body.name,
        email=body.email,
        offer=order.offer,
        team=order.team,
        account=order.account,
        deadline=order.deadline,
        claim=order.claim,
        now=now,
    )
    sent = body.model_dump_json(exclude_none=True)
    row = inbox.row(
        event_id(signup_id),
        source=SOURCE,
        body=sent,
        digest=hashlib.sha256(sent.encode()).hexdigest(),
        received_at=now,
        keep_days=keep_days,
        extra={"signup_id": signup_id, "correlation_id": correlation_id, "workflow": "payment_link"},
    )
    audit = entry(
        order.caller,
        "onboarding.create",
        subject=signup_id,
        now=now,
        after={"offer": order.offer.key, "deadline": record.item["deadline"]},
    )
    happened: list[Event] = []
    extra: list[Write] = []
    if order.account is None:
        name = order.team.name if order.team else body.name or body.phone
        extra, happened = [opening_account(record.item, org_name=name)], [AccountCreated(signup_id=signup_id)]
    if order.offer.plan:
        happened.append(PlanSelected(plan=order.offer.plan))
    if order.team_claim is not None:
        extra.append(order.team_claim)
    for _ in range(_TRIES):
        holder = onboardings.holder(order.claim)
        if holder is not None and is_open(holder):
            return holder, False
        claim = claiming(order.claim, signup_id, after=holder.signup_id if holder else None)
        try:
            log.commit(
                order.account_id,
                happened,
                [claim, record, row, audit, *extra],
                correlation_id=correlation_id,
                now=now,
            )
        except ConditionFailed as error:
            if 1 in error.failed:  # this very request, sent twice at once
                return onboardings.link(signup_id), False
            if 0 in error.failed:
                continue
            raise StaleWrite("somebody else makes the team of this phone right now; send it again") from error
        return onboardings.link(signup_id), True
    raise StaleWrite("several links for one phone were asked for at once; send this one again")
