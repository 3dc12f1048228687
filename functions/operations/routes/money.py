"""Routes about money: refunds, and what an account owes, paid and got back."""

from typing import Any

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.money import services
from usher.usecases.fields import Paged
from usher.usecases.issue_refund import RefundBody, issue_refund
from usher.usecases.list_money import Kind, list_money
from usher.usecases.pages import Listed

routes = Routes()


@routes.post("/v1/refunds", body=RefundBody, status=201)
def refund(call: Call[RefundBody]) -> dict[str, Any]:
    return issue_refund(call.input, call.caller, services().refunds)


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
