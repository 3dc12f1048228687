"""Refunds: whole or in part, at once or later, and those that the customer's bank sends back."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account, merge_metadata, new_id
from infra.local.stand_ins.stripe.balance_transactions import settle
from infra.local.stand_ins.stripe.cards import behaviour_of
from infra.local.stand_ins.stripe.errors import StripeError, invalid
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, route


class Refunds(Resource):
    """`/v1/refunds`: never exceed what is left of the charge; of a card they succeed at once.

    The test cards `pm_card_pendingRefund` and `pm_card_refundFail` change their refund's status
    `clearing_seconds` later; so does every bank account.
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
        charge = self._charge_of(params)
        customer = self.account.find("customer", charge["customer"])
        if customer and not customer.get("deleted"):
            self.account.use_clock_of(customer)
        return self.refund(charge, params.get("amount"), params.get("reason"), params.get("metadata"))

    def refund(
        self, charge: Object, amount: int | None, reason: str | None = None, metadata: Any = None
    ) -> Object:
        """Give back `amount` (minor units; None: what is left) of a charge.

        Raises StripeError 400 when that is more than is left, or the charge is disputed.
        """
        account = self.account
        left = charge["amount_captured"] - charge["amount_refunded"]
        if charge["disputed"] and not self._refundable(charge):
            message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
            raise StripeError(400, message, code="charge_disputed")
        if left <= 0:
            message = f"Charge {charge['id']} has already been refunded."
            raise StripeError(400, message, code="charge_already_refunded")
        amount = left if amount is None else amount
        if not 0 < amount <= left:
            message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            raise invalid(message, param="amount")
        card = charge["payment_method_details"]["type"] == "card"
        course = self._course(charge)
        refund: Object = {
            "id": new_id("refund"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": account.now(),
            "currency": charge["currency"],
            "customer": charge["customer"],
            "metadata": merge_metadata({}, metadata),
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "receipt_number": None,
            "status": "pending" if course == "pending" else "succeeded",
        }
        booked = settle(account, "refund" if card else "payment_refund", refund, -amount)
        refund["balance_transaction"] = booked["id"]
        account.save(refund, "refund.created")
        if course != "at_once":
            account.set_timer(refund, account.now() + self._clearing_seconds)
        refunded = charge["amount_refunded"] + amount
        changes = {"amount_refunded": refunded, "refunded": refunded == charge["amount_captured"]}
        account.update(charge, changes, "charge.refunded")
        return refund

    def time_passed(self, id: str) -> None:
        """The bank has taken the refund, or sends it back (timer)."""
        refund = self.account.need("refund", id)
        self.account.set_timer(refund, None)
        if refund["status"] == "pending":
            self.account.update(refund, {"status": "succeeded"}, "refund.updated")
            self.account.emit("charge.refund.updated", refund)
        else:
            self._fail(refund)

    def _fail(self, refund: Object) -> None:
        """The money is back: the charge can be refunded again, by another way."""
        account = self.account
        booked = settle(account, "refund_failure", refund, refund["amount"], category="refund_failure")
        changes = {"status": "failed", "failure_reason": "expired_or_canceled_card"}
        changes["failure_balance_transaction"] = booked["id"]
        account.update(refund, changes, "refund.failed")
        account.emit("refund.updated", refund)
        account.emit("charge.refund.updated", refund)
        charge = account.need("charge", refund["charge"])
        left = charge["amount_refunded"] - refund["amount"]
        account.update(charge, {"amount_refunded": left, "refunded": False}, "charge.updated")

    def _course(self, charge: Object) -> str:
        method = self.account.find("payment_method", charge["payment_method"])
        behaviour = behaviour_of(method) if method else None
        if charge["payment_method_details"]["type"] != "card":
            return "pending"
        return behaviour.refund if behaviour else "at_once"

    def _refundable(self, charge: Object) -> bool:
        disputes = self.account.state.page("dispute", owner=charge["id"], limit=1)
        return bool(disputes) and bool(disputes[0]["is_charge_refundable"])

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
