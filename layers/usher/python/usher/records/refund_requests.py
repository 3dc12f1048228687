"""Refunds that operators ask for: how many of each payment, and the one that is under way."""

import contextlib
from dataclasses import dataclass
from datetime import datetime

from usher.domain import times
from usher.domain.access import Caller
from usher.ports.store import Absent, Both, ConditionFailed, Equals, Item, Present, Store, Update

TABLE = "refund_requests"


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """One refund under way. `id` names it for good: it is the idempotency key at the vendor.

    `at`: when somebody last set about it.
    """

    id: str
    payment_id: str
    amount_minor: int
    asked: int | None
    reason: str
    by: str
    at: datetime

    def repeats(self, caller: Caller, asked: int | None, reason: str) -> bool:
        """Whether the same person asks for the same again."""
        return (self.by, self.asked, self.reason) == (caller.subject, asked, reason)


class RefundRequests:
    """At most one of a payment is under way."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def under_way(self, payment_id: str) -> RefundRequest | None:
        """The refund of this payment whose outcome is not recorded yet."""
        row = self._store.get(TABLE, {"payment_id": payment_id})
        return _request(row) if row and "request" in row else None

    def open(
        self,
        payment_id: str,
        *,
        amount_minor: int,
        asked: int | None,
        reason: str,
        caller: Caller,
        now: datetime,
    ) -> RefundRequest | None:
        """Take the payment's place for one refund; None when another one has it.

        Args:
            asked: the amount as it was asked for; None when that was all that is left.
        """
        request = {"amount_minor": amount_minor, "reason": reason, "by": caller.subject}
        request |= {} if asked is None else {"asked": asked}
        values = {"request": request, "at": times.text(now)}
        return self._held(
            Update(TABLE, {"payment_id": payment_id}, set=values, add={"number": 1}, if_=Absent("request"))
        )

    def taken_up(self, request: RefundRequest, *, now: datetime) -> RefundRequest | None:
        """The request with `now` as its moment; None when it is another's or nobody's by now."""
        key, values = {"payment_id": request.payment_id}, {"at": times.text(now)}
        return self._held(Update(TABLE, key, set=values, if_=_as_read(request)))

    def closing(self, request: RefundRequest) -> Update:
        """The write that frees the place, to be done with what came of it; it fails when that was done."""
        number = int(request.id.rpartition("/")[2])
        key = {"payment_id": request.payment_id}
        return Update(
            TABLE, key, remove=("request",), if_=Both((Equals("number", number), Present("request")))
        )

    def drop(self, request: RefundRequest) -> None:
        """Nothing came of it, unless somebody has taken it up again since it was read."""
        key = {"payment_id": request.payment_id}
        with contextlib.suppress(ConditionFailed):
            self._store.write(Update(TABLE, key, remove=("request",), if_=_as_read(request)))

    def _held(self, write: Update) -> RefundRequest | None:
        try:
            row = self._store.write(write)
        except ConditionFailed:
            return None
        assert row is not None
        return _request(row)


def _as_read(request: RefundRequest) -> Both:
    number, at = int(request.id.rpartition("/")[2]), times.text(request.at)
    return Both((Equals("number", number), Equals("at", at), Present("request")))


def _request(row: Item) -> RefundRequest:
    held, payment_id = row["request"], str(row["payment_id"])
    return RefundRequest(
        id=f"payment/{payment_id}/refund/{row['number']}",
        payment_id=payment_id,
        amount_minor=held["amount_minor"],
        asked=held.get("asked"),
        reason=held["reason"],
        by=held["by"],
        at=times.moment(row["at"]),
    )
