"""Step RefundPayment: every door to pay through is closed, and what was paid is paid back."""

from usher.usecases.step import OK, StepCommand, StepResult, mark
from usher.usecases.undoing import Undoing


def refund_payment(command: StepCommand, *, undoing: Undoing) -> StepResult:
    """Close every door to pay through, then pay back whatever was paid."""
    u, signup = undoing, undoing.signups.get(command.signup_id)
    customer_id = u.customer_of(signup)
    given_back: list[str] = []
    if customer_id is not None:
        if signup.checkout_id is not None:
            u.checkouts.close(signup.checkout_id)
        subscription_id = u.subscription_of(signup, customer_id)
        if subscription_id is not None:
            u.closer.void_invoices(subscription_id)
        given_back, _ = u.pay_back(signup, customer_id)
    values = {"refunded_ids": [*signup.refunded_ids, *given_back]} if given_back else {}
    u.signups.change(signup.signup_id, {**values, **mark(command, "refund_payment", u.clock.now())})
    return OK
