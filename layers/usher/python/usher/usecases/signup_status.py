"""GET /v1/signups/{id}: how one sign-up stands, step by step."""

import re
from typing import Any

from usher.domain.problems import Problem
from usher.records.signups import LinkOnboarding, Signups
from usher.usecases.link_status import link_status

SIGNUP_ID = re.compile(r"su_[a-z2-7]{26}")


def signup_status(signup_id: str, *, signups: Signups) -> dict[str, Any]:
    """Status, ids, steps and timings. Raises Problem 404."""
    signup = signups.find(signup_id) if SIGNUP_ID.fullmatch(signup_id) else None
    if signup is None:
        raise Problem(404, "Not found", "There is no sign-up of this id")
    timings = {
        "received_at": signup.received_at,
        "active_at": signup.active_at,
        "seconds_to_active": signup.seconds_to_active,
    }
    body: dict[str, Any] = {
        "signup_id": signup.signup_id,
        "correlation_id": signup.correlation_id,
        "status": signup.status,
        "stage": signup.stage,
        "account_id": signup.account_id,
        "plan": signup.plan,
        "ids": {
            "customer_id": signup.customer_id,
            "subscription_id": signup.subscription_id,
            "tenant_id": signup.tenant_id,
            "contact_id": signup.contact_id,
        },
        "steps": list(signup.steps.values()),
        "timings": {name: value for name, value in timings.items() if value is not None},
    }
    if signup.status.startswith("waiting_"):
        body["waiting"] = signup.waiting
    if signup.status == "waiting_payment" and signup.checkout_url is not None:
        body["checkout_url"] = signup.checkout_url
    if isinstance(signup, LinkOnboarding):
        body |= link_status(signup)
    if signup.failure is not None:
        body["failure"] = signup.failure
    return body
