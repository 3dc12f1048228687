"""Step CloseLinkPayment: the deadline has passed; the link is closed first, decided after."""

from datetime import timedelta

from usher.domain import times
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.store import Absent, ConditionFailed
from usher.usecases.link_payment import LinkDesk
from usher.usecases.link_standing import outcome
from usher.usecases.step import STOP, StepCommand, StepResult, WaitTimes

EXPIRED = {
    "status": "expired",
    "reason": "the link was not paid before its deadline",
    "step": "await_link_payment",
}


def close_link_payment(command: StepCommand, *, desk: LinkDesk, policy: OnboardingPolicy) -> StepResult:
    """Make sure that nobody can pay any more, then look: paid goes on, under way waits on, else expired.

    In this order no one can pay after it was decided that they did not (SCENARIOS 10).
    """
    link = desk.onboardings.link(command.signup_id)
    if link.link_id is not None:
        desk.links.close(link.link_id)
    found = desk.settle(link)
    if found.state == "processing":
        return _wait_for_bank(command, desk, policy)
    if found.state == "open":
        desk.end(link, EXPIRED)
    return outcome(desk.onboardings.link(command.signup_id)) or STOP


def _wait_for_bank(command: StepCommand, desk: LinkDesk, policy: OnboardingPolicy) -> StepResult:
    link, now = desk.onboardings.link(command.signup_id), desk.clock.now()
    deadline = now + timedelta(hours=policy.payment_link.bank_hours)
    waiting = {
        "kind": "payment",
        "since": times.text(now),
        "deadline": times.text(deadline),
        "reasons": ["the bank has not confirmed the debit yet"],
    }
    try:
        desk.onboardings.change(link.signup_id, {"waiting": waiting}, if_=Absent("checkout_id"))
    except ConditionFailed:
        return outcome(desk.onboardings.link(link.signup_id)) or STOP
    remind, rest = policy.payment_link.waiting(deadline, now)
    return StepResult(outcome="pay", wait=WaitTimes(remind_seconds=remind, rest_seconds=rest))
