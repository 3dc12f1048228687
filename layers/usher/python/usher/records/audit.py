"""The audit log: who did what to whom, when and why; never changed, read by day (F2)."""

import json
from datetime import datetime

from usher.domain import ids, times
from usher.domain.access import Caller
from usher.ports.store import Absent, Equals, Item, Page, Put, Store

TABLE = "audit"


def entry(
    caller: Caller,
    action: str,
    *,
    subject: str,
    now: datetime,
    before: Item | None = None,
    after: Item | None = None,
    reason: str | None = None,
    request: str = "",
) -> Put:
    """The write that notes an act, to be done in one transaction with it.

    Its key follows from the act alone: the same one at the same moment is noted once, another one beside it.

    Args:
        action: what was done, as `onboarding.decide`.
        subject: the id of what it was done to.
        before, after: the attributes that it changed, as they were and as they are.
        reason: why, in the caller's words.
        request: tells acts apart that are alike in all of this.
    """
    at = times.text(now)
    told = {"before": before, "after": after, "reason": reason}
    act = json.dumps(told, sort_keys=True, default=str)
    id = ids.derived("aud", caller.subject, action, subject, at, act, request)
    item: Item = {
        "day": at[:10],
        "entry": f"{at}#{id}",
        "audit_id": id,
        "at": at,
        "actor": caller.subject,
        "role": caller.role,
        "action": action,
        "subject": subject,
    }
    return Put(TABLE, {**item, **{k: v for k, v in told.items() if v is not None}}, if_=Absent("day"))


class Audit:
    """Reads the audit log."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of_day(self, day: str, *, limit: int, cursor: str | None = None) -> Page:
        """What was done on a day (`2026-11-21`, UTC), last first. Raises InvalidCommand: a wrong cursor."""
        return self._store.query(TABLE, Equals("day", day), limit=limit, cursor=cursor, descending=True)
