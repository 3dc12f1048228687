"""Disputes: a payment that the customer's bank takes back, until evidence or time decides."""

from typing import Any

from infra.local.stand_ins.state import Object
from infra.local.stand_ins.stripe.account import merge_metadata, new_id
from infra.local.stand_ins.stripe.balance_transactions import DISPUTE_FEE, settle
from infra.local.stand_ins.stripe.cards import behaviour_of
from infra.local.stand_ins.stripe.errors import invalid
from infra.local.stand_ins.stripe.periods import DAY
from infra.local.stand_ins.stripe.resource import PAGE, Resource, Route, refuse_others, route

DAYS_TO_RESPOND = 20
ANSWERABLE = ("needs_response", "warning_needs_response")
CLOSED = ("won", "lost", "warning_closed")
_TEXTS = ("access_activity_log", "billing_address", "cancellation_policy_disclosure", "cancellation_rebuttal")
_TEXTS_ALL = (*_TEXTS, "customer_email_address", "customer_name", "customer_purchase_ip")
_EVIDENCE = (*_TEXTS_ALL, "duplicate_charge_explanation", "product_description", "refund_policy_disclosure")
EVIDENCE = (*_EVIDENCE, "refund_refusal_explanation", "service_date", "uncategorized_text")
VERDICTS = {"winning_evidence": "won", "losing_evidence": "lost"}  # docs.stripe.com/testing, disputes


class Disputes(Resource):
    """`/v1/disputes`; the test cards of `cards.py` make them, and so does `POST /_control/dispute`."""

    def routes(self) -> dict[str, Route]:
        path = "/v1/disputes"
        return {
            f"GET {path}": route(self.list_all, PAGE, "charge", "payment_intent"),
            f"GET {path}/{{id}}": route(self.retrieve),
            f"POST {path}/{{id}}": route(self.update, "evidence", "metadata", "submit"),
            f"POST {path}/{{id}}/close": route(self.close),
        }

    def list_all(self, params: dict[str, Any]) -> Object:
        owner, label = params.get("charge"), params.get("payment_intent")
        return self.listing("dispute", params, "/v1/disputes", owner=owner, label=label)

    def retrieve(self, params: dict[str, Any], id: str) -> Object:
        return self.account.need("dispute", id)

    def update(self, params: dict[str, Any], id: str) -> Object:
        """Evidence is submitted at once unless `submit=false`, and can be submitted once."""
        dispute = self._of_now(id)
        changes: dict[str, Any] = {}
        if "metadata" in params:
            changes["metadata"] = merge_metadata(dispute["metadata"], params["metadata"])
        if evidence := params.get("evidence"):
            refuse_others(evidence, EVIDENCE, "evidence")
            if dispute["status"] not in ANSWERABLE:
                raise invalid(f"This dispute is {dispute['status']}; evidence can no longer be submitted.")
            changes["evidence"] = dispute["evidence"] | evidence
            changes["evidence_details"] = dispute["evidence_details"] | {"has_evidence": True}
        submits = params.get("submit", bool(evidence))
        if submits and dispute["status"] in ANSWERABLE:
            warned = dispute["status"].startswith("warning")
            changes["status"] = "warning_under_review" if warned else "under_review"
            details = changes.setdefault("evidence_details", dict(dispute["evidence_details"]))
            details["submission_count"] = 1
            self._wait(dispute, None)
        self.account.update(dispute, changes, "charge.dispute.updated")
        verdict = VERDICTS.get(dispute["evidence"]["uncategorized_text"] or "")
        if verdict and dispute["status"].endswith("under_review"):
            self.decide(dispute, verdict)
        return dispute

    def close(self, params: dict[str, Any], id: str) -> Object:
        dispute = self._of_now(id)
        if dispute["status"] not in ANSWERABLE:
            raise invalid(f"This dispute is {dispute['status']}; it can no longer be closed.")
        return self.decide(dispute, "lost")

    def time_passed(self, id: str) -> None:
        """Nobody has answered in time (timer): it is lost."""
        dispute = self.account.need("dispute", id)
        self._wait(dispute, None)
        if dispute["status"] in ANSWERABLE:
            dispute["evidence_details"]["past_due"] = True
            self.decide(dispute, "lost")

    # -- what banks do ---------------------------------------------------------------------------

    def payment_succeeded(self, intent: Object) -> None:
        """A payment by one of the disputing test cards is disputed as soon as it has succeeded."""
        if intent["status"] != "succeeded":
            return
        method = self.account.find("payment_method", intent["payment_method"])
        behaviour = behaviour_of(method) if method else None
        if behaviour and behaviour.disputed:
            charge = self.account.need("charge", intent["latest_charge"])
            self.open(charge, behaviour.disputed, inquiry=behaviour.inquiry)

    def open(
        self, charge: Object, reason: str, amount: int | None = None, *, inquiry: bool = False
    ) -> Object:
        """The bank disputes `amount` (minor units; None: what was not refunded) of a charge.

        An inquiry asks first: no money moves and the charge can still be refunded.
        Raises StripeError 400 when the charge cannot be disputed.
        """
        account = self.account
        left = charge["amount_captured"] - charge["amount_refunded"]
        if not charge["paid"] or charge["disputed"] or not 0 < (amount or left) <= left:
            raise invalid(f"Charge {charge['id']} cannot be disputed; {left} of it is left.")
        dispute = _dispute(charge, amount or left, reason, account.now(), inquiry=inquiry)
        account.update(charge, {"disputed": True}, "charge.updated")
        if not inquiry:
            text, gone = f"Chargeback withdrawal for {charge['id']}", -dispute["amount"]
            taken = settle(
                account, "adjustment", dispute, gone, DISPUTE_FEE, category="dispute", description=text
            )
            dispute["balance_transactions"] = [taken]
        account.save(dispute, "charge.dispute.created")
        if not inquiry:
            account.emit("charge.dispute.funds_withdrawn", dispute)
        self._wait(dispute, dispute["evidence_details"]["due_by"])
        return dispute

    def decide(self, dispute: Object, verdict: str) -> Object:
        """The bank decides `won` or `lost`; what was won comes back, less the fee, which Stripe keeps.

        Raises StripeError 400 when the dispute is closed already.
        """
        account = self.account
        if dispute["status"] in CLOSED:
            raise invalid(f"This dispute is {dispute['status']} already.")
        self._wait(dispute, None)
        inquiry = dispute["status"].startswith("warning")
        if verdict == "won" and not inquiry:
            text = f"Chargeback reversal for {dispute['charge']}"
            back = settle(
                account,
                "adjustment",
                dispute,
                dispute["amount"],
                category="dispute_reversal",
                description=text,
            )
            dispute["balance_transactions"].append(back)
            account.emit("charge.dispute.funds_reinstated", dispute)
        changes = {"status": "warning_closed" if inquiry else verdict, "is_charge_refundable": inquiry}
        return account.update(dispute, changes, "charge.dispute.closed")

    def _wait(self, dispute: Object, until: int | None) -> None:
        """Set or clear the timer; a dispute's customer, whose clock counts, is known by its charge."""
        charge = self.account.need("charge", dispute["charge"])
        stub = {"object": "dispute", "id": dispute["id"], "customer": charge["customer"]}
        self.account.set_timer(stub, until)

    def _of_now(self, id: str) -> Object:
        dispute = self.account.need("dispute", id)
        charge = self.account.need("charge", dispute["charge"])
        customer = self.account.find("customer", charge["customer"])
        if customer and not customer.get("deleted"):
            self.account.use_clock_of(customer)
        return dispute


def _dispute(charge: Object, amount: int, reason: str, now: int, *, inquiry: bool) -> Object:
    details = charge["payment_method_details"]
    card = {"brand": "visa", "network": "visa", "network_reason_code": "10.4"}
    card |= {"case_type": "inquiry" if inquiry else "chargeback"}
    if details["type"] == "card":
        card["brand"] = card["network"] = details["card"]["brand"]
    return {
        "id": new_id("dispute"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": now + DAYS_TO_RESPOND * DAY,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "manual",
        },
        "intended_submission_method": None,
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"card": card, "type": "card"} if details["type"] == "card" else None,
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
