"""Step CloseCustomer: deleted when no money moved, else kept for its history and marked as closed."""

from usher.usecases.step import OK, StepCommand, StepResult, mark
from usher.usecases.undoing import Undoing


def close_customer(command: StepCommand, *, undoing: Undoing) -> StepResult:
    """Delete the customer when no money moved, else keep it, marked as closed (it has a history to keep).

    A bank's money that arrived since the refunds is paid back first: nothing comes after this.
    """
    u, signup = undoing, undoing.signups.get(command.signup_id)
    customer_id = u.customer_of(signup)
    if customer_id is not None:
        _, money_moved = u.pay_back(signup, customer_id)
        if money_moved:
            u.closer.mark_closed(customer_id, reason="sign-up rolled back")
        else:
            u.closer.delete_customer(customer_id)
    u.signups.change(signup.signup_id, mark(command, "close_customer", u.clock.now()))
    return OK
