"""What a test, or a person, orders the banks to do: a debit arrives or comes back, a payment is disputed."""

from typing import Any

from infra.local.stand_ins.http import Request
from infra.local.stand_ins.stand_in import Handler
from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import Account
from infra.local.stand_ins.stripe.disputes import Disputes
from infra.local.stand_ins.stripe.payments import PaymentIntents


class BankControls:
    """Routes under `/_control/`."""

    def __init__(self, account: Account, intents: PaymentIntents, disputes: Disputes) -> None:
        self._account, self._intents, self._disputes = account, intents, disputes

    def routes(self) -> dict[str, Handler]:
        """Handlers by operation."""
        return {
            "POST /_control/settle_payment": self.settle_payment,
            "POST /_control/dispute": self.dispute,
            "POST /_control/decide_dispute": self.decide_dispute,
        }

    def settle_payment(self, request: Request) -> Any:
        """`{payment_intent, outcome?: succeed or fail}`."""
        order = request.json()
        outcome = _one_of(order.get("outcome", "succeed"), "succeed", "fail")
        with self._account.state.transaction():
            return self._intents.settle(order["payment_intent"], succeeds=outcome == "succeed")

    def dispute(self, request: Request) -> Any:
        """`{payment_intent or charge, amount?, reason?, inquiry?}`: the customer's bank takes it back."""
        order = request.json()
        with self._account.state.transaction():
            charge = self._charge(order)
            reason, inquiry = order.get("reason", "fraudulent"), bool(order.get("inquiry"))
            return self._disputes.open(charge, reason, order.get("amount"), inquiry=inquiry)

    def decide_dispute(self, request: Request) -> Any:
        """`{dispute, outcome: won or lost}`."""
        order = request.json()
        outcome = _one_of(order.get("outcome"), "won", "lost")
        with self._account.state.transaction():
            return self._disputes.decide(self._account.need("dispute", order["dispute"]), outcome)

    def _charge(self, order: dict[str, Any]) -> Object:
        if id := order.get("payment_intent"):
            intent = self._account.need("payment_intent", id)
            return self._account.need("charge", intent["latest_charge"] or "")
        return self._account.need("charge", order["charge"])


def _one_of(outcome: Any, *known: str) -> str:
    if outcome not in known:
        raise ValueError(f"outcome is {' or '.join(known)}, not {outcome!r}")
    return str(outcome)
