"""Routes about what accounts have used."""

from typing import Any

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.usage import services
from usher.usecases.show_usage import Usage, UsageQuery, show_usage

routes = Routes()


@routes.get("/v1/accounts/{id}/usage", query=UsageQuery, answers=Usage)
def show(call: Call[UsageQuery]) -> dict[str, Any]:
    s = services()
    return show_usage(
        call.parameters["id"],
        call.input,
        book=s.book,
        subscribers=s.subscribers,
        plans=s.plans,
        policy=s.policy,
        clock=s.clock,
    ).model_dump()
