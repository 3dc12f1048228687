"""Step CreateSubscription: what it records, first payments that do not go through, and sync beside it."""

import pytest

from tests.fakes.steps import account_of, before, run, step_of
from tests.fakes.world import World
from usher.domain.errors import RetryableError, VendorUnavailable
from usher.ports.billing_facts import Declined

DECLINED = Declined(code="card_declined", reason="Your card was declined.")


def test_subscription_invoice_and_payment_are_recorded_with_their_events(world: World) -> None:
    signup = before(world, "create_subscription", world.given_signup())
    assert run(world, "create_subscription", signup) == "ok"
    (subscription,), (invoice,), (payment,) = (
        world.rows(table) for table in ("subscriptions", "invoices", "payments")
    )
    assert (subscription["status"], subscription["plan"]) == ("active", "starter-monthly")
    assert (invoice["amount_due_minor"], invoice["currency"], payment["status"]) == (1900, "usd", "succeeded")
    assert {row["account_id"] for row in (subscription, invoice, payment)} == {account_of(world, signup)}
    assert world.events(account_of(world, signup))[2:] == [
        "subscription.created",
        "subscription.activated",
        "mrr.changed",
        "invoice.generated",
        "invoice.paid",
        "payment.succeeded",
    ]


def test_a_trial_starts_a_subscription_that_is_trialing(world: World) -> None:
    signup = before(world, "create_subscription", world.given_signup(trial=True, payment_method=None))
    assert run(world, "create_subscription", signup) == "ok"
    assert world.signups.get(signup.signup_id).subscription_status == "trialing"
    assert "subscription.trial_started" in world.events(account_of(world, signup))
    assert world.rows("payments") == []


@pytest.mark.parametrize(
    "payment, reason",
    [
        ("requires_action", "the card's owner has to authenticate the payment"),
        ("processing", "the bank has not confirmed the debit yet"),
    ],
)
def test_a_first_payment_that_somebody_has_to_confirm_is_waited_for(
    world: World, payment: str, reason: str
) -> None:
    signup = before(world, "create_subscription", world.given_signup())
    world.billing.first_payment = payment
    assert run(world, "create_subscription", signup) == "pay"
    now = world.signups.get(signup.signup_id)
    assert now.waiting is not None
    assert (now.status, now.waiting["reasons"]) == ("provisioning", [reason])
    assert step_of(world, signup, "create_subscription")["status"] == "waiting"
    assert "onboarding.waiting" in world.events(account_of(world, signup))


def test_a_first_payment_that_was_declined_stops_the_sign_up_with_the_bank_s_reason(world: World) -> None:
    signup = before(world, "create_subscription", world.given_signup())
    world.billing.first_payment = "failed"
    assert run(world, "create_subscription", signup) == "stop"
    reason = "card declined (card_declined): Your card was declined."
    assert step_of(world, signup, "create_subscription")["error"] == reason
    assert world.signups.get(signup.signup_id).subscription_id == "sub_0001"  # for whoever undoes it


def test_a_subscription_that_is_refused_stops_the_sign_up_with_the_reason(world: World) -> None:
    signup = before(world, "create_subscription", world.given_signup())
    world.billing.declines.append(DECLINED)
    assert run(world, "create_subscription", signup) == "stop"
    assert "Your card was declined." in step_of(world, signup, "create_subscription")["error"]
    assert world.rows("subscriptions") == []


def test_a_replayed_answer_never_overwrites_what_sync_recorded_since(world: World) -> None:
    """The step's answer was lost, the customer cancelled, sync told of it, and the step comes again."""
    signup = before(world, "create_subscription", world.given_signup())
    account_id = account_of(world, signup)
    world.billing.lost_answers.append(VendorUnavailable("timed out", outcome_unknown=True))
    with pytest.raises(RetryableError):
        run(world, "create_subscription", signup)
    world.billing.change("sub_0001", status="canceled")
    world.billing.change("pi_0001", method="card", failure_reason=None)
    sync(world, account_id)
    told, rows = world.events(account_id), world.rows("subscriptions")
    assert rows[0]["status"] == "canceled"
    assert run(world, "create_subscription", signup, retry_count=1) == "ok"
    assert world.rows("subscriptions") == rows
    assert world.events(account_id) == told


def test_sync_that_writes_between_the_answer_and_the_record_wins(world: World) -> None:
    signup = before(world, "create_subscription", world.given_signup())
    account_id = account_of(world, signup)

    def cancelled_meanwhile() -> None:
        world.billing.change("sub_0001", status="canceled")
        sync(world, account_id)

    world.store.meanwhile("transact", cancelled_meanwhile)
    with pytest.raises(RetryableError):
        run(world, "create_subscription", signup)
    assert run(world, "create_subscription", signup, retry_count=1) == "ok"
    assert world.rows("subscriptions")[0]["status"] == "canceled"
    told = world.events(account_id)
    assert len(set(told)) == len(told)


def sync(world: World, account_id: str) -> None:
    facts = world.billing.fetch("subscription", "sub_0001")
    assert facts is not None
    known = world.records.known({("subscriptions", "sub_0001")})
    world.records.record(
        facts, account_id=account_id, known=known, correlation_id="cor", now=world.clock.now()
    )
