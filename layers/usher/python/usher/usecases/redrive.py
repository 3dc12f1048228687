"""Redrive: a sign-up that failed is tried again, from where it broke or by a new execution."""

from typing import Any

from usher.domain import times
from usher.domain.errors import Conflict, NotFound
from usher.domain.onboarding import REOPENABLE, execution_name
from usher.ports.store import ConditionFailed, Item, Write
from usher.ports.workflows import Execution
from usher.records.failures import Failure, of_signup
from usher.records.reopening import claiming, failing, restarting, resuming
from usher.records.signups import LinkOnboarding, Signup
from usher.usecases.link_reopening import SoldAnew
from usher.usecases.redriving import MENDED, REDRIVABLE, REDRIVABLE_FOR, RUNNING, Order, Redriving, audited

BY_HAND = "undo what is left by hand, as its steps say"


def redrive_onboarding(signup_id: str, order: Order, s: Redriving) -> Item:
    """Try a sign-up again that broke, was rolled back, or lacks something; returns its execution.

    A broken execution resumes from its failed state while that is possible; anything else gets a new
    execution over the same steps; a payment link that was rolled back is sold again. All of it is noted
    before anything moves, so that a redrive that dies half-way is found and finished (`go_on`). A failure
    first told after its resume, of a sign-up that has ended since, is taken off the list, and so is one in
    whose place another one is by now. Raises NotFound, and Conflict when it runs already, or may not be.
    """
    signup = s.signups.get(signup_id)
    failure = s.failures.find(of_signup(signup_id))
    execution = s.workflows.describe(current_execution(signup, failure, s))
    if execution is not None and execution.status in RUNNING and not (failure and failure.was_given_up):
        raise Conflict(f"execution {execution.name} is {execution.status}; the sign-up is {signup.status}")
    if signup.status not in REDRIVABLE:
        if signup.status in MENDED:
            _resolve(failure, s)
        raise Conflict(f"the sign-up is {signup.status}: there is nothing to try again{_instead(signup)}")
    if execution is not None and signup.status != "rolled_back" and _resumable(execution, s):
        _begin(signup, failure, [resuming(signup, s.clock.now())], execution.id, order, s)
        return {"signup_id": signup_id, "execution": _resume(signup_id, execution.id, s)}
    if failure is not None and failure.kind == "undo" and failure.state != "resolved":
        raise Conflict(f"its rollback broke more than 14 days ago: {BY_HAND}")
    reopened = _reopened(signup, failure, s)
    _begin(signup, failure, reopened, _execution_id(signup, signup.redrives + 1, s), order, s)
    return {"signup_id": signup_id, "execution": _start(signup, signup.redrives + 1, s)}


def _reopened(signup: Signup, failure: Failure | None, s: Redriving) -> list[Write]:
    if signup.status != "rolled_back":
        return [restarting(signup)]
    if not isinstance(signup, LinkOnboarding):
        return [restarting(signup), claiming(signup)]
    try:
        return s.links.writes(signup, now=s.clock.now())
    except SoldAnew:
        _resolve(failure, s)
        raise


def _instead(signup: Signup) -> str:
    """What to do for a link that ended as its customer or a person wanted."""
    is_over = isinstance(signup, LinkOnboarding) and signup.status in REOPENABLE
    return "; sell anew with POST /v1/onboardings" if is_over else ""


def _resolve(failure: Failure | None, s: Redriving) -> None:
    if failure is not None and failure.state == "open":
        s.failures.write([s.failures.resolving(failure, now=s.clock.now())])


def go_on(signup: Signup, failure: Failure, s: Redriving) -> bool:
    """Finish a redrive that was noted and never begun; returns whether it was one. Raises as `_resume`."""
    execution = s.workflows.describe(current_execution(signup, failure, s))
    if execution is None and signup.redrives:
        _start(signup, signup.redrives, s)
        return True
    if execution is None or execution.stopped_at is None or failure.redriven_at is None:
        return False
    if execution.status == "SUCCEEDED" or times.text(execution.stopped_at) > failure.redriven_at:
        return False
    _resume(signup.signup_id, execution.id, s)
    return True


def putting_back(signup: Signup, failure: Failure, s: Redriving) -> list[Write]:
    """The writes after which it can be tried again: the failure is listed, and the sign-up has failed."""
    writes: list[Write] = [s.failures.reopening(failure)]
    if signup.status not in REDRIVABLE:
        writes.append(failing(signup, failure))
    return writes


def current_execution(signup: Signup, failure: Failure | None, s: Redriving) -> str:
    """The id of the execution that runs this sign-up, or ran it last."""
    if failure is not None and failure.execution is not None and failure.state != "resolved":
        return failure.execution
    return _execution_id(signup, signup.redrives, s)


def _resume(signup_id: str, execution_id: str, s: Redriving) -> str:
    """Resume the execution, or start a new one in its place when that is refused; returns which.

    Refused is what has run out of its 25,000 events or its 14 days (AWS API RedriveExecution). A rollback
    is not begun anew: it is put back on the list, and Conflict raised.
    """
    try:
        s.workflows.redrive(execution_id)
    except (Conflict, NotFound) as error:
        execution = s.workflows.describe(execution_id)
        if execution is None or execution.status not in RUNNING:
            return _start_instead(signup_id, error, s)
    return execution_id


def _start_instead(signup_id: str, refused: Exception, s: Redriving) -> str:
    signup, failure = s.signups.get(signup_id), s.failures.find(of_signup(signup_id))
    assert failure is not None  # noted by `_begin`
    if failure.kind == "undo":
        s.failures.write(putting_back(signup, failure, s))
        raise Conflict(f"its rollback cannot be resumed ({refused}): {BY_HAND}") from refused
    number = signup.redrives + 1
    moved = s.failures.going_on(failure, execution=_execution_id(signup, number, s))
    try:
        s.failures.write([restarting(signup), moved])
    except ConditionFailed as error:
        raise Conflict("somebody else is having this tried again right now") from error
    return _start(signup, number, s)


def _begin(
    signup: Signup, failure: Failure | None, reopened: list[Write], execution: str, order: Order, s: Redriving
) -> None:
    now = s.clock.now()
    if failure is not None and failure.state != "resolved":
        row: Write = s.failures.redriving(failure, by=order.by, execution=execution, now=now)
    else:
        row = _row_of(signup, execution, order, s)
    before, after = {"status": signup.status}, {"execution": execution}
    try:
        s.failures.write([*reopened, row, *audited(signup.signup_id, before, after, order, s)])
    except ConditionFailed as error:
        holder = (error.failed.get(1) or {}).get("signup_id") if len(reopened) > 1 else None
        if holder not in (None, signup.signup_id) and signup.kind == "signup":
            _resolve(failure, s)
            raise Conflict(f"the e-mail has meanwhile signed up anew, as {holder}") from error
        raise Conflict("somebody else is having this tried again right now") from error


def _row_of(signup: Signup, execution: str, order: Order, s: Redriving) -> Write:
    """The row of a sign-up that was not on the list: it is from now on, until it has come to an end."""
    known, now = signup.failure or {}, s.clock.now()
    return s.failures.filing_signup(
        "degraded" if signup.status == "degraded" else "rolled_back",
        signup,
        step=known.get("step", "unknown"),
        reason=known.get("reason", f"the sign-up was {signup.status}"),
        now=now,
        state="redriving",
        execution=execution,
        redriven_at=times.text(now),
        redriven_by=order.by,
        redrives=1 if order.by == "person" else None,
    )


def _resumable(execution: Execution, s: Redriving) -> bool:
    if execution.status == "SUCCEEDED" or execution.stopped_at is None:
        return False
    return s.clock.now() - execution.stopped_at < REDRIVABLE_FOR


def _start(signup: Signup, number: int, s: Redriving) -> str:
    given: dict[str, Any] = {"signup_id": signup.signup_id, "correlation_id": signup.correlation_id}
    workflow, name = execution_name(signup.kind, signup.signup_id, number)
    return s.workflows.start(workflow, name=name, input=given)


def _execution_id(signup: Signup, number: int, s: Redriving) -> str:
    return s.workflows.execution_id(*execution_name(signup.kind, signup.signup_id, number))
