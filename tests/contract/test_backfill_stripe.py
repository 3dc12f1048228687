"""POST /v1/stripe/backfills against the stand-in: what was not delivered comes in once, as if it had been."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.contract.money_office import Office, office, shop, world
from tests.fakes.api import call
from usher.adapters.system_clock import SystemClock
from usher.domain import times

__all__ = ["office", "shop", "world"]


@pytest.fixture
def deaf(office: Office) -> Iterator[Office]:
    """An Usher whose endpoint takes nothing of what Stripe has to tell."""
    endpoint = {"url": "http://127.0.0.1:9/webhooks/stripe", "enabled_events": ["*"]}
    made = office.shop.api.webhook_endpoints.create(endpoint)
    office.world.clock.advance_to(SystemClock().now())
    office.open_account()
    yield office
    office.shop.api.webhook_endpoints.delete(made.id)


def asked(status: int = 200, **body: Any) -> dict[str, Any]:
    answered, answer = call("POST", "/v1/stripe/backfills", body, role="support")
    assert answered == status, answer
    return answer


def recent(office: Office) -> str:
    return times.text(office.world.clock.now() - timedelta(minutes=2))


def test_what_was_not_delivered_is_stored_and_queued_once(deaf: Office) -> None:
    subscription = deaf.shop.subscribe(deaf.customer)
    first = asked(since=recent(deaf))
    assert first["queued"] and first["next_cursor"] is None
    assert first["found"] == sum(first[k] for k in ("queued", "known", "echo", "not_followed"))
    rows = {row["object_id"]: row for row in deaf.world.rows("inbox") if "object_id" in row}
    assert rows[subscription.id]["type"] == "customer.subscription.created"
    assert len(deaf.world.queue.take()) == first["queued"]
    for event_id in [row["event_id"] for row in deaf.world.rows("inbox")]:
        deaf.world.inbox.finish(event_id, now=deaf.world.clock.now())
    again = asked(since=recent(deaf))
    assert (again["queued"], again["known"]) == (0, first["queued"])
    assert [row["action"] for row in deaf.world.rows("audit")] == ["stripe.backfill"]


def test_more_than_a_page_is_asked_for_page_by_page(deaf: Office) -> None:
    for _ in range(60):
        deaf.shop.api.customers.update(deaf.customer_id, {"name": "Ada"})
        deaf.shop.api.customers.update(deaf.customer_id, {"name": "Ada L"})
    first = asked(since=recent(deaf))
    assert first["found"] == 100
    second = asked(since=recent(deaf), cursor=first["next_cursor"])
    assert second["next_cursor"] is None
    assert len(deaf.world.rows("inbox")) == first["queued"] + second["queued"] >= 120


@pytest.mark.parametrize(
    "values, field",
    [
        ({"since": "2025-01-01T00:00:00Z"}, "since"),
        ({"since": "2125-01-01T00:00:00Z"}, "since"),
        ({"since": "lately"}, "since"),
        ({}, "since"),
        ({"cursor": "evt_nobody_knows"}, "cursor"),
    ],
)
def test_what_stripe_cannot_list_is_refused_by_name(
    office: Office, values: dict[str, str], field: str
) -> None:
    office.world.clock.advance_to(SystemClock().now())
    body = {"since": recent(office), **values} if values else {}
    problem = asked(400, **body)
    assert field in str(problem["errors"])
