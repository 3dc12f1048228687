"""What fails for good is filed: once, with its reason in plain words, in one transaction with its event."""

import json
from typing import Any

import pytest

from functions.operations.file_dead_letter import handler as dead_letter_handler
from infra import catalog
from tests.fakes.failing import ARN, ended, file, given_up, now, row
from tests.fakes.steps import before, run, run_until
from tests.fakes.world import World
from usher.domain.errors import PermanentError, RetryableError, VendorRejected, VendorUnavailable
from usher.records.failures import Failure
from usher.records.signups import step_mark
from usher.usecases.mark_degraded import MarkDegraded

# -- MarkDegraded -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["sync_crm", "send_welcome_mail"])
def test_a_customer_without_crm_or_mail_is_active_degraded_and_on_the_list(world: World, step: str) -> None:
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
    filed = row(world, signup)
    assert (filed.kind, filed.state, filed.step, filed.tries) == ("degraded", "open", step, 1)
    assert (filed.subject, filed.account_id) == (signup.signup_id, signup.account_id)
    assert filed.correlation_id == signup.correlation_id
    assert filed.next_try_at == "2025-11-21T12:15:00.000Z"


def strict(world: World) -> World:
    world.policy = world.policy.model_copy(update={"crm_failure": "strict"})
    return world


def test_policy_can_undo_a_new_customer_whom_the_crm_does_not_take(world: World) -> None:
    signup = given_up(strict(world), "sync_crm")
    assert run(world, "mark_degraded", signup, step="sync_crm") == "stop"
    stopped = now(world, signup)
    mark = stopped.steps["sync_crm"]
    assert (mark["status"], mark["attempts"], mark["error"]) == (
        "failed",
        6,
        "VendorUnavailable: answered 503",
    )
    assert (stopped.status, stopped.failure) == ("active", None)
    assert "onboarding.degraded" not in world.events(str(signup.account_id))
    assert run(world, "mark_degraded", stopped, step="sync_crm") == "stop"  # again, after a lost answer


def test_policy_undoes_nobody_for_a_mail(world: World) -> None:
    signup = given_up(strict(world), "send_welcome_mail")
    assert run(world, "mark_degraded", signup, step="send_welcome_mail") == "ok"
    assert now(world, signup).status == "degraded"


def test_a_stricter_policy_undoes_nobody_who_was_let_in_without_the_crm_before(world: World) -> None:
    signup = given_up(world, "sync_crm")
    run(world, "mark_degraded", signup, step="sync_crm")
    filed = row(world, signup)
    world.failures.write(
        [world.failures.redriving(filed, by="itself", execution=None, now=world.clock.now())]
    )
    assert run(strict(world), "mark_degraded", signup, step="sync_crm") == "ok"
    assert (now(world, signup).status, row(world, signup).tries) == ("degraded", 2)


def test_a_step_of_which_no_try_lived_to_tell_is_on_record_as_failed_before_the_rollback(
    world: World,
) -> None:
    signup = run_until(strict(world), "activate_account", world.given_signup())
    assert run(world, "mark_degraded", signup, step="sync_crm") == "stop"
    run(world, "begin_rollback", signup)
    verdict = now(world, signup).verdict
    assert verdict is not None
    assert (verdict["status"], verdict["step"]) == ("rolled_back", "sync_crm")


def test_a_message_that_comes_after_the_rollback_began_brings_nothing_to_the_crm(world: World) -> None:
    """The workflow waits for an answer as long as messages live, and not for ever."""
    signup = given_up(strict(world), "sync_crm")
    run(world, "mark_degraded", signup, step="sync_crm")
    run(world, "begin_rollback", signup)
    assert run(world, "sync_crm", signup) == "ok"
    assert world.crm.profiles == {}
    assert now(world, signup).steps["sync_crm"]["status"] == "failed"


def test_an_undo_that_was_given_up_is_what_broke_whatever_led_to_it(world: World) -> None:
    signup = before(world, "provision_tenant", world.given_signup())
    world.provisioner.errors.append(VendorRejected("refused", code="x", status=422))
    with pytest.raises(PermanentError):
        run(world, "provision_tenant", signup)
    run(world, "begin_rollback", signup)
    error = "VendorUnavailable: answered 503"
    tried = {"status": "retrying", "attempts": 11, "started_at": "2025-11-21T12:00:00.000Z"}
    world.signups.change(
        signup.signup_id, step_mark("refund_payment", finished_at=None, error=error, **tried)
    )
    assert file(world, ended(signup, error="RetryableError"))
    filed = row(world, signup)
    assert (filed.kind, filed.step) == ("undo", "refund_payment")
    assert error in filed.reason


def test_a_step_that_was_given_up_no_longer_says_that_it_is_retrying(world: World) -> None:
    signup = given_up(world, "sync_crm")
    run(world, "mark_degraded", signup, step="sync_crm")
    mark = now(world, signup).steps["sync_crm"]
    assert (mark["status"], mark["attempts"]) == ("failed", 6)
    assert mark["error"] == "VendorUnavailable: answered 503"
    assert mark["finished_at"] >= mark["started_at"]


def test_degrading_twice_files_and_tells_once(world: World) -> None:
    signup = given_up(world, "sync_crm")
    for retry_count in range(2):
        run(world, "mark_degraded", signup, retry_count=retry_count, step="sync_crm")
    assert world.events(str(signup.account_id)).count("onboarding.degraded") == 1
    assert row(world, signup).tries == 1


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
    assert world.rows("failures") == []


def test_record_event_and_row_are_written_together_or_not_at_all(world: World) -> None:
    signup = given_up(world, "sync_crm")
    world.store.fail("transact")
    with pytest.raises(RetryableError):
        run(world, "mark_degraded", signup, step="sync_crm")
    assert (now(world, signup).status, world.rows("failures")) == ("active", [])
    assert "onboarding.degraded" not in world.events(str(signup.account_id))
    assert run(world, "mark_degraded", signup, step="sync_crm") == "ok"
    assert row(world, signup).tries == 1


def test_a_typo_in_the_workflow_s_step_is_permanent(world: World) -> None:
    with pytest.raises(PermanentError, match="look at"):
        run(world, "mark_degraded", given_up(world, "sync_crm"), stop="sync_crm")
    assert "step" in MarkDegraded.model_fields


# -- an execution that broke by itself ----------------------------------------------------------------------


def test_an_end_that_is_told_twice_at_once_is_filed_once_and_at_once(world: World) -> None:
    signup = run_until(world, "create_identity", world.given_signup())
    world.store.meanwhile("transact", lambda: file(world, ended(signup)))
    assert not file(world, ended(signup))
    assert row(world, signup).tries == 1


def test_a_broken_execution_is_filed_with_what_to_redrive_and_nobody_s_data(world: World) -> None:
    signup = run_until(world, "create_identity", world.given_signup())
    assert file(world, ended(signup, cause="canary@example.com was not expected"))
    failed = now(world, signup)
    assert failed.status == "failed"
    assert failed.failure is not None
    assert failed.failure["execution"] == ARN
    filed = row(world, signup)
    assert (filed.kind, filed.state, filed.execution, filed.tries) == ("execution", "open", ARN, 1)
    assert "a bug: provision_tenant raised KeyError" in filed.reason
    assert "canary" not in json.dumps(world.rows("failures") + world.rows("signups") + world.rows("events"))
    assert world.events(str(signup.account_id))[-1] == "onboarding.failed"


def test_the_step_that_broke_is_the_one_its_trace_names(world: World) -> None:
    """Billing and provisioning run side by side: the first step without a mark need not be the one."""
    signup = run_until(world, "register_signup", world.given_signup())
    trace = ['  File "/var/task/functions/provisioning/create_identity.py", line 9, in handler\n']
    assert file(world, ended(signup, cause=json.dumps({"stackTrace": trace})))
    assert row(world, signup).step == "create_identity"


@pytest.mark.parametrize("function", ["ask_payment", "close_payment"])
def test_the_end_of_a_wait_breaks_as_part_of_the_step_that_waits(world: World, function: str) -> None:
    signup = run_until(world, "register_signup", world.given_signup())
    trace = [f'  File "/var/task/functions/billing/{function}.py", line 9, in handler\n']
    assert file(world, ended(signup, cause=json.dumps({"stackTrace": trace})))
    assert row(world, signup).step == "ask_payment"


@pytest.mark.parametrize(
    "detail, words",
    [
        ({"status": "ABORTED", "error": None}, "somebody stopped"),
        ({"status": "TIMED_OUT", "error": None}, "longer than a workflow may"),
        ({"error": "States.Timeout"}, "did not answer in time"),
        ({"error": "Lambda.Unknown"}, "could not be run"),
        ({"error": "RetryableError"}, "the last answer was VendorUnavailable: answered 500"),
    ],
)
def test_the_reason_is_said_in_plain_words(world: World, detail: dict[str, Any], words: str) -> None:
    signup = before(world, "create_identity", world.given_signup())
    world.provisioner.errors.append(VendorUnavailable("answered 500"))
    with pytest.raises(RetryableError):
        run(world, "create_identity", signup)
    assert file(world, ended(now(world, signup), **detail))
    assert words in row(world, signup).reason


def test_the_bus_may_deliver_it_twice(world: World) -> None:
    signup = run_until(world, "create_identity", world.given_signup())
    assert file(world, ended(signup))
    assert not file(world, ended(signup))
    assert world.events(str(signup.account_id)).count("onboarding.failed") == 1


def test_a_customer_who_is_active_already_stays_so_and_is_degraded(world: World) -> None:
    signup = run_until(world, "activate_account", world.given_signup())
    assert file(world, ended(signup))
    assert now(world, signup).status == "degraded"
    assert row(world, signup).kind == "execution"
    assert world.events(str(signup.account_id))[-1] == "onboarding.degraded"


def test_a_rollback_that_broke_is_an_undo_even_of_an_active_customer(world: World) -> None:
    signup = run_until(world, "activate_account", world.given_signup())
    world.signups.change(
        signup.signup_id, {"verdict": {"status": "rolled_back", "step": "sync_crm", "reason": "strict"}}
    )
    assert file(world, ended(signup, error="States.Timeout"))
    assert (row(world, signup).kind, now(world, signup).status) == ("undo", "failed")


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


def test_a_sign_up_that_broke_before_it_had_an_account_is_filed_and_told(world: World) -> None:
    signup = world.given_signup()
    assert file(world, ended(signup))
    assert now(world, signup).status == "failed"
    assert row(world, signup).step == "register_signup"
    assert [item["type"] for item in world.rows("events")] == ["onboarding.failed"]


def test_a_sign_up_that_broke_at_its_first_step_can_still_be_registered(world: World) -> None:
    """Its log begins with the failure; the account's first events come after it."""
    signup = world.given_signup()
    assert file(world, ended(signup))
    registered = run_until(world, "register_signup", signup)
    assert world.events(str(registered.account_id)) == [
        "onboarding.failed",
        "account.created",
        "plan.selected",
    ]


@pytest.mark.parametrize(
    "given",
    [None, "null", "[]", '"text"', "{}", '{"signup_id": 5}', '{"signup_id": ""}', '{"signup_id": {}}'],
)
def test_an_execution_of_somebody_else_is_left_alone(world: World, given: str | None) -> None:
    world.given_signup()
    assert not file(world, ended(None, input=given))
    assert world.rows("failures") == []


@pytest.mark.parametrize("status", ["rolled_back", "rejected", "expired"])
def test_a_sign_up_that_has_its_end_keeps_it(world: World, status: str) -> None:
    signup = world.given_signup(status=status)
    assert not file(world, ended(signup))
    assert now(world, signup).status == status


# -- dead letters -------------------------------------------------------------------------------------------


def letter(body: dict[str, Any], queue: str = "usher-prod-signups-dlq") -> dict[str, Any]:
    group = {"MessageGroupId": "cus_1"} if queue.endswith(".fifo") else {}
    arn = f"arn:aws:sqs:us-east-1:000000000000:{queue}"
    record = {"messageId": "m1", "body": json.dumps(body), "attributes": group, "eventSourceARN": arn}
    return {"Records": [record]}


def test_a_dead_letter_is_a_row_with_its_body_and_is_done_with(world: World) -> None:
    body = {"event_id": "signup#1", "signup_id": "su_x", "correlation_id": "cor_x"}
    assert dead_letter_handler(letter(body), None) == {"batchItemFailures": []}
    (item,) = world.rows("failures")
    filed = Failure.model_validate(item)
    assert (filed.kind, filed.queue, filed.body) == ("message", "signups", body)
    assert (filed.subject, filed.correlation_id, filed.tries) == ("su_x", "cor_x", 1)


def test_a_dead_letter_of_a_fifo_queue_keeps_its_group(world: World) -> None:
    body = {"event_id": "stripe#evt_1", "group": "cus_1"}
    dead_letter_handler(letter(body, "stripe-events-dlq.fifo"), None)
    (item,) = world.rows("failures")
    assert (item["queue"], item["group"], item["subject"]) == ("stripe-events", "cus_1", "stripe#evt_1")


@pytest.mark.parametrize(
    "queue",
    [q for q in catalog.QUEUES if q.dead_letter_consumer == "operations/file_dead_letter"],
    ids=lambda q: q.name,
)
def test_every_queue_whose_dead_letters_are_to_be_filed_is_known(world: World, queue: catalog.Queue) -> None:
    dead_letter_handler(letter({"event_id": "x#1"}, f"usher-prod-{queue.name}-dlq"), None)
    assert [item["queue"] for item in world.rows("failures")] == [queue.name]


def test_a_dead_letter_that_cannot_be_filed_now_comes_again(world: World) -> None:
    world.store.is_down = True
    answer = dead_letter_handler(letter({"event_id": "signup#1"}), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


def test_the_same_dead_letter_told_twice_is_one_row(world: World) -> None:
    for _ in range(2):
        dead_letter_handler(letter({"event_id": "signup#1"}), None)
    assert [item["tries"] for item in world.rows("failures")] == [1]


def test_a_vendor_s_refusal_names_no_person_in_the_row(world: World) -> None:
    signup = before(world, "create_identity", world.given_signup("canary"))
    world.provisioner.errors.append(VendorRejected("name taken"))
    with pytest.raises(PermanentError):
        run(world, "create_identity", signup)
    assert file(world, ended(now(world, signup)))
    assert "canary" not in json.dumps(world.rows("failures"))
