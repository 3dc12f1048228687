"""Routes of sign-ups."""

from typing import Any

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.operations import services
from usher.usecases.fields import Nothing
from usher.usecases.signup_status import signup_status

routes = Routes()


@routes.get("/v1/signups/{id}", query=Nothing)
def show(call: Call[Nothing]) -> dict[str, Any]:
    return signup_status(call.parameters["id"], signups=services().signups)
