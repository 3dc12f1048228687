"""What is ordered with POST /v1/onboardings: whose phone, what is sold, for how much."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from usher.domain import times
from usher.domain.payment_links import Offer
from usher.domain.plans import PlanCatalog
from usher.domain.problems import FieldError, OfFields, invalid
from usher.usecases.fields import Body, Email, Phone, Text, Token


def _moment(value: str) -> str:
    try:
        moment = times.moment(value)
    except ValueError as error:
        raise ValueError("is not an RFC 3339 time, such as 2026-12-01T12:00:00Z") from error
    if moment.tzinfo is None:
        raise ValueError("needs its offset from UTC, such as 2026-12-01T12:00:00Z")
    return value


class PaymentLinkBody(Body):
    """Body of POST /v1/onboardings. Exactly one of plan and credits; `team_id` where several teams match."""

    phone: Phone
    name: Text | None = None
    email: Email | None = None
    plan: Token | None = None
    credits: Annotated[int, Field(gt=0)] | None = None
    deadline: Annotated[str, AfterValidator(_moment)] | None = None
    team_id: Token | None = None

    @model_validator(mode="after")
    def _sells_one_thing(self) -> "PaymentLinkBody":
        if (self.plan is None) == (self.credits is None):
            raise OfFields("give exactly one of plan and credits", "plan", "credits")
        return self


def offer_of(body: PaymentLinkBody, plans: PlanCatalog) -> Offer:
    """What is sold and its price. Raises Problem 400."""
    if body.plan is not None:
        plan = plans.plans.get(body.plan)
        if plan is None or not plan.is_paid:
            raise invalid((FieldError("plan", "is not a plan that has a price"),))
        if plan.metered:  # Stripe's links want a quantity of everything
            raise invalid((FieldError("plan", "bills usage, which no link can sell; open a checkout"),))
        return Offer(plan=body.plan, title=plan.name, amount_minor=plan.amount_minor, currency=plans.currency)
    sale, credits = plans.credits, body.credits or 0
    if sale is None:
        raise invalid((FieldError("credits", "are not sold on their own"),))
    if not sale.least <= credits <= sale.most:
        raise invalid((FieldError("credits", f"are sold from {sale.least} to {sale.most}"),))
    amount = credits * sale.unit_amount_minor
    return Offer(credits=credits, title=f"{credits} credits", amount_minor=amount, currency=plans.currency)
