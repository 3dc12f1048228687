"""Step OpenCheckTask: a day later somebody looks at the account and signs it off."""

from usher.domain import times
from usher.domain.onboarding_events import OnboardingWaiting
from usher.ports.clock import Clock
from usher.ports.store import Absent, ConditionFailed
from usher.records.events import EventLog
from usher.records.link_onboardings import LinkOnboardings
from usher.usecases.step import OK, StepCommand, StepResult, mark

STEP = "open_check_task"
WHY = "a second person looks at every new account: team, what was bought, and that it works"


def open_check_task(
    command: StepCommand, *, onboardings: LinkOnboardings, log: EventLog, clock: Clock
) -> StepResult:
    """Put the task on the record and tell of it, once; signed off before, there is nothing to open."""
    link, now = onboardings.link(command.signup_id), clock.now()
    assert link.account_id is not None
    if link.check is not None:
        return OK
    check = {"state": "open", "due_at": times.text(now), "why": WHY}
    write = onboardings.changing(
        link.signup_id, {"check": check, **mark(command, STEP, now)}, if_=Absent("check")
    )
    told = OnboardingWaiting(signup_id=link.signup_id, kind="check", deadline=check["due_at"], reasons=(WHY,))
    try:
        log.commit(link.account_id, [told], [write], correlation_id=link.correlation_id, now=now)
    except ConditionFailed as error:
        if 0 not in error.failed:
            raise  # something else than "another try was faster"
    return OK
