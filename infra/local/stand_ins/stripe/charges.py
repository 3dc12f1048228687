"""Charges and refunds."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account, merge_metadata, new_id
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route


class Charges(Resource):
    """`/v1/charges`, to read and annotate; charges are made by payment intents."""

    def routes(self) -> dict[str, Route]:
        return {
            "GET /v1/charges": route(self.list_all, PAGE, "customer", "payment_intent"),
            "GET /v1/charges/search": route(self.find, "query", "limit", "page"),
            "GET /v1/charges/{id}": route(self.retrieve),
            "POST /v1/charges/{id}": route(self.update, "metadata", "description"),
        }

    def list_all(self, params: dict[str, Any]) -> Object:
        owner, label = params.get("customer"), params.get("payment_intent")
        return self.listing("charge", params, "/v1/charges", owner=owner, label=label)

    def find(self, params: dict[str, Any]) -> Object:
        return self.search("charge", params, "/v1/charges/search")

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("charge", id)

    def update(self, params: dict[str, Any], id: str) -> Object:
        charge = self.account.need("charge", id)
        changes: dict[str, Any] = {"metadata": merge_metadata(charge["metadata"], params.get("metadata"))}
        if "description" in params:
            changes["description"] = params["description"] or None
        return self.account.update(charge, changes, "charge.updated")


class Refunds(Resource):
    """`/v1/refunds`: never exceed what is left of the charge; of a card they succeed at once.

    Args:
        clearing_seconds: how long a refund to a bank account is `pending`.
    """

    def __init__(self, account: Account, clearing_seconds: int) -> None:
        super().__init__(account)
        self._clearing_seconds = clearing_seconds

    def routes(self) -> dict[str, Route]:
        create = ("charge", "payment_intent", "amount", "reason", "metadata")
        return {
            "POST /v1/refunds": route(self.create, create),
            "GET /v1/refunds": route(self.list_all, PAGE, "charge", "payment_intent"),
            "GET /v1/refunds/{id}": route(self.retrieve),
            "POST /v1/refunds/{id}": route(self.update, "metadata"),
        }

    def create(self, params: dict[str, Any]) -> Object:
        account = self.account
        charge = self._charge_of(params)
        customer = account.find("customer", charge["customer"])
        if customer and not customer.get("deleted"):
            account.use_clock_of(customer)
        card = charge["payment_method_details"]["type"] == "card"
        left = charge["amount_captured"] - charge["amount_refunded"]
        amount = params.get("amount", left)
        if left <= 0:
            message = f"Charge {charge['id']} has already been refunded."
            raise StripeError(400, message, code="charge_already_refunded")
        if not 0 < amount <= left:
            message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            raise invalid(message, param="amount")
        refund: Object = {
            "id": new_id("refund"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": account.now(),
            "currency": charge["currency"],
            "customer": charge["customer"],
            "metadata": merge_metadata({}, params.get("metadata")),
            "payment_intent": charge["payment_intent"],
            "reason": params.get("reason"),
            "receipt_number": None,
            "status": "succeeded" if card else "pending",
        }
        account.save(refund, "refund.created")
        if not card:
            account.set_timer(refund, account.now() + self._clearing_seconds)
        refunded = charge["amount_refunded"] + amount
        changes = {"amount_refunded": refunded, "refunded": refunded == charge["amount_captured"]}
        account.update(charge, changes, "charge.refunded")
        return refund

    def time_passed(self, id: str) -> None:
        """The bank has taken the refund (timer)."""
        refund = self.account.need("refund", id)
        self.account.set_timer(refund, None)
        self.account.update(refund, {"status": "succeeded"}, "refund.updated")
        self.account.emit("charge.refund.updated", refund)

    def _charge_of(self, params: dict[str, Any]) -> Object:
        if "charge" in params:
            return self.account.need("charge", params["charge"], param="charge")
        if "payment_intent" not in params:
            message = (
                "One of the following params should be provided for this request: payment_intent or charge."
            )
            raise StripeError(400, message, code="parameter_missing")
        intent = self.account.need("payment_intent", params["payment_intent"], param="payment_intent")
        if intent["status"] != "succeeded":
            raise invalid(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
        return self.account.need("charge", intent["latest_charge"])

    def list_all(self, params: dict[str, Any]) -> Object:
        charge = params.get("charge")
        where = (lambda refund: refund["charge"] == charge) if charge else None
        return self.listing("refund", params, "/v1/refunds", label=params.get("payment_intent"), where=where)

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("refund", id)

    def update(self, params: dict[str, Any], id: str) -> Object:
        refund = self.account.need("refund", id)
        changes = {"metadata": merge_metadata(refund["metadata"], params.get("metadata"))}
        return self.account.update(refund, changes, "refund.updated")
