"""Asking and answering: what is stored is the truth, the task token only a bell that may be lost (B8)."""

import pytest

from tests.fakes.steps import run
from tests.fakes.world import World
from usher.domain.access import Caller
from usher.domain.errors import Conflict, NotFound, StoreUnavailable
from usher.records.signups import Signup
from usher.records.waits import Waits
from usher.usecases.answer_wait import Asker
from usher.usecases.ask_confirmation import ask_confirmation
from usher.usecases.ask_review import ask_review
from usher.usecases.close_wait import CloseWait, close_wait
from usher.usecases.decide_review import DecisionBody, decide_review
from usher.usecases.step import AskCommand

ADA, BEN = Caller("ada", "support"), Caller("ben", "support")
YES = DecisionBody(decision="approve", reason="spoke with them")
NO = DecisionBody(decision="reject", reason="not a company")
WAITING = {
    "kind": "review",
    "since": "2025-11-21T12:00:00.000Z",
    "deadline": "2025-11-24T12:00:00.000Z",
    "reasons": ["plan enterprise is given by review"],
}


@pytest.fixture
def asker(world: World) -> Asker:
    return Asker(
        waits=Waits(world.store),
        signups=world.signups,
        log=world.log,
        workflows=world.workflows,
        plans=world.plans,
        policy=world.policy,
        clock=world.clock,
    )


@pytest.fixture
def signup(world: World) -> Signup:
    """An enterprise sign-up that waits for its review."""
    return world.given_signup(
        "grace", plan="enterprise", account_id="acc_1", status="waiting_review", waiting=WAITING
    )


def command(world: World, signup: Signup, token: str, *, reminder: bool = False) -> AskCommand:
    return AskCommand(
        signup_id=signup.signup_id,
        correlation_id=signup.correlation_id,
        entered_at=world.clock.now(),
        task_token=token,
        reminder=reminder,
    )


def test_a_decision_moves_the_record_on_and_rings_who_waits(
    world: World, asker: Asker, signup: Signup
) -> None:
    ask_review(command(world, signup, "t1"), asker=asker)
    answer = decide_review(signup.signup_id, YES, ADA, asker=asker)
    assert answer["status"] == "provisioning"
    assert world.workflows.told["t1"]["outcome"] == "ok"
    assert world.signups.get(signup.signup_id).gates_passed == ("review",)


def test_a_rejection_is_the_sign_up_s_verdict(world: World, asker: Asker, signup: Signup) -> None:
    ask_review(command(world, signup, "t1"), asker=asker)
    decide_review(signup.signup_id, NO, ADA, asker=asker)
    assert world.workflows.told["t1"]["outcome"] == "reject"
    verdict = world.signups.get(signup.signup_id).verdict
    assert verdict == {"status": "rejected", "reason": "not a company", "step": "ask_review"}


def test_an_answer_whose_bell_was_lost_is_found_by_the_reminder(
    world: World, asker: Asker, signup: Signup
) -> None:
    ask_review(command(world, signup, "t1"), asker=asker)
    world.workflows.outages = 1
    with pytest.raises(StoreUnavailable):
        decide_review(signup.signup_id, YES, ADA, asker=asker)
    ask_review(command(world, signup, "t2", reminder=True), asker=asker)
    assert world.workflows.told["t2"]["outcome"] == "ok"
    assert "onboarding.waiting" not in world.events("acc_1")  # nobody is reminded of what is settled


def test_an_answer_whose_bell_was_lost_is_rung_again_by_whoever_repeats_it(
    world: World, asker: Asker, signup: Signup
) -> None:
    ask_review(command(world, signup, "t1"), asker=asker)
    world.workflows.outages = 1
    with pytest.raises(StoreUnavailable):
        decide_review(signup.signup_id, YES, ADA, asker=asker)
    decide_review(signup.signup_id, YES, ADA, asker=asker)
    assert "t1" in world.workflows.told


def test_a_wait_that_is_resumed_after_a_failure_is_as_long_as_the_first_time(
    world: World, asker: Asker, signup: Signup
) -> None:
    world.signups.change(signup.signup_id, {"status": "failed"})
    world.clock.advance(9 * 24 * 3600)
    ask_review(command(world, signup, "t2"), asker=asker)
    waits = world.signups.get(signup.signup_id)
    assert (waits.status, waits.waiting) == (
        "waiting_review",
        WAITING | {"since": "2025-11-30T12:00:00.000Z", "deadline": "2025-12-03T12:00:00.000Z"},
    )
    assert world.rows("waits")[0]["deadline"] == "2025-12-03T12:00:00.000Z"


def test_an_answer_stored_in_time_stands_when_the_deadline_comes(
    world: World, asker: Asker, signup: Signup
) -> None:
    ask_review(command(world, signup, "t1"), asker=asker)
    world.workflows.nobody_waits.add("t1")
    decide_review(signup.signup_id, YES, ADA, asker=asker)
    given = command(world, signup, "t1").model_dump(exclude={"task_token", "reminder"})
    assert close_wait(CloseWait(**given, wait_kind="review"), asker=asker).outcome == "ok"


def test_the_first_of_two_decisions_stands_and_the_audit_log_has_both(
    world: World, asker: Asker, signup: Signup
) -> None:
    ask_review(command(world, signup, "t1"), asker=asker)
    decide_review(signup.signup_id, YES, ADA, asker=asker)
    with pytest.raises(Conflict, match="approve by ada"):
        decide_review(signup.signup_id, NO, BEN, asker=asker)
    assert sorted((row["action"], row["actor"]) for row in world.rows("audit")) == [
        ("onboarding.decide", "ada"),
        ("onboarding.decide_refused", "ben"),
    ]


def test_a_decision_on_what_does_not_wait_says_how_it_stands(world: World, asker: Asker) -> None:
    active = world.given_signup("ada", account_id="acc_2", status="active")
    with pytest.raises(Conflict, match="it is active"):
        decide_review(active.signup_id, YES, ADA, asker=asker)
    with pytest.raises(NotFound):
        decide_review("su_" + "a" * 26, YES, ADA, asker=asker)


def test_a_confirmation_is_mailed_when_it_is_asked_for_and_once_more_as_a_reminder(
    world: World, asker: Asker
) -> None:
    waiting = {**WAITING, "kind": "confirmation"}
    signup = world.given_signup("ada", account_id="acc_1", status="waiting_confirmation", waiting=waiting)
    ask_confirmation(command(world, signup, "t1"), asker=asker, queue=world.queue)
    ask_confirmation(command(world, signup, "t2", reminder=True), asker=asker, queue=world.queue)
    mails = [(message.body["notice"], message.body["round"]) for _, message in world.queue.sent]
    assert mails == [("confirm_email", "first"), ("confirm_email", "reminder")]
    assert world.events("acc_1") == ["onboarding.waiting"]


def test_an_address_that_was_confirmed_before_it_was_asked_for_gets_no_mail(
    world: World, asker: Asker
) -> None:
    signup = world.given_signup("ada", account_id="acc_1", status="waiting_confirmation")
    asker.waits.answer(signup.wait_id("confirmation"), {"decision": "approve"}, now=world.clock.now())
    ask_confirmation(command(world, signup, "t1"), asker=asker, queue=world.queue)
    assert world.queue.sent == []
    assert world.workflows.told["t1"]["outcome"] == "ok"


def test_a_decision_whose_record_was_not_written_is_audited_by_its_repeat(
    world: World, asker: Asker, signup: Signup
) -> None:
    """The deployment died after the answer was stored and before the record moved on."""
    ask_review(command(world, signup, "t1"), asker=asker)
    world.store.fail("transact")
    with pytest.raises(StoreUnavailable):
        decide_review(signup.signup_id, YES, ADA, asker=asker)
    decide_review(signup.signup_id, YES, ADA, asker=asker)
    assert [row["action"] for row in world.rows("audit")] == ["onboarding.decide"]
    assert "t1" in world.workflows.told


def test_who_is_active_is_never_undone_by_a_bug(world: World) -> None:
    active = world.given_signup(account_id="acc_1", status="active", active_at="2025-11-21T12:00:01.000Z")
    with pytest.raises(RuntimeError, match="active and not to be undone"):
        run(world, "begin_rollback", active)
    assert world.signups.get(active.signup_id).verdict is None
