"""How things break for good, and what operators do then: list failures, redrive them, read the channel."""

import threading
from datetime import timedelta
from typing import Any

from tests.faults.world import LIMIT, World

CRM = "POST /crm/v3/objects/{type}/batch/upsert"
SLACK = "POST /services/{team}/{bot}/{token}"
FOR_GOOD = 10_000  # calls: more than any workflow makes before it gives up


def bug(*_: Any, **__: Any) -> Any:
    """What a step does that nobody thought of."""
    raise KeyError("nobody expected this")


def crm_down(world: World) -> None:
    world.vendors.fault("hubspot", CRM, "500", count=FOR_GOOD)


def failures(world: World, state: str = "open") -> list[dict[str, Any]]:
    status, answer = world.call("GET", f"/v1/failures?state={state}", role="support")
    assert status == 200
    items: list[dict[str, Any]] = answer["items"]
    return items


def redrive(world: World, failure: dict[str, Any], role: str = "support") -> tuple[int, Any]:
    path = f"/v1/failures/{failure['failure_id']}/redrive"
    return world.call("POST", path, {"reason": "the vendor is back"}, role=role)


def let_pass(world: World, *, minutes: int) -> None:
    """Skip business time that nobody works in."""
    passed = threading.Event()
    clock = world.usher.clock
    clock.call_at(clock.now() + timedelta(minutes=minutes), passed.set)
    assert passed.wait(LIMIT)


def posts(world: World) -> list[str]:
    return [each["text"] for each in world.vendors.objects()["slack"].get("message", [])]
