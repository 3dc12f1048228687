"""Redrives: from where it broke, by a new execution, or by the queue; once at a time."""

from datetime import timedelta

import pytest

from tests.fakes.failing import ended, file, given_up, now, row
from tests.fakes.redriving import (
    BY_ADA,
    MINUTE,
    broken,
    degraded,
    deps,
    execution,
    mend,
    redrive,
    rolled_back,
    settle,
)
from tests.fakes.steps import run, run_until
from tests.fakes.world import World
from usher.domain.emails import claim_key
from usher.domain.errors import Conflict, NotFound, StoreUnavailable, UsherError
from usher.ports.store import Delete, Put
from usher.records.failures import of_signup
from usher.records.signups import Signup
from usher.usecases.mend_failures import mend_failures
from usher.usecases.redrive import redrive_onboarding
from usher.usecases.redrive_failure import redrive_failure

# -- an execution that broke --------------------------------------------------------------------------------


def test_a_broken_execution_resumes_and_leaves_the_list_when_the_customer_is_active(world: World) -> None:
    signup = broken(world)
    world.clock.advance(MINUTE)
    answer = redrive(world, signup)
    assert world.workflows.redriven == [answer["execution"]]
    assert (row(world, signup).state, row(world, signup).redrives) == ("redriving", 1)
    assert (now(world, signup).status, now(world, signup).failure) == ("provisioning", None)
    for step in ("create_identity", "provision_tenant", "issue_api_key", "activate_account"):
        run(world, step, signup)
    for step in ("sync_crm", "send_welcome_mail"):
        run(world, step, signup)
    assert settle(world, signup)
    assert row(world, signup).state == "resolved"
    last = world.log.read(str(signup.account_id))[-1]
    assert (last.type, last.payload["by"], last.payload["step"]) == (
        "onboarding.repaired",
        "person",
        "create_identity",
    )
    assert not settle(world, signup)  # told twice, it is settled once


def test_one_that_breaks_again_is_open_again_with_one_try_more_since_the_first(world: World) -> None:
    signup = broken(world)
    first = row(world, signup)
    world.clock.advance(MINUTE)
    redrive(world, signup)
    id = execution(world, signup, "FAILED")
    stopped = int(world.clock.now().timestamp() * 1000)
    assert file(world, ended(signup, executionArn=id, stopDate=stopped))
    again = row(world, signup)
    assert (again.state, again.tries, again.since, again.redrives) == ("open", 2, first.since, 1)
    assert not file(world, ended(signup, executionArn=id, stopDate=stopped - MINUTE * 1000))  # told late


def test_a_wait_that_broke_begins_anew_with_a_redrive_and_its_page_has_a_key_of_its_own(world: World) -> None:
    signup = broken(world)
    former = {
        "kind": "payment",
        "since": "2025-11-21T12:00:00.000Z",
        "deadline": "2025-11-22T11:00:00.000Z",
        "reasons": [],
    }
    world.signups.change(signup.signup_id, {"waiting": former})
    world.clock.advance(24 * 60 * MINUTE)
    redrive(world, signup)
    going = now(world, signup)
    assert going.waiting == former | {
        "since": "2025-11-22T12:00:00.000Z",
        "deadline": "2025-11-23T11:00:00.000Z",
    }
    assert going.checkout_keys == 1


def test_a_second_redrive_of_a_running_one_says_so(world: World) -> None:
    signup = broken(world)
    redrive(world, signup)
    with pytest.raises(Conflict, match="is RUNNING; the sign-up is provisioning"):
        redrive(world, signup)
    assert len(world.workflows.redriven) == 1
    assert row(world, signup).redrives == 1


def test_of_two_people_at_once_one_redrives(world: World) -> None:
    signup = broken(world)
    world.store.meanwhile("transact", lambda: redrive(world, signup))
    with pytest.raises(Conflict, match="somebody else"):
        redrive(world, signup)
    assert len(world.workflows.redriven) == 1
    assert row(world, signup).redrives == 1


def test_after_fourteen_days_it_gets_a_new_execution(world: World) -> None:
    signup = broken(world)
    world.clock.advance(timedelta(days=14).total_seconds())
    answer = redrive(world, signup)
    name = f"signup-{signup.signup_id}-r1"
    assert answer["execution"] == f"onboarding:{name}"
    assert world.workflows.started[name] == (
        "onboarding",
        {"signup_id": signup.signup_id, "correlation_id": signup.correlation_id},
    )
    assert (now(world, signup).status, now(world, signup).attempt) == ("provisioning", 1)


def test_a_rollback_that_broke_too_long_ago_is_left_to_a_person(world: World) -> None:
    """A new execution would build up again what is half taken down."""
    signup = broken(world)
    world.store.inner.write(Put("failures", {**world.rows("failures")[0], "kind": "undo"}))
    world.clock.advance(timedelta(days=15).total_seconds())
    with pytest.raises(Conflict, match="by hand"):
        redrive(world, signup)


def test_a_redrive_that_died_before_it_began_is_finished_by_the_schedule(world: World) -> None:
    signup = broken(world)
    world.clock.advance(MINUTE)
    world.workflows.outages = 1
    with pytest.raises(StoreUnavailable):
        redrive(world, signup)
    assert (row(world, signup).state, mend(world)) == ("redriving", 0)  # it may be about to begin
    world.clock.advance(3 * MINUTE)
    assert mend(world) == 1
    assert len(world.workflows.redriven) == 1


def spent(world: World, signup: Signup) -> None:
    """Its execution has run out of events: it failed, and cannot be resumed."""
    world.workflows.spent.add(f"signup-{signup.signup_id}")


def test_one_that_cannot_be_resumed_gets_a_new_execution_at_once(world: World) -> None:
    signup = broken(world)
    spent(world, signup)
    answer = redrive(world, signup)
    assert answer["execution"] == f"onboarding:signup-{signup.signup_id}-r1"
    assert f"signup-{signup.signup_id}-r1" in world.workflows.started
    assert (row(world, signup).execution, row(world, signup).redrives) == (answer["execution"], 1)
    assert (now(world, signup).status, now(world, signup).redrives) == ("provisioning", 1)
    whole = run_until(world, "send_welcome_mail", now(world, signup))
    assert (whole.status, settle(world, signup)) == ("active", True)


def test_one_that_cannot_be_resumed_and_died_before_its_new_execution_is_finished_by_the_schedule(
    world: World,
) -> None:
    signup = broken(world)
    spent(world, signup)
    world.store.meanwhile("transact", lambda: setattr(world.workflows, "outages", 1), skip=1)
    with pytest.raises(StoreUnavailable):
        redrive(world, signup)
    world.clock.advance(3 * MINUTE)
    assert mend(world) == 1
    assert f"signup-{signup.signup_id}-r1" in world.workflows.started


def test_a_rollback_that_cannot_be_resumed_stays_on_the_list(world: World) -> None:
    signup = broken(world)
    world.store.inner.write(Put("failures", {**world.rows("failures")[0], "kind": "undo"}))
    spent(world, signup)
    for _ in range(2):
        with pytest.raises(Conflict, match="by hand"):
            redrive(world, signup)
        assert (row(world, signup).state, now(world, signup).status) == ("open", "failed")
        assert now(world, signup).failure == signup.failure
        world.clock.advance(MINUTE)


def test_one_row_that_cannot_be_mended_holds_up_no_other_one(world: World) -> None:
    gone, lacking = broken(world), degraded(world, "bob")
    redrive(world, gone)
    world.store.inner.write(Delete("signups", {"signup_id": gone.signup_id}))
    world.clock.advance(15 * MINUTE)
    errors: list[tuple[str, str]] = []

    def on_error(failure_id: str, error: UsherError) -> None:
        errors.append((failure_id, type(error).__name__))

    assert mend_failures(s=deps(world), log=world.log, policy=world.policy, on_error=on_error) == 1
    assert errors == [(of_signup(gone.signup_id), "NotFound")]
    assert row(world, lacking).state == "redriving"


def test_a_redriven_one_that_ended_and_was_not_told_can_be_redriven_again(world: World) -> None:
    signup = broken(world)
    redrive(world, signup)
    world.clock.advance(3 * MINUTE)
    execution(world, signup, "FAILED")  # and nobody filed it
    assert mend(world) == 1
    assert (row(world, signup).state, now(world, signup).status) == ("open", "failed")
    redrive(world, signup)
    assert len(world.workflows.redriven) == 2


def test_a_failure_first_told_after_its_resume_is_resolved_by_the_redrive_it_does_not_need(
    world: World,
) -> None:
    signup = run_until(world, "create_subscription", world.given_signup())
    id = execution(world, signup, "SUCCEEDED")  # somebody resumed it by hand before its failure was told
    assert file(world, ended(signup, executionArn=id, stopDate=1_000))
    whole = run_until(world, "send_welcome_mail", now(world, signup))
    assert (whole.status, row(world, signup).state) == ("active", "open")
    with pytest.raises(Conflict, match="the sign-up is active: there is nothing to try again"):
        redrive(world, signup)
    assert row(world, signup).state == "resolved"


def test_a_redrive_leaves_an_entry_in_the_audit_log(world: World) -> None:
    signup = broken(world)
    redrive(world, signup)
    (entry,) = world.rows("audit")
    assert (entry["actor"], entry["role"], entry["reason"]) == ("ada", "support", "the bug is fixed")
    assert (entry["subject"], entry["before"]) == (signup.signup_id, {"status": "failed"})


# -- what lacks something -----------------------------------------------------------------------------------


def test_a_degraded_customer_gets_a_new_execution_over_the_same_ids(world: World) -> None:
    signup = degraded(world)
    redrive(world, signup)
    assert f"signup-{signup.signup_id}-r1" in world.workflows.started
    going = now(world, signup)
    assert (going.status, going.attempt, going.customer_id) == ("degraded", 1, signup.customer_id)
    customers, mails = len(world.billing.customers), len(world.mailer.sent)
    whole = run_until(world, "send_welcome_mail", going)
    assert (whole.status, whole.failure) == ("active", None)
    assert (len(world.billing.customers), len(world.mailer.sent)) == (customers, mails)
    assert settle(world, signup)
    assert row(world, signup).state == "resolved"


def test_what_lacks_is_tried_again_by_itself_each_time_later_and_told_once(world: World) -> None:
    signup = degraded(world)
    for number, minutes in enumerate((15, 30, 60), 1):
        world.clock.advance(minutes * MINUTE - 1)
        assert mend(world) == 0
        world.clock.advance(1)
        assert mend(world) == 1
        assert f"signup-{signup.signup_id}-r{number}" in world.workflows.started
        run(world, "mark_degraded", now(world, signup), step="sync_crm")
        execution(world, signup, "SUCCEEDED", number=number)
    filed = row(world, signup)
    assert (filed.state, filed.tries, filed.repairs, filed.redrives) == ("open", 4, 3, 0)
    assert world.events(str(signup.account_id)).count("onboarding.degraded") == 1
    assert world.rows("audit") == []


def test_after_two_weeks_it_is_left_to_people(world: World) -> None:
    signup = degraded(world)
    for number in range(1, 30):
        if (due := row(world, signup).next_try_at) is None:
            break
        world.clock.advance(timedelta(days=8).total_seconds())
        assert mend(world) == 1, due
        run(world, "mark_degraded", now(world, signup), step="sync_crm")
        execution(world, signup, "SUCCEEDED", number=number)
    assert (row(world, signup).state, row(world, signup).next_try_at) == ("open", None)
    world.clock.advance(timedelta(days=8).total_seconds())
    assert mend(world) == 0
    assert redrive(world, signup)


def test_one_repaired_by_itself_is_resolved_by_the_schedule_when_nobody_told_its_end(world: World) -> None:
    signup = degraded(world)
    world.clock.advance(15 * MINUTE)
    mend(world)
    run_until(world, "send_welcome_mail", now(world, signup))
    assert mend(world) == 1
    assert row(world, signup).state == "resolved"
    assert world.log.read(str(signup.account_id))[-1].payload["by"] == "itself"


def still_running(world: World) -> Signup:
    """A customer whom the CRM does not know, while the execution that gave that up still sends the mail."""
    signup = given_up(world, "sync_crm")
    run(world, "mark_degraded", signup, step="sync_crm")
    execution(world, signup)
    return now(world, signup)


def test_what_an_execution_has_given_up_waits_for_none_of_its_further_steps(world: World) -> None:
    signup = still_running(world)
    redrive(world, signup)
    with pytest.raises(Conflict, match="-r1 is RUNNING; the sign-up is degraded"):
        redrive(world, signup)
    run(world, "send_welcome_mail", signup)
    whole = run_until(world, "send_welcome_mail", now(world, signup))
    assert (whole.status, len(world.mailer.sent)) == ("active", 1)
    assert settle(world, signup)
    assert row(world, signup).state == "resolved"


def test_what_a_running_execution_has_given_up_is_tried_again_by_itself(world: World) -> None:
    signup = still_running(world)
    world.clock.advance(15 * MINUTE)
    assert mend(world) == 1
    assert f"signup-{signup.signup_id}-r1" in world.workflows.started


# -- what was rolled back -----------------------------------------------------------------------------------


def test_one_that_was_rolled_back_begins_a_new_attempt_with_its_former_ids_kept(world: World) -> None:
    signup = rolled_back(world)
    redrive_onboarding(signup.signup_id, BY_ADA, deps(world))
    fresh = now(world, signup)
    assert (fresh.status, fresh.attempt, fresh.redrives) == ("provisioning", 2, 1)
    assert (fresh.customer_id, fresh.tenant_id, fresh.verdict, fresh.failure) == (None, None, None, None)
    assert fresh.steps == {}
    assert fresh.former == (
        {
            "attempt": 1,
            "customer_id": signup.customer_id,
            "subscription_id": signup.subscription_id,
            "subscription_status": signup.subscription_status,
            "tenant_id": signup.tenant_id,
            "identity_id": signup.identity_id,
            "subdomain": signup.subdomain,
            "api_key_id": signup.api_key_id,
        },
    )
    assert f"signup-{signup.signup_id}-r1" in world.workflows.started
    assert row(world, signup).state == "redriving"
    whole = run_until(world, "send_welcome_mail", fresh)
    assert whole.status == "active"
    account = world.accounts.find(str(whole.account_id))
    assert account is not None
    assert account.status == "active"
    assert settle(world, signup)


def test_one_whose_e_mail_signed_up_anew_meanwhile_is_refused_with_who_it_is(world: World) -> None:
    signup = rolled_back(world)
    world.store.inner.write(Put("claims", {"claim": claim_key(signup.email), "signup_id": "su_other"}))
    with pytest.raises(Conflict, match="as su_other"):
        redrive_onboarding(signup.signup_id, BY_ADA, deps(world))
    assert now(world, signup) == signup
    assert world.rows("audit") == []


@pytest.mark.parametrize("status", ["active", "provisioning", "waiting_review", "rejected", "expired"])
def test_what_has_nothing_to_be_tried_again_says_how_it_stands(world: World, status: str) -> None:
    signup = world.given_signup(status=status)
    with pytest.raises(Conflict, match=f"the sign-up is {status}"):
        redrive_onboarding(signup.signup_id, BY_ADA, deps(world))


def test_an_unknown_id_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        redrive_failure("fail_x", BY_ADA, deps(world))
    with pytest.raises(NotFound):
        redrive_onboarding("su_x", BY_ADA, deps(world))
