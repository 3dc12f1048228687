"""HubSpot's error answers."""

import uuid
from typing import Any

from infra.local.stand_ins.http import Answer

PORTAL = "1"


def error(status: int, category: str, message: str, **more: Any) -> Answer:
    """An error of a whole call."""
    body = {
        "status": "error",
        "message": message,
        "correlationId": str(uuid.uuid4()),
        "category": category,
        **more,
    }
    return Answer.of(body, status)


def item_error(category: str, message: str, context: dict[str, list[str]]) -> dict[str, Any]:
    """An error of one input, as it stands in a 207."""
    return {
        "status": "error",
        "category": category,
        "message": message,
        "context": context,
        "errors": [],
        "links": {},
    }
