"""How failures end: recorded with their reason, told once, and never lost because the chat is down."""

import json
from typing import Any

import pytest

from functions.operations.announce_success import handler as announce_handler
from tests.fakes.steps import before, run, run_until
from tests.fakes.world import PUBLIC_URL, World
from usher.domain.errors import PermanentError, RetryableError, VendorRejected, VendorUnavailable
from usher.ports.billing import Declined
from usher.records.signups import Signup
from usher.usecases.announce_success import AnnounceSuccess, announce_success
from usher.usecases.file_failed_execution import ExecutionEnded, file_failed_execution

ARN = "arn:aws:states:us-east-1:000000000000:execution:onboarding:signup-1"
OUTAGES = [VendorUnavailable("answered 500"), VendorRejected("no such hook")]


def now(world: World, signup: Signup) -> Signup:
    return world.signups.get(signup.signup_id)


def declined(world: World) -> Signup:
    signup = before(world, "create_billing_customer", world.given_signup())
    world.billing.declines.append(Declined(code="card_declined", reason="Your card was declined."))
    assert run(world, "create_billing_customer", signup) == "stop"
    return now(world, signup)


# -- RecordFailure ------------------------------------------------------------------------------------------


def test_a_stopped_sign_up_is_recorded_with_step_and_reason_and_told(world: World) -> None:
    signup = declined(world)
    assert run(world, "record_failure", signup) == "ok"
    failed = now(world, signup)
    assert (failed.status, failed.stage) == ("failed", "failed")
    assert failed.failure is not None
    assert failed.failure["step"] == "create_billing_customer"
    assert "Your card was declined." in failed.failure["reason"]
    assert failed.failure["correlation_id"] == signup.correlation_id
    assert "untold" not in failed.failure
    account = world.accounts.find(str(signup.account_id))
    assert account is not None
    assert account.status == "closed"
    assert world.events(account.account_id)[-1] == "onboarding.failed"
    ((text, _),) = world.chat.posts
    assert "Your card was declined." in text
    assert f"{PUBLIC_URL}/v1/signups/{signup.signup_id}" in text
    assert signup.correlation_id in text


def test_a_failure_is_recorded_and_told_once(world: World) -> None:
    signup = declined(world)
    run(world, "record_failure", signup)
    failure = now(world, signup).failure
    world.clock.advance(60)
    assert run(world, "record_failure", signup, retry_count=1) == "ok"
    assert now(world, signup).failure == failure
    assert len(world.chat.posts) == 1
    assert world.events(str(signup.account_id)).count("onboarding.failed") == 1


@pytest.mark.parametrize("error", OUTAGES)
def test_a_chat_that_is_down_keeps_no_failure_from_being_recorded(world: World, error: Any) -> None:
    signup = declined(world)
    world.chat.errors.append(error)
    assert run(world, "record_failure", signup) == "ok"
    failed = now(world, signup)
    assert failed.status == "failed"
    assert failed.failure is not None
    assert failed.failure["untold"] == type(error).__name__


@pytest.mark.parametrize("plan, reason", [("enterprise", "review"), ("beta", "invitation")])
def test_a_sign_up_without_an_account_is_recorded_too(world: World, plan: str, reason: str) -> None:
    signup = world.given_signup(plan=plan)
    assert run(world, "register_signup", signup) == "stop"
    assert run(world, "record_failure", signup) == "ok"
    failed = now(world, signup)
    assert (failed.status, failed.account_id) == ("failed", None)
    assert failed.failure is not None
    assert reason in failed.failure["reason"]
    assert world.stored() == {"signups": 1}
    assert len(world.chat.posts) == 1


def test_the_earliest_of_two_failed_steps_is_the_reason(world: World) -> None:
    signup = before(world, "create_billing_customer", world.given_signup())
    world.provisioner.errors.append(VendorRejected("name taken"))
    with pytest.raises(PermanentError):
        run(world, "create_identity", signup)
    world.billing.declines.append(Declined(code="card_declined", reason="Your card was declined."))
    run(world, "create_billing_customer", signup)
    run(world, "record_failure", signup)
    failure = now(world, signup).failure
    assert failure is not None
    assert failure["step"] == "create_billing_customer"


def test_what_is_told_holds_no_personal_data(world: World) -> None:
    signup = world.given_signup("canary", name="Canary Smith", plan="enterprise", phone="+14155550199")
    run(world, "register_signup", signup)
    run(world, "record_failure", signup)
    (text, _), *_ = world.chat.posts
    assert "canary" not in text.casefold().replace(signup.signup_id, "")
    assert "4155550199" not in text


def broken_then_declined(world: World) -> Signup:
    """A sign-up whose execution broke and was filed, and whose redrive then found its card declined."""
    signup = before(world, "create_billing_customer", world.given_signup())
    assert file(world, ended(signup))
    world.chat.posts.clear()
    world.billing.declines.append(Declined(code="card_declined", reason="Your card was declined."))
    assert run(world, "create_billing_customer", signup) == "stop"
    assert run(world, "record_failure", signup) == "ok"
    return now(world, signup)


def test_a_redrive_that_stops_for_good_replaces_what_was_filed_before_it(world: World) -> None:
    failed = broken_then_declined(world)
    assert failed.failure is not None
    assert (failed.status, failed.failure["step"]) == ("failed", "create_billing_customer")
    assert "Your card was declined." in failed.failure["reason"]
    assert "execution" not in failed.failure
    account = world.accounts.find(str(failed.account_id))
    assert account is not None
    assert account.status == "closed"
    assert world.events(account.account_id)[-2:] == ["onboarding.failed", "onboarding.failed"]
    ((text, _),) = world.chat.posts
    assert "Your card was declined." in text


def test_what_replaced_a_filed_failure_is_recorded_and_told_once_too(world: World) -> None:
    failed = broken_then_declined(world)
    world.clock.advance(60)
    assert run(world, "record_failure", failed, retry_count=1) == "ok"
    assert now(world, failed).failure == failed.failure
    assert len(world.chat.posts) == 1
    assert len(world.events(str(failed.account_id))) == 4


# -- MarkDegraded -------------------------------------------------------------------------------------------


def given_up(world: World, step: str) -> Signup:
    """An active sign-up whose CRM or mail step was tried until the workflow gave up."""
    signup = run_until(world, "activate_account", world.given_signup())
    vendor = {"sync_crm": world.crm, "send_welcome_mail": world.mailer}[step]
    vendor.errors.append(VendorUnavailable("answered 503"))
    with pytest.raises(RetryableError):
        run(world, step, signup, retry_count=5)
    return now(world, signup)


@pytest.mark.parametrize("step", ["sync_crm", "send_welcome_mail"])
def test_a_customer_without_crm_or_mail_is_active_and_marked_degraded(world: World, step: str) -> None:
    signup = given_up(world, step)
    assert run(world, "mark_degraded", signup, step=step) == "ok"
    degraded = now(world, signup)
    assert degraded.status == "degraded"
    assert degraded.failure is not None
    assert (degraded.failure["step"], "answered 503" in degraded.failure["reason"]) == (step, True)
    account = world.accounts.find(str(signup.account_id))
    assert account is not None
    assert account.status == "active"
    assert world.events(account.account_id)[-1] == "onboarding.degraded"
    assert step in world.chat.posts[0][0]


def test_a_step_that_was_given_up_no_longer_says_that_it_is_retrying(world: World) -> None:
    signup = given_up(world, "sync_crm")
    run(world, "mark_degraded", signup, step="sync_crm")
    mark = now(world, signup).steps["sync_crm"]
    assert (mark["status"], mark["attempts"]) == ("failed", 6)
    assert mark["error"] == "VendorUnavailable: answered 503"
    assert mark["finished_at"] >= mark["started_at"]


def test_degrading_twice_tells_once(world: World) -> None:
    signup = given_up(world, "sync_crm")
    for retry_count in range(2):
        run(world, "mark_degraded", signup, retry_count=retry_count, step="sync_crm")
    assert len(world.chat.posts) == 1
    assert world.events(str(signup.account_id)).count("onboarding.degraded") == 1


def test_a_chat_that_is_down_keeps_no_degradation_from_being_recorded(world: World) -> None:
    signup = given_up(world, "sync_crm")
    world.chat.errors.append(VendorUnavailable("answered 500"))
    assert run(world, "mark_degraded", signup, step="sync_crm") == "ok"
    failure = now(world, signup).failure
    assert failure is not None
    assert failure["untold"] == "VendorUnavailable"


def test_without_a_crm_the_mail_still_goes_out(world: World) -> None:
    signup = given_up(world, "sync_crm")
    run(world, "mark_degraded", signup, step="sync_crm")
    assert run(world, "send_welcome_mail", signup) == "ok"
    assert now(world, signup).status == "degraded"
    assert world.events(str(signup.account_id))[-1] == "onboarding.completed"


def test_a_mail_that_went_out_though_its_step_was_given_up_is_not_missing(world: World) -> None:
    """The answers of its tries were lost, not the mail."""
    signup = run_until(world, "send_welcome_mail", world.given_signup())
    assert run(world, "mark_degraded", signup, step="send_welcome_mail") == "ok"
    assert (now(world, signup).status, now(world, signup).failure) == ("active", None)
    assert world.chat.posts == []


# -- an execution that broke by itself ----------------------------------------------------------------------


def ended(signup: Signup | None, **detail: Any) -> ExecutionEnded:
    given = None if signup is None else {"signup_id": signup.signup_id}
    return ExecutionEnded.model_validate(
        {"executionArn": ARN, "status": "FAILED", "input": json.dumps(given), "error": "KeyError", **detail}
    )


def file(world: World, event: ExecutionEnded) -> bool:
    return file_failed_execution(
        event,
        signups=world.signups,
        log=world.log,
        chat=world.chat,
        clock=world.clock,
        public_url=PUBLIC_URL,
    )


def test_a_broken_execution_is_filed_on_its_sign_up_with_what_to_redrive(world: World) -> None:
    signup = run_until(world, "create_identity", world.given_signup())
    assert file(world, ended(signup, cause="canary@example.com was not expected"))
    failed = now(world, signup)
    assert failed.status == "failed"
    assert failed.failure is not None
    assert failed.failure["execution"] == ARN
    assert "KeyError" in failed.failure["reason"]
    assert "canary" not in json.dumps(failed.failure) + world.chat.posts[0][0]
    assert world.events(str(signup.account_id))[-1] == "onboarding.failed"


def test_the_bus_may_deliver_it_twice(world: World) -> None:
    signup = run_until(world, "create_identity", world.given_signup())
    assert file(world, ended(signup))
    assert not file(world, ended(signup))
    assert len(world.chat.posts) == 1


def test_a_customer_who_is_active_already_stays_so_and_is_degraded(world: World) -> None:
    signup = run_until(world, "activate_account", world.given_signup())
    assert file(world, ended(signup))
    assert now(world, signup).status == "degraded"
    assert world.events(str(signup.account_id))[-1] == "onboarding.degraded"
    assert not file(world, ended(signup))
    assert len(world.chat.posts) == 1


@pytest.mark.parametrize("last", ["activate_account", "sync_crm", "send_welcome_mail"])
def test_a_redrive_that_leaves_nothing_missing_leaves_no_failure_either(world: World, last: str) -> None:
    """Whatever the last step was when the execution broke, even if only its answer was lost."""
    signup = run_until(world, last, world.given_signup())
    assert file(world, ended(signup))
    for step in ("sync_crm", "send_welcome_mail"):
        assert run(world, step, signup) == "ok"
    whole = now(world, signup)
    assert (whole.status, whole.stage, whole.failure) == ("active", "welcomed", None)
    assert world.events(str(signup.account_id)).count("onboarding.completed") == 1


def test_a_redrive_does_not_hide_that_the_crm_was_given_up(world: World) -> None:
    signup = given_up(world, "sync_crm")
    run(world, "mark_degraded", signup, step="sync_crm")
    assert file(world, ended(signup))
    assert run(world, "send_welcome_mail", signup) == "ok"
    degraded = now(world, signup)
    assert degraded.status == "degraded"
    assert degraded.failure is not None
    assert degraded.failure["step"] == "sync_crm"


def test_a_sign_up_that_broke_before_it_had_an_account_is_filed(world: World) -> None:
    signup = world.given_signup()
    assert file(world, ended(signup))
    assert now(world, signup).status == "failed"


@pytest.mark.parametrize("error", OUTAGES)
def test_a_chat_that_is_down_keeps_nothing_from_being_filed(world: World, error: Any) -> None:
    signup = world.given_signup()
    world.chat.errors.append(error)
    assert file(world, ended(signup))
    failure = now(world, signup).failure
    assert failure is not None
    assert failure["untold"] == type(error).__name__


@pytest.mark.parametrize(
    "given",
    [None, "null", "[]", '"text"', "{}", '{"signup_id": 5}', '{"signup_id": ""}', '{"signup_id": {}}'],
)
def test_an_execution_of_somebody_else_is_left_alone(world: World, given: str | None) -> None:
    world.given_signup()
    assert not file(world, ended(None, input=given))
    assert world.chat.posts == []


@pytest.mark.parametrize("status", ["rolled_back", "rejected", "expired", "failed"])
def test_a_sign_up_that_has_its_end_keeps_it(world: World, status: str) -> None:
    signup = world.given_signup(status=status)
    assert not file(world, ended(signup))
    assert now(world, signup).status == status


# -- a success ----------------------------------------------------------------------------------------------


def test_a_success_is_told_only_when_policy_asks_for_it(world: World) -> None:
    signup = run_until(world, "send_welcome_mail", world.given_signup())
    command = AnnounceSuccess(signup_id=signup.signup_id)
    quiet, loud = world.policy, world.policy.model_copy(update={"announce_success": True})
    for policy, told in ((quiet, 0), (loud, 1)):
        announce_success(
            command, signups=world.signups, chat=world.chat, policy=policy, public_url=PUBLIC_URL
        )
        assert len(world.chat.posts) == told
    text = world.chat.posts[0][0]
    assert "starter-monthly after 0.0 s" in text
    assert "Ada" not in text


def test_the_rule_s_target_reads_our_envelope(world: World) -> None:
    signup = run_until(world, "send_welcome_mail", world.given_signup())
    event = {
        "detail": {"type": "onboarding.completed", "payload": {"signup_id": signup.signup_id, "plan": "x"}}
    }
    assert announce_handler(event, None) == {"result": False}
