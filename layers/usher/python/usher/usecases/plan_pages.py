"""What anybody may see: the plans as JSON, and the pages of who is not let in."""

from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import ConfigDict, StringConstraints

from usher.domain import pricing
from usher.domain.plans import Plan, PlanCatalog
from usher.ports.http import Answer
from usher.usecases.customer_pages import page
from usher.usecases.fields import Body

MAX_AGE = 300  # seconds that what is everybody's may be kept
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]


class SubscriptionQuery(Body):
    """Whose subscription it is."""

    model_config = ConfigDict(extra="ignore")

    account: Reference | None = None


def on_sale(plans: PlanCatalog) -> dict[str, Plan]:
    """The plans that anybody can choose, by key; those by invitation are not among them."""
    return {key: plan for key, plan in plans.plans.items() if plan.admission != "invitation"}


def plans_json(plans: PlanCatalog) -> Answer:
    """The body of GET /v1/plans; amounts in the currency's smallest unit, per interval."""
    items = [_plan_json(key, plan, plans) for key, plan in on_sale(plans).items()]
    kept = {"cache-control": f"public, max-age={MAX_AGE}"}
    return Answer(200, {"currency": plans.currency, "items": items}, kept)


def _plan_json(key: str, plan: Plan, plans: PlanCatalog) -> dict[str, Any]:
    product_key, product = plans.product_of(key)
    yearly = plan.is_paid and plan.interval == "year"
    return {
        "plan": key,
        "name": plan.name,
        "product": {"key": product_key, "name": product.name, "description": product.description},
        "amount_minor": plan.amount_minor,
        "currencies": dict(plan.currencies),
        "monthly_equivalent_minor": pricing.monthly_equivalent(plan.amount_minor) if yearly else None,
        "interval": plan.interval,
        "trial_days": plan.trial_days,
        "features": dict(plan.flags),
        "credits": plan.credits,
        "limits": {metric: limit.model_dump() for metric, limit in plan.limits.items()},
        "metered": {metric: metered.model_dump() for metric, metered in plan.metered.items()},
    }


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
