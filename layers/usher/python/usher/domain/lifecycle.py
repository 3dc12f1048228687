"""Lifecycle stages of a contact or company in the CRM, and the rule that they only move forward."""

STAGES = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
)
"""HubSpot's default stages in its order. `other` and a portal's own stages have no place in it."""


def furthest(current: str | None, wanted: str) -> str:
    """The stage to keep: `wanted` when it lies ahead of `current`, else `current`.

    A stage outside the order was set by a person for a reason: as `current` it stays, as `wanted` it is
    taken only where there is no stage yet.
    """
    if not current:
        return wanted
    if current not in STAGES or wanted not in STAGES:
        return current
    return max(current, wanted, key=STAGES.index)
