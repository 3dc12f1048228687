"""What undoing at the payment vendor needs, and how it finds what a lost answer may have made."""

from dataclasses import dataclass

from usher.domain.errors import KeySpent
from usher.ports.billing import BillingGateway
from usher.ports.checkout import Checkouts
from usher.ports.clock import Clock
from usher.ports.closing import BillingCloser
from usher.records.accounts import Accounts
from usher.records.billing import BillingRecords
from usher.records.signups import Signup, Signups
from usher.records.unbilled import UnbilledPlans
from usher.usecases.create_billing_customer import use_next_key


@dataclass(frozen=True, slots=True)
class Undoing:
    """What undoing at the payment vendor needs."""

    billing: BillingGateway
    closer: BillingCloser
    checkouts: Checkouts
    records: BillingRecords
    unbilled: UnbilledPlans
    accounts: Accounts
    signups: Signups
    clock: Clock

    def customer_of(self, signup: Signup) -> str | None:
        """The sign-up's customer, by the record or by the vendor's own list.

        One that is found goes on the record, so that the vendor's events of its end find whose it was.
        """
        if signup.customer_id is not None:
            return signup.customer_id
        found = self.billing.find_customer(signup_id=signup.signup_id, email=signup.email)
        if found is None:
            return None
        assert signup.account_id is not None  # RegisterSignup ran before
        values = {"customer_id": found.customer_id}
        linked = self.accounts.link_customer(signup.account_id, found.customer_id)
        self.signups.write([self.signups.changing(signup.signup_id, values), linked])
        return found.customer_id

    def subscription_of(self, signup: Signup, customer_id: str) -> str | None:
        """The sign-up's subscription, by the record or by the vendor's list of the customer's."""
        if signup.subscription_id is not None:
            return signup.subscription_id
        facts = self.billing.find_subscription(customer_id=customer_id, signup_id=signup.signup_id)
        return facts.subscription.subscription_id if facts and facts.subscription else None

    def pay_back(self, signup: Signup, customer_id: str) -> tuple[list[str], bool]:
        """Pay back what this customer has paid and did not get back; returns the ids of those payments.

        Beside them, whether any money moved at all.
        """
        given_back: list[str] = []
        payments = self.closer.payments_of(customer_id)
        for payment in payments:
            if payment.status != "succeeded" or payment.payment_id in signup.refunded_ids:
                continue
            try:
                self.closer.refund(
                    payment.payment_id,
                    correlation_id=signup.correlation_id,
                    idempotency_key=self.key(signup, f"refund-{payment.payment_id}"),
                )
            except KeySpent:  # under another key Stripe refunds what is left, which may be nothing
                use_next_key(signup, self.signups)
                raise
            given_back.append(payment.payment_id)
        return given_back, any(payment.status in {"succeeded", "processing"} for payment in payments)

    def key(self, signup: Signup, what: str) -> str:
        """The idempotency key of one undo; the same at every try of it."""
        return f"signup/{signup.signup_id}/{what}/{signup.attempt}"
