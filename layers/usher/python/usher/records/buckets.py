"""Buckets: who may call a vendor when, one row per bucket, shared by all dispatchers and adapters.

`line` is where the next slot of the sign-ups stands, booked up to minutes ahead; `held` is how much the line
was pushed back so far, by calls that passed it and by the vendor's refusals. What was booked is kept as a
place: its slot less `held`, so that the slot is the place plus what `held` is when its owner looks again.
`main` and `reserved` are the lanes of calls made at once; `closed_until`, `strain` and `told_at` come from
refusals. Moments and spans are microseconds of business time, in which the delays of messages run too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from usher.domain import admission
from usher.domain.admission import FULL_PACE, SECOND, Lane, Rate, Rates
from usher.domain.errors import VendorUnavailable
from usher.ports.clock import Clock
from usher.ports.store import (
    Absent,
    AtLeast,
    AtMost,
    Both,
    Condition,
    ConditionFailed,
    Equals,
    Item,
    Store,
    Update,
)

TABLE = "buckets"
LINE, HELD = "line", "held"
LIVE: tuple[Lane, ...] = ("main", "reserved")  # whom calls in the background give way to
SLACK = 4  # slots that the line may be ahead before they do: they take a slot in four at most
PATIENCE = SECOND  # how far ahead a call made at once may wait for its slot
LONGEST_PAUSE = 60  # seconds, whatever a vendor asks for
_TRIES = 8


class Buckets:
    """Takes slots with one write: added while the bucket is busy, set anew when it was idle.

    Args:
        rates: a bucket without a rate is never read or written; its name must not come here.
    """

    def __init__(self, store: Store, rates: Rates, clock: Clock) -> None:
        self._store = store
        self._rates = rates
        self._clock = clock
        self._stood: dict[tuple[str, str], int] = {}  # where a line or lane stood when last seen from here

    def now(self) -> int:
        return int(self._clock.now().timestamp() * SECOND)

    def limited(self, buckets: Sequence[str]) -> list[str]:
        """Those of these buckets that have a rate."""
        return [bucket for bucket in buckets if self._rates.of(bucket) is not None]

    # -- the line: booked ahead ----------------------------------------------------------------------------

    def book(self, bucket: str, calls: int, count: int) -> tuple[list[int], Item]:
        """Book `calls` slots for each of `count` sign-ups; returns their places and the row as it now is."""
        each = calls * self._rate(bucket).interval
        row = self._take(bucket, LINE, each * count)
        first = row[LINE] - each * count - row.get(HELD, 0)
        return [first + each * number for number in range(count)], row

    def row(self, bucket: str) -> Item:
        """The bucket as it is now; empty before its first use."""
        return self._store.get(TABLE, {"bucket": bucket}) or {}

    def due(self, bucket: str, place: int, row: Item) -> int:
        """The moment from which the owner of this place may go."""
        slot = place + int(row.get(HELD, 0)) - self._rate(bucket).tolerance
        return max(slot, int(row.get("closed_until", 0)))

    def goes(self, bucket: str, calls: int, row: Item) -> None:
        """So many booked calls are about to be made; under strain each takes up more than its interval."""
        if extra := calls * admission.surplus(self._rate(bucket).interval, self._strain(row)):
            self._add(bucket, {LINE: extra, HELD: extra})

    # -- the lanes: at once --------------------------------------------------------------------------------

    def pass_line(self, bucket: str, lane: Lane) -> float:
        """Take the lane's next slot, which pushes the line back by one; returns the seconds until the slot.

        Each lane has its share to itself: how long the line is, and how busy the other lane, is not felt in
        it. What the lanes leave is the line's. `background` is turned away while others wait for their slots,
        and while the vendor's last refusal is felt. Raises VendorUnavailable with `retry_after` for that, or
        when the slot lies further ahead than `PATIENCE`; then it is not taken.
        """
        rate = self._rate(bucket)
        if lane == "background":
            self._give_way(bucket)
        interval = self._rates.lane_interval(rate, lane)
        latest = self.now() + PATIENCE + rate.tolerance
        row = self._take(
            bucket, lane, interval, latest=latest, also={LINE: rate.interval, HELD: rate.interval}
        )
        if extra := admission.surplus(rate.interval, self._strain(row)):
            slower = admission.surplus(interval, self._strain(row))
            self._add(bucket, {LINE: extra, HELD: extra, lane: slower})
        slot: int = max(row[lane] - interval - rate.tolerance, row.get("closed_until", 0))
        wait = slot - self.now()
        if wait > PATIENCE:
            raise _ahead(bucket, wait)
        return max(0.0, wait / SECOND)

    # -- leases: at once or not at all ---------------------------------------------------------------------

    def lease(self, bucket: str, calls: int) -> None:
        """Take so many slots for use at once; without any, raises VendorUnavailable with `retry_after`."""
        rate = self._rate(bucket)
        try:
            self._take(bucket, LINE, calls * rate.interval, latest=self.now() + rate.tolerance)
        except VendorUnavailable as error:
            raise _ahead(bucket, int((error.retry_after or 0) * SECOND) - rate.tolerance) from error

    # -- what the vendor says ------------------------------------------------------------------------------

    def refused(self, bucket: str, *, retry_after: float | None) -> None:
        """The vendor answered 429: go slower, and not at all while it asked for that.

        However many calls are refused at a time, the pace is cut once a second, and not while it is closed.
        """
        row, now = self.row(bucket), self.now()
        if now < max(row.get("told_at", -SECOND) + SECOND, row.get("closed_until", 0)):
            return
        pause = int(min(retry_after or 0.0, LONGEST_PAUSE) * SECOND)
        changes: Item = {"told_at": now, "strain": admission.strained(self._strain(row))}
        if pause:
            changes["closed_until"] = now + pause
        try:
            self._store.write(Update(TABLE, {"bucket": bucket}, set=changes, if_=_unchanged("told_at", row)))
        except ConditionFailed:
            return  # somebody else has just said so
        if pause:
            self._take(bucket, LINE, pause, also={HELD: pause})

    # -- inside --------------------------------------------------------------------------------------------

    def _rate(self, bucket: str) -> Rate:
        rate = self._rates.of(bucket)
        assert rate is not None, f"policies/limits.yaml has no rate for {bucket}"
        return rate

    def _strain(self, row: Item) -> int:
        return admission.strain(row.get("strain", FULL_PACE), row.get("told_at", 0), self.now())

    def _give_way(self, bucket: str) -> None:
        """Raise VendorUnavailable while others want this bucket, or its vendor lately refused a call."""
        row, now = self.row(bucket), self.now()
        rate = self._rate(bucket)
        free_from = [row.get("closed_until", 0), row.get(LINE, 0) - SLACK * rate.interval]
        free_from += [row.get(lane, 0) - self._rates.lane_interval(rate, lane) for lane in LIVE]
        if (ahead := max(free_from) - now) > 0 or self._strain(row) > FULL_PACE:
            raise _ahead(bucket, max(ahead, SECOND))

    def _take(
        self,
        bucket: str,
        name: str,
        amount: int,
        *,
        latest: int | None = None,
        also: Mapping[str, int] | None = None,
    ) -> Item:
        """Move a line or lane on by `amount`, from now when it stands in the past; returns the row.

        Raises VendorUnavailable when it stands behind `latest`. Whoever meets others takes a turn by adding,
        which cannot fail while the bucket is busy, and others make it busy.
        """
        now, others = self.now(), dict(also or {})
        stood: int | None = self._stood.get((bucket, name))
        guess_idle = stood is None or stood < now
        for _ in range(_TRIES):
            try:
                if guess_idle:
                    unchanged: Condition = Absent(name) if stood is None else Equals(name, stood)
                    return self._update(bucket, name, unchanged, set={name: now + amount}, add=others)
                busy: Condition = AtLeast(name, now)
                if latest is not None:
                    busy = Both((busy, AtMost(name, latest)))
                return self._update(bucket, name, busy, add={name: amount, **others})
            except ConditionFailed as error:
                stood = (error.failed[0] or {}).get(name)
            guess_idle = stood is None or stood < now
            if latest is not None and stood is not None and stood > latest:
                raise _ahead(bucket, stood - now)
        return self._update(bucket, name, None, add={name: amount, **others})

    def _update(self, bucket: str, name: str, if_: Condition | None, **changes: Any) -> Item:
        row = self._store.write(Update(TABLE, {"bucket": bucket}, **changes, if_=if_))
        assert row is not None  # an update answers with the item
        self._stood[bucket, name] = row[name]
        return row

    def _add(self, bucket: str, amounts: Mapping[str, int]) -> None:
        self._store.write(Update(TABLE, {"bucket": bucket}, add=amounts))


def _unchanged(name: str, row: Item) -> Condition:
    return Equals(name, row[name]) if name in row else Absent(name)


def _ahead(bucket: str, wait: int) -> VendorUnavailable:
    seconds = wait / SECOND
    return VendorUnavailable(
        f"{bucket}: the next slot is {seconds:.1f} s ahead; nothing was sent, try again then",
        retry_after=seconds,
    )
