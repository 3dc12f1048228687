"""A reconciliation begins: at night by itself, or because somebody wants one; one runs at a time."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from usher.domain import ids, times
from usher.domain.access import Caller
from usher.domain.errors import Conflict, NotFound
from usher.domain.problems import FieldError, invalid
from usher.domain.reconciliation_policy import ReconciliationPolicy
from usher.ports.clock import Clock
from usher.ports.store import ConditionFailed
from usher.ports.workflows import Workflows
from usher.records import audit
from usher.records.reconciliations import Reconciliations, Run
from usher.usecases.fields import Body, Text

WORKFLOW = "reconciliation"
NIGHT = Caller(subject="usher:nightly", role="billing")
LONGEST = timedelta(days=5 * 366)
_ENDED = ("FAILED", "TIMED_OUT", "ABORTED")
_DYING = timedelta(
    minutes=5
)  # how long a run may be without an execution: whoever started it died in between


def _day(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("names a day that does not exist") from error
    return value


Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_day)]


class StartBody(Body):
    """The days to compare, both included, in UTC; without `from`, as far back as policy says."""

    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None
    heal: bool = False


class HealBody(Body):
    """Why it is healed: for the audit log."""

    reason: Text = "asked for"


def start_reconciliation(
    body: StartBody,
    caller: Caller,
    *,
    runs: Reconciliations,
    workflows: Workflows,
    clock: Clock,
) -> dict[str, Any]:
    """Start a run, or join the one that goes on over the same days; returns it as the API tells it.

    Raises Problem 400 for days that make no sense, and Conflict while another run goes on.
    """
    now = clock.now()
    since, until = _window(body, now)
    return _start(since, until, body.heal, caller, "asked for", None, runs=runs, workflows=workflows, now=now)


def heal_reconciliation(
    run_id: str,
    body: HealBody,
    caller: Caller,
    *,
    runs: Reconciliations,
    workflows: Workflows,
    clock: Clock,
) -> dict[str, Any]:
    """Start a run that heals what this one found and left open, as far as that is safe.

    Raises NotFound, and Conflict while a run goes on.
    """
    of = runs.find(run_id)
    if of is None:
        raise NotFound(f"no reconciliation {run_id}")
    if of.state == "running":
        raise Conflict(f"{run_id} still runs: heal what it found when it has ended")
    now = clock.now()
    return _start(
        of.since, of.until, True, caller, body.reason, run_id, runs=runs, workflows=workflows, now=now
    )


def start_nightly(
    *, runs: Reconciliations, workflows: Workflows, policy: ReconciliationPolicy, clock: Clock
) -> int:
    """Start the night's run as policy says; returns 0 when another goes on, which then is the night's."""
    now = clock.now()
    try:
        _start(
            None,
            times.text(now),
            policy.nightly_heals,
            NIGHT,
            "nightly",
            None,
            runs=runs,
            workflows=workflows,
            now=now,
        )
    except Conflict:
        return 0
    return 1


def _start(
    since: str | None,
    until: str,
    heal: bool,
    caller: Caller,
    reason: str,
    heals_of: str | None,
    *,
    runs: Reconciliations,
    workflows: Workflows,
    now: datetime,
) -> dict[str, Any]:
    holder = runs.running()
    if holder is not None and _alive(holder, workflows, now):
        if (holder.since, holder.heal, holder.heals_of) == (since, heal, heals_of) and (
            since is None or holder.until == until
        ):
            _execute(holder, workflows)  # whoever put it in its place may have died before it ran
            return shown(holder) | {"joined": True}
        raise Conflict(f"{holder.run_id} still runs: one reconciliation at a time")
    run_id = ids.derived("rec", caller.subject, times.text(now))
    run = Run(
        run_id=run_id,
        state="running",
        since=since,
        until=until,
        heal=heal,
        started_at=times.text(now),
        started_by=caller.subject,
        role=caller.role,
        correlation_id=run_id,
        execution=workflows.execution_id(WORKFLOW, run_id),
        heals_of=heals_of,
    )
    act = "reconciliation.heal" if heals_of else "reconciliation.start"
    what = {"since": since, "until": until, "heal": heal}
    noted = audit.entry(caller, act, subject=heals_of or run_id, now=now, after=what, reason=reason)
    try:
        runs.start(run, instead_of=holder, also=[noted])
    except ConditionFailed as error:
        raise Conflict("another reconciliation has just begun: one at a time") from error
    _execute(run, workflows)
    return shown(run) | {"joined": False}


def _execute(run: Run, workflows: Workflows) -> None:
    given = {"run_id": run.run_id, "correlation_id": run.correlation_id}
    workflows.start(WORKFLOW, name=run.run_id, input=given)


def _alive(run: Run, workflows: Workflows, now: datetime) -> bool:
    """Whether the run that holds the place still goes on, or may."""
    found = workflows.describe(run.execution) if run.execution else None
    if found is None:
        return now - times.moment(run.started_at) < _DYING
    return found.status not in _ENDED


def _window(body: StartBody, now: datetime) -> tuple[str | None, str]:
    """The moments between which it compares; days that are not over end now."""
    until = now
    if body.to is not None:
        until = min(now, times.moment(f"{body.to}T00:00:00Z") + timedelta(days=1))
    if body.from_ is None:
        return None, times.text(until)
    since = times.moment(f"{body.from_}T00:00:00Z")
    if since >= until:
        raise invalid((FieldError("from", "must be a day that has begun, and not after `to`"),))
    if until - since > LONGEST:
        raise invalid((FieldError("from", "must not be more than five years before `to`"),))
    return times.text(since), times.text(until)


def shown(run: Run) -> dict[str, Any]:
    """A run as the API tells it."""
    told = run.model_dump(mode="json", exclude_none=True, exclude={"version", "execution", "role", "run_id"})
    return {"reconciliation_id": run.run_id, **told}
