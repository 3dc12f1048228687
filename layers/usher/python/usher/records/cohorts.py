"""Cohorts: how many of the sign-ups received in a span of time are how far, counted by an index of them."""

from datetime import datetime

from usher.domain import times
from usher.ports.store import AtLeast, Equals, Store
from usher.records.signups import TABLE

WELCOMED = "welcomed"


def count(store: Store, *, stage: str, since: datetime, until: datetime) -> int:
    """How many sign-ups received from `since` and before `until` are at this stage now."""
    first, end, cursor, found = AtLeast("received_at", times.text(since)), times.text(until), None, 0
    while True:
        page = store.query(
            TABLE, Equals("stage", stage), index="by_stage", sort=first, limit=1000, cursor=cursor
        )
        within = [item for item in page.items if item["received_at"] < end]
        found += len(within)
        if page.cursor is None or len(within) < len(page.items):
            return found
        cursor = page.cursor
