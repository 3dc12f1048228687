"""Routes about money: refunds, payments by bank transfer, and what an account owes, paid and got back."""

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
from usher.usecases.fields import Paged
from usher.usecases.issue_refund import RefundBody, issue_refund
from usher.usecases.list_money import Kind, OfflineQuery, list_money, list_offline_payments
from usher.usecases.pages import Listed

routes = Routes()


@routes.post("/v1/refunds", body=RefundBody, status=201)
def refund(call: Call[RefundBody]) -> dict[str, Any]:
    return issue_refund(call.input, call.caller, services().refunds)


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


@routes.get("/v1/accounts/{id}/invoices", query=Paged, answers=Listed)
def show_invoices(call: Call[Paged]) -> dict[str, Any]:
    return _of_account(call, "invoices")


@routes.get("/v1/accounts/{id}/payments", query=Paged, answers=Listed)
def show_payments(call: Call[Paged]) -> dict[str, Any]:
    return _of_account(call, "payments")


@routes.get("/v1/accounts/{id}/refunds", query=Paged, answers=Listed)
def show_refunds(call: Call[Paged]) -> dict[str, Any]:
    return _of_account(call, "refunds")


@routes.get("/v1/accounts/{id}/disputes", query=Paged, answers=Listed)
def show_disputes(call: Call[Paged]) -> dict[str, Any]:
    return _of_account(call, "disputes")


def _of_account(call: Call[Paged], kind: Kind) -> dict[str, Any]:
    s = services()
    return list_money(call.parameters["id"], kind, call.input, accounts=s.accounts, store=s.store)
