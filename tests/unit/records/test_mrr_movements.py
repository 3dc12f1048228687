"""Scenario 24: whatever happens to subscriptions, the movements of an account's MRR add up to its totals."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.billing import START
from tests.fakes.world import World
from usher.domain.mrr import monthly_minor
from usher.ports.billing_facts import BillingFacts, SubscriptionSnapshot
from usher.records.billing import ids_in

STATUSES = ("trialing", "incomplete", "active", "past_due", "unpaid", "paused", "canceled")
PRICES = {"a": ("starter", 1900, "month"), "b": ("pro", 4900, "month"), "c": ("pro", 49000, "year")}
STATES = st.fixed_dictionaries(
    {
        "subscription_id": st.sampled_from(["sub_1", "sub_2", "sub_3"]),
        "status": st.sampled_from(STATUSES),
        "price": st.sampled_from(sorted(PRICES)),
        "quantity": st.integers(1, 3),
        "percent_off": st.sampled_from([None, "12.5", "100"]),
        "pause_behavior": st.sampled_from([None, None, "void"]),
    }
)
CURRENCIES = {"sub_1": "usd", "sub_2": "usd", "sub_3": "jpy"}


def snapshot(state: dict[str, Any]) -> SubscriptionSnapshot:
    plan, amount, interval = PRICES[state["price"]]
    return SubscriptionSnapshot(
        customer_id="cus_1",
        plan=plan,
        price_id=state["price"],
        currency=CURRENCIES[state["subscription_id"]],
        amount_minor=amount,
        interval=interval,
        interval_count=1,
        current_period_start=START,
        current_period_end=START + timedelta(days=30),
        started_at=START,
        **{name: value for name, value in state.items() if name != "price"},
    )


def record(world: World, account_id: str, facts: BillingFacts) -> None:
    known = world.records.known(ids_in(facts))
    now = world.clock.now()
    world.records.record(facts, account_id=account_id, known=known, correlation_id="cor", now=now)


def value(state: dict[str, Any]) -> int:
    if state["status"] not in {"active", "past_due"} or state["pause_behavior"]:
        return 0
    _, amount, interval = PRICES[state["price"]]
    more = {"quantity": state["quantity"], "percent_off": state["percent_off"]}
    return monthly_minor(amount_minor=amount, interval=interval, **more)


@given(history=st.lists(STATES, min_size=1, max_size=12))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_law_movements_add_up_after_every_change(world: World, history: list[dict[str, Any]]) -> None:
    account_id = f"acc_{world.clock.now().timestamp():.0f}"
    world.clock.advance(1)
    names = {f"sub_{n}": f"sub_{n}_{account_id}" for n in (1, 2, 3)}
    now: dict[str, dict[str, Any]] = {}
    read, sums = 0, defaultdict[str, int](int)
    for state in history:
        facts = snapshot(state).model_copy(update={"subscription_id": names[state["subscription_id"]]})
        record(world, account_id, BillingFacts(subscription=facts))
        now[state["subscription_id"]] = state
        for event in world.log.read(account_id, after=read):
            read = event.sequence
            if event.type == "mrr.changed":
                sums[event.payload["currency"]] += event.payload["amount_minor"]
                assert event.payload["total_minor"] == sums[event.payload["currency"]]
                _plausible(event.payload)
        expected = defaultdict[str, int](int)
        for name, each in now.items():
            expected[CURRENCIES[name]] += value(each)
        assert {k: v for k, v in sums.items() if v} == {k: v for k, v in expected.items() if v}


def _plausible(moved: dict[str, Any]) -> None:
    """The word for a movement goes with what it does."""
    amount, total = moved["amount_minor"], moved["total_minor"]
    former = total - amount
    assert {
        "new": former == 0 < amount,
        "reactivated": former == 0 < amount,
        "expansion": 0 < former < total,
        "contraction": 0 < total < former,
        "churned": total == 0 > amount,
    }[moved["movement"]]


def movements(world: World, account_id: str) -> list[tuple[str, int]]:
    found = [event for event in world.log.read(account_id) if event.type == "mrr.changed"]
    return [(event.payload["movement"], event.payload["amount_minor"]) for event in found]


def live(world: World, account_id: str, *states: dict[str, Any]) -> None:
    usual = {"status": "active", "price": "a", "quantity": 1, "percent_off": None, "pause_behavior": None}
    for state in states:
        record(world, account_id, BillingFacts(subscription=snapshot({**usual, **state})))


def test_a_life_is_new_grows_shrinks_leaves_and_returns(world: World) -> None:
    one, two = {"subscription_id": "sub_1"}, {"subscription_id": "sub_2"}
    live(
        world,
        "acc_1",
        one | {"status": "trialing"},
        one,
        one | {"price": "b"},
        one | {"price": "b", "status": "past_due"},
        one | {"quantity": 1},
        two,
        one | {"status": "canceled"},
        two | {"status": "canceled"},
        {"subscription_id": "sub_3"} | {"price": "b"},
    )
    usd = [("new", 1900), ("expansion", 3000), ("contraction", -3000), ("expansion", 1900)]
    assert movements(world, "acc_1") == [
        *usd,
        ("contraction", -1900),
        ("churned", -1900),
        ("reactivated", 4900),
    ]
    told = [event for event in world.log.read("acc_1") if event.type == "subscription.reactivated"]
    assert [event.payload["former_subscription_id"] for event in told] == ["sub_2"]


def test_a_pause_is_no_return_of_somebody_who_left(world: World) -> None:
    one = {"subscription_id": "sub_1"}
    live(world, "acc_1", one, one | {"pause_behavior": "void"}, one)
    assert movements(world, "acc_1") == [("new", 1900), ("churned", -1900), ("reactivated", 1900)]
    assert "subscription.reactivated" not in world.events("acc_1")
    assert world.events("acc_1")[-2] == "subscription.resumed"


def test_two_subscriptions_that_change_at_one_moment_both_count(world: World) -> None:
    """The second one finds that the account's row has changed since it was read, and has to look again."""
    facts = [
        BillingFacts(
            subscription=snapshot(
                {
                    "status": "active",
                    "price": "a",
                    "quantity": 1,
                    "percent_off": None,
                    "pause_behavior": None,
                    "subscription_id": id,
                }
            )
        )
        for id in ("sub_1", "sub_2")
    ]
    world.store.meanwhile("transact", lambda: record(world, "acc_1", facts[1]))
    try:
        record(world, "acc_1", facts[0])
    except Exception as error:  # noqa: BLE001 - whatever it is called, it is tried again
        assert type(error).__name__ == "ConditionFailed"
        record(world, "acc_1", facts[0])
    (row,) = [each for each in world.rows("mrr") if each["account_id"] == "acc_1"]
    assert row["totals"] == {"usd": 3800}
    assert [amount for _, amount in movements(world, "acc_1")] == [1900, 1900]
