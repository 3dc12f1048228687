"""Routes of those who run Usher: what failed, what happened, who did what, whether it is up."""

from infra.catalog_of.callers import ADMIN, SUPPORT, VIEWER, by_token, public

ROUTES = (
    by_token("GET", "/v1/failures", SUPPORT, "What failed for good and is not mended yet, with its reason."),
    by_token(
        "POST", "/v1/failures/{id}/redrive", SUPPORT, "Have what failed tried again, from where it broke."
    ),
    by_token("GET", "/v1/events", VIEWER, "What happened: to one account, or to all of them since a moment."),
    by_token(
        "POST", "/v1/stripe/backfills", SUPPORT, "Events that Stripe could not deliver come in after all."
    ),
    by_token("GET", "/v1/audit", ADMIN, "Who did what on a day."),
    public("/openapi.json", "This description (OpenAPI 3.1).", rate_per_second=10, burst=20),
    public("/healthz", "This deployment takes requests.", function="operations/health"),
)
