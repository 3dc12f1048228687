"""Usage as tests tell it: accounts that use, calls of the product, and the buffer emptied by its consumer."""

import json
from datetime import datetime, timedelta
from typing import Any

from functions.usage.receive_usage import handler as receive
from functions.usage.record_usage import handler as record
from tests.fakes.api import Context, api_event
from tests.fakes.world import NOON, World
from usher.domain import times
from usher.ports.queue import Message
from usher.ports.store import Item, Put

ACCOUNT = "acc_ada"
PERIOD = (NOON - timedelta(days=10), NOON + timedelta(days=20))


def given_account(
    world: World,
    account_id: str = ACCOUNT,
    *,
    plan: str = "starter-monthly",
    period: tuple[datetime, datetime] | None = PERIOD,
    **more: Any,
) -> None:
    """An account with a customer and a subscription; without a `period` it has none."""
    item = {
        "account_id": account_id,
        "org_name": "Analytical Engines",
        "status": "active",
        "plan": plan,
        "signup_id": "su_" + account_id,
        "correlation_id": "cor_" + account_id,
        "created_at": times.text(NOON),
        "customer_id": "cus_" + account_id,
        "version": 1,
        **more,
    }
    if period is not None:
        item["subscription_id"] = "sub_" + account_id
        subscription = {
            "subscription_id": "sub_" + account_id,
            "account_id": account_id,
            "plan": plan,
            "status": "active",
            "started_at": times.text(period[0]),
            "current_period_start": times.text(period[0]),
            "current_period_end": times.text(period[1]),
            "interval": "month",
            "version": 1,
        }
        world.store.inner.write(Put("subscriptions", subscription))
    present = {name: value for name, value in item.items() if value is not None}
    world.store.inner.write(Put("accounts", present))


def used(id: str, quantity: int = 1, *, ago: timedelta = timedelta(minutes=5), **more: Any) -> dict[str, Any]:
    """A record as the product sends it."""
    said = {"id": id, "account_id": ACCOUNT, "metric": "api_calls", "quantity": quantity}
    return {**said, "recorded_at": times.text(NOON - ago), **more}


def tell(*records: dict[str, Any], **options: Any) -> tuple[int, dict[str, Any]]:
    """POST /v1/usage: status and answer."""
    return post({"records": list(records)}, **options)


def post(body: Any, *, role: str | None = "product", **options: Any) -> tuple[int, dict[str, Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = receive(api_event("POST", "/v1/usage", role=role, body=raw, **options), Context())
    return answer["statusCode"], json.loads(answer["body"])


def batch(*messages: Message) -> dict[str, Any]:
    """SQS records of these messages, named m0, m1, ..."""
    return {
        "Records": [
            {"messageId": f"m{number}", "body": json.dumps(each.body)} for number, each in enumerate(messages)
        ]
    }


def deliver(*messages: Message) -> list[str]:
    """Hand these messages to the consumer; the names of those that failed."""
    answer = record(batch(*messages), Context())
    return [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]


def buffered(world: World) -> list[Message]:
    """What was sent to the buffer since the last look."""
    taken = world.queue.take()
    assert {queue for queue, _ in taken} <= {"usage"}
    return [message for _, message in taken]


def count_all(world: World) -> None:
    """Empty the buffer by its consumer."""
    while messages := buffered(world):
        assert deliver(*messages) == []


def sums(world: World, table: str = "usage_hours") -> dict[tuple[str, str], int]:
    """Quantities of `usage_hours` or `usage_periods` by meter and the beginning of the time."""
    sort = "hour" if table == "usage_hours" else "period"
    return {(row["meter"], row[sort]): row["quantity"] for row in world.rows(table)}


def total(world: World, table: str = "usage_hours") -> int:
    return sum(sums(world, table).values())


def period_row(world: World) -> Item:
    (row,) = world.rows("usage_periods")
    return row
