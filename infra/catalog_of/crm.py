"""Functions of the room `crm`, which talks to HubSpot, and all each may touch."""

from infra.catalog_entries import WAITING_MB, Function

FUNCTIONS = (
    Function(
        "crm",
        "withdraw_from_crm",
        timeout_seconds=75,
        tables=(("buckets", "change"), ("signups", "change")),
        secrets=("hubspot_api_key",),
        vendors=("hubspot",),
    ),
    Function(
        "crm",
        "sync_crm",
        timeout_seconds=90,
        memory_mb=WAITING_MB,
        tables=(
            ("buckets", "change"),
            ("signups", "change"),
        ),
        answers=("onboarding",),
        secrets=("hubspot_api_key",),
        vendors=("hubspot",),
    ),
)
