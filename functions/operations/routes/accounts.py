"""Routes of one account: what it may use."""

from typing import Any

from usher.bootstrap.accounts import services
from usher.bootstrap.api import Call, Routes
from usher.usecases.entitlements import Entitlements, entitlements
from usher.usecases.fields import Nothing

routes = Routes()


@routes.get("/v1/accounts/{id}/entitlements", query=Nothing, answers=Entitlements)
def show_entitlements(call: Call[Nothing]) -> dict[str, Any]:
    s = services()
    return entitlements(
        call.parameters["id"],
        accounts=s.accounts,
        records=s.records,
        plans=s.plans,
        policy=s.policy,
        clock=s.clock,
        public_url=s.public_url,
    ).model_dump()
