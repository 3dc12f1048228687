"""Sign-ups posted at intake, as its route does it, and what is answered."""

import base64
import json
from typing import Any

from functions.intake.receive_signup import handler
from tests.fakes.world import World

NEWER = "whsec_" + base64.b64encode(b"the secret after the rotation").decode()
NEWEST = "whsec_" + base64.b64encode(b"and the one after that").decode()
MAX_BODY = 256 * 1024


def post(event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    answer = handler(event, None)
    kind = "application/json" if answer["statusCode"] < 400 else "application/problem+json"
    assert answer["headers"]["content-type"] == kind
    return answer["statusCode"], json.loads(answer["body"])


def refuse(world: World, event: dict[str, Any], status: int) -> dict[str, Any]:
    """The problem that answers `event`; nothing is stored or queued for it."""
    stored = world.stored()
    answered, problem = post(event)
    assert answered == status, problem
    assert problem["status"] == status
    assert problem["correlation_id"] == "req-1"
    assert world.stored() == stored
    assert world.queue.take() == []
    return problem


def fields(problem: dict[str, Any]) -> list[str]:
    return sorted(error["field"] for error in problem.get("errors", []))
