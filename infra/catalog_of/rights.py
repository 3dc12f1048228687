"""Rights on tables that several functions of the catalog share."""

from infra.catalog_entries import Access

WAITS: tuple[tuple[str, Access], ...] = (
    ("waits", "change"),
    ("signups", "change"),
    ("events", "append"),
    ("outbox", "append"),
)

LINK: tuple[tuple[str, Access], ...] = (
    ("signups", "change"),
    ("events", "append"),
    ("outbox", "append"),
)

RECORDS: tuple[tuple[str, Access], ...] = (
    ("accounts", "change"),
    ("subscriptions", "change"),
    ("invoices", "change"),
    ("payments", "change"),
    ("refunds", "change"),
    ("disputes", "change"),
    ("credit_notes", "change"),
    ("mrr", "change"),
    ("events", "append"),
    ("outbox", "append"),
)

LEDGER_DESK: tuple[tuple[str, Access], ...] = (
    ("ledger", "append"),
    ("ledger_adjustments", "change"),
    ("ledger_totals", "change"),
    ("ledger_deferrals", "append"),
    ("ledger_quarantine", "all"),
)

LEDGER: tuple[tuple[str, Access], ...] = (
    ("ledger", "append"),
    ("ledger_totals", "change"),
    ("ledger_deferrals", "all"),
    ("ledger_quarantine", "all"),
)

REDRIVES: tuple[tuple[str, Access], ...] = (
    ("failures", "change"),
    ("signups", "change"),
    ("claims", "change"),
    ("inbox", "change"),
    ("audit", "append"),
    ("events", "append"),
    ("outbox", "append"),
)
