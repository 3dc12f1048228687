"""Step CancelSubscription: ended now, so that nothing is billed again (C5)."""

from usher.domain.errors import StaleWrite
from usher.ports.store import ConditionFailed
from usher.records.billing import SUBSCRIPTIONS, ids_in
from usher.usecases.step import OK, StepCommand, StepResult, mark
from usher.usecases.undoing import Undoing

_RECORDINGS = 3


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
    ids = {(SUBSCRIPTIONS, subscription_id)}
    for _ in range(_RECORDINGS):  # once it is cancelled, a next try of this step may not find it any more
        known = u.records.known(ids)
        facts = u.closer.cancel_subscription(
            subscription_id, idempotency_key=u.key(signup, "cancel-subscription")
        )
        if facts is None:
            u.signups.write([done])
            return OK
        known |= u.records.known(ids_in(facts) - ids)
        try:
            u.records.record(
                facts,
                account_id=signup.account_id,
                known=known,
                correlation_id=signup.correlation_id,
                now=u.clock.now(),
                also=(done,),
            )
        except ConditionFailed:
            ids |= ids_in(facts)
            continue
        return OK
    raise StaleWrite(f"sync changed {subscription_id} while it was cancelled; again")
