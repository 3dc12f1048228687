"""The first payment of a sign-up as the payment vendor sees it now: the one truth that waiting goes by."""

from dataclasses import dataclass
from typing import Literal

from usher.ports.billing import BillingGateway
from usher.ports.billing_facts import BillingFacts
from usher.ports.checkout import Checkouts
from usher.records.signups import Signup, Signups

_RUNS = frozenset({"active", "trialing"})
_GONE = frozenset({"canceled", "incomplete_expired"})


@dataclass(frozen=True, slots=True)
class FirstPayment:
    """`open` can be paid at `url`; `processing` is a bank debit under way; `none` has no page to pay at."""

    state: Literal["paid", "open", "processing", "failed", "none"]
    url: str | None = None
    reason: str | None = None


class FirstPayments:
    """Looks up first payments, and names the subscription that a checkout made on the sign-up's record."""

    def __init__(self, *, billing: BillingGateway, checkouts: Checkouts, signups: Signups) -> None:
        self.billing = billing
        self.checkouts = checkouts
        self._signups = signups

    def look(self, signup: Signup) -> FirstPayment:
        """How the first payment of this sign-up stands. Raises VendorUnavailable, VendorRejected."""
        subscription_id = signup.subscription_id
        if subscription_id is None and signup.checkout_id is not None:
            checkout = self.checkouts.find(signup.checkout_id)
            if checkout.status == "open":
                return FirstPayment("open", url=checkout.url)
            subscription_id = checkout.subscription_id
        if subscription_id is None:
            return FirstPayment("none")
        facts = self.billing.fetch("subscription", subscription_id)
        if facts is None or facts.subscription is None:
            return FirstPayment("failed", reason=f"the payment vendor has no subscription {subscription_id}")
        if signup.subscription_id is None:
            # What a checkout made is ours from now on; our copies of it are sync's to write.
            ids = {"subscription_id": subscription_id, "subscription_status": facts.subscription.status}
            self._signups.change(signup.signup_id, ids)
        return standing(facts, by_bank=signup.payment == "bank")


def standing(facts: BillingFacts, *, by_bank: bool) -> FirstPayment:
    """What the facts of a subscription say of its first payment.

    A card that needs its owner, or was refused on the vendor's page, can still be paid with; a bank debit
    that failed days later cannot. Money that arrived on a subscription which is still incomplete is on its
    way too: that answer is older than the payment, as one that is replayed for its key may be.
    """
    assert facts.subscription is not None
    status = facts.subscription.status
    states = {payment.status for payment in facts.payments}
    if "processing" in states or (status == "incomplete" and "succeeded" in states):
        return FirstPayment("processing")
    if status in _RUNS:
        return FirstPayment("paid")
    failed = next((p for p in facts.payments if p.failure_code or p.failure_reason), None)
    reason = f"the subscription is {status}"
    if failed is not None:
        method = "bank debit" if by_bank else "card"
        reason = f"{method} declined ({failed.failure_code}): {failed.failure_reason}"
    if status in _GONE or (by_bank and failed):
        return FirstPayment("failed", reason=reason)
    url = next((invoice.hosted_url for invoice in facts.invoices if invoice.status == "open"), None)
    return FirstPayment("open", url=url, reason=reason)
