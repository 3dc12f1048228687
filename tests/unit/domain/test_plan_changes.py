"""What a change of plan is: its direction, when it begins, what stands in its way."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usher.domain.change_policy import ChangePolicy
from usher.domain.errors import Conflict
from usher.domain.plan_changes import PlanChange, Wanted, judged
from usher.domain.plans import PlanCatalog
from usher.domain.problems import Problem

CATALOG = PlanCatalog.model_validate(
    {
        "currency": "usd",
        "plans": {
            "small": {"name": "Small", "amount_minor": 1000, "currencies": {"eur": 900}},
            "large": {"name": "Large", "amount_minor": 3000},
            "yearly": {"name": "Yearly", "amount_minor": 10000, "interval": "year"},
            "custom": {"name": "Custom", "amount_minor": 9000, "admission": "review"},
            "gift": {"name": "Gift", "amount_minor": 0, "billed": False},
        },
    }
)
ROW: dict[str, Any] = {
    "subscription_id": "sub_1",
    "status": "active",
    "plan": "small",
    "quantity": 1,
    "currency": "usd",
    "amount_minor": 1000,
    "interval": "month",
    "current_period_end": "2026-02-01T00:00:00.000Z",
}


def judge(
    wanted: Wanted, policy: ChangePolicy | None = None, *, reviewer: bool = False, **row: Any
) -> PlanChange:
    return judged(wanted, ROW | row, catalog=CATALOG, policy=policy or ChangePolicy(), may_review=reviewer)


@pytest.mark.parametrize(
    ("wanted", "direction", "when"),
    [
        (Wanted("large"), "upgrade", "now"),
        (Wanted("large", when="period_end"), "upgrade", "period_end"),
        (Wanted("yearly"), "downgrade", "period_end"),  # 8.33 a month
        (Wanted(quantity=2), "upgrade", "now"),
        (Wanted(promo="HALF"), "promotion", "now"),
    ],
)
def test_what_brings_in_more_a_month_is_an_upgrade(wanted: Wanted, direction: str, when: str) -> None:
    change = judge(wanted)
    assert (change.direction, change.when) == (direction, when)


@given(st.sampled_from(["small", "large", "yearly"]), st.integers(1, 50), st.integers(1, 50))
def test_there_and_back_is_never_an_upgrade_both_ways(plan: str, before: int, after: int) -> None:
    there = Wanted(plan, after)
    if (plan, after) == ("small", before):
        return
    found = CATALOG.plans[plan]
    back = {"plan": plan, "quantity": after, "amount_minor": found.amount_minor, "interval": found.interval}
    ways = [judge(there, quantity=before).direction, judge(Wanted("small", before), **back).direction]
    assert ways != ["upgrade", "upgrade"]


@given(st.integers(1, 200))
def test_a_stored_change_is_read_back_as_it_was(quantity: int) -> None:
    change = judge(Wanted("large", quantity))
    assert PlanChange.of_item(change.as_item()) == change


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"status": "canceled"}, "reactivate"),
        ({"status": "paused"}, "resume"),
        ({"status": "past_due"}, "paid first"),
        ({"cancel_at_period_end": True}, "reactivate"),
        ({"plan": "large", "amount_minor": 3000}, "already"),
    ],
)
def test_what_is_in_the_way_says_what_comes_first(row: dict[str, Any], says: str) -> None:
    with pytest.raises(Conflict, match=says):
        judge(Wanted("large"), **row)


@pytest.mark.parametrize("plan", ["custom", "gift", "nothing"])
def test_a_plan_that_is_not_sold_so_is_refused(plan: str) -> None:
    with pytest.raises(Problem, match="plan"):
        judge(Wanted(plan))


def test_sales_may_put_a_customer_on_any_plan_that_is_billed() -> None:
    assert judge(Wanted("custom"), reviewer=True).plan == "custom"


def test_a_price_is_named_in_the_currency_of_the_subscription() -> None:
    assert judge(Wanted(quantity=2), currency="eur", amount_minor=900).price_key == "small.eur"
    with pytest.raises(Problem) as caught:
        judge(Wanted("large"), currency="eur", amount_minor=900)
    assert caught.value.errors[0].field == "plan"


def test_a_policy_says_when_changes_begin() -> None:
    late = ChangePolicy(upgrade="period_end", downgrade_now=False)
    assert judge(Wanted("large"), late).when == "period_end"
    with pytest.raises(Conflict, match="period_end"):
        judge(Wanted("yearly", when="now"), late)
