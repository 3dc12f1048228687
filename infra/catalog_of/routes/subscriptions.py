"""Routes of accounts with a plan: what they may use and have used, and how their subscription changes."""

from infra.catalog_of.callers import BILLING, VIEWER, by_token
from usher.domain.access import PRODUCT

ROUTES = (
    by_token(
        "GET",
        "/v1/accounts/{id}/entitlements",
        (PRODUCT, *VIEWER),
        "What an account may use now, and which page it is to see.",
        rate_per_second=500,
        burst=1000,
    ),
    by_token(
        "GET",
        "/v1/accounts/{id}/usage",
        (PRODUCT, *VIEWER),
        "What an account has used per metric and period, against its limits.",
        rate_per_second=200,
        burst=400,
    ),
    by_token(
        "POST",
        "/v1/usage",
        (PRODUCT,),
        "What accounts have used, up to a thousand records at once.",
        function="usage/receive_usage",
        rate_per_second=500,
        burst=1000,
    ),
    by_token(
        "POST",
        "/v1/accounts/{id}/subscription/preview",
        (PRODUCT, *BILLING),
        "What another plan, another quantity or an end would cost, to the cent.",
    ),
    by_token(
        "POST",
        "/v1/accounts/{id}/subscription/change",
        (PRODUCT, *BILLING),
        "Another plan or quantity, now or with the next period; a promotion code.",
    ),
    by_token(
        "POST",
        "/v1/accounts/{id}/subscription/cancel",
        (PRODUCT, *BILLING),
        "An end, now or with the period, and what is paid back.",
    ),
    by_token(
        "POST",
        "/v1/accounts/{id}/subscription/reactivate",
        (PRODUCT, *BILLING),
        "What was to end, or has ended, goes on.",
    ),
    by_token(
        "POST",
        "/v1/accounts/{id}/subscription/pause",
        (PRODUCT, *BILLING),
        "Neither service nor invoices for a while.",
    ),
    by_token(
        "POST",
        "/v1/accounts/{id}/subscription/resume",
        (PRODUCT, *BILLING),
        "What was paused goes on.",
    ),
    by_token("POST", "/v1/accounts/{id}/trial", BILLING, "More days for a trial."),
    by_token(
        "POST",
        "/v1/portal-sessions",
        (PRODUCT,),
        "Stripe's pages on which an account sees its invoices and changes its card.",
    ),
)
