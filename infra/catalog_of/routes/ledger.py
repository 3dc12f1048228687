"""Routes of the ledger: its reports, what it cannot post yet, and adjustments."""

from infra.catalog_of.callers import BILLING, VIEWER, by_token

ROUTES = (
    by_token(
        "GET",
        "/v1/reports/ledger/trial-balance.csv",
        VIEWER,
        "Debits, credits and balance of every account of the ledger on a day.",
    ),
    by_token("GET", "/v1/reports/ledger/statement.csv", VIEWER, "What the ledger has posted for a customer."),
    by_token("GET", "/v1/ledger/quarantine", VIEWER, "What the ledger cannot post yet, and why."),
    by_token(
        "POST",
        "/v1/ledger/quarantine/{id}/dismiss",
        BILLING,
        "Take off that list what a person has settled.",
    ),
    by_token("POST", "/v1/ledger/adjustments", BILLING, "Set something in the ledger right by a new entry."),
    by_token(
        "GET", "/v1/ledger/adjustments", BILLING, "Entries by hand that needed a second person, by state."
    ),
    by_token("POST", "/v1/ledger/adjustments/{id}/approve", BILLING, "A second person approves an entry."),
    by_token("POST", "/v1/ledger/adjustments/{id}/reject", BILLING, "An entry that waits is rejected."),
)
