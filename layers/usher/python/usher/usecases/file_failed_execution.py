"""An execution that ended badly by itself (a bug, an exhausted retry) is filed where a person sees it."""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from usher.domain import ids, times
from usher.domain.errors import StaleWrite
from usher.domain.onboarding import REOPENABLE, step_of, steps_of, undo_of
from usher.domain.onboarding_events import OnboardingDegraded, OnboardingFailed
from usher.domain.strict_json import parse
from usher.ports.clock import Clock
from usher.ports.store import ConditionFailed, Item
from usher.records.events import EventLog
from usher.records.failures import Failures, Kind
from usher.records.signups import Signup, Signups

_MODULE = re.compile(r"functions/\w+/(\w+)\.py")
_TRIES = 4


class ExecutionEnded(BaseModel):
    """The detail of a Step Functions status change. `input` is the execution's input as JSON text."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    execution_arn: str = Field(alias="executionArn")
    status: str
    stopped_at: int = Field(default=0, alias="stopDate")  # epoch milliseconds
    input: str | None = None
    error: str | None = None
    cause: str | None = None


def file_failed_execution(
    ended: ExecutionEnded, *, signups: Signups, log: EventLog, failures: Failures, clock: Clock
) -> bool:
    """Mark the sign-up, file the execution to redrive, and tell of both; returns whether there was one.

    The same end told twice is filed once; the next one, after a redrive, is filed again. The cause may
    quote data of the customer, so only names are taken from it; the execution has the rest.

    Raises StaleWrite when the rows kept changing: the bus would bring a refused write a minute later only.
    """
    for _ in range(_TRIES):
        try:
            return _file(ended, signups=signups, log=log, failures=failures, clock=clock)
        except ConditionFailed:
            continue  # the row was written since it was read, for one by the same end told twice at once
    raise StaleWrite("the failure of a sign-up kept changing while it was filed; it is told again")


def _file(
    ended: ExecutionEnded, *, signups: Signups, log: EventLog, failures: Failures, clock: Clock
) -> bool:
    signup_id = signup_id_of(ended)
    signup = signups.find(signup_id) if signup_id else None
    if signup is None or (signup.status in REOPENABLE and signup.active_at is None):
        return False
    end = f"{ended.stopped_at:015}@{ended.execution_arn}"
    if signup.ended is not None and signup.ended >= end:
        return False  # the bus delivered it twice, or late
    now, step = clock.now(), _step(ended, signup)
    reason = _reason(ended, signup, step)
    is_undo = step in undo_of(signup.kind) or signup.verdict is not None
    failure: Item = {
        "step": step,
        "reason": reason,
        "since": times.text(now),
        "correlation_id": signup.correlation_id,
        "execution": ended.execution_arn,
    }
    stays = signup.active_at is not None and not is_undo
    status, kind = ("degraded", OnboardingDegraded) if stays else ("failed", OnboardingFailed)
    account_id = signup.account_id or ids.sibling("acc", signup.signup_id)
    found: Kind = "undo" if is_undo else "execution"
    filed = failures.filing_signup(
        found, signup, step=step, reason=reason, now=now, execution=ended.execution_arn
    )
    log.commit(
        account_id,
        [kind(signup_id=signup.signup_id, step=step, reason=reason)],
        [signups.changing(signup.signup_id, {"status": status, "failure": failure, "ended": end}), filed],
        correlation_id=signup.correlation_id,
        now=now,
    )
    return True


def signup_id_of(ended: ExecutionEnded) -> str | None:
    """Whose execution it was, by its input; None when it is not one of ours."""
    given: Any = parse(ended.input.encode()) if ended.input else None
    signup_id = given.get("signup_id") if isinstance(given, dict) else None
    return signup_id if isinstance(signup_id, str) else None


def _step(ended: ExecutionEnded, signup: Signup) -> str:
    """Where it broke: the step named in the error's trace, else one that was being tried, else the next.

    With a verdict on record it broke while undoing, whatever the step says that led to it.
    """
    steps = steps_of(signup.kind)
    for name in map(step_of, _MODULE.findall(ended.cause or "")):
        if name in steps:
            return name
    undo = undo_of(signup.kind)
    under_way = [name for name in steps if (name in undo) == (signup.verdict is not None)]
    for name in under_way:
        if signup.steps.get(name, {}).get("status") in {"failed", "retrying"}:
            return name
    return next(
        (n for n in under_way if n not in signup.steps and not n.startswith(("ask_", "await_"))), "unknown"
    )


def _reason(ended: ExecutionEnded, signup: Signup, step: str) -> str:
    """The end in words that somebody who never saw a stack trace can act on."""
    known = signup.steps.get(step, {}).get("error")
    if ended.status == "ABORTED":
        return "somebody stopped the execution"
    if ended.status == "TIMED_OUT":
        return "the execution took longer than a workflow may"
    if ended.error == "RetryableError" and known:
        return f"{step} was tried until its retries were used up; the last answer was {known}"
    if ended.error == "PermanentError" and known:
        return f"{step} cannot be done as things are; the answer was {known}"
    if ended.error == "States.Timeout":
        return f"{step} did not answer in time, as often as it was tried"
    if (ended.error or "").startswith(("Lambda.", "Sandbox.")):
        return f"the function of {step} could not be run ({ended.error})"
    return (
        f"a bug: {step} raised {ended.error or 'an error without a name'}; it goes on there once it is fixed"
    )
