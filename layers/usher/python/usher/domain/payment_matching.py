"""Which open invoice a bank transfer may be for: suggestions for a person, never a decision."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PAYABLE = ("open", "uncollectible")
MOST = 10
_NEITHER_LETTER_NOR_DIGIT = re.compile(r"[^0-9A-Z]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open invoice; `because` says what speaks for it: `number`, `amount`, or nothing."""

    invoice_id: str
    number: str | None
    remaining_minor: int
    currency: str
    due_at: str | None
    because: tuple[str, ...]


def remaining_minor(invoice: Mapping[str, Any]) -> int:
    """What is still owed of an invoice's record, minor units."""
    told = invoice.get("amount_remaining_minor")
    return int(invoice["amount_due_minor"] - invoice["amount_paid_minor"] if told is None else told)


def candidates(
    invoices: Iterable[Mapping[str, Any]], *, amount_minor: int, currency: str, reference: str
) -> list[Candidate]:
    """The open invoices of this currency: first whose number the reference says, then whose amount fits.

    `invoices` are records, oldest first; among equals the oldest comes first.
    """
    text = _plain(reference)
    found = []
    for invoice in invoices:
        left = remaining_minor(invoice)
        if invoice["status"] not in PAYABLE or invoice["currency"] != currency or left <= 0:
            continue
        named = [name for name in (invoice.get("number"), invoice["invoice_id"]) if name]
        says = {"number": any(_plain(name) in text for name in named), "amount": left == amount_minor}
        found.append(
            Candidate(
                invoice["invoice_id"],
                invoice.get("number"),
                left,
                currency,
                invoice.get("due_at"),
                tuple(reason for reason, holds in says.items() if holds),
            )
        )
    found.sort(key=lambda each: ("number" not in each.because, "amount" not in each.because))
    return found[:MOST]


def _plain(text: str) -> str:
    return _NEITHER_LETTER_NOR_DIGIT.sub("", text.upper())
