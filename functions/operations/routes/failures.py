"""Routes of what failed: the list, and having it tried again."""

from typing import Any

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.mending import services
from usher.domain.access import Caller
from usher.usecases.list_failures import FailuresQuery, RedriveBody, list_failures
from usher.usecases.redrive import redrive_onboarding
from usher.usecases.redrive_failure import redrive_failure
from usher.usecases.redriving import Order

routes = Routes()


@routes.get("/v1/failures", query=FailuresQuery)
def show(call: Call[FailuresQuery]) -> dict[str, Any]:
    s = services()
    return list_failures(call.input, failures=s.redriving.failures, public_url=s.public_url)


@routes.post("/v1/failures/{id}/redrive", body=RedriveBody, status=202)
def redrive(call: Call[RedriveBody]) -> dict[str, Any]:
    return redrive_failure(call.parameters["id"], _order(call.caller, call.input), services().redriving)


@routes.post("/v1/onboardings/{id}/redrive", body=RedriveBody, status=202)
def redrive_signup(call: Call[RedriveBody]) -> dict[str, Any]:
    return redrive_onboarding(call.parameters["id"], _order(call.caller, call.input), services().redriving)


def _order(caller: Caller, body: RedriveBody) -> Order:
    return Order(body.reason, caller)
