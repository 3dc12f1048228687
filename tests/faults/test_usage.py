"""Usage through the whole deployment: crashes between buffer and sums, poison, and Stripe's own count."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import world as worlds
from tests.faults.crashing import When
from tests.faults.world import World, eventually
from usher.domain import times
from usher.ports.queue import Message

PRICE = {"amount_minor": 1, "per": 10, "currencies": {"eur": 1}}
METERED = {"pro-monthly": {"metered": {"api_calls": PRICE}}}


@pytest.fixture
def usher(tmp_path: Path) -> Iterator[World]:
    with worlds.opened(tmp_path, plans=METERED) as world:
        yield world


@pytest.fixture
def account_id(usher: World) -> str:
    found = usher.wait_status(usher.sign_up(), "active")
    usher.settle()
    return str(found["account_id"])


def used(world: World, account_id: str, *ids: str, quantity: int = 1) -> dict[str, Any]:
    at = times.text(world.usher.clock.now())
    said = {"account_id": account_id, "metric": "api_calls", "quantity": quantity, "recorded_at": at}
    return {"records": [{"id": id, **said} for id in ids]}


def total(world: World, account_id: str) -> int:
    status, shown = world.call("GET", f"/v1/accounts/{account_id}/usage", role="product")
    assert status == 200
    return int(shown["metrics"][0]["periods"][0]["quantity"])


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_between_the_buffer_and_the_sums_loses_and_doubles_nothing(
    usher: World, account_id: str, when: When
) -> None:
    call = used(usher, account_id, *(f"r{number}" for number in range(300)))
    usher.crash_at("usage/record_usage", when)
    assert usher.call("POST", "/v1/usage", call, role="product") == (202, {"accepted": 300, "repeated": 0})
    usher.revive()
    usher.settle()
    assert total(usher, account_id) == 300
    answer = usher.call("POST", "/v1/usage", call, role="product")
    assert answer == (202, {"accepted": 0, "repeated": 300})  # by the book: the process that knew is dead
    assert total(usher, account_id) == 300


def test_stripe_counts_what_was_used_once_though_its_answer_is_lost(usher: World, account_id: str) -> None:
    usher.vendors.fault("stripe", "POST /v1/billing/meter_events", "fail_after")
    call = used(usher, account_id, "r1", quantity=7)
    assert usher.call("POST", "/v1/usage", call, role="product")[0] == 202
    usher.settle()
    (hour,) = usher.rows("usage_hours")
    key = {"meter": hour["meter"], "hour": hour["hour"]}
    for number in range(3):  # its queue delivers it until it is told, and may deliver it again
        message = Message(key, group=hour["meter"], deduplication_id=str(number))
        usher.usher.queue.send("usage-reports", [message])
    assert eventually(lambda: usher.rows("usage_hours")[0].get("reported") == 7)
    (account,) = usher.rows("accounts")
    start = int(times.moment(hour["hour"]).timestamp()) // 60 * 60
    span = {"customer": account["customer_id"], "start_time": start, "end_time": start + 3600}
    with usher.vendors.stripe() as stripe:
        (meter,) = stripe.billing.meters.list().data
        (summary,) = stripe.billing.meters.event_summaries.list(meter.id, span).data
        (subscription,) = stripe.subscriptions.list({"customer": account["customer_id"]}).data
    assert summary.aggregated_value == 7
    assert [item.price.recurring.meter for item in subscription["items"].data] == [None, meter.id]
    told = [row["payload"] for row in usher.rows("events") if row["type"] == "usage.reported"]
    assert [(each["quantity"], each["billed"]) for each in told] == [(7, True)]
