"""Onboardings by payment link: how a master record is opened, and how its account comes and goes with it."""

import hashlib
from datetime import datetime

from usher.domain import ids, times
from usher.domain.errors import NotFound
from usher.domain.onboarding import REOPENABLE
from usher.domain.payment_links import Offer
from usher.ports.store import Absent, Equals, Item, Present, Put, Store, Update
from usher.ports.teams import Team
from usher.records import accounts, listing
from usher.records.accounts import Account
from usher.records.listing import Listing, Wanted
from usher.records.signups import PAYMENT_LINK, TABLE, LinkOnboarding, Signups

CLAIMS = "claims"


class LinkOnboardings(Signups):
    """Reads and changes master records of payment links."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._claims = store

    def find_link(self, signup_id: str) -> LinkOnboarding | None:
        """The onboarding, None when there is none of this id that goes by a payment link."""
        found = self.find(signup_id)
        return found if isinstance(found, LinkOnboarding) else None

    def link(self, signup_id: str) -> LinkOnboarding:
        """The onboarding. Raises NotFound."""
        found = self.find_link(signup_id)
        if found is None:
            raise NotFound(f"no onboarding by payment link is called {signup_id}")
        return found

    def holder(self, claim: str) -> LinkOnboarding | None:
        """Whose this claim is, ended or not."""
        held = self._claims.get(CLAIMS, {"claim": claim})
        return None if held is None else self.find_link(held["signup_id"])


def claim_key(phone: str, offer: Offer, team_id: str | None) -> str:
    """The claims-table key of one thing sold to one phone; a hash, so that keys hold no personal data."""
    text = "\x1f".join((phone, offer.key, team_id or ""))
    return "link#" + hashlib.sha256(text.encode()).hexdigest()


def team_key(phone: str) -> str:
    """The claims-table key of whoever makes the team of a phone that has none."""
    return "team#" + hashlib.sha256(phone.encode()).hexdigest()


def claiming(claim: str, signup_id: str, *, after: str | None) -> Put:
    """The write that keeps a thing for this onboarding; it fails when another than `after` holds it."""
    free = Equals("signup_id", after) if after else Absent("claim")
    return Put(CLAIMS, {"claim": claim, "signup_id": signup_id}, if_=free)


def opening(
    *,
    signup_id: str,
    correlation_id: str,
    account_id: str,
    phone: str,
    name: str | None,
    email: str | None,
    offer: Offer,
    team: Team | None,
    account: Account | None,
    deadline: datetime,
    claim: str,
    now: datetime,
) -> Put:
    """The write that opens the master record; it fails when there is one.

    `team` is the one that was found, `account` the one it has; without them both are made.
    """
    item: Item = {
        "signup_id": signup_id,
        "correlation_id": correlation_id,
        "kind": PAYMENT_LINK,
        "status": "received",
        "stage": "received",
        "received_at": times.text(now),
        "account_id": account_id,
        "phone": phone,
        "offer": offer.model_dump(exclude_none=True),
        "deadline": times.text(deadline),
        "claim": claim,
        **listing.attributes(name=name, email=email),
    }
    given: Item = {"name": name, "email": email, "plan": offer.plan}
    if team is not None:
        given |= {"team": "linked", "team_id": team.team_id, "team_name": team.name}
    given |= held(account)
    item |= {key: value for key, value in given.items() if value is not None}
    return Put(TABLE, item, if_=Absent("signup_id"))


def held(account: Account | None) -> Item:
    """What the account has before anything is bought: its plan counts once it was active."""
    if account is None:
        return {}
    plan = account.plan if account.status in {"active", "suspended"} else ""
    return {"former_plan": plan or None, "tenant_id": account.tenant_id}


def opening_account(link: Item, *, org_name: str) -> Put:
    """The write that opens the account of a team that has none; it fails when there is one."""
    item: Item = {
        "account_id": link["account_id"],
        "org_name": org_name,
        "status": "pending",
        "plan": link["offer"].get("plan", ""),
        "signup_id": link["signup_id"],
        "correlation_id": link["correlation_id"],
        "created_at": link["received_at"],
        "delinquent": False,
        "version": 1,
    }
    return Put(accounts.TABLE, item, if_=Absent("account_id"))


def activating_account(link: LinkOnboarding, *, is_new: bool, now: datetime) -> Update:
    """The write that opens the account for use with what was bought; a running one keeps its dates."""
    values: Item = {"status": "active"}
    if is_new:
        values["activated_at"] = times.text(now)
    bought = {"plan": link.offer.plan, "subscription_id": link.subscription_id, "tenant_id": link.tenant_id}
    values |= {name: value for name, value in bought.items() if value is not None}
    return Update(
        accounts.TABLE,
        {"account_id": link.account_id or ""},
        set=values,
        add={"version": 1},
        remove=("closed_at", "closed_reason"),
        if_=Present("account_id"),
    )


def closing_account(account_id: str, *, reason: str, now: datetime) -> Update:
    """The write that closes an account that never became active; it fails when it did."""
    return Update(
        accounts.TABLE,
        {"account_id": account_id},
        set={"status": "closed", "closed_at": times.text(now), "closed_reason": reason},
        add={"version": 1},
        if_=Equals("status", "pending"),
    )


def is_its_own(link: LinkOnboarding) -> bool:
    """Whether the account began with this onboarding."""
    return link.account_id == ids.sibling("acc", link.signup_id)


def is_shared(link: LinkOnboarding, listing: Listing) -> bool:
    """Whether another onboarding that has not ended goes by the same account."""
    wanted, cursor = Wanted(phone=link.phone), None
    while True:
        items, cursor = listing.page(wanted, limit=50, cursor=cursor)
        others = [item for item in items if item["signup_id"] != link.signup_id]
        if any(
            item.get("account_id") == link.account_id and item["status"] not in REOPENABLE for item in others
        ):
            return True
        if cursor is None:
            return False
