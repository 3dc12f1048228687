"""What anybody may see: the plans, as JSON and as a page, and the pages of who is not let in."""

from html import escape
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import ConfigDict, StringConstraints

from usher.domain import money
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import Plan, PlanCatalog
from usher.ports.http import Answer
from usher.usecases.customer_pages import document, page
from usher.usecases.fields import Body

Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]


class PricingQuery(Body):
    """Whose page it is goes on to the checkout; whatever else an address carries is nobody's concern here."""

    model_config = ConfigDict(extra="ignore")

    client_reference_id: Reference | None = None


class SubscriptionQuery(Body):
    """Whose subscription it is."""

    model_config = ConfigDict(extra="ignore")

    account: Reference | None = None


def on_sale(plans: PlanCatalog) -> dict[str, Plan]:
    """The plans that anybody can choose, by key; those by invitation are not among them."""
    return {key: plan for key, plan in plans.plans.items() if plan.admission != "invitation"}


def plans_json(plans: PlanCatalog) -> dict[str, Any]:
    """The body of GET /v1/plans; amounts in the currency's smallest unit, per interval."""
    items = [
        {
            "plan": key,
            "name": plan.name,
            "amount_minor": plan.amount_minor,
            "interval": plan.interval,
            "trial_days": plan.trial_days,
            "features": dict(plan.flags),
            "credits": plan.credits,
        }
        for key, plan in on_sale(plans).items()
    ]
    return {"currency": plans.currency, "items": items}


def pricing_page(query: PricingQuery, *, plans: PlanCatalog, policy: OnboardingPolicy) -> Answer:
    """Plans by the month and by the year, each with the link that chooses it in the product."""
    content = ""
    for interval, heading in (("month", "By the month"), ("year", "By the year")):
        rows = "".join(
            _row(key, plan, plans.currency, query.client_reference_id, policy)
            for key, plan in on_sale(plans).items()
            if plan.interval == interval
        )
        if rows:
            content += f"<h2>{heading}</h2><ul>{rows}</ul>"
    return document(200, "Plans and prices", content)


def _row(key: str, plan: Plan, currency: str, reference: str | None, policy: OnboardingPolicy) -> str:
    wanted = {"plan": key} | ({"client_reference_id": reference} if reference else {})
    address = escape(f"{policy.product_url.rstrip('/')}/?{urlencode(wanted)}")
    price = (
        f"{money.text(plan.amount_minor, currency)} a {plan.interval}" if plan.is_paid else "free of charge"
    )
    trial = f", {plan.trial_days} days to try" if plan.trial_days else ""
    name = escape(plan.name)
    link = f"<a class='button' href='{address}'>Choose {name}</a>"
    return f"<li><p><b>{name}</b>: {price}{trial}</p><p>{link}</p></li>"


def blocked_page() -> Answer:
    """For who has signed up and is not let in yet."""
    return page(
        200,
        "Not quite yet",
        "We are still getting things ready for you. We will write to you as soon as you can come in.",
    )


def subscription_page(query: SubscriptionQuery, *, public_url: str) -> Answer:
    """The one page of an account whose subscription has ended; it tells nothing of whose it is."""
    wanted = f"?{urlencode({'client_reference_id': query.account})}" if query.account else ""
    return page(
        200,
        "Your subscription has ended",
        "Your data is still here. Choose a plan, and everything is as you left it.",
        link=("See the plans", f"{public_url}/pricing{wanted}"),
    )
