"""Usage as it is kept: each record once, summed per hour and per billing period in the same transaction.

A record's own row says that it was counted: it is created with the sums it is added to, or not at all, so
that records may come twice, in any order and from several hands (docs/adr/0065).
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from usher.domain import times
from usher.domain.errors import StaleWrite, StoreUnavailable
from usher.domain.plans import PlanCatalog
from usher.domain.usage import UsagePolicy
from usher.domain.usage_events import UsageContradicted
from usher.ports.store import Absent, ConditionFailed, Equals, Item, Store, Update
from usher.records.events import Commit, EventLog
from usher.records.subscribers import Subscriber
from usher.records.transactions import transact_all
from usher.records.usage_shares import (
    PERIODS,
    RECORDS,
    Share,
    UsageRecord,
    hour_writes,
    meter_of,
    period_writes,
    record_writes,
    row_name,
    shares,
)

_TRIES = 8


class UsageBook:
    """Counts records, and reads what was counted."""

    def __init__(self, store: Store, log: EventLog, *, plans: PlanCatalog, policy: UsagePolicy) -> None:
        self._store = store
        self._log = log
        self._plans = plans
        self._policy = policy

    def known(self, ids: Sequence[str]) -> dict[str, Item]:
        """The stored records among these distinct ids."""
        found = self._store.get_all(RECORDS, [{"id": id} for id in ids])
        return {item["id"]: item for item in found if item is not None}

    def periods(self, account_id: str, metric: str, *, limit: int) -> list[Item]:
        """The account's periods of a metric, newest first."""
        meter = Equals("meter", meter_of(account_id, metric))
        return self._store.query(PERIODS, meter, limit=limit, descending=True).items

    def count(
        self,
        records: Mapping[str, Sequence[UsageRecord]],
        subscribers: Mapping[str, Subscriber],
        *,
        now: datetime,
    ) -> None:
        """Count those of these records, by account, that were not counted yet. No id may stand there twice.

        One whose id was counted with other content is told as an event and not counted. Raises
        StoreUnavailable, StaleWrite: any part may be counted then, and all of it may be given again.
        """
        waiting = [
            shares(subscribers[account_id], own, policy=self._policy) for account_id, own in records.items()
        ]
        while waiting:
            # One share of each account at a time: two of one account would write the same sums.
            first = [(each, share) for each in waiting if (share := next(each, None)) is not None]
            waiting = [each for each, _ in first]
            self._count([share for _, share in first], now)

    def _count(self, left: list[Share], now: datetime) -> None:
        for _ in range(_TRIES):
            left = [share for share in left if share.counted]
            if not left:
                return
            outcomes = self._transact(left, now)
            for share, outcome in zip(left, outcomes, strict=True):
                if isinstance(outcome, StoreUnavailable):
                    raise outcome
                if isinstance(outcome, ConditionFailed):
                    self._drop_known(share, outcome, now)
                elif outcome is not None:
                    raise outcome
            left = [share for share, outcome in zip(left, outcomes, strict=True) if outcome is not None]
        if left:
            raise StaleWrite("several hands count the same usage; give it again")

    def _transact(self, left: list[Share], now: datetime) -> list[StaleWrite | StoreUnavailable | None]:
        """Count each share all or none; per share its error, None when it is done."""
        keys = [key for share in left for key in share.period_keys()]
        rows = {row_name(i): i for i in self._store.get_all(PERIODS, keys) if i is not None}
        groups = []
        for share in left:
            writes, happened = period_writes(share, rows, plans=self._plans, policy=self._policy)
            own = record_writes(share, now=now, policy=self._policy)
            hours = hour_writes(share, now=now, policy=self._policy)
            who = share.subscriber
            groups.append(Commit(who.account_id, happened, [*own, *hours, *writes], who.correlation_id))
        quiet = [number for number, group in enumerate(groups) if not group.happened]
        telling = [number for number, group in enumerate(groups) if group.happened]
        outcomes: dict[int, StaleWrite | StoreUnavailable | None] = {}
        outcomes |= zip(quiet, transact_all(self._store, [groups[n].writes for n in quiet]), strict=True)
        outcomes |= zip(telling, self._log.commit_all([groups[n] for n in telling], now=now), strict=True)
        return [outcomes[number] for number in range(len(groups))]

    def _drop_known(self, share: Share, error: ConditionFailed, now: datetime) -> None:
        """Take out what was counted before; what else failed was a sum that another hand has moved."""
        known = {at: item for at, item in error.failed.items() if at < len(share.counted) and item}
        for at, item in known.items():
            record = share.counted[at].record
            if not record.is_told_by(item):
                self._contradict(record, share.subscriber, now)
        share.counted = [each for at, each in enumerate(share.counted) if at not in known]

    def _contradict(self, record: UsageRecord, subscriber: Subscriber, now: datetime) -> None:
        """Tell of the second content of an id, once: the mark stands on the record that counts."""
        marked = Update(
            RECORDS,
            {"id": record.id},
            set={"contradicted_at": times.text(now)},
            if_=Absent("contradicted_at"),
        )
        happened = [UsageContradicted(metric=record.metric, record_id=record.id)]
        with suppress(ConditionFailed):
            self._log.commit(
                subscriber.account_id, happened, [marked], correlation_id=subscriber.correlation_id, now=now
            )
