"""Our copies of the vendor's objects in the order the vendor made them: what its lists are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from usher.domain.reconciliation import COMPARED, ObjectKind, Side, side
from usher.ports.store import AtMost, Equals, Item, Store

INDEX = "by_created"
OFFLINE = "offline"  # money that came past the vendor: it has no object of it


def attributes(item: Mapping[str, Any]) -> Item:
    """What a row carries to stand in that index: the vendor's time of its making, and the month of it."""
    created = item.get("created_at") or item["started_at"]
    return {"created_at": created, "created_month": created[:7]}


@dataclass(frozen=True, slots=True)
class CreatedPage:
    """Some rows, and, when more of them follow, the second of the last one read and where to go on."""

    sides: list[Side]
    reached: str | None
    cursor: str | None


class Created:
    """Reads the rows of one kind by the moment their objects were made."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(
        self, kind: ObjectKind, *, since: str, upto: str, cursor: str | None = None, limit: int = 100
    ) -> CreatedPage:
        """Those made from `since` to `upto`, both in one month, newest first.

        The index may lag a moment behind: what it shows is a reason to look, not a finding.
        """
        found = self._store.query(
            COMPARED[kind].table,
            Equals("created_month", upto[:7]),
            index=INDEX,
            sort=AtMost("created_at", upto),
            limit=limit,
            cursor=cursor,
            descending=True,
        )
        rows = [item for item in found.items if item["created_at"] >= since]
        ended = found.cursor is None or len(rows) < len(found.items)
        sides = [side(kind, item) for item in rows if item.get("method") != OFFLINE]
        return (
            CreatedPage(sides, None, None) if ended else CreatedPage(sides, _last(found.items), found.cursor)
        )

    def find(self, kind: ObjectKind, id: str) -> Side | None:
        """One of them as of the last write."""
        item = self._store.get(COMPARED[kind].table, {COMPARED[kind].id: id})
        return None if item is None else side(kind, item)


def _last(items: list[Item]) -> str:
    return str(items[-1]["created_at"])
