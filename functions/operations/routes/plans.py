"""Routes of what anybody may see: plans and prices, and the pages of who is not let in."""

from usher.bootstrap.accounts import services
from usher.bootstrap.api import Call, Routes
from usher.ports.http import Answer
from usher.usecases import plan_pages
from usher.usecases.fields import Nothing
from usher.usecases.plan_pages import SubscriptionQuery
from usher.usecases.pricing_page import PricingQuery, pricing_page

routes = Routes()


@routes.get("/v1/plans", query=Nothing)
def plans(call: Call[Nothing]) -> Answer:
    return plan_pages.plans_json(services().plans)


@routes.get("/pricing", query=PricingQuery)
def pricing(call: Call[PricingQuery]) -> Answer:
    s = services()
    return pricing_page(call.input, plans=s.plans, policy=s.policy, secrets=s.secrets, clock=s.clock)


@routes.get("/blocked", query=SubscriptionQuery)
def blocked(call: Call[SubscriptionQuery]) -> Answer:
    return plan_pages.blocked_page()


@routes.get("/subscription", query=SubscriptionQuery)
def subscription(call: Call[SubscriptionQuery]) -> Answer:
    return plan_pages.subscription_page(call.input, public_url=services().public_url)
