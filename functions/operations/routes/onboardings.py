"""Routes of onboardings: sign-ups and payment links on their way in."""

from typing import Any

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.operations import services
from usher.usecases.decide_review import DecisionBody, decide_review
from usher.usecases.list_onboardings import OnboardingQuery, list_onboardings
from usher.usecases.pages import Listed

routes = Routes()


@routes.get("/v1/onboardings", query=OnboardingQuery, answers=Listed)
def index(call: Call[OnboardingQuery]) -> dict[str, Any]:
    return list_onboardings(call.input, listing=services().listing)


@routes.post("/v1/onboardings/{id}/decision", body=DecisionBody)
def decide(call: Call[DecisionBody]) -> dict[str, Any]:
    return decide_review(call.parameters["id"], call.input, call.caller, asker=services().asker)
