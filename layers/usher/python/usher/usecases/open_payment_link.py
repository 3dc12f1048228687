"""POST /v1/onboardings: a phone and what is sold become a team account and a link to pay at (A6)."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from usher.domain import ids, times
from usher.domain.access import Caller
from usher.domain.entitlements import HELD
from usher.domain.errors import Conflict, PermanentError, RetryableError
from usher.domain.onboarding import REOPENABLE, execution_name
from usher.domain.payment_links import Offer
from usher.domain.plans import PlanCatalog
from usher.domain.problems import FieldError, Problem, invalid
from usher.ports.http import Answer
from usher.ports.store import Item
from usher.ports.teams import Team
from usher.ports.workflows import Workflows
from usher.records.accounts import Account, Accounts
from usher.records.billing import SUBSCRIPTIONS, BillingRecords
from usher.records.events import EventLog
from usher.records.inbox import Inbox
from usher.records.link_onboardings import claim_key, claiming, team_key
from usher.records.signups import LinkOnboarding
from usher.usecases.link_booking import Booking, book, event_id
from usher.usecases.link_order import PaymentLinkBody, offer_of
from usher.usecases.prepare_payment_link import LinkMaker
from usher.usecases.redrive import redrive_onboarding
from usher.usecases.redriving import Order, Redriving


@dataclass(frozen=True, slots=True)
class LinkOpening:
    """What opening an onboarding by payment link needs."""

    maker: LinkMaker
    accounts: Accounts
    records: BillingRecords
    log: EventLog
    inbox: Inbox
    workflows: Workflows
    redriving: Redriving
    plans: PlanCatalog
    public_url: str


def open_payment_link(
    body: PaymentLinkBody, caller: Caller, *, request_id: str, opening: LinkOpening
) -> Answer:
    """201 with a new link, 200 with the one that is open for the same phone and thing.

    Raises Problem 400 naming the field, 409 with the candidates when the phone has several teams and
    `team_id` does not say which (nothing is made then), and RetryableError when nothing could be stored.
    Once it is on record a vendor that does not answer is a Problem 503 that names it: its workflow makes what
    lacks, from this moment on, and sending the request again finds it.
    """
    o, now = opening, opening.maker.clock.now()
    offer = offer_of(body, o.plans)
    deadline = _deadline(body, o, now)
    signup_id = ids.derived("su", "payment_link", request_id, body.phone, offer.key, times.text(now))
    correlation_id = ids.sibling("cor", signup_id)
    found = o.maker.teams.find_teams(body.phone, correlation_id=correlation_id)
    team = _team(found, body)
    maker = None if team else o.maker.onboardings.holder(team_key(body.phone))
    account_id = _account_id(team, maker) or ids.sibling("acc", signup_id)
    account = o.accounts.find(account_id)
    _refuse_second_subscription(offer, account, o)
    claim = claim_key(body.phone, offer, team.team_id if team and len(found) > 1 else None)
    order = Booking(body, caller, offer, deadline, team, account, account_id, claim)
    if team is None and account is None:
        after = maker.signup_id if maker else None
        order = replace(order, team_claim=claiming(team_key(body.phone), signup_id, after=after))
    link, is_new = book(
        signup_id,
        correlation_id,
        order,
        onboardings=o.maker.onboardings,
        log=o.log,
        keep_days=o.maker.policy.inbox_retention_days,
        now=now,
    )
    if link.verdict is not None:
        raise Conflict(f"{link.signup_id} sells the same and is being ended; send this again in a moment")
    try:
        if link.status == "failed":
            with suppress(Conflict):  # somebody else has it tried again right now
                redrive_onboarding(link.signup_id, Order("asked for again", caller), o.redriving)
        link = o.maker.make(link)
        start(link, o.workflows, o.inbox, now)
    except PermanentError as error:  # its workflow ends it where people see it
        start(link, o.workflows, o.inbox, now)
        detail = f"A vendor refuses this link: {error}"
        raise Problem(502, "Refused by a vendor", detail, more=_named(link, o)) from error
    except RetryableError as error:
        raise _unfinished(link, o, now) from error
    return Answer(201 if is_new else 200, _shown(link, o.public_url))


def start(link: LinkOnboarding, workflows: Workflows, inbox: Inbox, now: datetime) -> None:
    """Start its workflow, once, and take it off the list of what the sweeper looks after."""
    workflow, name = execution_name(link.kind, link.signup_id)
    given = {"signup_id": link.signup_id, "correlation_id": link.correlation_id}
    workflows.start(workflow, name=name, input=given)
    inbox.finish(event_id(link.signup_id), now=now)


def _unfinished(link: LinkOnboarding, o: LinkOpening, now: datetime) -> Problem:
    """The answer for a link that is on record and not made: its workflow goes on with it at once.

    Where not even that can be started the sweeper does it, within minutes.
    """
    with suppress(RetryableError):
        start(link, o.workflows, o.inbox, now)
    detail = (
        f"{link.signup_id} is on record and goes on by itself; the same request again answers with its link"
    )
    return Problem(503, "Try again", detail, headers={"retry-after": "5"}, more=_named(link, o))


def _named(link: LinkOnboarding, o: LinkOpening) -> Item:
    return {"signup_id": link.signup_id, "status_url": f"{o.public_url}/v1/signups/{link.signup_id}"}


def _team(found: Sequence[Team], body: PaymentLinkBody) -> Team | None:
    """The team that is meant, None when there is none yet. Raises Problem 400 or 409: nobody guesses."""
    if body.team_id is not None:
        for team in found:
            if team.team_id == body.team_id:
                return team
        raise invalid((FieldError("team_id", "is no team of this phone"),))
    if len(found) > 1:
        detail = f"{len(found)} teams have this phone; send it again with the team_id of one of them"
        candidates = [{"team_id": team.team_id, "name": team.name} for team in found]
        raise Problem(409, "Conflict", detail, more={"candidates": candidates})
    return found[0] if found else None


def _account_id(team: Team | None, maker: LinkOnboarding | None) -> str | None:
    """The account that the team has, or gets from an onboarding that is making it right now."""
    if team is not None:
        return team.account_id
    return maker.account_id if maker is not None and maker.status not in REOPENABLE else None


def _deadline(body: PaymentLinkBody, o: LinkOpening, now: datetime) -> datetime:
    wanted = times.moment(body.deadline) if body.deadline else None
    try:
        return o.maker.policy.payment_link.deadline(wanted, now)
    except ValueError as error:
        raise invalid((FieldError("deadline", str(error)),)) from error


def _refuse_second_subscription(offer: Offer, account: Account | None, o: LinkOpening) -> None:
    """A plan for an account that pays for one already would be paid twice."""
    if offer.plan is None or account is None or account.subscription_id is None:
        return
    key = (SUBSCRIPTIONS, account.subscription_id)
    held = o.records.known({key})[key]
    if held is not None and held["status"] in HELD:
        detail = f"{account.account_id} has a running subscription: change its plan instead"
        raise Problem(409, "Conflict", detail)


def _shown(link: LinkOnboarding, public_url: str) -> dict[str, Any]:
    shown: Item = {
        "signup_id": link.signup_id,
        "correlation_id": link.correlation_id,
        "url": link.checkout_url,
        "status": link.status,
        "status_url": f"{public_url}/v1/signups/{link.signup_id}",
        "deadline": link.deadline,
        "team": link.team,
        "team_id": link.team_id,
        "account_id": link.account_id,
        "amount_minor": link.offer.amount_minor,
        "currency": link.offer.currency,
    }
    return shown
