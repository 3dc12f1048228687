"""Who is changing a subscription now: a lease on our copy of it, so that of two changes one wins."""

import contextlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from usher.domain import times
from usher.domain.errors import Conflict
from usher.ports.store import Absent, AtMost, Both, Condition, ConditionFailed, Equals, Item, Store, Update

TABLE = "subscriptions"
LASTS = timedelta(seconds=60)  # longer than the function that makes the change may run
_HELD = ("change_intent", "change_until", "change_at", "change_plan", "change_attempt", "change_unfinished")
_LISTED = "all"


class BeingChanged(Conflict):
    """Somebody else is changing it, or wrote it at this moment. `row` is how it stands."""

    def __init__(self, row: Item) -> None:
        super().__init__(f"subscription {row['subscription_id']} is being changed by another request")
        self.row = row

    def by_another_change_than(self, read: Item, *, now: datetime) -> bool:
        """Whether another change has it, or has had it since `read`; else its row was only written."""
        begun = self.row.get("change_number") != read.get("change_number")
        return begun or _is_held(self.row, now)


@dataclass(frozen=True, slots=True)
class Lease:
    """A change that has begun.

    Attributes:
        number: counts the changes of this subscription: with it `name` is that of one of them.
        at: the moment as of which it is made; a run that takes the change up again uses the same.
        plan: what is to be done, as it was judged when the change began.
        attempt: moved on when the vendor answers `key` with a failure that it has stored.
    """

    subscription_id: str
    intent: str
    number: int
    at: datetime
    plan: Item
    attempt: int = 1

    @property
    def name(self) -> str:
        """What the vendor's objects say of whose doing they are; the same at every attempt."""
        return f"subscription/{self.subscription_id}/change/{self.number}"

    @property
    def key(self) -> str:
        """What the vendor's idempotency keys of this attempt begin with."""
        return self.name if self.attempt == 1 else f"{self.name}/{self.attempt}"


def is_of(row: Item, intent: str) -> bool:
    """Whether the request began a change of this subscription, or has ended it."""
    return intent in (row.get("change_intent"), row.get("change_end", {}).get("by"))


def made(row: Item, intent: str) -> Item | None:
    """What the request's change of this subscription came to; None when it is not made."""
    if row.get("change_done") == intent:
        return dict(row.get("change_came_to", {}))
    end = row.get("change_end", {})
    return dict(end["came_to"]) if end.get("by") == intent else None


class ChangeLeases:
    """Takes and gives up leases; one is taken on the version of the copy that the change was judged by."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, row: Item, *, intent: str, plan: Item, at: datetime, now: datetime) -> Lease:
        """Begin a change of the subscription as it was read.

        Raises BeingChanged when another change holds it, or somebody wrote it since it was read.
        """
        id, number = str(row["subscription_id"]), int(row.get("change_number", 0)) + 1
        if _is_held(row, now):
            raise BeingChanged(row)
        lease = Lease(id, intent, number, at, plan)
        values = {
            "change_intent": intent,
            "change_number": number,
            "change_at": times.text(at),
            "change_plan": plan,
            "change_attempt": 1,
        }
        self._hold(row, values, now)
        return lease

    def taken_up(self, row: Item, *, intent: str, now: datetime) -> Lease | None:
        """The change that an earlier run of this request began and did not end; None when there is none."""
        if row.get("change_intent") != intent:
            return None
        self._hold(row, {}, now)
        id, at = str(row["subscription_id"]), times.moment(row["change_at"])
        attempt = int(row.get("change_attempt", 1))
        return Lease(id, intent, int(row["change_number"]), at, row["change_plan"], attempt)

    def note(self, lease: Lease, plan: Item) -> Lease:
        """Keep what was worked out before it is done; from now on the change has to be finished.

        Raises ConditionFailed when the lease is another's.
        """
        self._update(lease, set={"change_plan": plan, "change_unfinished": _LISTED})
        return replace(lease, plan=plan)

    def unfinished(self, now: datetime) -> list[str]:
        """Subscriptions, a hundred at most, whose change has to be finished and is let lie by its request."""
        page = self._store.query(
            TABLE,
            Equals("change_unfinished", _LISTED),
            index="by_unfinished",
            sort=AtMost("change_until", times.text(now)),
        )
        return [str(item["subscription_id"]) for item in page.items]

    def spent(self, lease: Lease) -> None:
        """The next run of it uses other keys. Raises ConditionFailed when the lease is another's."""
        self._update(lease, set={"change_attempt": lease.attempt + 1})

    def release(self, lease: Lease, *, came_to: Item | None, is_end: bool = False) -> None:
        """The change is made, or (None) came to nothing; what another request has begun meanwhile stays.

        `came_to` is what a repeat of the request is answered, beside how the subscription stands. An end is
        kept beside the last change: another subscription may run when it is asked for again.
        """
        done: Item = {} if came_to is None else {"change_done": lease.intent, "change_came_to": came_to}
        if is_end:
            done["change_end"] = {"by": lease.intent, "came_to": came_to}
        try:
            self._update(lease, set=done, remove=_HELD)
        except ConditionFailed:
            return

    def refused(self, lease: Lease) -> None:
        """It was refused for good, and is over; one that has to be finished stays, with other keys.

        The vendor may have stored its refusal under these.
        """
        with contextlib.suppress(ConditionFailed):  # the lease is another's
            try:
                self._update(lease, remove=_HELD, if_=Absent("change_unfinished"))
            except ConditionFailed:
                self.spent(lease)

    def _hold(self, row: Item, values: Item, now: datetime) -> None:
        key = {"subscription_id": row["subscription_id"]}
        until = {"change_until": times.text(now + LASTS)}
        try:
            self._store.write(
                Update(
                    TABLE, key, set=values | until, add={"version": 1}, if_=Equals("version", row["version"])
                )
            )
        except ConditionFailed as error:
            raise BeingChanged(self._store.get(TABLE, key) or row) from error

    def _update(
        self,
        lease: Lease,
        *,
        set: Item | None = None,
        remove: tuple[str, ...] = (),
        if_: Condition | None = None,
    ) -> None:
        own = Equals("change_intent", lease.intent)
        self._store.write(
            Update(
                TABLE,
                {"subscription_id": lease.subscription_id},
                set=set or {},
                add={"version": 1},
                remove=remove,
                if_=own if if_ is None else Both((own, if_)),
            )
        )


def _is_held(row: Item, now: datetime) -> bool:
    """Whether a change has it: it goes on, or it broke off where it has to be finished before another."""
    return str(row.get("change_until", "")) > times.text(now) or "change_unfinished" in row
