"""Step CreateSubscription: start the subscription to the plan and collect the first payment."""

from usher.domain.errors import KeySpent
from usher.ports.billing import BillingFacts, BillingGateway, Declined
from usher.ports.clock import Clock
from usher.records.billing import BillingRecords, ids_in
from usher.records.signups import Signup, Signups
from usher.usecases.create_billing_customer import key_may_have_expired, use_next_key
from usher.usecases.step import OK, STOP, StepCommand, StepResult, mark

STEP = "create_subscription"


def create_subscription(
    command: StepCommand, *, billing: BillingGateway, records: BillingRecords, signups: Signups, clock: Clock
) -> StepResult:
    """Create the subscription once and record it with its invoice and payment.

    Without a customer (its card was refused in the step before) there is nothing to do. A subscription
    that did not start (declined, authentication needed) is an outcome with its reason.
    """
    signup = signups.get(command.signup_id)
    if signup.customer_id is None or signup.account_id is None:
        return STOP
    if signup.subscription_id is not None:  # an earlier run, of this execution or of one before it
        return STOP if signup.steps[STEP]["status"] == "failed" else OK
    answer: BillingFacts | Declined | None = None
    if key_may_have_expired(signup, clock):
        answer = billing.find_subscription(customer_id=signup.customer_id, signup_id=signup.signup_id)
    if answer is None:
        answer = _create(signup, billing, signups)
    if isinstance(answer, Declined):
        error = f"subscription declined ({answer.code}): {answer.reason}"
        signups.change(signup.signup_id, mark(command, STEP, clock.now(), status="failed", error=error))
        return STOP
    subscription, reason = answer.subscription, _why_not_started(answer)
    assert subscription is not None  # what was asked for
    end = mark(command, STEP, clock.now(), status="failed" if reason else "done", error=reason)
    ids = {"subscription_id": subscription.subscription_id, "subscription_status": subscription.status}
    # A repeated call is answered with the first answer, which may be older than what sync recorded since:
    # what is known already stays as it is.
    known = records.known(ids_in(answer))
    fresh = BillingFacts(
        subscription=None if known[("subscriptions", subscription.subscription_id)] else subscription,
        invoices=tuple(i for i in answer.invoices if not known[("invoices", i.invoice_id)]),
        payments=tuple(p for p in answer.payments if not known[("payments", p.payment_id)]),
    )
    records.record(
        fresh,
        account_id=signup.account_id,
        known=known,
        correlation_id=signup.correlation_id,
        now=clock.now(),
        also=(signups.changing(signup.signup_id, {**ids, **end}),),
    )
    return STOP if reason else OK


def _create(signup: Signup, billing: BillingGateway, signups: Signups) -> BillingFacts | Declined:
    assert signup.customer_id is not None and signup.account_id is not None
    try:
        return billing.create_subscription(
            customer_id=signup.customer_id,
            account_id=signup.account_id,
            signup_id=signup.signup_id,
            plan=signup.plan,
            trial_days=signup.trial_days,
            correlation_id=signup.correlation_id,
            idempotency_key=f"signup/{signup.signup_id}/create-subscription/{signup.attempt}",
        )
    except KeySpent:
        found = billing.find_subscription(customer_id=signup.customer_id, signup_id=signup.signup_id)
        if found:
            return found
        use_next_key(signup, signups)
        raise


def _why_not_started(facts: BillingFacts) -> str | None:
    """None when the subscription runs; else what its customer would have to do."""
    assert facts.subscription is not None
    if facts.subscription.status in {"active", "trialing"}:
        return None
    for payment in facts.payments:
        if payment.status == "requires_action":
            return "payment needs authentication by the card's owner"
        if payment.failure_code or payment.failure_reason:
            return f"card declined ({payment.failure_code}): {payment.failure_reason}"
    return f"the first payment did not go through (subscription {facts.subscription.status})"
