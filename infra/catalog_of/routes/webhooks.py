"""Routes at which sign-ups and Stripe's events come in."""

from infra.catalog_of.callers import signed

ROUTES = (
    signed(
        "POST",
        "/webhooks/signup",
        "intake/receive_signup",
        "A person has signed up.",
        rate_per_second=2000,
        burst=4000,
    ),
    signed(
        "POST",
        "/webhooks/stripe",
        "intake/receive_stripe",
        "Something has happened at Stripe.",
        rate_per_second=2000,
        burst=4000,
    ),
)
