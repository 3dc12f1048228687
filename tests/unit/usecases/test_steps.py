"""What all onboarding steps promise: done once however often they run, and two error names out (B1)."""

import io
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.steps import ORDER, before, handlers, payload, run, run_until, step_of
from tests.fakes.world import World
from usher.domain.errors import (
    PermanentError,
    RetryableError,
    StoreUnavailable,
    VendorRejected,
    VendorUnavailable,
)

CALLS_A_VENDOR = {
    "create_billing_customer": "billing",
    "create_subscription": "billing",
    "create_identity": "provisioner",
    "provision_tenant": "provisioner",
    "issue_api_key": "provisioner",
    "sync_crm": "crm",
    "send_welcome_mail": "mailer",
}
WRITES_IN = {
    "register_signup": "transact",
    "create_billing_customer": "transact",
    "create_subscription": "transact",
    "create_identity": "write",
    "provision_tenant": "write",
    "issue_api_key": "write",
    "activate_account": "transact",
    "sync_crm": "transact",
    "send_welcome_mail": "transact",
}
WRITES_BEFORE = {"send_welcome_mail": 2}  # the mail's row, before and after it goes out
COLLECTED = ("sync_crm", "send_welcome_mail")  # answered through a token, which carries no exception


def effects(world: World) -> dict[str, Any]:
    """All that exists outside the sign-up's own record."""
    return {
        "customers": dict(world.billing.customers),
        "subscriptions": dict(world.billing.subscriptions),
        "product": (
            dict(world.provisioner.tenants),
            dict(world.provisioner.api_keys),
            dict(world.provisioner.credits),
        ),
        "contacts": dict(world.crm.profiles),
        "mails": list(world.mailer.sent),
        "tables": {name: count for name, count in world.stored().items() if name != "outbox"},
        "events": [item["type"] for item in world.rows("events")],
    }


def test_the_happy_path_ends_active_with_every_id(world: World) -> None:
    signup = run_until(world, "send_welcome_mail", world.given_signup())
    assert (signup.status, signup.stage) == ("active", "welcomed")
    found = (signup.customer_id, signup.subscription_id, signup.tenant_id, signup.contact_id)
    assert found == ("cus_0001", "sub_0001", f"ten_{signup.account_id}", "contact-ada@example.com")
    assert [step["status"] for step in signup.steps.values()] == ["done"] * len(ORDER)
    assert list(signup.steps) == list(ORDER)
    assert signup.account_id is not None
    assert world.events(signup.account_id) == [
        "account.created",
        "plan.selected",
        "subscription.created",
        "subscription.activated",
        "mrr.changed",
        "invoice.generated",
        "invoice.paid",
        "payment.succeeded",
        "account.activated",
        "onboarding.completed",
    ]


@pytest.mark.parametrize("name", ORDER)
def test_running_a_step_twice_does_it_once(world: World, name: str) -> None:
    signup = before(world, name, world.given_signup())
    assert run(world, name, signup) == "ok"
    once, record = effects(world), world.signups.get(signup.signup_id)
    assert run(world, name, signup, retry_count=1) == "ok"
    assert effects(world) == once
    again = world.signups.get(signup.signup_id)
    same = {"steps"}
    assert again.model_dump(exclude=same) == record.model_dump(exclude=same)
    assert again.steps[name]["status"] == "done"


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("name", ORDER)
def test_a_crash_between_the_vendor_s_answer_and_the_record_leaves_one_effect(
    world: World, name: str, after_effect: bool
) -> None:
    """The store fails before it wrote, or after it wrote and before it answered."""
    signup = before(world, name, world.given_signup())
    world.store.fail(WRITES_IN[name], skip=WRITES_BEFORE.get(name, 0), after_effect=after_effect)
    with pytest.raises(RetryableError):
        run(world, name, signup)
    assert run(world, name, signup, retry_count=1) == "ok"
    once = effects(world)
    assert run(world, name, signup, retry_count=2) == "ok"
    assert effects(world) == once
    assert step_of(world, signup, name)["status"] == "done"
    events = [item["type"] for item in world.rows("events")]
    assert len(set(events)) == len(events)
    assert len(world.mailer.sent) <= 1
    assert len(world.billing.customers) <= 1
    assert len(world.billing.subscriptions) <= 1


@pytest.mark.parametrize("name, vendor", CALLS_A_VENDOR.items())
def test_an_outage_asks_for_a_retry_by_name_and_shows(world: World, name: str, vendor: str) -> None:
    signup = before(world, name, world.given_signup())
    getattr(world, vendor).errors.append(VendorUnavailable("answered 503"))
    with pytest.raises(RetryableError) as caught:
        run(world, name, signup)
    assert type(caught.value).__name__ == "RetryableError"  # what ErrorEquals compares
    assert name in COLLECTED or isinstance(caught.value.__cause__, VendorUnavailable)
    mark = step_of(world, signup, name)
    assert (mark["status"], mark["attempts"]) == ("retrying", 1)
    assert mark["error"] == "VendorUnavailable: answered 503"
    assert "finished_at" not in mark
    assert run(world, name, signup, retry_count=1) == "ok"
    mark = step_of(world, signup, name)
    assert (mark["status"], mark["attempts"], "error" in mark) == ("done", 2, False)


@pytest.mark.parametrize("name, vendor", CALLS_A_VENDOR.items())
def test_a_rejection_is_permanent_by_name_and_shows(world: World, name: str, vendor: str) -> None:
    signup = before(world, name, world.given_signup())
    getattr(world, vendor).errors.append(VendorRejected("no such plan", code="resource_missing", status=404))
    with pytest.raises(PermanentError) as caught:
        run(world, name, signup)
    assert type(caught.value).__name__ == "PermanentError"
    mark = step_of(world, signup, name)
    assert (mark["status"], mark["error"]) == ("failed", "VendorRejected: no such plan")


@pytest.mark.parametrize("name", ORDER)
def test_a_store_that_is_down_asks_for_a_retry_by_name(world: World, name: str) -> None:
    """Noting the failure fails as well, and must not put its own error name in place of the one matched."""
    signup = before(world, name, world.given_signup())
    world.store.is_down = True
    with pytest.raises(RetryableError) as caught:
        run(world, name, signup)
    assert type(caught.value).__name__ == "RetryableError"
    world.store.is_down = False
    assert run(world, name, signup, retry_count=1) == "ok"


@pytest.mark.parametrize("name", ORDER)
def test_a_rejection_is_tried_again_until_its_reason_is_on_record(world: World, name: str) -> None:
    signup = before(world, name, world.given_signup())
    vendor = CALLS_A_VENDOR.get(name)
    if vendor is None:
        world.store.meanwhile("transact", lambda: raise_(VendorRejected("as a vendor would")))
    else:
        getattr(world, vendor).errors.append(VendorRejected("no"))
    world.store.fail("write")
    with pytest.raises(RetryableError, match="VendorRejected"):
        run(world, name, signup)
    if vendor is not None:
        getattr(world, vendor).errors.append(VendorRejected("no"))
        with pytest.raises(PermanentError, match="VendorRejected"):
            run(world, name, signup, retry_count=1)
        assert step_of(world, signup, name)["status"] == "failed"


def raise_(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("name", [*ORDER, "begin_rollback", "close_signup"])
def test_a_sign_up_that_was_never_stored_is_permanent(world: World, name: str) -> None:
    stranger = world.given_signup().model_copy(update={"signup_id": "su_" + "a" * 26})
    with pytest.raises(PermanentError, match="NotFound"):
        run(world, name, stranger)
    assert len(world.rows("signups")) == 1


@pytest.mark.parametrize(
    "change, named",
    [
        ({"signup_id": "su_short"}, "signup_id"),
        ({"signup_id": None}, "signup_id"),
        ({"entered_at": "yesterday"}, "entered_at"),
        ({"retry_count": "many"}, "retry_count"),
        ({"emial": "x"}, "emial"),
        ({"correlation_id": 5}, "correlation_id"),
    ],
)
def test_a_typo_in_the_workflow_file_is_permanent_and_says_where(
    world: World, change: dict[str, Any], named: str
) -> None:
    event = payload(world, world.given_signup()) | change
    with pytest.raises(PermanentError, match=f"InvalidCommand.*{named}"):
        handlers(world)["create_identity"](event, None)


def test_a_mark_tells_when_the_state_began_and_when_it_ended(world: World) -> None:
    signup = before(world, "create_identity", world.given_signup())
    event = payload(world, signup)
    world.clock.advance(3)
    handlers(world)["create_identity"](event, None)
    mark = step_of(world, signup, "create_identity")
    assert (mark["started_at"], mark["finished_at"]) == (
        "2025-11-21T12:00:00.000Z",
        "2025-11-21T12:00:03.000Z",
    )


def test_a_bug_passes_through_under_its_own_name(world: World) -> None:
    """A step that is reached without the one before it: nothing is rolled back for a mistake of ours."""
    with pytest.raises(AssertionError):
        run(world, "create_identity", world.given_signup())


def test_a_late_try_does_not_take_back_what_another_one_finished(world: World) -> None:
    """The first try's answer is lost on the way, the second is done, then the first one comes back."""
    signup = before(world, "sync_crm", world.given_signup())
    assert run(world, "sync_crm", signup, retry_count=1) == "ok"
    world.crm.errors.append(VendorUnavailable("timed out at last"))
    with pytest.raises(RetryableError):
        run(world, "sync_crm", signup)
    assert step_of(world, signup, "sync_crm")["status"] == "done"


def test_logs_name_steps_and_ids_and_nobody(world: World, log: io.StringIO) -> None:
    signup = world.given_signup("canary", name="Canary Smith", phone="+14155550199")
    run_until(world, "create_identity", signup)
    world.provisioner.errors.append(VendorRejected("no"))
    with pytest.raises(PermanentError):
        run(world, "provision_tenant", signup)
    told = log.getvalue()
    assert "step done" in told and "step failed" in told
    assert "canary" not in told.casefold().replace(signup.signup_id, "")
    assert "4155550199" not in told


@pytest.mark.parametrize("name", ["activate_account", "send_welcome_mail"])
def test_two_runs_at_once_tell_of_it_once(world: World, name: str) -> None:
    signup = before(world, name, world.given_signup())
    outcomes: list[str] = []
    world.store.meanwhile("transact", lambda: outcomes.append(run(world, name, signup)))
    try:
        outcomes.append(run(world, name, signup))
    except RetryableError:
        outcomes.append(run(world, name, signup, retry_count=1))
    assert outcomes == ["ok", "ok"]
    events = [item["type"] for item in world.rows("events")]
    assert len(set(events)) == len(events)
    assert step_of(world, signup, name)["status"] == "done"


def test_activation_says_how_long_it_took(world: World) -> None:
    signup = before(world, "activate_account", world.given_signup())
    world.clock.advance(2.5)
    run(world, "activate_account", signup)
    assert world.signups.get(signup.signup_id).seconds_to_active == 2.5
    account = world.accounts.find(str(signup.account_id))
    assert account is not None
    assert (account.status, account.customer_id, account.tenant_id) == (
        "active",
        "cus_0001",
        signup.tenant_id,
    )


def test_a_clock_that_went_back_makes_no_negative_time(world: World) -> None:
    late = (world.clock.now() + timedelta(minutes=5)).isoformat()
    signup = before(world, "activate_account", world.given_signup(received_at=late))
    run(world, "activate_account", signup)
    assert world.signups.get(signup.signup_id).seconds_to_active == 0


def test_the_store_s_own_error_is_told_as_the_cause(world: World) -> None:
    signup = world.given_signup()
    world.store.fail("get")
    with pytest.raises(RetryableError) as caught:
        run(world, "register_signup", signup)
    assert isinstance(caught.value.__cause__, StoreUnavailable)


def test_a_crm_message_that_comes_again_takes_nobody_back_who_was_welcomed_since(world: World) -> None:
    """Its collector died after the workflow had its answer and before the queue knew."""
    signup = run_until(world, "send_welcome_mail", world.given_signup())
    assert signup.stage == "welcomed"
    assert run(world, "sync_crm", signup) == "ok"
    assert world.signups.get(signup.signup_id).stage == "welcomed"
