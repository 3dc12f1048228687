"""The special offer of a beta customer: its page lists the plans, its buttons open a checkout with it."""

from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qs

from usher.domain import money, signed_links
from usher.domain.errors import Conflict
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.http import Answer
from usher.ports.secrets import Secrets
from usher.records.accounts import Account
from usher.records.unbilled import UnbilledPlan, UnbilledPlans
from usher.usecases.account_notices import offer_subject
from usher.usecases.customer_pages import document, page
from usher.usecases.open_checkout import Selling, buyable, checkout_of, running


@dataclass(frozen=True, slots=True)
class Offering:
    """What the page of an offer needs."""

    selling: Selling
    unbilled: UnbilledPlans
    policy: OnboardingPolicy
    secrets: Secrets


def take_offer(token: str, *, pressed: bytes | None, key: str, offering: Offering) -> Answer:
    """The page of an offer; `pressed` is what its form sent, None when nobody pressed anything.

    404 for a link that is none of ours; 410 once the account has a subscription, or a newer offer. `key`
    names the request.
    """
    found = _offer_of(token, offering)
    if isinstance(found, Answer):
        return found
    account, own = found
    if pressed is None:
        return _page(own, offering)
    plan = (parse_qs(pressed.decode("ascii", "replace")).get("plan") or [""])[0]
    if plan not in _plans(offering):
        return page(400, "Which plan?", "Please go back and choose one of the plans.")
    assert own.offer is not None  # `_offer_of` found it
    signup = offering.selling.signups.get(account.signup_id)
    try:
        url = checkout_of(
            account,
            signup,
            plan,
            offering.policy.product_url,
            key=f"offer/{key}",
            selling=offering.selling,
            discount={own.offer.kind: own.offer.id},
        )
    except Conflict:
        return page(409, "Not possible just now", "Please write to us: we will sort it out.")
    title = f"{offering.selling.plans.plans[plan].name}, with {own.offer.text}"
    return page(200, title, "Your discount is in the checkout already.", link=("Go to the checkout", url))


def _offer_of(token: str, offering: Offering) -> tuple[Account, UnbilledPlan] | Answer:
    """Whose offer the link is, or the page that says why it is nobody's any more."""
    signed = signed_links.subject_of(token, offering.secrets.active("link_signing")) or ""
    kind, _, rest = signed.partition("#")
    account_id = rest.partition("#")[0] if kind == "offer" else ""
    account = offering.selling.accounts.find(account_id) if account_id else None
    own = offering.unbilled.find(account_id) if account else None
    if account is None or own is None or own.offer is None:
        return page(
            404, "This link does not work", "Please copy the whole address from the mail and try again."
        )
    if own.replaced_by is not None or running(offering.selling.records.subscriptions_of(account_id)):
        link = ("Open the product", offering.policy.product_url)
        return page(410, "You have a plan already", "There is nothing left to do here.", link=link)
    if signed != offer_subject(own):
        return page(410, "There is a newer offer", "Please use the link of the newest mail.")
    return account, own


def _plans(offering: Offering) -> list[str]:
    """What the offer is for: the plans that cost something."""
    plans = offering.selling.plans
    return [key for key in buyable(plans) if plans.plans[key].is_paid]


def _page(own: UnbilledPlan, offering: Offering) -> Answer:
    plans = offering.selling.plans
    rows = "".join(
        f"<li><p><b>{escape(plan.name)}</b>: {money.text(plan.amount_minor, plans.currency)}"
        f" a {plan.interval}</p>"
        f"<p><button name='plan' value='{escape(key)}'>Choose {escape(plan.name)}</button></p></li>"
        for key, plan in plans.plans.items()
        if key in _plans(offering)
    )
    assert own.offer is not None
    text = f"<p>You get {escape(own.offer.text)}, whichever plan you choose.</p>"
    return document(200, "Your offer", f"{text}<form method='post'><ul>{rows}</ul></form>")
