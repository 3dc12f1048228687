"""The steps that undo: each may be repeated, and finds what a lost answer has made."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.fakes.closing import RecordingCloser, RecordingWithdrawal
from tests.fakes.steps import payload, run, run_until
from tests.fakes.world import World
from usher.domain.errors import KeySpent, PermanentError, VendorRejected
from usher.ports.billing_facts import BillingFacts
from usher.records.billing import ids_in
from usher.records.signups import Signup
from usher.usecases.cancel_subscription import cancel_subscription
from usher.usecases.close_customer import close_customer
from usher.usecases.refund_payment import refund_payment
from usher.usecases.remove_identity import remove_identity
from usher.usecases.remove_tenant import remove_tenant
from usher.usecases.revoke_api_key import revoke_api_key
from usher.usecases.step import StepCommand
from usher.usecases.undoing import Undoing
from usher.usecases.withdraw_from_crm import withdraw_from_crm


@dataclass
class Pages:
    """The checkout pages that were closed."""

    closed: list[str] = field(default_factory=list)

    def close(self, checkout_id: str) -> None:
        self.closed.append(checkout_id)


def command(world: World, signup: Signup) -> StepCommand:
    return StepCommand.model_validate(payload(world, signup))


def undoing(world: World, closer: RecordingCloser) -> Undoing:
    return Undoing(
        billing=world.billing,
        closer=closer,
        checkouts=Pages(),
        records=world.records,
        unbilled=world.unbilled,
        accounts=world.accounts,
        signups=world.signups,
        clock=world.clock,
    )


def now(world: World, signup: Signup) -> Signup:
    return world.signups.get(signup.signup_id)


def paid(world: World) -> tuple[Signup, RecordingCloser]:
    """A sign-up that has paid, and the vendor that holds its payment."""
    signup = run_until(world, "issue_api_key", world.given_signup())
    return signup, RecordingCloser(payments=list(world.billing.payments.values()))


# -- BeginRollback -------------------------------------------------------------------------------------------


def test_the_verdict_is_the_first_step_that_failed_and_stands(world: World) -> None:
    signup = run_until(world, "create_identity", world.given_signup())
    world.provisioner.errors.append(VendorRejected("refused", code="x", status=422))
    with pytest.raises(PermanentError):
        run(world, "provision_tenant", signup)
    assert run(world, "begin_rollback", signup) == "undo"
    verdict = now(world, signup).verdict
    assert verdict == {
        "status": "rolled_back",
        "step": "provision_tenant",
        "reason": "VendorRejected: refused",
    }
    world.signups.change(signup.signup_id, {"step_create_identity": {"status": "failed", "error": "later"}})
    assert run(world, "begin_rollback", signup) == "undo"
    assert now(world, signup).verdict == verdict


def test_nothing_is_undone_where_nothing_was_begun(world: World) -> None:
    signup = run_until(world, "register_signup", world.given_signup())
    assert run(world, "begin_rollback", signup) == "close"


# -- provisioning --------------------------------------------------------------------------------------------


def test_provisioning_is_undone_to_the_last_part_however_often(world: World) -> None:
    signup, _ = paid(world)
    vendor: dict[str, Any] = {
        "provisioner": world.provisioner,
        "signups": world.signups,
        "clock": world.clock,
    }
    for _ in range(2):
        for undo in (revoke_api_key, remove_tenant, remove_identity):
            assert undo(command(world, signup), **vendor).outcome == "ok"
        product = world.provisioner
        left = (product.credits, product.api_keys, product.flags, product.subdomains, product.tenants)
        assert [*left, product.identities] == [{}] * 6
    marks = now(world, signup).steps
    assert {marks[step]["status"] for step in ("revoke_api_key", "remove_tenant", "remove_identity")} == {
        "done"
    }


# -- billing -------------------------------------------------------------------------------------------------


def test_what_was_paid_is_paid_back_under_a_key_of_this_attempt(world: World) -> None:
    signup, closer = paid(world)
    refund_payment(command(world, signup), undoing=undoing(world, closer))
    (payment,) = closer.payments
    assert [what for what, _ in closer.done] == ["void_invoices", "refund"]
    assert closer.keys == [f"signup/{signup.signup_id}/refund-{payment.payment_id}/1"]


def test_a_refund_whose_key_is_spent_is_tried_under_the_next_one(world: World) -> None:
    signup, closer = paid(world)
    steps = undoing(world, closer)
    closer.errors.append(KeySpent("answered from the key"))
    with pytest.raises(KeySpent):
        refund_payment(command(world, signup), undoing=steps)
    refund_payment(command(world, signup), undoing=steps)
    assert [key.rpartition("/")[2] for key in closer.keys] == ["1", "2"]


def test_a_customer_that_no_answer_named_is_found_and_put_on_record(world: World) -> None:
    """So that the vendor's events of its end find whose it was."""
    signup, closer = paid(world)
    customer_id = signup.customer_id
    world.store.inner.write(
        world.signups.changing(signup.signup_id, {}, remove=("customer_id", "subscription_id"))
    )
    refund_payment(command(world, signup), undoing=undoing(world, closer))
    assert now(world, signup).customer_id == customer_id
    account = world.accounts.find(str(signup.account_id))
    assert account is not None and account.customer_id == customer_id
    assert ("refund", closer.payments[0].payment_id) in closer.done


@pytest.mark.parametrize("moved, end", [(True, "mark_closed"), (False, "delete_customer")])
def test_a_customer_is_kept_only_where_money_moved(world: World, moved: bool, end: str) -> None:
    signup, closer = paid(world)
    closer.payments = closer.payments if moved else []
    close_customer(command(world, signup), undoing=undoing(world, closer))
    assert closer.done[-1] == (end, signup.customer_id)


def test_money_that_arrived_since_the_refunds_is_paid_back_before_the_customer_is_closed(
    world: World,
) -> None:
    signup, closer = paid(world)
    close_customer(command(world, signup), undoing=undoing(world, closer))
    assert closer.done == [("refund", closer.payments[0].payment_id), ("mark_closed", signup.customer_id)]


# -- CRM -----------------------------------------------------------------------------------------------------


def test_the_crm_hears_of_it_only_when_it_may_know_the_customer(world: World) -> None:
    signup, withdrawal = run_until(world, "activate_account", world.given_signup()), RecordingWithdrawal()
    vendor: dict[str, Any] = {
        "withdrawal": withdrawal,
        "signups": world.signups,
        "plans": world.plans,
        "clock": world.clock,
    }
    withdraw_from_crm(command(world, signup), **vendor)
    assert withdrawal.profiles == []
    world.crm.errors.append(VendorRejected("refused", code="x", status=400))
    with pytest.raises(PermanentError):
        run(world, "sync_crm", signup)
    withdraw_from_crm(command(world, signup), **vendor)
    (profile,) = withdrawal.profiles
    assert (profile.account_id, profile.subscription_status) == (signup.account_id, "rolled_back")


# -- CancelSubscription --------------------------------------------------------------------------------------


@dataclass
class Ending(RecordingCloser):
    """Ends the subscription of the vendor in memory, and answers with it."""

    world: World | None = None

    def cancel_subscription(self, subscription_id: str, *, idempotency_key: str) -> BillingFacts | None:
        assert self.world is not None
        super().cancel_subscription(subscription_id, idempotency_key=idempotency_key)
        self.world.billing.change(subscription_id, status="canceled")
        return self.world.billing.fetch("subscription", subscription_id)


def test_a_subscription_that_sync_records_at_that_moment_is_on_record_as_cancelled(world: World) -> None:
    """Once it is cancelled, a next try of the step may not find it any more: this one has to record it."""
    signup, closer = run_until(world, "issue_api_key", world.given_signup()), Ending(world=world)

    def sync() -> None:
        facts = world.billing.fetch("subscription", "sub_0001")
        assert facts is not None
        known = world.records.known(ids_in(facts))
        world.records.record(
            facts,
            account_id=str(signup.account_id),
            known=known,
            correlation_id="cor",
            now=world.clock.now(),
        )

    world.store.meanwhile("transact", sync)
    cancel_subscription(command(world, signup), undoing=undoing(world, closer))
    (row,) = world.rows("subscriptions")
    assert row["status"] == "canceled"
    assert now(world, signup).steps["cancel_subscription"]["status"] == "done"
    assert world.events(str(signup.account_id)).count("subscription.canceled") == 1
