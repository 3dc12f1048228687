"""The ledger: entries that are only ever added, in order per book, each fact once; and its daily totals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from usher.domain.ledger import CHART, Account, Entry
from usher.domain.ledger_book import Book
from usher.domain.service_days import next_due
from usher.ports.store import Absent, AtMost, Check, Delete, Equals, Item, Put, Store, Update, Write

TABLE, TOTALS, DEFERRALS = "ledger", "ledger_totals", "ledger_deferrals"
SHARDS = 4
_FACTS = "fact#"
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a fact was posted, and the event that told of it."""

    book: str
    event_id: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """The services of one entry have something to recognise for a month."""

    month: str
    book: str
    number: int

    @property
    def key(self) -> Mapping[str, str]:
        return {"shard": _shard(self.book), "due": f"{self.month}#{self.book}#{self.number:06}"}


class Ledger:
    """Reads the ledger, and adds to it. Nothing in it is ever changed or removed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def posted(self, fact: str) -> Posted | None:
        """Where the fact was posted; None: it was not."""
        item = self._store.get(TABLE, _fact_key(fact))
        return None if item is None else Posted(item["of_book"], item.get("event_id"))

    def book(self, id: str) -> Book:
        """All entries of a book, as of the last write."""
        return Book(id, tuple(Entry.model_validate(item) for item in self._all(TABLE, Equals("book", id))))

    def not_posted(self, fact: str) -> Check:
        """Holds while the fact is not posted."""
        return Check(TABLE, _fact_key(fact), Absent("book"))

    def ended(self, book: Book) -> Check:
        """Holds while the book has no entry beyond those that were read."""
        return Check(TABLE, {"book": book.id, "number": len(book.entries) + 1}, Absent("book"))

    def add(self, entry: Entry, also: Sequence[Write] = ()) -> None:
        """Write an entry as the next of its book, with its share in the day's totals, and `also`.

        Raises ConditionFailed when the fact is posted already, somebody else wrote to the book since it was
        read, or a condition of `also` fails: read again, decide again.
        """
        self._store.transact([*self.writes(entry), *also])

    def writes(self, entry: Entry) -> list[Write]:
        """What adds the entry; for use inside a transaction."""
        item = entry.model_dump(mode="json", exclude_defaults=True)
        item |= {"dated": f"{item['date']}#{entry.posted_at}#{entry.fact}"}
        fact: Item = {**_fact_key(entry.fact), "of_book": entry.book}
        if entry.event_id is not None:
            fact["event_id"] = entry.event_id
        writes: list[Write] = [
            Put(TABLE, item, if_=Absent("book")),
            Put(TABLE, fact, if_=Absent("book")),
        ]
        sides = _sides(entry)
        if sides:
            slot = {"shard": _shard(entry.book), "slot": f"{item['date']}#{entry.currency}"}
            writes.append(Update(TOTALS, slot, add=sides))
        month = next_due(entry.services, since=entry.date)
        if month is not None:
            writes.append(_put_due(Due(month, entry.book, entry.number)))
        return writes

    def recognise(self, entry: Entry, due: Due, following: Due | None) -> None:
        """Add what was recognised for a month, and note what of it is due next.

        Raises ConditionFailed when somebody else did, or wrote to the book.
        """
        writes: list[Write] = [Delete(DEFERRALS, due.key, if_=Equals("book", due.book))]
        if following is not None:
            writes.append(_put_due(following))
        self.add(entry, writes)

    def due(self, shard: int, month: str, *, limit: int) -> list[Due]:
        """What of a shard is to be recognised for this month and those before, the oldest first."""
        found = self._store.query(
            DEFERRALS, Equals("shard", str(shard)), sort=AtMost("due", f"{month}~"), limit=limit
        )
        return [Due(item["due"][:7], item["book"], item["number"]) for item in found.items]

    def of_account(self, account_id: str, *, until: date) -> Iterator[Entry]:
        """Entries of an account by date, those of the last day included; the index may lag a moment."""
        sort = AtMost("dated", f"{until.isoformat()}~")
        for item in self._all(TABLE, Equals("account_id", account_id), index="by_account", sort=sort):
            yield Entry.model_validate(item)

    def totals(self, *, until: date) -> dict[str, dict[Account, tuple[int, int]]]:
        """Debits and credits of every account by currency, from the first day to the last, that included."""
        sums: dict[str, dict[Account, tuple[int, int]]] = {}
        for shard in range(SHARDS):
            sort = AtMost("slot", f"{until.isoformat()}~")
            for item in self._all(TOTALS, Equals("shard", str(shard)), sort=sort):
                own = sums.setdefault(item["slot"].partition("#")[2], {})
                for account in CHART:
                    debit, credit = own.get(account, (0, 0))
                    debit += item.get(f"{account}_debit", 0)
                    credit += item.get(f"{account}_credit", 0)
                    if debit or credit:
                        own[account] = debit, credit
        return sums

    def _all(
        self, table: str, partition: Equals, *, index: str | None = None, sort: AtMost | None = None
    ) -> Iterator[Item]:
        cursor: str | None = None
        while True:
            page = self._store.query(table, partition, index=index, sort=sort, limit=_PAGE, cursor=cursor)
            yield from page.items
            cursor = page.cursor
            if cursor is None:
                return


def _fact_key(fact: str) -> Mapping[str, str | int]:
    return {"book": _FACTS + fact, "number": 0}


def _put_due(due: Due) -> Put:
    return Put(DEFERRALS, {**due.key, "book": due.book, "number": due.number})


def _sides(entry: Entry) -> dict[str, int]:
    """What the entry adds to the day: `cash_debit`, `receivable_credit`, ... in minor units."""
    sides: dict[str, int] = {}
    for posting in entry.postings:
        side = f"{posting.account}_{'debit' if posting.amount_minor > 0 else 'credit'}"
        sides[side] = sides.get(side, 0) + abs(posting.amount_minor)
    return sides


def _shard(book: str) -> str:
    return str(sum(book.encode()) % SHARDS)
