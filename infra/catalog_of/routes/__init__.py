"""HTTP routes of the catalog, each with who may use it; the parts are subjects, in the order of the guide."""

from infra.catalog_of import reconciliation
from infra.catalog_of.routes import ledger, onboarding, operations, payments, selling, subscriptions, webhooks

ROUTES = (
    *webhooks.ROUTES,
    *onboarding.ROUTES,
    *selling.ROUTES,
    *subscriptions.ROUTES,
    *payments.ROUTES,
    *ledger.ROUTES,
    *operations.ROUTES,
    *reconciliation.ROUTES,
)

AUTHORIZER = "operations/authorize"
