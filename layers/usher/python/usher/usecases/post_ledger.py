"""Events become entries of the ledger: each fact once, in any order, and what cannot be posted is kept.

Row C8 of docs/product.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from usher.domain import times
from usher.domain.errors import StaleWrite
from usher.domain.event import Envelope, Event
from usher.domain.ledger import Entry
from usher.domain.ledger_book import Book
from usher.domain.posting import NOBODY, Follows, Rule, Waits
from usher.domain.posting_rules import RULES, currency_of, draft
from usher.ports.clock import Clock
from usher.ports.store import Check
from usher.records.ledger import Ledger
from usher.records.ledger_quarantine import Held, Quarantine

_TRIES = 8


@dataclass(frozen=True, slots=True)
class Desk:
    """Where events become entries."""

    ledger: Ledger
    quarantine: Quarantine
    clock: Clock


def post_ledger(events: Sequence[Envelope], *, desk: Desk) -> dict[int, Exception]:
    """Post these events and whatever waited for them; returns, by position, what is to come again.

    The bus gives events at least once and in any order. One that came before is known by its event id; a
    fact that builds on another which is not here yet waits in quarantine, and is posted with that one.
    """
    failed: dict[int, Exception] = {}
    in_order = sorted(range(len(events)), key=lambda at: (events[at].account_id, events[at].sequence))
    for at in in_order:
        try:
            _post(events[at], desk)
        except Exception as error:  # noqa: BLE001 - one event's failure must not fail its neighbours
            failed[at] = error
    return failed


def _post(event: Envelope, desk: Desk) -> None:
    todo: list[tuple[Envelope, Held | None]] = [(event, None)]
    while todo:
        posted = _post_one(*todo.pop(), desk)
        if posted is not None:
            todo.extend((held.event, held) for held in desk.quarantine.waiting_for(*posted))


def _post_one(event: Envelope, held: Held | None, desk: Desk) -> tuple[str, ...] | None:
    """Post one; returns the fact and the books that something may have waited for, None: nothing changed."""
    rule = RULES.get(event.type)
    if rule is None:
        return None
    for _ in range(_TRIES):
        try:
            return _try(event, rule, held, desk)
        except StaleWrite:
            continue  # its book, or what it waits for, has just changed: look again
    raise StaleWrite(f"the book of {event.event_id} stayed contended; try again")


def _try(event: Envelope, rule: Rule, held: Held | None, desk: Desk) -> tuple[str, ...] | None:
    payload = rule.read(event.payload)
    fact = rule.fact_of(payload)
    known = desk.ledger.posted(fact)
    if known is not None and known.event_id == event.event_id:
        # Again; or we died before those who wait for it were told.
        if held is not None:
            desk.quarantine.release(held)
        return fact, f"book {known.book}", *_book_left(rule, payload, desk)
    if known is not None and _says_the_same(rule, payload, desk.ledger.book(known.book).upto(fact)):
        if held is not None:
            desk.quarantine.release(held)
        return None
    if known is not None:
        _hold(event, fact, Waits(NOBODY, f"it was posted before, by {known.event_id}"), held, desk)
        return None
    place = _place(rule, payload, desk)
    if isinstance(place, Waits):
        _hold(event, fact, place, held, desk)
        return None
    book, day = place.book, times.moment(event.timestamp).date()
    made = draft(rule, payload, book, day, origin=place.origin)
    if isinstance(made, Waits) and desk.quarantine.waiting_for(fact):
        made = draft(rule, payload, book, day, origin=place.origin, has_followers=True)
    if isinstance(made, Waits):
        _hold(event, fact, made, held, desk, book=book)
        return None
    if made is None:
        if held is not None:
            desk.quarantine.release(held)
        return None
    entry = Entry(
        **dict(made),
        fact=fact,
        book=book.id,
        number=len(book.entries) + 1,
        kind=event.type,
        account_id=event.account_id,
        currency=currency_of(payload),
        date=day,
        posted_at=times.text(desk.clock.now()),
        event_id=event.event_id,
    )
    desk.ledger.add(entry, [*place.checks, *([desk.quarantine.releasing(held)] if held else [])])
    left = () if place.origin is None else (f"book {place.origin.id}",)
    return fact, f"book {book.id}", *left


def _says_the_same(rule: Rule, payload: Event, book: Book) -> bool:
    """Whether an event tells once more what is the last entry of a book, in the same words.

    Whoever tells it had not learned that it was told: after a crash, say. Nobody has to look at that.
    """
    entry = book.entries[-1]
    if rule.origin is not None:
        return False
    again = rule.post(payload, Book(book.id, book.entries[:-1]), entry.date)
    return again is not None and (again.postings, again.services) == (entry.postings, entry.services)


@dataclass(frozen=True, slots=True)
class _Place:
    """The book a fact goes to, that of its origin, and what must not have changed when it is written."""

    book: Book
    origin: Book | None = None
    checks: tuple[Check, ...] = ()


def _place(rule: Rule, payload: Event, desk: Desk) -> _Place | Waits:
    ledger, place = desk.ledger, rule.place(payload)
    if isinstance(place, Waits):
        return place
    if isinstance(place, Follows):
        former = ledger.posted(place.fact)
        if former is None:
            return Waits(place.fact, "what it builds on is not posted yet")
        moved = ledger.posted(place.moved) if place.moved is not None else None
        stays = (ledger.not_posted(place.moved),) if place.moved is not None and moved is None else ()
        book = ledger.book((moved or former).book)
        if rule.origin is None or former.book == book.id:
            return _Place(book, book if rule.origin else None, stays)
        origin = ledger.book(former.book)
        return _Place(book, origin, (*stays, ledger.ended(origin)))
    if rule.origin is None:
        return _Place(ledger.book(place))
    own = rule.origin.format_map(dict(payload))
    former = ledger.posted(own)
    if former is None:
        return _Place(ledger.book(place), None, (ledger.not_posted(own),))
    origin = ledger.book(former.book)
    if origin.id == place:
        return _Place(origin, origin)
    return _Place(ledger.book(place), origin, (ledger.ended(origin),))


def _book_left(rule: Rule, payload: Event, desk: Desk) -> tuple[str, ...]:
    """The book of the fact's origin: what waits for that goes to the fact's own book now."""
    former = desk.ledger.posted(rule.origin.format_map(dict(payload))) if rule.origin else None
    return () if former is None else (f"book {former.book}",)


def _hold(
    event: Envelope, fact: str, waits: Waits, held: Held | None, desk: Desk, *, book: Book | None = None
) -> None:
    """Keep it until what it waits for is there; the store makes sure that this has not just come."""
    if held is not None and held.until == waits.until:
        return
    if waits.until == NOBODY:
        unless = None
    elif book is not None and waits.until == f"book {book.id}":
        unless = desk.ledger.ended(book)
    else:
        unless = desk.ledger.not_posted(waits.until)
    desk.quarantine.hold(event, fact, waits, unless=unless, now=desk.clock.now(), instead_of=held)
