"""Step CreateSubscription: start the subscription to the plan and collect the first payment (B3)."""

from usher.domain.billing_events import TrialRepeated
from usher.domain.errors import KeySpent
from usher.domain.gates import Way
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.ports.billing import BillingGateway
from usher.ports.billing_facts import BillingFacts, Declined
from usher.ports.clock import Clock
from usher.ports.store import Item
from usher.records.billing import BillingRecords, ids_in
from usher.records.signups import Signup, Signups
from usher.records.unbilled import UnbilledPlans
from usher.usecases import gates
from usher.usecases.create_billing_customer import key_may_have_expired, use_next_key
from usher.usecases.first_payment import standing
from usher.usecases.step import OK, STOP, StepCommand, StepResult, mark
from usher.usecases.trial_guard import TrialGuard

STEP = "create_subscription"


def create_subscription(
    command: StepCommand,
    *,
    billing: BillingGateway,
    records: BillingRecords,
    unbilled: UnbilledPlans,
    signups: Signups,
    guard: TrialGuard,
    plans: PlanCatalog,
    policy: OnboardingPolicy,
    clock: Clock,
) -> StepResult:
    """Create the subscription once and record it with its invoice and payment.

    A plan that is not billed gets one of our own instead, which never ends by itself. A trial that its
    person may not have (again) becomes a first payment that is waited for: nobody is charged unasked.

    Without a customer (its card was refused in the step before) there is nothing to do. A first payment
    that was declined is an outcome with its reason; one that waits for the card's owner or for the bank is
    waited for.
    """
    signup = signups.get(command.signup_id)
    if signup.account_id is None:
        return STOP
    status = signup.steps.get(STEP, {}).get("status")
    if status in {"done", "failed"}:  # an earlier run, of this execution or of one before it
        return STOP if status == "failed" else OK
    if not plans.plans[signup.plan].billed:
        done = signups.changing(signup.signup_id, mark(command, STEP, clock.now()))
        unbilled.begin(
            signup.account_id,
            signup.plan,
            correlation_id=signup.correlation_id,
            now=clock.now(),
            also=(done,),
        )
        return OK
    if signup.customer_id is None:
        return STOP
    repeated = guard.check(signup) if signup.trial_days and signup.subscription_id is None else None
    if repeated is not None and repeated.outcome == "refused":
        return _without_trial(command, signup, repeated, records, signups, policy, clock)
    answer = _answer(signup, billing, signups, policy, clock)
    if isinstance(answer, Declined):
        error = f"subscription declined ({answer.code}): {answer.reason}"
        signups.change(signup.signup_id, mark(command, STEP, clock.now(), status="failed", error=error))
        return STOP
    assert answer.subscription is not None  # what was asked for
    values, result = _outcome(command, signup, answer, policy, clock)
    ids = {
        "subscription_id": answer.subscription.subscription_id,
        "subscription_status": answer.subscription.status,
    }
    # A repeated call is answered with the first answer, which may be older than what sync recorded since:
    # what is known already stays as it is.
    known = records.known(ids_in(answer))
    fresh = BillingFacts(
        subscription=None if known[("subscriptions", ids["subscription_id"])] else answer.subscription,
        invoices=tuple(i for i in answer.invoices if not known[("invoices", i.invoice_id)]),
        payments=tuple(p for p in answer.payments if not known[("payments", p.payment_id)]),
    )
    records.record(
        fresh,
        account_id=signup.account_id,
        known=known,
        correlation_id=signup.correlation_id,
        now=clock.now(),
        also=(signups.changing(signup.signup_id, {**ids, **values}),),
        told=[*gates.told(signup.signup_id, values), *([repeated] if repeated else [])],
    )
    return result


def _without_trial(
    command: StepCommand,
    signup: Signup,
    repeated: TrialRepeated,
    records: BillingRecords,
    signups: Signups,
    policy: OnboardingPolicy,
    clock: Clock,
) -> StepResult:
    assert signup.account_id is not None
    now = clock.now()
    way = Way(gate="pay", reasons=(f"there is no second trial: {repeated.reason}",))
    values, result = gates.entering(signup, way, policy=policy, now=now)
    values |= {"trial": False, "trial_days": 0, **mark(command, STEP, now, status="waiting")}
    records.record(
        BillingFacts(),
        account_id=signup.account_id,
        known={},
        correlation_id=signup.correlation_id,
        now=now,
        also=(signups.changing(signup.signup_id, values),),
        told=[repeated, *gates.told(signup.signup_id, values)],
    )
    return result


def _answer(
    signup: Signup, billing: BillingGateway, signups: Signups, policy: OnboardingPolicy, clock: Clock
) -> BillingFacts | Declined:
    """What the vendor says of the sign-up's subscription, which is made when there is none yet."""
    assert signup.customer_id is not None
    if signup.subscription_id is not None:  # waited for, or made by a checkout
        if found := billing.fetch("subscription", signup.subscription_id):
            return found
        return Declined(code="gone", reason=f"there is no subscription {signup.subscription_id} any more")
    if key_may_have_expired(signup, clock):
        found = billing.find_subscription(customer_id=signup.customer_id, signup_id=signup.signup_id)
        if found:
            return found
    return _create(signup, billing, signups, policy)


def _create(
    signup: Signup, billing: BillingGateway, signups: Signups, policy: OnboardingPolicy
) -> BillingFacts | Declined:
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
            invoice_due_days=policy.payment.invoice_due_days if signup.payment == "invoice" else 0,
            end_without_card=policy.trial.end_without_card,
        )
    except KeySpent:
        found = billing.find_subscription(customer_id=signup.customer_id, signup_id=signup.signup_id)
        if found:
            return found
        use_next_key(signup, signups)
        raise


def _outcome(
    command: StepCommand, signup: Signup, facts: BillingFacts, policy: OnboardingPolicy, clock: Clock
) -> tuple[Item, StepResult]:
    """What the sign-up's record says now, and where the workflow goes."""
    now = clock.now()
    found = standing(facts, by_bank=signup.payment == "bank")
    if found.state == "paid":
        return mark(command, STEP, now), OK
    needs_owner = any(payment.status == "requires_action" for payment in facts.payments)
    if found.state == "processing" or needs_owner:
        reason = (
            "the bank has not confirmed the debit yet"
            if found.state == "processing"
            else "the card's owner has to authenticate the payment"
        )
        values, result = gates.entering(signup, Way(gate="pay", reasons=(reason,)), policy=policy, now=now)
        return {**values, **mark(command, STEP, now, status="waiting")}, result
    return mark(command, STEP, now, status="failed", error=found.reason), STOP
