"""Plans that bill usage, changed by the API at the Stripe stand-in: what is billed when, at which price."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest

from functions.billing.push_usage import handler as push_usage
from functions.usage.close_hours import handler as close_hours
from infra import plan_catalog, policy_files
from tests.contract.stripe_shop import Shop, opened_shop
from tests.contract.subscriber import Subscriber
from tests.fakes.usage import batch, count_all, tell, used
from tests.fakes.world import World, world
from usher.adapters.stripe_calls import StripeCalls
from usher.bootstrap import policies
from usher.domain import times
from usher.domain.metering import meter_event
from usher.domain.plans import PlanCatalog, price_key

__all__ = ["world"]


def metered(amount: int) -> dict[str, Any]:
    return {"amount_minor": amount, "currencies": {"eur": amount}}


FILE = deepcopy(policy_files.load("plans"))
FILE["metrics"]["seats"] = {"name": "Seats", "unit": "seat"}
FILE["plans"]["starter-monthly"]["metered"] = {"api_calls": metered(9)}
FILE["plans"]["pro-monthly"]["metered"] = {"api_calls": metered(5), "seats": metered(100)}
PLANS = PlanCatalog.model_validate(FILE)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        calls = StripeCalls(api_base=opened.url, api_key="sk_test_shop")
        planned = plan_catalog.plan(plan_catalog.of_file(PLANS, date(2025, 11, 21)), calls)
        list(plan_catalog.apply(planned, calls))
        calls.close()
        yield opened


@pytest.fixture(autouse=True)
def plans(world: World) -> None:
    policies.install(policy_files.load_all() | {"plans": FILE})


class Metered(Subscriber):
    """A subscriber whose calls and seats are counted; without `items` the plan billed none before."""

    def __init__(self, shop: Shop, world: World, plan: str, *, items: bool = True, **more: Any) -> None:
        super().__init__(shop, world, plan=plan, **more)
        for metric in PLANS.plans[plan].metered if items else ():
            price = self.billing.prices.of(price_key(plan, metric=metric))
            self.api.subscriptions.update(self.id, {"items": [{"price": price}]})
        self.sync()

    def used(self, quantity: int, metric: str = "api_calls") -> None:
        payload = {"stripe_customer_id": self.customer.id, "value": str(quantity)}
        at = int(self.world.clock.now().timestamp()) - 60
        event = {"event_name": meter_event(metric), "payload": payload, "timestamp": at}
        self.api.billing.meter_events.create(event)

    def items(self) -> list[str]:
        return sorted(item.price.lookup_key for item in self.at_stripe()["items"].data)

    def lines(self) -> list[tuple[str, int]]:
        """The latest invoice, by price."""
        lines = self.invoices()[-1].lines.data
        keys = {
            line.id: self.api.prices.retrieve(line.pricing.price_details.price).lookup_key for line in lines
        }
        return sorted((keys[line.id], line.amount) for line in lines)


def test_an_upgrade_bills_what_was_used_and_counts_on_at_the_new_price(shop: Shop, world: World) -> None:
    ada = Metered(shop, world, "starter-monthly").later(days=15)
    ada.used(100)
    status, preview = ada.post("preview", {"plan": "pro-monthly"})
    assert (status, preview["charged_now_minor"]) == (200, 1500 + 900), preview
    assert preview["next_invoice"] == {"at": "2025-12-21T12:00:00.000Z", "amount_minor": 4900}
    assert ada.post("change", {"plan": "pro-monthly", "priced_at": preview["priced_at"]})[0] == 200
    assert ada.invoices()[-1].amount_paid == 2400
    assert ada.lines() == [
        ("pro-monthly", 2450),
        ("starter-monthly", -950),
        ("starter-monthly:api_calls", 900),
    ]
    assert ada.items() == ["pro-monthly", "pro-monthly:api_calls", "pro-monthly:seats"]
    ada.later(days=1)
    ada.used(20)
    ada.used(3, "seats")
    ada.later(days=15, hours=2)
    assert ada.lines() == [
        ("pro-monthly", 4900), ("pro-monthly:api_calls", 100), ("pro-monthly:seats", 300)
    ]  # fmt: skip


def product_tells(ada: Metered, id: str, quantity: int) -> None:
    """Usage of two minutes ago, as the product tells it: counted here, and not yet told to Stripe."""
    moment = times.text(ada.world.clock.now() - timedelta(minutes=2))
    assert tell(used(id, quantity, account_id=ada.account_id, recorded_at=moment))[0] == 202
    count_all(ada.world)


def hours_are_reported(world: World) -> None:
    """The schedule and its queue, an hour after what was used last."""
    close_hours({}, None)
    messages = [message for queue, message in world.queue.take() if queue == "usage-reports"]
    assert push_usage(batch(*messages), None) == {"batchItemFailures": []}


def test_what_was_used_and_not_yet_told_is_billed_at_the_former_price(shop: Shop, world: World) -> None:
    ada = Metered(shop, world, "starter-monthly").later(days=15)
    product_tells(ada, "u1", 60)  # in the hour before
    ada.later(minutes=20)
    product_tells(ada, "u2", 30)  # in the hour that runs
    preview = ada.post("preview", {"plan": "pro-monthly"})[1]
    product_tells(ada, "u3", 10)
    assert ada.post("change", {"plan": "pro-monthly"})[0] == 200
    assert ("starter-monthly:api_calls", 100 * 9) in ada.lines()
    assert any(line["amount_minor"] == 90 * 9 for line in preview["lines"])
    ada.later(minutes=10)
    product_tells(ada, "u4", 20)  # of the same hour, after the change
    ada.later(hours=2)
    hours_are_reported(world)
    ada.later(days=15)
    assert ("pro-monthly:api_calls", 20 * 5) in ada.lines()
    told = [row for row in world.rows("usage_hours") if row["meter"].startswith(ada.account_id)]
    assert [(row["quantity"], row["reported"]) for row in told] == [(60, 60), (60, 60)]


def test_a_downgrade_at_the_periods_end_bills_the_period_as_it_was(shop: Shop, world: World) -> None:
    ada = Metered(shop, world, "pro-monthly").later(days=10)
    ada.used(100)
    ada.used(2, "seats")
    preview = ada.post("preview", {"plan": "starter-monthly"})[1]
    assert (preview["charged_now_minor"], preview["next_invoice"]["amount_minor"]) == (0, 1900 + 500 + 200)
    assert ada.post("change", {"plan": "starter-monthly"})[0] == 200
    assert ada.items() == ["pro-monthly", "pro-monthly:api_calls", "pro-monthly:seats"]
    ada.later(days=19, hours=23)
    ada.used(40)
    ada.later(hours=3)
    assert ada.items() == ["starter-monthly", "starter-monthly:api_calls"]
    assert ada.lines() == [
        ("pro-monthly:api_calls", 700),
        ("pro-monthly:seats", 200),
        ("starter-monthly", 1900),
    ]
    ada.used(10)
    ada.later(days=31)
    assert ada.lines() == [("starter-monthly", 1900), ("starter-monthly:api_calls", 90)]


def test_a_plan_without_metered_prices_leaves_none_behind(shop: Shop, world: World) -> None:
    ada = Metered(shop, world, "pro-monthly").later(days=10)
    ada.used(100)
    preview = ada.post("preview", {"plan": "pro-yearly", "when": "now"})[1]
    assert preview["next_invoice"] == {"at": "2026-12-01T12:00:00.000Z", "amount_minor": 49000}
    ada.post("change", {"plan": "pro-yearly", "when": "now"})
    assert ada.invoices()[-1].amount_paid == preview["charged_now_minor"]
    assert ("pro-monthly:api_calls", 500) in ada.lines()
    assert ada.items() == ["pro-yearly"]


def test_another_interval_at_the_periods_end_costs_what_its_preview_said(shop: Shop, world: World) -> None:
    ada = Metered(shop, world, "pro-monthly").later(days=10)
    ada.used(100)
    preview = ada.post("preview", {"plan": "pro-yearly", "when": "period_end"})[1]
    ada.post("change", {"plan": "pro-yearly", "when": "period_end"})
    ada.later(days=20, hours=2)
    assert ada.invoices()[-1].amount_paid == preview["next_invoice"]["amount_minor"] == 49000 + 500
    assert ada.items() == ["pro-yearly"]


def test_a_declined_upgrade_leaves_the_items_and_what_was_used(shop: Shop, world: World) -> None:
    ada = Metered(shop, world, "starter-monthly").later(days=15)
    ada.used(100)
    ada.use_card("pm_card_chargeCustomerFail")
    assert ada.post("change", {"plan": "pro-monthly"})[0] == 402
    assert ada.items() == ["starter-monthly", "starter-monthly:api_calls"]
    ada.use_card("pm_card_visa")
    ada.later(days=15, hours=2)
    assert ada.lines() == [("starter-monthly", 1900), ("starter-monthly:api_calls", 900)]


def test_who_was_there_before_the_plan_billed_usage_gets_the_item_with_a_change(
    shop: Shop, world: World
) -> None:
    ada = Metered(shop, world, "starter-monthly", items=False).later(days=15)
    ada.used(1000)
    assert ada.post("change", {"quantity": 2})[0] == 200
    assert ada.invoices()[-1].amount_paid == 950  # nobody pays for what was used while there was no item
    ada.later(hours=1)
    ada.used(10)
    assert ada.items() == ["starter-monthly", "starter-monthly:api_calls"]
    ada.later(days=15, hours=2)
    assert ada.lines() == [("starter-monthly", 3800), ("starter-monthly:api_calls", 90)]


def test_a_change_of_the_quantity_leaves_the_count_alone(shop: Shop, world: World) -> None:
    ada = Metered(shop, world, "starter-monthly").later(days=15)
    ada.used(100)
    before = {item.price.lookup_key: item.id for item in ada.at_stripe()["items"].data}
    ada.post("change", {"quantity": 2})
    assert {item.price.lookup_key: item.id for item in ada.at_stripe()["items"].data} == before
    assert ada.invoices()[-1].amount_paid == 950


def test_what_others_have_put_on_the_subscription_stays(shop: Shop, world: World) -> None:
    ada = Metered(shop, world, "starter-monthly")
    terms = {"display_name": "Storage", "event_name": "storage", "default_aggregation": {"formula": "sum"}}
    by_use = {"interval": "month", "usage_type": "metered", "meter": shop.api.billing.meters.create(terms).id}
    price = {"currency": "usd", "unit_amount": 1, "recurring": by_use, "product_data": {"name": "Storage"}}
    own = shop.api.prices.create(price | {"lookup_key": "storage"}).id
    shop.api.subscriptions.update(ada.id, {"items": [{"price": own}]})
    ada.post("change", {"plan": "pro-monthly"})
    assert ada.items() == ["pro-monthly", "pro-monthly:api_calls", "pro-monthly:seats", "storage"]
    ada.post("change", {"plan": "starter-monthly"})
    ada.later(days=31, hours=2)
    assert ada.items() == ["starter-monthly", "starter-monthly:api_calls", "storage"]


def test_who_comes_back_has_the_plans_items(shop: Shop, world: World) -> None:
    ada = Metered(shop, world, "starter-monthly")
    ada.post("cancel", {"when": "now", "refund": "none"})
    ada.later(days=2)
    status, state = ada.post("reactivate", {"plan": "pro-monthly"})
    assert status == 200, state
    ada.id = state["subscription_id"]
    assert ada.items() == ["pro-monthly", "pro-monthly:api_calls", "pro-monthly:seats"]


def test_a_change_of_metered_plans_whose_answer_was_lost_is_made_once(shop: Shop, world: World) -> None:
    ada = Metered(shop, world, "starter-monthly").later(days=15)
    ada.used(100)
    fault = {"operation": "POST /v1/subscriptions/{id}", "fault": "fail_after"}
    shop.control("POST", "/_control/faults", fault)
    assert ada.post("change", {"plan": "pro-monthly"}, key="k1")[0] == 503
    assert ada.post("change", {"plan": "pro-monthly"}, key="k1")[0] == 200
    assert [invoice.amount_paid for invoice in ada.invoices()] == [1900, 2400]
