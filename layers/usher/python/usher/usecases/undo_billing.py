"""Steps RefundPayment, CancelSubscription and CloseCustomer: billing undone, last thing first.

A try whose answer was lost may have made what the record does not name: the vendor is asked then.
"""

from dataclasses import dataclass

from usher.domain.errors import VendorUnavailable
from usher.ports.billing import BillingGateway
from usher.ports.checkout import Checkouts
from usher.ports.clock import Clock
from usher.ports.closing import BillingCloser
from usher.ports.store import ConditionFailed
from usher.records.billing import BillingRecords, ids_in
from usher.records.signups import Signup, Signups
from usher.records.unbilled import UnbilledPlans
from usher.usecases.step import OK, StepCommand, StepResult, mark


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


def refund_payment(command: StepCommand, *, undoing: Undoing) -> StepResult:
    """Close every door to pay through, then pay back whatever was paid."""
    u, signup = undoing, undoing.signups.get(command.signup_id)
    customer_id = u.customer_of(signup)
    refunds: list[str] = []
    if customer_id is not None:
        if signup.checkout_id is not None:
            u.checkouts.close(signup.checkout_id)
        subscription_id = u.subscription_of(signup, customer_id)
        if subscription_id is not None:
            u.closer.void_invoices(subscription_id)
        for payment in u.closer.payments_of(customer_id):
            if payment.status == "succeeded":
                refund_id = u.closer.refund(
                    payment.payment_id,
                    reason="sign-up rolled back",
                    correlation_id=signup.correlation_id,
                    idempotency_key=u.key(signup, f"refund-{payment.payment_id}"),
                )
                refunds += [refund_id] if refund_id else []
    values = {"refund_ids": refunds} if refunds else {}
    u.signups.change(signup.signup_id, {**values, **mark(command, "refund_payment", u.clock.now())})
    return OK


def cancel_subscription(command: StepCommand, *, undoing: Undoing) -> StepResult:
    """End the subscription now, and bring our copy of it in step."""
    u, signup = undoing, undoing.signups.get(command.signup_id)
    assert signup.account_id is not None
    done = u.signups.changing(signup.signup_id, mark(command, "cancel_subscription", u.clock.now()))
    own = u.unbilled.find(signup.account_id)
    if own is not None and own.runs:
        u.unbilled.end(own, correlation_id=signup.correlation_id, now=u.clock.now(), also=(done,))
        return OK
    customer_id = u.customer_of(signup)
    subscription_id = u.subscription_of(signup, customer_id) if customer_id else None
    if subscription_id is None:
        u.signups.write([done])
        return OK
    known = u.records.known({("subscriptions", subscription_id)})
    facts = u.closer.cancel_subscription(
        subscription_id, idempotency_key=u.key(signup, "cancel-subscription")
    )
    if facts is None:
        u.signups.write([done])
        return OK
    late = u.records.known(ids_in(facts) - known.keys())
    try:
        u.records.record(
            facts,
            account_id=signup.account_id,
            known=known | late,
            correlation_id=signup.correlation_id,
            now=u.clock.now(),
            also=(done,),
        )
    except ConditionFailed as error:
        raise VendorUnavailable(f"sync changed {subscription_id} while it was cancelled; again") from error
    return OK


def close_customer(command: StepCommand, *, undoing: Undoing) -> StepResult:
    """Delete the customer when no money moved, else keep it, marked as closed (it has a history to keep)."""
    u, signup = undoing, undoing.signups.get(command.signup_id)
    customer_id = u.customer_of(signup)
    if customer_id is not None:
        if any(
            payment.status in {"succeeded", "processing"} for payment in u.closer.payments_of(customer_id)
        ):
            u.closer.mark_closed(customer_id, reason="sign-up rolled back")
        else:
            u.closer.delete_customer(customer_id)
    u.signups.change(signup.signup_id, mark(command, "close_customer", u.clock.now()))
    return OK
