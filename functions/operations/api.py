"""The operator API: one function, a router per room."""

from typing import Any

from usher.bootstrap.api import resolver
from usher.bootstrap.operations import services
from usher.usecases.signup_status import signup_status

app = resolver()


@app.get("/v1/signups/<signup_id>")
def get_signup(signup_id: str) -> dict[str, Any]:
    return signup_status(signup_id, signups=services().signups)


handler = app.resolve
