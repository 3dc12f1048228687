"""Failures: what ended for good or is stuck, one row per thing that failed, until it is repaired."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from usher.domain import ids, times
from usher.domain.onboarding import OnboardingPolicy
from usher.ports.store import Absent, AtMost, Condition, Equals, Item, Put, Store, Update, Write
from usher.records.signups import Signup

TABLE = "failures"
KEPT = timedelta(days=90)  # how long a resolved row can still be looked up
_WAITS = "waits"  # what the index of rows that are tried again by themselves is made of

OnFiled = Callable[[str, str], None]  # told the id and the kind of what is put on the list
Kind = Literal["execution", "undo", "degraded", "rolled_back", "message", "event", "reconciliation"]
State = Literal["open", "redriving", "resolved"]


class Failure(BaseModel):
    """One row. `subject` is whose it is: a sign-up's id, an event's id, or a queue's name.

    `tries` counts how often it has failed, `redrives` how often a person had it tried again since it is on
    the list, `repairs` how often that was done without one. `execution` is the one to resume or to look at.
    """

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    failure_id: str
    kind: Kind
    subject: str
    state: State
    step: str
    reason: str
    since: str
    failed_at: str
    tries: int
    correlation_id: str
    account_id: str | None = None
    execution: str | None = None
    queue: str | None = None
    body: dict[str, Any] | None = None
    group: str | None = None
    redrives: int = 0
    repairs: int = 0
    next_try_at: str | None = None
    redriven_at: str | None = None
    redriven_by: Literal["person", "itself"] | None = None
    resolved_at: str | None = None
    version: int = 1

    @property
    def was_given_up(self) -> bool:
        """Whether it is behind its execution, which still sends the mail, or waits a day for the check.

        A new one beside it does what lacks; what both come to is done once, as by two tries of one step.
        """
        return self.kind == "degraded" and self.state == "open"


def of_signup(signup_id: str) -> str:
    """The id of a sign-up's row: one, whatever it is that failed, because one redrive mends it."""
    return ids.sibling("fail", signup_id)


def of_run(run_id: str) -> str:
    """The id of a reconciliation's row."""
    return ids.sibling("fail", run_id)


def of_event(event_id: str) -> str:
    """The id of a parked event's row."""
    return ids.derived("fail", "event", event_id)


def of_message(queue: str, body: Mapping[str, Any]) -> str:
    """The id of a dead letter's row: the same message given up again finds its row."""
    return ids.derived("fail", "message", queue, json.dumps(body, sort_keys=True))


class Failures:
    """Reads the rows, and prepares their writes for the transaction in which something fails or is mended."""

    def __init__(self, store: Store, on_filed: OnFiled = lambda failure_id, kind: None) -> None:
        self._store = store
        self._on_filed = on_filed

    def find(self, failure_id: str) -> Failure | None:
        item = self._store.get(TABLE, {"failure_id": failure_id})
        return None if item is None else Failure.model_validate(item)

    def filing(
        self,
        failure_id: str,
        kind: Kind,
        subject: str,
        *,
        step: str,
        reason: str,
        correlation_id: str,
        now: datetime,
        state: State = "open",
        **more: Any,
    ) -> Put:
        """The write that puts a failure on the list; for use inside a transaction.

        Filed again while it is open, it is the same failure with its latest reason. After a redrive the
        number of `tries` rises; once resolved it begins anew. The write fails when the row changed since.

        Args:
            state: `redriving` for what goes on the list because it is being tried again.
            more: account_id, execution, queue, body, group, next_try_at, redriven_at, redriven_by.
        """
        former, moment = self.find(failure_id), times.text(now)
        if state == "open":
            self._on_filed(failure_id, kind)
        item: Item = {
            "failure_id": failure_id,
            "kind": kind,
            "subject": subject,
            "state": state,
            "step": step,
            "reason": reason,
            "since": moment,
            "failed_at": moment,
            "tries": 1,
            "correlation_id": correlation_id,
            "version": 1,
            **{name: value for name, value in more.items() if value is not None},
        }
        if "next_try_at" in item:
            item[_WAITS] = "yes"
        if former is None:
            return Put(TABLE, item, if_=Absent("failure_id"))
        item["version"] = former.version + 1
        if former.state != "resolved":
            item |= {"since": former.since, "redrives": former.redrives, "repairs": former.repairs}
            item["tries"] = former.tries + (former.state == "redriving")
        return Put(TABLE, item, if_=Equals("version", former.version))

    def filing_signup(
        self, kind: Kind, signup: Signup, *, step: str, reason: str, now: datetime, **more: Any
    ) -> Put:
        """`filing` of a sign-up, on its one row."""
        return self.filing(
            of_signup(signup.signup_id),
            kind,
            signup.signup_id,
            step=step,
            reason=reason,
            correlation_id=signup.correlation_id,
            now=now,
            account_id=signup.account_id,
            **more,
        )

    def filing_event(self, row: Item, *, step: str, reason: str, now: datetime) -> Put:
        """The write that puts a parked event on the list; `row` is its row of the inbox."""
        id = str(row["event_id"])
        correlation_id = str(row.get("correlation_id", id))
        return self.filing(
            of_event(id), "event", id, step=step, reason=reason, correlation_id=correlation_id, now=now
        )

    def redriving(
        self, failure: Failure, *, by: Literal["person", "itself"], execution: str | None, now: datetime
    ) -> Update:
        """The write that says that it is tried again; it fails when the row changed since it was read."""
        values = {"redriven_at": times.text(now), "redriven_by": by, "execution": execution}
        return self._moving(
            failure, "redriving", values, add={"redrives" if by == "person" else "repairs": 1}
        )

    def going_on(self, failure: Failure, *, execution: str) -> Update:
        """The write that says that what is tried again goes on in another execution."""
        return self._moving(failure, "redriving", {"execution": execution})

    def reopening(self, failure: Failure) -> Update:
        """The write that puts it back on the list: trying again came to nothing."""
        return self._moving(failure, "open", {})

    def resolving(self, failure: Failure, *, now: datetime) -> Update:
        """The write that takes it off the list."""
        values = {"resolved_at": times.text(now), "expires_at": int((now + KEPT).timestamp())}
        return self._moving(failure, "resolved", values)

    def waiting(self, failure: Failure, *, until: str | None) -> Update:
        """The write that lets it be tried again by itself at another time; None: never."""
        if until is None:
            return self._moving(failure, failure.state, {})
        return self._moving(failure, failure.state, {"next_try_at": until, _WAITS: "yes"}, remove=())

    def _moving(
        self,
        failure: Failure,
        state: State,
        values: Item,
        *,
        add: Mapping[str, int] | None = None,
        remove: tuple[str, ...] = (_WAITS, "next_try_at"),
    ) -> Update:
        present = {name: value for name, value in values.items() if value is not None}
        unchanged: Condition = Equals("version", failure.version)
        return Update(
            TABLE,
            {"failure_id": failure.failure_id},
            set={"state": state, **present},
            add={"version": 1, **(add or {})},
            remove=remove,
            if_=unchanged,
        )

    def write(self, writes: Sequence[Write]) -> None:
        """Do these, all or none. Raises ConditionFailed."""
        self._store.transact(writes)

    def page(
        self, state: State, *, cursor: str | None = None, limit: int = 50, newest_first: bool = False
    ) -> tuple[list[Failure], str | None]:
        """Failures in a state, by how long they have been there, and the cursor of what follows."""
        found = self._store.query(
            TABLE,
            Equals("state", state),
            index="by_state",
            limit=limit,
            cursor=cursor,
            descending=newest_first,
        )
        return [Failure.model_validate(item) for item in found.items], found.cursor

    def due(self, now: datetime, *, limit: int = 100) -> list[Failure]:
        """Failures whose time has come to be tried again by themselves, the one due longest first."""
        when = AtMost("next_try_at", times.text(now))
        found = self._store.query(TABLE, Equals(_WAITS, "yes"), index="by_due", sort=when, limit=limit)
        return [Failure.model_validate(item) for item in found.items]


def next_try(former: Failure | None, policy: OnboardingPolicy, now: datetime) -> str | None:
    """When a degraded sign-up is tried again by itself: each time twice as long, until policy gives up."""
    known = former is not None and former.state != "resolved"
    since = times.moment(former.since) if former is not None and known else now
    wait = timedelta(minutes=policy.repair_after_minutes) * 2 ** (former.repairs if former and known else 0)
    later = now + wait
    return times.text(later) if later <= since + timedelta(days=policy.repair_until_days) else None
