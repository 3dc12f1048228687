"""Routes of payment links: sell to a phone number, cancel, send again, sign the check off."""

from typing import Any

from usher.bootstrap.api import Call, Outcome, Routes
from usher.bootstrap.selling import opening, requests
from usher.usecases.link_order import PaymentLinkBody
from usher.usecases.link_requests import (
    CancelBody,
    CheckBody,
    ResendBody,
    cancel_payment_link,
    resend_payment_link,
    sign_off_check,
)
from usher.usecases.open_payment_link import open_payment_link

routes = Routes()


@routes.post("/v1/onboardings", body=PaymentLinkBody, status=201)
def create(call: Call[PaymentLinkBody]) -> Outcome:
    return open_payment_link(call.input, call.caller, request_id=call.request_id, opening=opening())


@routes.post("/v1/onboardings/{id}/cancel", body=CancelBody)
def cancel(call: Call[CancelBody]) -> dict[str, Any]:
    return cancel_payment_link(call.parameters["id"], call.input, call.caller, requests=requests())


@routes.post("/v1/onboardings/{id}/resend", body=ResendBody)
def resend(call: Call[ResendBody]) -> dict[str, Any]:
    return resend_payment_link(call.parameters["id"], call.input, call.caller, requests=requests())


@routes.post("/v1/onboardings/{id}/check", body=CheckBody)
def check(call: Call[CheckBody]) -> dict[str, Any]:
    return sign_off_check(call.parameters["id"], call.input, call.caller, requests=requests())
