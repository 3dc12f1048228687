"""Step CreateBillingCustomer: the account's customer at the payment vendor, payment method attached (B3)."""

from datetime import timedelta

from usher.domain import times, trials
from usher.domain.errors import KeySpent
from usher.domain.plans import PlanCatalog
from usher.ports.billing import BillingGateway
from usher.ports.billing_facts import CustomerSnapshot, Declined
from usher.ports.clock import Clock
from usher.ports.store import Store
from usher.records.accounts import Accounts
from usher.records.signups import Signup, Signups
from usher.usecases.step import OK, STOP, StepCommand, StepResult, mark

STEP = "create_billing_customer"
KEY_LIFE = timedelta(hours=23)  # Stripe keeps idempotency keys for at least 24 hours


def create_billing_customer(
    command: StepCommand,
    *,
    billing: BillingGateway,
    store: Store,
    signups: Signups,
    plans: PlanCatalog,
    clock: Clock,
) -> StepResult:
    """Create the vendor customer once, however often the step runs; none for a plan that is not billed.

    The key names the sign-up and its attempt, not the execution, so every run finds the first one's
    customer. When the key may have expired, the vendor's own list is asked first. A refused card is an
    outcome: the sign-up stops with the bank's reason.
    """
    signup = signups.get(command.signup_id)
    assert signup.account_id is not None  # RegisterSignup ran before
    if signup.customer_id is not None:
        return OK  # an earlier run, of this execution or of one before it
    if not plans.plans[signup.plan].billed:
        signups.change(signup.signup_id, mark(command, STEP, clock.now()))
        return OK
    customer = None
    if key_may_have_expired(signup, clock):
        customer = billing.find_customer(signup_id=signup.signup_id, email=signup.email)
    if customer is None:
        created = _create(signup, billing, signups)
        if isinstance(created, Declined):
            error = f"card declined ({created.code}): {created.reason}"
            signups.change(signup.signup_id, mark(command, STEP, clock.now(), status="failed", error=error))
            return STOP
        customer = created
    values = {"customer_id": customer.customer_id, **mark(command, STEP, clock.now())}
    if customer.card_fingerprint is not None:
        values["trial_card"] = trials.card_key(customer.card_fingerprint)
    link = Accounts(store).link_customer(
        signup.account_id, customer.customer_id, has_payment_method=customer.has_payment_method
    )
    store.transact([signups.changing(signup.signup_id, values), link])
    return OK


def _create(signup: Signup, billing: BillingGateway, signups: Signups) -> CustomerSnapshot | Declined:
    assert signup.account_id is not None
    try:
        return billing.create_customer(
            account_id=signup.account_id,
            signup_id=signup.signup_id,
            email=signup.email,
            name=signup.company_name,
            phone=signup.phone,
            payment_method=signup.payment_method,
            correlation_id=signup.correlation_id,
            idempotency_key=f"signup/{signup.signup_id}/create-customer/{signup.attempt}",
            with_fingerprint=bool(signup.trial_days and signup.payment_method),
        )
    except KeySpent:
        if found := billing.find_customer(signup_id=signup.signup_id, email=signup.email):
            return found
        use_next_key(signup, signups)
        raise


def use_next_key(signup: Signup, signups: Signups) -> None:
    """Let the next try of this sign-up's billing use keys the vendor has not seen."""
    signups.change(signup.signup_id, {"attempt": signup.attempt + 1})


def key_may_have_expired(signup: Signup, clock: Clock) -> bool:
    """Whether so much time has passed since the sign-up came that the vendor may have forgotten our key."""
    return clock.now() - times.moment(signup.received_at) > KEY_LIFE
