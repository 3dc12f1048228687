"""Routes of onboardings: sign-ups and payment links on their way in."""

from typing import Any

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.operations import services
from usher.usecases.list_onboardings import OnboardingQuery, list_onboardings
from usher.usecases.pages import Listed

routes = Routes()


@routes.get("/v1/onboardings", query=OnboardingQuery, answers=Listed)
def index(call: Call[OnboardingQuery]) -> dict[str, Any]:
    return list_onboardings(call.input, listing=services().listing)
