"""What a product's backend posts when somebody has signed up."""

import json
from typing import Any

from infra.local.signed_posts import Signed, sign

SIGNUP_SECRET = "whsec_c2lnbi11cHMtb2YtdGhlLWZhdWx0LXRlc3Rz"


def person(who: str, /, **values: Any) -> dict[str, Any]:
    """The body of a sign-up by card; a value of None leaves its field out."""
    data = {
        "email": f"{who}@example.com",
        "name": f"{who.capitalize()} Example",
        "company": {"name": f"{who} Works", "domain": f"{who}.example.com", "size": 12},
        "plan": "pro-monthly",
        "payment_method": "pm_card_visa",
        "referral_source": "friend",
        **values,
    }
    present = {name: value for name, value in data.items() if value is not None}
    return {"type": "signup.completed", "timestamp": "2026-11-20T10:00:00Z", "data": present}


def signed(
    who: str, /, *, webhook_id: str | None = None, secret: str = SIGNUP_SECRET, **values: Any
) -> Signed:
    """`person` as a signed request; the webhook-id follows from who it is unless one is given."""
    body = json.dumps(person(who, **values)).encode()
    return sign(secret, body, webhook_id=webhook_id or f"msg_{who}")
