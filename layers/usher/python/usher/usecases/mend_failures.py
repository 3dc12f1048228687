"""Mending: what was tried again leaves the list or comes back to it; what an outage left is tried again."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from usher.domain import times
from usher.domain.errors import Conflict, PermanentError, UsherError
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.onboarding_events import OnboardingRepaired
from usher.ports.store import ConditionFailed
from usher.records.events import EventLog
from usher.records.failures import Failure, next_try
from usher.records.signups import Signup
from usher.usecases.redrive import current_execution, go_on, putting_back, redrive_onboarding
from usher.usecases.redriving import RUNNING, Order, Redriving

GRACE = timedelta(minutes=2)  # longer than the moment between noting a redrive and beginning it
MESSAGE_TAKES = timedelta(hours=1)  # longer than any queue keeps trying a message
OnError = Callable[[str, UsherError], None]  # told the failure's id and what went wrong with it
_REASON = "tried again by itself: the vendor may be back"


def mend_failures(
    *,
    s: Redriving,
    log: EventLog,
    policy: OnboardingPolicy,
    on_error: OnError = lambda failure_id, error: None,
) -> int:
    """Settle what was redriven, and redrive the degraded whose time has come; returns how many moved.

    Somebody else may do the same at the same time: whoever comes second leaves the row alone. A row that
    cannot be mended holds up no other one: `on_error` is told its id and why.
    """
    moved = 0
    for failure in _redriving(s):
        try:
            moved += _settle(failure, s, log)
        except ConditionFailed:
            continue
        except UsherError as error:
            on_error(failure.failure_id, error)
    for failure in s.failures.due(s.clock.now()):
        try:
            redrive_onboarding(failure.subject, Order(_REASON), s)
            moved += 1
        except UsherError as error:
            if not isinstance(error, Conflict):  # which is on its way already, or has come to another end
                on_error(failure.failure_id, error)
            if isinstance(error, PermanentError):  # looked at again later
                _leave(failure, next_try(failure, policy, s.clock.now()), s)
    return moved


def settle_failure(failure_id: str, *, s: Redriving, log: EventLog) -> bool:
    """Look at one failure that was redriven, now that its execution has ended; returns whether it moved."""
    failure = s.failures.find(failure_id)
    if failure is None or failure.state != "redriving":
        return False
    try:
        return _settle(failure, s, log)
    except ConditionFailed:
        return False


def _redriving(s: Redriving) -> Iterator[Failure]:
    cursor: str | None = None
    while True:
        rows, cursor = s.failures.page("redriving", cursor=cursor, limit=100)
        yield from rows
        if cursor is None:
            return


def _settle(failure: Failure, s: Redriving, log: EventLog) -> bool:
    if failure.kind in {"message", "event"}:
        return _settle_message(failure, s)
    if failure.kind == "reconciliation":
        return False  # its own end takes it off the list, or files it again
    signup = s.signups.get(failure.subject)
    if signup.status == "active":
        _resolve(signup, failure, s, log)
        return True
    if signup.status in {"rejected", "expired", "rolled_back"}:
        s.failures.write([s.failures.resolving(failure, now=s.clock.now())])
        return True
    if not _is_older(failure, GRACE, s):
        return False
    execution = s.workflows.describe(current_execution(signup, failure, s))
    if execution is not None and execution.status in RUNNING:
        return False
    if go_on(signup, failure, s):
        return True
    s.failures.write(putting_back(signup, failure, s))
    return True


def _resolve(signup: Signup, failure: Failure, s: Redriving, log: EventLog) -> None:
    assert signup.account_id is not None  # it is active
    now = s.clock.now()
    repaired = OnboardingRepaired(
        signup_id=signup.signup_id, step=failure.step, by=failure.redriven_by or "person", tries=failure.tries
    )
    log.commit(
        signup.account_id,
        [repaired],
        [s.failures.resolving(failure, now=now)],
        correlation_id=signup.correlation_id,
        now=now,
    )


def _settle_message(failure: Failure, s: Redriving) -> bool:
    """A message or event is mended when the inbox says that its event is dealt with."""
    event_id = failure.subject if failure.kind == "event" else str((failure.body or {}).get("event_id", ""))
    row = s.inbox.get(event_id) if event_id else None
    if row is None or row["state"] == "done":
        if row is None and event_id == "" and not _is_older(failure, MESSAGE_TAKES, s):
            return False
        s.failures.write([s.failures.resolving(failure, now=s.clock.now())])
        return True
    if not _is_older(failure, MESSAGE_TAKES, s):
        return False
    s.failures.write([s.failures.reopening(failure)])
    return True


def _is_older(failure: Failure, span: timedelta, s: Redriving) -> bool:
    assert failure.redriven_at is not None
    return s.clock.now() - times.moment(failure.redriven_at) > span


def _leave(failure: Failure, until: str | None, s: Redriving) -> None:
    try:
        s.failures.write([s.failures.waiting(failure, until=until)])
    except ConditionFailed:
        return
