"""The credit balance of a customer: set by hand, raised by invoices below nothing, used up by later ones."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import merge_metadata, new_id
from infra.local.stand_ins.stripe.errors import invalid, missing
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route

KIND = "customer_balance_transaction"


class CustomerBalance(Resource):
    """`/v1/customers/{id}/balance_transactions`; below zero is what the customer has to their credit.

    Source: docs.stripe.com/billing/customer/balance.
    """

    def routes(self) -> dict[str, Route]:
        path = "/v1/customers/{customer}/balance_transactions"
        return {
            f"POST {path}": route(self.create, "amount", "currency", "description", "metadata"),
            f"GET {path}": route(self.list_all, PAGE, "invoice"),
            f"GET {path}/{{id}}": route(self.retrieve),
        }

    def create(self, params: dict[str, Any], customer: str) -> Object:
        held = self.account.need("customer", customer)
        self.account.use_clock_of(held)
        if params["currency"].lower() != (held["currency"] or params["currency"].lower()):
            raise invalid(f"The customer's currency is {held['currency']}.", param="currency")
        made = self.move(held, params["amount"], params["currency"].lower(), "adjustment")
        made |= {"description": params.get("description")}
        made |= {"metadata": merge_metadata({}, params.get("metadata"))}
        return self.account.save(made)

    def list_all(self, params: dict[str, Any], customer: str) -> Object:
        url = f"/v1/customers/{customer}/balance_transactions"
        self.account.need("customer", customer)
        return self.listing(KIND, params, url, owner=customer, label=params.get("invoice"))

    def retrieve(self, params: dict[str, Any], customer: str, id: str) -> Object:
        found = self.account.need(KIND, id)
        if found["customer"] != customer:
            raise missing(KIND, id)
        return found

    def apply(self, invoice: Object, customer: Object) -> None:
        """Settle the invoice's total with the balance as far as that goes; what is left is due.

        A total below nothing is added to the customer's credit. Changes `invoice` and `customer`; the caller
        stores the invoice.
        """
        before = customer["balance"]
        due, after = due_after(invoice["total"], before)
        invoice |= {"starting_balance": before, "ending_balance": after}
        invoice |= {"amount_due": due, "amount_remaining": due}
        if after != before:
            self.move(
                customer, after - before, invoice["currency"], "applied_to_invoice", invoice=invoice["id"]
            )

    def take_back(self, invoice: Object) -> None:
        """A void invoice returns what of the balance it had used."""
        used = (invoice["ending_balance"] or 0) - invoice["starting_balance"]
        customer = self.account.find("customer", invoice["customer"])
        if used > 0 and customer and not customer.get("deleted"):
            self.move(customer, -used, invoice["currency"], "unapplied_from_invoice", invoice=invoice["id"])

    def move(
        self,
        customer: Object,
        amount: int,
        currency: str,
        type: str,
        *,
        invoice: str | None = None,
        credit_note: str | None = None,
    ) -> Object:
        """Add `amount` to what the customer owes (below 0: to their credit); returns the transaction."""
        changes = {"balance": customer["balance"] + amount, "currency": customer["currency"] or currency}
        self.account.update(customer, changes, "customer.updated")
        made: Object = {
            "id": new_id(KIND),
            "object": KIND,
            "amount": amount,
            "checkout_session": None,
            "created": self.account.now(),
            "credit_note": credit_note,
            "currency": currency,
            "customer": customer["id"],
            "description": None,
            "ending_balance": customer["balance"],
            "invoice": invoice,
            "livemode": False,
            "metadata": {},
            "type": type,
        }
        return self.account.save(made)


def due_after(total: int, balance: int) -> tuple[int, int]:
    """What a customer owes for `total` when their balance is `balance`, and the balance then; minor units."""
    left = total + balance
    return max(left, 0), min(left, 0)
