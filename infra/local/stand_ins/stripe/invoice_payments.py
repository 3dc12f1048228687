"""Invoice payments: which payment intent pays which invoice, to read."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route


class InvoicePayments(Resource):
    """`/v1/invoice_payments`; they are made when an invoice is finalized."""

    def routes(self) -> dict[str, Route]:
        return {
            "GET /v1/invoice_payments": route(self.list_all, PAGE, "invoice", "payment", "status"),
            "GET /v1/invoice_payments/{id}": route(self.retrieve),
        }

    def list_all(self, params: dict[str, Any]) -> Object:
        paid_by = params.get("payment") or {}
        label = paid_by.get("payment_intent") or paid_by.get("payment_record")
        status = params.get("status")
        where = (lambda held: held["status"] == status) if status else None
        owner, url = params.get("invoice"), "/v1/invoice_payments"
        return self.listing("invoice_payment", params, url, owner=owner, label=label, where=where)

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("invoice_payment", id)
