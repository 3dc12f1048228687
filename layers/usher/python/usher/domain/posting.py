"""How facts are posted: what a rule is, where a fact goes, and what it may wait for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from usher.domain.event import Event
from usher.domain.ledger import Draft

Post = Callable[..., Draft | None]  # of the event, its book, the day, and its origin's book, if it has one

NOBODY = "a person"
"""What a fact waits for that no other fact can release."""


@dataclass(frozen=True, slots=True)
class Waits:
    """It cannot be posted yet: `until` is the fact or the book (`book invoice/in_1`) that may help."""

    until: str
    reason: str


@dataclass(frozen=True, slots=True)
class Follows:
    """Facts whose book it goes to: `moved` where that is posted, else `fact`, which has to be."""

    fact: str
    moved: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """How one type of event is posted.

    `fact` is the form of the entry's id, `book` that of its book, `lone` of the book of what has no invoice.
    With `after` the book is that of an earlier fact, which has to be posted first, or that of `moved`, once
    that one is posted too. `needs_invoice`: in the book of an invoice nothing is posted before the invoice
    itself. The rule of what has an `origin` looks at the book of that fact as well.
    """

    event: type[Event]
    fact: str
    post: Post
    book: str | None = None
    lone: str | None = None
    after: str | None = None
    moved: str | None = None
    needs_invoice: bool = True
    origin: str | None = None

    def read(self, payload: Mapping[str, Any]) -> Event:
        """The event of a stored payload, which leaves out what is None. Raises ValidationError."""
        needed = [name for name, field in self.event.model_fields.items() if field.is_required()]
        return self.event.model_validate({**dict.fromkeys(needed), **payload})

    def fact_of(self, payload: Event) -> str:
        return self.fact.format_map(dict(payload))

    def place(self, payload: Event) -> "Waits | str | Follows":
        """Its book, or the facts that say which."""
        named = dict(payload)
        if self.after is not None:
            if "payment_id" in named and named["payment_id"] is None:
                return Waits(NOBODY, "it names no payment")
            return Follows(self.after.format_map(named), self.moved and self.moved.format_map(named))
        form = self.lone if self.lone is not None and named["invoice_id"] is None else self.book
        assert form is not None, self.fact
        return form.format_map(named)
