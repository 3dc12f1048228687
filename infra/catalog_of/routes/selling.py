"""Routes on which plans are shown and bought, at their price or by an offer."""

from infra.catalog_of.callers import BILLING, SUPPORT, by_token, public, signed
from usher.domain.access import PRODUCT

ROUTES = (
    public("/v1/plans", "What can be bought."),
    public("/pricing", "The page of what can be bought."),
    public("/blocked", "The page of who is not let in yet."),
    public("/subscription", "The page of who has no plan any more."),
    by_token(
        "POST",
        "/v1/pricing-links",
        (PRODUCT, *SUPPORT),
        "The address of the pricing page as one account sees it, its plan marked.",
    ),
    by_token("POST", "/v1/checkouts", (PRODUCT,), "The page on which an account subscribes to a plan."),
    by_token(
        "POST", "/v1/beta/migrations", BILLING, "Beta plans are given an end, and their customers an offer."
    ),
    signed(
        "GET",
        "/v1/offers/{token}",
        "billing/take_offer",
        "The page of a beta customer's offer; looking changes nothing.",
    ),
    signed("POST", "/v1/offers/{token}", "billing/take_offer", "A button on that page: a checkout."),
)
