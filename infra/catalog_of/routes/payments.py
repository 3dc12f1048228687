"""Routes of the money that comes and goes: payments, refunds, and what an account owes."""

from infra.catalog_of.callers import BILLING, SUPPORT, by_token

ROUTES = (
    by_token("POST", "/v1/refunds", BILLING, "Give a payment back, in whole or in part."),
    by_token("POST", "/v1/payments/offline", BILLING, "Enter a payment that came by bank transfer."),
    by_token("GET", "/v1/payments/offline", BILLING, "Bank transfers by their state."),
    by_token(
        "POST", "/v1/payments/offline/{id}/approve", BILLING, "A second person approves a bank transfer."
    ),
    by_token("POST", "/v1/payments/offline/{id}/reject", BILLING, "A bank transfer that waits is rejected."),
    by_token("GET", "/v1/accounts/{id}/invoices", SUPPORT, "An account's invoices."),
    by_token("GET", "/v1/accounts/{id}/payments", SUPPORT, "An account's payments."),
    by_token("GET", "/v1/accounts/{id}/refunds", SUPPORT, "What an account got back."),
    by_token(
        "GET",
        "/v1/accounts/{id}/disputes",
        SUPPORT,
        "An account's payments that their payers' banks take back.",
    ),
)
