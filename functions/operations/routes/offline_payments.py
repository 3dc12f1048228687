"""Routes of payments by bank transfer: entered by one person, decided by a second."""

from typing import Any

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.money import services
from usher.ports.http import Answer
from usher.usecases.decide_offline_payment import (
    ApprovalBody,
    RejectionBody,
    approve_offline_payment,
    reject_offline_payment,
)
from usher.usecases.enter_offline_payment import OfflinePaymentBody, enter_offline_payment
from usher.usecases.list_money import OfflineQuery, list_offline_payments
from usher.usecases.pages import Listed

routes = Routes()


@routes.post("/v1/payments/offline", body=OfflinePaymentBody, status=201)
def enter(call: Call[OfflinePaymentBody]) -> Answer:
    return enter_offline_payment(call.input, call.caller, services().offline)


@routes.post("/v1/payments/offline/{id}/approve", body=ApprovalBody)
def approve(call: Call[ApprovalBody]) -> dict[str, Any]:
    return approve_offline_payment(call.parameters["id"], call.input, call.caller, services().offline)


@routes.post("/v1/payments/offline/{id}/reject", body=RejectionBody)
def reject(call: Call[RejectionBody]) -> dict[str, Any]:
    return reject_offline_payment(call.parameters["id"], call.input, call.caller, services().offline)


@routes.get("/v1/payments/offline", query=OfflineQuery, answers=Listed)
def show_offline(call: Call[OfflineQuery]) -> dict[str, Any]:
    return list_offline_payments(call.input, payments=services().offline.payments)
