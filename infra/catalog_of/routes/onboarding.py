"""Routes of those on their way in: sign-ups, payment links, confirmations, invitations."""

from infra.catalog_of.callers import SUPPORT, VIEWER, by_token, signed
from usher.domain.access import PRODUCT

ROUTES = (
    by_token(
        "GET",
        "/v1/signups/{id}",
        (PRODUCT, *VIEWER),
        "How one sign-up stands, step by step.",
        rate_per_second=500,
        burst=1000,
    ),
    by_token(
        "GET", "/v1/onboardings", SUPPORT, "Who is on the way in, found by phone, e-mail, name or stage."
    ),
    by_token(
        "POST",
        "/v1/onboardings",
        SUPPORT,
        "Sell a plan or credits to a phone number: a team account and a link to pay at.",
    ),
    by_token("POST", "/v1/onboardings/{id}/cancel", SUPPORT, "Close a payment link that is not paid."),
    by_token("POST", "/v1/onboardings/{id}/resend", SUPPORT, "Mail a payment link once more."),
    by_token("POST", "/v1/onboardings/{id}/check", SUPPORT, "Sign off the check of a new account."),
    by_token(
        "POST",
        "/v1/onboardings/{id}/decision",
        SUPPORT,
        "Approve or reject a sign-up that waits for a review.",
    ),
    by_token(
        "POST",
        "/v1/onboardings/{id}/redrive",
        SUPPORT,
        "Have a sign-up tried again that broke, was rolled back, or lacks something.",
    ),
    signed(
        "GET",
        "/v1/confirmations/{token}",
        "onboarding/take_confirmation",
        "The page of a confirmation link; looking changes nothing.",
    ),
    signed("POST", "/v1/confirmations/{token}", "onboarding/take_confirmation", "The button on that page."),
    by_token("POST", "/v1/invitations", SUPPORT, "New invitation keys, shown once."),
    by_token("GET", "/v1/invitations", SUPPORT, "Invitations by their state."),
    by_token("POST", "/v1/invitations/{id}/revoke", SUPPORT, "An unused key becomes worthless."),
    by_token("POST", "/v1/accounts/{id}/users", (PRODUCT, *SUPPORT), "Somebody is invited to an account."),
    signed(
        "GET",
        "/v1/user-invitations/{token}",
        "onboarding/take_user_invitation",
        "The page of an invited person's link; looking changes nothing.",
    ),
    signed(
        "POST",
        "/v1/user-invitations/{token}",
        "onboarding/take_user_invitation",
        "The button on that page.",
    ),
)
