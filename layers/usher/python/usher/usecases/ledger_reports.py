"""GET /v1/reports/ledger/*.csv: the trial balance of all accounts, and the statement of one customer's."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from usher.domain.csv_text import csv_text, decimal
from usher.domain.ledger import CHART, Entry
from usher.domain.problems import FieldError, Problem, invalid
from usher.ports.clock import Clock
from usher.ports.http import Answer
from usher.records.ledger import Ledger
from usher.usecases.fields import Body, Token

MOST_LINES = 20_000  # about 4 MB, which an answer of Lambda's still holds
_CSV = "text/csv; charset=utf-8"


class TrialBalanceQuery(Body):
    """`as_of`: the last day that counts, a date in UTC such as 2026-11-30; without it, today."""

    as_of: date | None = None


class StatementQuery(Body):
    """`account_id` is needed; `from` and `to` are days in UTC, both included: all until today without."""

    account_id: Token | None = None
    since: Annotated[date | None, Field(alias="from")] = None
    to: date | None = None


def trial_balance(query: TrialBalanceQuery, *, ledger: Ledger, clock: Clock) -> Answer:
    """Debits, credits and balance of every account by currency; the last line of a currency adds them up."""
    rows: list[list[str]] = []
    totals = ledger.totals(until=query.as_of or clock.now().date())
    for currency, sums in sorted(totals.items()):
        for account, (kind, _) in CHART.items():
            if account in sums:
                rows.append([account, kind, *_sides(*sums[account], currency)])
        debits, credits = (sum(side) for side in zip(*sums.values(), strict=True))
        rows.append(["total", "", *_sides(debits, credits, currency)])
    return _file("trial-balance", ("account", "kind", "currency", "debit", "credit", "balance"), rows)


def statement(query: StatementQuery, *, ledger: Ledger, clock: Clock) -> Answer:
    """Every posting of a customer's account by day, with the balance of the ledger's account after it.

    Raises Problem: 400 for days the wrong way round, 404 for an account without entries, 413 for too many.
    """
    to = query.to or clock.now().date()
    if query.account_id is None:
        raise invalid((FieldError("account_id", "is required"),))
    since = query.since or date.min + timedelta(days=1)
    if since > to:
        raise invalid((FieldError("from", "is after the last day"),))
    header = ("date", "entry", "kind", "book", "line", "account", "currency", "debit", "credit", "balance")
    entries = list(ledger.of_account(query.account_id, until=to))
    if not entries:
        raise Problem(404, "Not found", "The ledger has no entry of this account until that day")
    rows = list(_lines(entries, since))
    if len(rows) > MOST_LINES:
        raise Problem(413, "Too long", f"A statement has {MOST_LINES} lines at most; ask for fewer days")
    return _file(f"statement-{query.account_id}", (*header, "reason", "posted_at"), rows)


def _lines(entries: list[Entry], since: date) -> Iterator[list[str | None]]:
    balances: dict[tuple[str, str], int] = {}
    for entry in entries:
        for posting in entry.postings:
            key = posting.account, entry.currency
            balances[key] = balances.get(key, 0) + posting.amount_minor
            if entry.date < since:
                continue
            debit, credit = max(posting.amount_minor, 0), max(-posting.amount_minor, 0)
            yield [
                entry.date.isoformat(),
                entry.fact,
                entry.kind,
                entry.book,
                posting.line_id,
                posting.account,
                entry.currency,
                decimal(debit, entry.currency),
                decimal(credit, entry.currency),
                decimal(balances[key], entry.currency),
                entry.reason,
                entry.posted_at,
            ]


def _sides(debit: int, credit: int, currency: str) -> list[str]:
    return [currency, *(decimal(each, currency) for each in (debit, credit, debit - credit))]


def _file(name: str, header: tuple[str, ...], rows: list[list[str]] | list[list[str | None]]) -> Answer:
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return Answer(200, csv_text(header, rows), headers, content_type=_CSV)
