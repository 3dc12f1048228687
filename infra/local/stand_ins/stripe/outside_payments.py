"""Money for invoices that came outside of Stripe: payment records, and attaching them to invoices."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account, merge_metadata
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.invoices import Invoices
from infra.local.stand_ins.stripe.payment_record import payment_record
from infra.local.stand_ins.stripe.resource import Resource, Route, route

_REPORT = ("amount_requested", "initiated_at", "outcome", "guaranteed", "payment_method_details")
_REPORT_ALL = (*_REPORT, "customer_details", "description", "metadata", "processor_details")


class OutsidePayments(Resource):
    """`/v1/payment_records` and `POST /v1/invoices/{id}/attach_payment`.

    A guaranteed payment counts towards the invoice that it is attached to, in part or whole
    (docs.stripe.com/api/payment-record).
    """

    def __init__(self, account: Account, invoices: Invoices) -> None:
        super().__init__(account)
        self._invoices = invoices

    def routes(self) -> dict[str, Route]:
        path = "/v1/payment_records"
        page = ("limit", "starting_after", "ending_before", "created_after", "created_before")
        return {
            f"POST {path}/report_payment": route(self.report, _REPORT_ALL),
            f"GET {path}": route(self.list_all, page),
            f"GET {path}/{{id}}": route(self.retrieve),
            "POST /v1/invoices/{id}/attach_payment": route(self.attach, "payment_record"),
        }

    def report(self, params: dict[str, Any]) -> Object:
        if params.get("outcome") != "guaranteed":
            raise invalid("The stand-in takes payments that are guaranteed only.", param="outcome")
        amount = params["amount_requested"]
        if amount["value"] < 1:
            raise invalid("The amount must be above zero.", param="amount_requested[value]")
        details = params.get("customer_details") or {}
        if customer := details.get("customer"):
            self.account.use_clock_of(self.account.need("customer", customer, param="customer_details"))
        record = payment_record(amount["value"], amount["currency"].lower(), self.account.now(), details)
        record["description"] = params.get("description")
        record["metadata"] = merge_metadata({}, params.get("metadata"))
        processor = params.get("processor_details") or {"type": "custom"}
        record["processor_details"] = {"custom": None, **processor}
        custom = (params["payment_method_details"] or {}).get("custom") or {}
        name = custom.get("display_name") or "Outside of Stripe"
        shown: Object = {"type": "custom", "billing_details": None, "payment_method": None}
        record["payment_method_details"] = shown | {"custom": {"display_name": name, "type": None}}
        return self.account.save(record)

    def list_all(self, params: dict[str, Any]) -> Object:
        bounds = {"gt": params.get("created_after"), "lt": params.get("created_before")}
        created = {name: bound for name, bound in bounds.items() if bound is not None}
        return self.listing("payment_record", {**params, "created": created or None}, "/v1/payment_records")

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("payment_record", id)

    def attach(self, params: dict[str, Any], id: str) -> Object:
        account, invoice = self.account, self.account.need("invoice", id)
        if "payment_record" not in params:
            raise StripeError(400, "You must provide a payment to attach.", code="parameter_missing")
        if customer := account.find("customer", invoice["customer"]):
            account.use_clock_of(customer)
        record = account.need("payment_record", params["payment_record"], param="payment_record")
        if account.state.page("invoice_payment", label=record["id"], limit=1):
            raise invalid("This payment is attached to an invoice already.", param="payment_record")
        if record["amount"]["currency"] != invoice["currency"]:
            raise invalid(f"The invoice is in {invoice['currency']}.", param="payment_record")
        if invoice["status"] not in ("open", "uncollectible"):
            raise invalid(f"Payments can be attached to open invoices; this one is {invoice['status']}.")
        if self._invoices.on_its_way(invoice):
            raise invalid("This invoice has a payment that is processing.")
        self._invoices.take_record(invoice, record)
        return invoice
