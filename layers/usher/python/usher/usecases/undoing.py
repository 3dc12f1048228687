"""What undoing at the payment vendor needs, and how it finds what a lost answer may have made."""

from dataclasses import dataclass

from usher.ports.billing import BillingGateway
from usher.ports.checkout import Checkouts
from usher.ports.clock import Clock
from usher.ports.closing import BillingCloser
from usher.records.billing import BillingRecords
from usher.records.signups import Signup, Signups
from usher.records.unbilled import UnbilledPlans


@dataclass(frozen=True, slots=True)
class Undoing:
    """What undoing at the payment vendor needs."""

    billing: BillingGateway
    closer: BillingCloser
    checkouts: Checkouts
    records: BillingRecords
    unbilled: UnbilledPlans
    signups: Signups
    clock: Clock

    def customer_of(self, signup: Signup) -> str | None:
        """The sign-up's customer, by the record or by the vendor's own list."""
        if signup.customer_id is not None:
            return signup.customer_id
        found = self.billing.find_customer(signup_id=signup.signup_id, email=signup.email)
        return found.customer_id if found else None

    def subscription_of(self, signup: Signup, customer_id: str) -> str | None:
        """The sign-up's subscription, by the record or by the vendor's list of the customer's."""
        if signup.subscription_id is not None:
            return signup.subscription_id
        facts = self.billing.find_subscription(customer_id=customer_id, signup_id=signup.signup_id)
        return facts.subscription.subscription_id if facts and facts.subscription else None

    def key(self, signup: Signup, what: str) -> str:
        """The idempotency key of one undo; the same at every try of it."""
        return f"signup/{signup.signup_id}/{what}/{signup.attempt}"
