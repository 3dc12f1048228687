"""Credit notes: a final invoice lowered, first from what is owed, then by refund, credit or outside."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account, merge_metadata, new_id
from infra.local.stand_ins.stripe.customer_balance import CustomerBalance
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.invoice_money import InvoiceMoney
from infra.local.stand_ins.stripe.refunds import Refunds
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, refuse_others, route

_PARTS = ("credit_amount", "refund_amount", "out_of_band_amount")
_CREATE = ("invoice", "amount", "lines", *_PARTS, "refunds", "reason", "memo", "metadata", "email_type")
_LINE = ("type", "amount", "quantity", "unit_amount", "description", "invoice_line_item", "metadata")


class CreditNotes(Resource):
    """`/v1/credit_notes`, without tax and shipping (docs.stripe.com/api/credit_notes/create)."""

    def __init__(
        self, account: Account, invoices: InvoiceMoney, balance: CustomerBalance, refunds: Refunds
    ) -> None:
        super().__init__(account)
        self._invoices, self._balance, self._refunds = invoices, balance, refunds

    def routes(self) -> dict[str, Route]:
        path = "/v1/credit_notes"
        return {
            f"POST {path}": route(self.create, _CREATE),
            f"GET {path}/preview": route(self.preview, _CREATE),
            f"GET {path}": route(self.list_all, PAGE, "customer", "invoice"),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"GET {path}/{{id}}/lines": route(self.lines, PAGE),
            f"POST {path}/{{id}}": route(self.update, "memo", "metadata"),
            f"POST {path}/{{id}}/void": route(self.void),
        }

    def preview(self, params: dict[str, Any]) -> Object:
        return self._note(params, self._invoice(params))

    def create(self, params: dict[str, Any]) -> Object:
        account, invoice = self.account, self._invoice(params)
        note = self._note(params, invoice)
        if amount := params.get("refund_amount"):
            refund = self._refunds.refund(self._charge_of(invoice), amount)
            note["refunds"].append(_refunded(refund["id"], amount))
        if amount := params.get("credit_amount"):
            customer = account.need("customer", invoice["customer"])
            moved = self._balance.move(
                customer,
                -amount,
                note["currency"],
                "credit_note",
                invoice=invoice["id"],
                credit_note=note["id"],
            )
            note["customer_balance_transaction"] = moved["id"]
        account.save(note, "credit_note.created")
        if note["post_payment_amount"]:
            credited = invoice["post_payment_credit_notes_amount"] + note["post_payment_amount"]
            account.update(invoice, {"post_payment_credit_notes_amount": credited}, "invoice.updated")
        if note["pre_payment_amount"]:
            self._invoices.lower(invoice, note["pre_payment_amount"])
        return note

    def list_all(self, params: dict[str, Any]) -> Object:
        owner, label = params.get("customer"), params.get("invoice")
        return self.listing("credit_note", params, "/v1/credit_notes", owner=owner, label=label)

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("credit_note", id)

    def lines(self, params: dict[str, Any], id: str) -> Object:
        lines: Object = self.account.need("credit_note", id)["lines"]
        return lines

    def update(self, params: dict[str, Any], id: str) -> Object:
        note = self.account.need("credit_note", id)
        changes: dict[str, Any] = {"memo": params["memo"]} if "memo" in params else {}
        if "metadata" in params:
            changes["metadata"] = merge_metadata(note["metadata"], params["metadata"])
        return self.account.update(note, changes, "credit_note.updated")

    def void(self, params: dict[str, Any], id: str) -> Object:
        account, note = self.account, self.account.need("credit_note", id)
        invoice = account.need("invoice", note["invoice"])
        if note["status"] == "void" or invoice["status"] != "open" or note["post_payment_amount"]:
            raise invalid("Only credit notes that lowered an open invoice can be voided.")
        changes = {"status": "void", "voided_at": account.now()}
        account.update(note, changes, "credit_note.voided")
        self._invoices.raise_again(invoice, note["pre_payment_amount"])
        return note

    # -- steps -----------------------------------------------------------------------------------

    def _invoice(self, params: dict[str, Any]) -> Object:
        invoice = self.account.need("invoice", params["invoice"], param="invoice")
        if customer := self.account.find("customer", invoice["customer"]):
            self.account.use_clock_of(customer)
        if invoice["status"] not in ("open", "paid"):
            raise invalid(f"Credit notes are for open or paid invoices; this one is {invoice['status']}.")
        if self._invoices.on_its_way(invoice):
            raise invalid("This invoice has a payment that is processing.")
        return invoice

    def _note(self, params: dict[str, Any], invoice: Object) -> Object:
        """The note that these parameters make, not stored."""
        lines = _lines(params, invoice)
        total = sum(line["amount"] for line in lines)
        before = min(total, invoice["amount_remaining"])
        after = total - before
        credited = invoice["post_payment_credit_notes_amount"]
        creditable = invoice["amount_remaining"] + invoice["amount_paid"] - credited
        if not 0 < total <= creditable:
            raise invalid(f"The credit note must be above 0 and at most {creditable}.", param="amount")
        refunds = [self._linked(given, invoice) for given in params.get("refunds") or ()]
        parts = sum(params.get(name, 0) for name in _PARTS) + sum(each["amount_refunded"] for each in refunds)
        if parts != after:
            message = f"The sum of credit, refund and out of band amounts ({parts}) must equal {after}."
            raise invalid(message, param="credit_amount")
        number = len(self.account.state.page("credit_note", label=invoice["id"])) + 1
        kind = "mixed" if before and after else "post_payment" if after else "pre_payment"
        id = new_id("credit_note")
        shared = {"amount": total, "subtotal": total, "subtotal_excluding_tax": total, "total": total}
        return {
            "id": id,
            "object": "credit_note",
            **shared,
            "amount_shipping": 0,
            "created": self.account.now(),
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "customer_balance_transaction": None,
            "discount_amount": 0,
            "discount_amounts": [],
            "effective_at": self.account.now(),
            "invoice": invoice["id"],
            "lines": {
                "object": "list",
                "data": lines,
                "has_more": False,
                "url": f"/v1/credit_notes/{id}/lines",
            },
            "livemode": False,
            "memo": params.get("memo"),
            "metadata": merge_metadata({}, params.get("metadata")),
            "number": f"{invoice['number']}-CN-{number:02d}",
            "out_of_band_amount": params.get("out_of_band_amount"),
            "pdf": f"{self.account.base_url}/credit_notes/{id}/pdf",
            "post_payment_amount": after,
            "pre_payment_amount": before,
            "pretax_credit_amounts": [],
            "reason": params.get("reason"),
            "refunds": refunds,
            "shipping_cost": None,
            "status": "issued",
            "total_excluding_tax": total,
            "total_taxes": [],
            "type": kind,
            "voided_at": None,
        }

    def _linked(self, given: dict[str, Any], invoice: Object) -> Object:
        """A refund that was made before, as part of the note."""
        refuse_others(given, ("refund", "amount_refunded", "type"), "refunds")
        refund = self.account.need("refund", given.get("refund", ""), param="refunds[0][refund]")
        if refund["charge"] != self._charge_of(invoice)["id"]:
            raise invalid("The refund is not of this invoice's charge.", param="refunds[0][refund]")
        return _refunded(refund["id"], int(given.get("amount_refunded") or refund["amount"]))

    def _charge_of(self, invoice: Object) -> Object:
        intent = self._invoices.intent_of(invoice)
        if intent is None or intent["status"] != "succeeded":
            raise invalid("This invoice has no charge that could be refunded.", param="refund_amount")
        return self.account.need("charge", intent["latest_charge"])


def _lines(params: dict[str, Any], invoice: Object) -> list[Object]:
    if ("amount" in params) == ("lines" in params):
        raise StripeError(400, "One of amount or lines must be provided.", code="parameter_missing")
    if "amount" in params:
        return [_line(params["amount"], f"Credit for {invoice['number']}", None, 1)]
    lines = []
    billed = {line["id"]: line for line in invoice["lines"]["data"]}
    for index, given in enumerate(params["lines"]):
        refuse_others(given, _LINE, f"lines[{index}]")
        quantity, of = given.get("quantity", 1), billed.get(given.get("invoice_line_item", ""))
        if given["type"] == "invoice_line_item" and of is None:
            raise invalid("No such line on this invoice.", param=f"lines[{index}][invoice_line_item]")
        amount = given.get("amount", given.get("unit_amount", 0) * quantity)
        text = given.get("description") or (of or {}).get("description")
        lines.append(_line(amount, text, of["id"] if of else None, quantity))
    return lines


def _line(amount: int, description: str | None, of: str | None, quantity: int) -> Object:
    return {
        "id": new_id("credit_note_line_item"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": description,
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": of,
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": quantity,
        "tax_rates": [],
        "taxes": [],
        "type": "invoice_line_item" if of else "custom_line_item",
        "unit_amount": None,
        "unit_amount_decimal": None,
    }


def _refunded(refund: str, amount: int) -> Object:
    return {"amount_refunded": amount, "payment_record_refund": None, "refund": refund, "type": "refund"}
