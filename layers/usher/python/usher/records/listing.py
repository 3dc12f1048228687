"""Listing: how onboardings are found again by phone, e-mail, name, stage and time.

The indexes hold keys alone, so that the updates of a sign-up's way write no index but that of its stage; what
a page shows is read from the master records. What they are keyed by is written once, with the record.
"""

import unicodedata
from dataclasses import dataclass

from usher.domain.emails import folded
from usher.ports.store import BeginsWith, Equals, Item, SortCondition, Store

TABLE = "signups"
EVERYBODY = "all"  # the one partition of the index by time: DynamoDB takes a thousand writes a second there
_NAME_LENGTH = 100  # characters of a name that are compared; keys hold a kilobyte


def folded_name(name: str) -> str:
    """The form in which names are compared: one case, one form of each character, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())[:_NAME_LENGTH]


def attributes(*, name: str | None, email: str | None) -> Item:
    """What a new master record carries to be found; phone, stage and time are on it anyway."""
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
            and (self.email is None or item.get("email_folded") == folded(self.email))
            and (self.name is None or item.get("name_folded", "").startswith(folded_name(self.name)))
            and self.stage in (None, item.get("stage"))
        )


class Listing:
    """Finds master records by the most telling of what is wanted."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(self, wanted: Wanted, *, limit: int, cursor: str | None) -> tuple[list[Item], str | None]:
        """Up to `limit` master records, newest first (by name in its order), and where to go on.

        With several wishes a page may hold fewer, even none, and still go on. Raises InvalidCommand when the
        cursor is not one of this listing.
        """
        index, partition, sort = _path(wanted)
        found = self._store.query(
            TABLE,
            partition,
            index=index,
            sort=sort,
            limit=limit,
            cursor=cursor,
            descending=sort is None,
        )
        ids = [item["signup_id"] for item in found.items]
        items = [self._store.get(TABLE, {"signup_id": id}) for id in ids]
        return [item for item in items if item is not None and wanted.fits(item)], found.cursor


def _path(wanted: Wanted) -> tuple[str, Equals, SortCondition | None]:
    if wanted.email is not None:
        return "by_email", Equals("email_folded", folded(wanted.email)), None
    if wanted.phone is not None:
        return "by_phone", Equals("phone", wanted.phone), None
    if wanted.name is not None:
        text = folded_name(wanted.name)
        return "by_name", Equals("name_initial", text[:1] or " "), BeginsWith("name_folded", text)
    if wanted.stage is not None:
        return "by_stage", Equals("stage", wanted.stage), None
    return "by_time", Equals("listing", EVERYBODY), None
