"""What a payment link may sell."""

import pytest

from tests.fakes.world import World
from usher.domain.metering import Metered
from usher.domain.plans import PlanCatalog
from usher.domain.problems import Problem
from usher.usecases.link_order import PaymentLinkBody, offer_of


def body(plan: str) -> PaymentLinkBody:
    return PaymentLinkBody(phone="+14155550123", plan=plan)


def test_a_plan_that_bills_usage_is_sold_at_a_checkout_and_not_by_a_link(world: World) -> None:
    assert offer_of(body("pro-yearly"), world.plans).amount_minor == 49000
    plan = world.plans.plans["pro-yearly"].model_copy(
        update={"metered": {"api_calls": Metered(amount_minor=1)}}
    )
    metered: PlanCatalog = world.plans.model_copy(update={"plans": {**world.plans.plans, "pro-yearly": plan}})
    with pytest.raises(Problem) as caught:
        offer_of(body("pro-yearly"), metered)
    assert [each.field for each in caught.value.errors] == ["plan"]
