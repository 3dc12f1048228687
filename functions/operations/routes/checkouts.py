"""Routes that ask the payment vendor: checkouts of accounts that exist."""

from typing import Any

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.checkouts import services
from usher.usecases.open_checkout import CheckoutBody, open_checkout

routes = Routes()


@routes.post("/v1/checkouts", body=CheckoutBody, status=201)
def open_one(call: Call[CheckoutBody]) -> dict[str, Any]:
    return {"url": open_checkout(call.input, key=f"checkout/{call.request_id}", selling=services().selling)}
