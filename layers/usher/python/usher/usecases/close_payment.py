"""Step ClosePayment: the first payment's deadline has passed; the door is closed first, decided after."""

from usher.domain.gates import Way
from usher.ports.closing import BillingCloser
from usher.usecases import gates
from usher.usecases.answer_wait import Asker
from usher.usecases.first_payment import FirstPayments
from usher.usecases.step import StepCommand, StepResult

EXPIRED = {"decision": "expire", "by": "policy", "reason": "the first payment did not come in time"}


def close_payment(
    command: StepCommand, *, asker: Asker, payments: FirstPayments, closer: BillingCloser
) -> StepResult:
    """Make sure that nobody can pay any more, then look: paid is active, under way waits on, else expired.

    In this order no one can pay after it was decided that they did not (SCENARIOS 10).
    """
    signup = asker.signups.get(command.signup_id)
    if signup.checkout_id is not None:
        payments.checkouts.close(signup.checkout_id)
    if signup.subscription_id is not None:
        closer.void_invoices(signup.subscription_id)
    found = payments.look(signup)
    now = asker.clock.now()
    if found.state == "paid":
        return asker.take(signup, "payment", {"decision": "approve", "by": "payment vendor"})
    if found.state == "processing":
        longer = signup.model_copy(update={"payment": "bank"})
        way = Way(gate="pay", reasons=("the bank has not confirmed the debit yet",))
        values, result = gates.entering(longer, way, policy=asker.policy, now=now)
        asker.signups.change(signup.signup_id, values)
        return result
    default = EXPIRED if found.state != "failed" else EXPIRED | {"reason": found.reason}
    answer = asker.waits.close(signup.wait_id("payment"), default, now=now)
    return asker.take(signup, "payment", answer)
