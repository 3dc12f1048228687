"""Step RefundPayment: every door to pay through is closed, and what was paid is paid back."""

from usher.domain.errors import KeySpent
from usher.usecases.create_billing_customer import use_next_key
from usher.usecases.step import OK, StepCommand, StepResult, mark
from usher.usecases.undoing import Undoing


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
                try:
                    refund_id = u.closer.refund(
                        payment.payment_id,
                        reason="sign-up rolled back",
                        correlation_id=signup.correlation_id,
                        idempotency_key=u.key(signup, f"refund-{payment.payment_id}"),
                    )
                except KeySpent:  # under another key Stripe refunds what is left, which may be nothing
                    use_next_key(signup, u.signups)
                    raise
                refunds += [refund_id] if refund_id else []
    values = {"refund_ids": refunds} if refunds else {}
    u.signups.change(signup.signup_id, {**values, **mark(command, "refund_payment", u.clock.now())})
    return OK
