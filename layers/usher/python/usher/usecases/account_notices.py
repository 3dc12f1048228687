"""Mails about an account that is there: somebody is invited, a trial or a plan comes to its end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from usher.domain import money, signed_links, times
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.clock import Clock
from usher.ports.secrets import Secrets
from usher.records.accounts import Account, Accounts
from usher.records.billing import BillingRecords
from usher.records.unbilled import UnbilledPlan, UnbilledPlans
from usher.records.users import Users
from usher.usecases.take_user_invitation import subject


@dataclass(frozen=True, slots=True)
class Letter:
    """To whom, and the values of its template; `to` None is the person who signed up."""

    model: dict[str, Any]
    to: str | None = None


@dataclass(frozen=True, slots=True)
class AccountNotices:
    """What these mails may say."""

    accounts: Accounts
    users: Users
    records: BillingRecords
    unbilled: UnbilledPlans
    plans: PlanCatalog
    policy: OnboardingPolicy
    secrets: Secrets
    clock: Clock
    public_url: str

    def write(self, notice: str, account_id: str, about: str) -> Letter | None:
        """The letter; None: there is no reason for it any more. `about` is a person's id, or empty."""
        account = self.accounts.find(account_id)
        if account is None or account.status == "closed":
            return None
        return KINDS[notice](account, about, self)

    def signed(self, path: str, subject: str) -> str:
        """The address of a page of ours for what the link is signed for."""
        return f"{self.public_url}/v1/{path}/{signed_links.sign(subject, self.secrets.get('link_signing'))}"


def offer_subject(plan: UnbilledPlan) -> str:
    """What the link of an account's newest offer is signed for."""
    return f"offer#{plan.account_id}#{plan.round}"


def _user_invitation(account: Account, about: str, notices: AccountNotices) -> Letter | None:
    user = notices.users.find(about)
    if user is None or user.status != "invited" or user.expires_at is None:
        return None
    model = {
        "name": user.name,
        "company": account.org_name,
        "accept_url": notices.signed("user-invitations", subject(user)),
        "deadline": _day(user.expires_at),
    }
    return Letter(model, to=user.email)


def _trial_ending(account: Account, about: str, notices: AccountNotices) -> Letter | None:
    rows = notices.records.subscriptions_of(account.account_id)
    trial = next((row for row in rows if row["status"] == "trialing"), None)
    plan = notices.plans.plans.get(str(trial.get("plan"))) if trial else None
    if trial is None or plan is None or trial["trial_end"] <= times.text(notices.clock.now()):
        return None
    price = f"{money.text(plan.amount_minor, notices.plans.currency)} a {plan.interval}"
    if account.has_payment_method:
        then = f"Your card is then charged {price}. There is nothing you have to do."
    elif notices.policy.trial.end_without_card == "pause":
        then = (
            f"We have no card of yours. Without one your plan is paused until you add it; it is {price} then."
        )
    else:
        then = f"We have no card of yours. Without one your plan ends; with one it goes on for {price}."
    return Letter({"plan": plan.name, "ends": _day(trial["trial_end"]), "what_happens": then})


def _beta_offer(account: Account, about: str, notices: AccountNotices) -> Letter | None:
    own = notices.unbilled.find(account.account_id)
    if own is None or not own.runs or own.offer is None or own.ends_at is None:
        return None
    model = {
        "ends": _day(own.ends_at),
        "offer": own.offer.text,
        "offer_url": notices.signed("offers", offer_subject(own)),
    }
    return Letter(model)


def _day(moment: str) -> str:
    return f"{moment[:10]} {moment[11:16]} UTC"


KINDS: dict[str, Callable[[Account, str, AccountNotices], Letter | None]] = {
    "user_invitation": _user_invitation,
    "trial_ending": _trial_ending,
    "beta_offer": _beta_offer,
}
"""Every kind of mail about an account."""
