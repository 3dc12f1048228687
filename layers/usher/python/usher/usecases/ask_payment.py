"""Step AskPayment: the first payment is waited for, at a page of the payment vendor."""

from datetime import timedelta

from usher.domain import times
from usher.domain.errors import KeySpent
from usher.ports.queue import Queue
from usher.ports.store import ConditionFailed, Present, Store
from usher.records.signups import Signup
from usher.usecases.answer_wait import Asker
from usher.usecases.asking import send_notice, waits_again
from usher.usecases.create_billing_customer import create_billing_customer
from usher.usecases.first_payment import FirstPayment, FirstPayments
from usher.usecases.step import OK, STOP, AskCommand, StepResult

LONGEST_CHECKOUT = timedelta(hours=23, minutes=50)  # Stripe keeps one open for a day at most


def ask_payment(
    command: AskCommand,
    *,
    asker: Asker,
    payments: FirstPayments,
    store: Store,
    queue: Queue,
) -> StepResult:
    """Open the page to pay at, and mail it; what counts is what the vendor says, never only an answer.

    A subscription that waits for its first payment has the page of its invoice; without one the customer
    gets a checkout that makes it. The question is noted first and the vendor asked then, so that a payment
    in between is seen by the one or by the other.
    """
    now = asker.clock.now()
    signup = waits_again(command, "payment", asker)
    waiting = signup.waiting or {"since": times.text(now), "deadline": times.text(now)}
    asker.waits.ask_anew(
        signup.wait_id("payment"), token=command.task_token, deadline=waiting["deadline"], now=now
    )
    if signup.customer_id is None:
        made = create_billing_customer(
            command,
            billing=payments.billing,
            store=store,
            signups=asker.signups,
            plans=asker.plans,
            clock=asker.clock,
        )
        signup = asker.signups.get(command.signup_id)
        if made == STOP:  # the vendor refuses such a customer; the reason is on the record
            asker.answer(signup, "payment", {"decision": "fail", "reason": "no customer could be made"})
            return OK
    found = payments.look(signup)
    if found.state == "none":
        found = _open(signup, waiting, asker, payments)
    if answer_if_settled(signup, found, asker):
        return OK
    values = {"status": "waiting_payment", "checkout_url": found.url}
    try:
        asker.signups.change(command.signup_id, values, if_=Present("waiting"))
    except ConditionFailed:  # it was paid this very moment, and answered
        return OK
    if found.url is not None:
        send_notice(queue, command, "payment_needed")
    return OK


def answer_if_settled(signup: Signup, found: FirstPayment, asker: Asker) -> bool:
    """Answer the wait when the payment went through, or cannot any more; returns whether it did."""
    if found.state == "paid":
        asker.answer(signup, "payment", {"decision": "approve", "by": "payment vendor"})
    elif found.state == "failed":
        failed = {"decision": "fail", "by": "payment vendor", "reason": found.reason}
        asker.answer(signup, "payment", failed)
    return found.state in {"paid", "failed"}


def _open(signup: Signup, waiting: dict[str, str], asker: Asker, payments: FirstPayments) -> FirstPayment:
    if signup.checkout_id is not None:  # its page is open no more, and its key would answer with it
        signup = _use_next_key(signup, asker)
    assert signup.customer_id is not None and signup.account_id is not None
    if signup.checkout_keys:  # a try under a former key may have made a page and lost the answer
        former = payments.checkouts.find_open(customer_id=signup.customer_id, signup_id=signup.signup_id)
        if former is not None:
            asker.signups.change(signup.signup_id, {"checkout_id": former.checkout_id})
            return FirstPayment("open", url=former.url)
    # Counted from when the wait began: a try that is repeated asks the vendor for the very same page.
    latest = times.moment(waiting["since"]) + LONGEST_CHECKOUT
    number = f"{signup.attempt}-{signup.checkout_keys}" if signup.checkout_keys else f"{signup.attempt}"
    try:
        checkout = payments.checkouts.open(
            customer_id=signup.customer_id,
            account_id=signup.account_id,
            signup_id=signup.signup_id,
            plan=signup.plan,
            return_url=asker.policy.product_url,
            expires_at=min(times.moment(waiting["deadline"]), latest),
            correlation_id=signup.correlation_id,
            idempotency_key=f"signup/{signup.signup_id}/checkout/{number}",
        )
    except KeySpent:
        found = payments.checkouts.find_open(customer_id=signup.customer_id, signup_id=signup.signup_id)
        if found is None:
            _use_next_key(signup, asker)
            raise
        checkout = found
    asker.signups.change(signup.signup_id, {"checkout_id": checkout.checkout_id})
    return FirstPayment("open", url=checkout.url)


def _use_next_key(signup: Signup, asker: Asker) -> Signup:
    """Let the next checkout have a key that the vendor has not seen; the attempt, and its wait, stay."""
    next_key = {"checkout_keys": signup.checkout_keys + 1}
    return asker.signups.change(signup.signup_id, next_key, remove=("checkout_id",))
