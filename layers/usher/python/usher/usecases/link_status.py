"""What the status of an onboarding by payment link says beside that of a sign-up."""

from typing import Any

from usher.records.signups import LinkOnboarding


def link_status(link: LinkOnboarding) -> dict[str, Any]:
    """Its kind, what is sold, the stages with their moments, what was given back, and the check."""
    told: dict[str, Any] = {
        "kind": link.kind,
        "offer": link.offer.model_dump(exclude_none=True),
        "deadline": link.deadline,
        "team": {"team_id": link.team_id, "name": link.team_name, "was": link.team},
        "stages": link.stages,
        "seconds_paid_to_active": link.seconds_paid_to_active,
        "check": link.check,
    }
    if link.refused:
        told["refused"] = [{"checkout_id": id, **refused} for id, refused in link.refused.items()]
    return {name: value for name, value in told.items() if value is not None}
