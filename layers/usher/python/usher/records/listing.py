"""Listing: how onboardings are found again by phone, e-mail, name, stage and time.

The indexes hold keys alone, so that the updates of a sign-up's way write no index but that of its stage; what
a page shows is read from the master records. What they are keyed by is written by its first step and not by
intake, which has no time to spare: until then a sign-up is found by its stage, its phone, and the claim on
its e-mail.
"""

import unicodedata
from dataclasses import dataclass

from usher.domain.emails import claim_key, folded
from usher.domain.errors import InvalidCommand
from usher.ports.store import BeginsWith, Equals, Item, SortCondition, Store

TABLE = "signups"
EVERYBODY = "all"  # the one partition of the index by time: DynamoDB takes a thousand writes a second there
_QUEUED, _BEGUN = "queued.", "begun."  # which part of everybody a cursor leads into
_NAME_LENGTH = 100  # characters of a name that are compared; keys hold a kilobyte


def folded_name(name: str) -> str:
    """The form in which names are compared: one case, one form of each character, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())[:_NAME_LENGTH]


def attributes(*, name: str | None, email: str | None) -> Item:
    """What a master record carries to be found; phone, stage and time are on it anyway."""
    found: Item = {"listing": EVERYBODY}
    if email:
        found["email_folded"] = folded(email)
    if name and (text := folded_name(name)):
        found |= {"name_initial": text[0], "name_folded": text}
    return found


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to list; None leaves a thing open. `name` is how the name begins."""

    phone: str | None = None
    email: str | None = None
    name: str | None = None
    stage: str | None = None

    def fits(self, item: Item) -> bool:
        """Whether a master record is as wanted now; an index may know an older state."""
        return (
            self.phone in (None, item.get("phone"))
            and (self.email is None or folded(item.get("email", "")) == folded(self.email))
            and (self.name is None or folded_name(item.get("name", "")).startswith(folded_name(self.name)))
            and self.stage in (None, item.get("stage"))
        )


class Listing:
    """Finds master records by the most telling of what is wanted."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(self, wanted: Wanted, *, limit: int, cursor: str | None) -> tuple[list[Item], str | None]:
        """Up to `limit` master records, newest first (by name in its order), and where to go on.

        Without any wish those come first that are still queued. With several wishes a page may hold fewer,
        even none, and still go on. Raises InvalidCommand when the cursor is not one of this listing.
        """
        if wanted == Wanted():
            return self._everybody(limit, cursor)
        index, partition, sort = _path(wanted)
        ids, after = self._ids(index, partition, sort, limit, cursor)
        if index == "by_email" and cursor is None and (holder := self._holder(partition.value)):
            ids = [holder, *(id for id in ids if id != holder)]
        return [item for item in self._records(ids) if wanted.fits(item)], after

    def _everybody(self, limit: int, cursor: str | None) -> tuple[list[Item], str | None]:
        part, _, inner = (cursor or _QUEUED).partition(".")
        items: list[Item] = []
        after: str | None = None
        if part + "." == _QUEUED:
            ids, after = self._ids("by_stage", Equals("stage", "received"), None, limit, inner or None)
            if after is not None:
                return self._records(ids), _QUEUED + after
            items, inner = self._records(ids), ""
        elif part + "." != _BEGUN:
            raise InvalidCommand("cursor: not one this listing gave")
        if room := limit - len(items):
            ids, after = self._ids("by_time", Equals("listing", EVERYBODY), None, room, inner or None)
            items += [item for item in self._records(ids) if item["stage"] != "received"]
            return items, None if after is None else _BEGUN + after
        return items, _BEGUN

    def _ids(
        self, index: str, partition: Equals, sort: SortCondition | None, limit: int, cursor: str | None
    ) -> tuple[list[str], str | None]:
        found = self._store.query(
            TABLE, partition, index=index, sort=sort, limit=limit, cursor=cursor, descending=sort is None
        )
        return [item["signup_id"] for item in found.items], found.cursor

    def _holder(self, email: str) -> str | None:
        """The sign-up that holds this e-mail, which may be too new to be listed."""
        claim = self._store.get("claims", {"claim": claim_key(email)})
        return None if claim is None else str(claim["signup_id"])

    def _records(self, ids: list[str]) -> list[Item]:
        items = (self._store.get(TABLE, {"signup_id": id}) for id in ids)
        return [item for item in items if item is not None]


def _path(wanted: Wanted) -> tuple[str, Equals, SortCondition | None]:
    if wanted.email is not None:
        return "by_email", Equals("email_folded", folded(wanted.email)), None
    if wanted.phone is not None:
        return "by_phone", Equals("phone", wanted.phone), None
    if wanted.name is not None:
        text = folded_name(wanted.name)
        return "by_name", Equals("name_initial", text[:1] or " "), BeginsWith("name_folded", text)
    return "by_stage", Equals("stage", wanted.stage), None
