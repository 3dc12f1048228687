"""Functions of the room `usage`, which takes in and counts what customers use, and all each may touch."""

from infra.catalog_entries import Function

FUNCTIONS = (
    Function(
        "usage",
        "receive_usage",
        timeout_seconds=15,
        tables=(("accounts", "read"), ("usage_records", "read")),
        sends_to=("usage",),
    ),
    Function(
        "usage",
        "record_usage",
        timeout_seconds=60,
        tables=(
            ("accounts", "read"),
            ("subscriptions", "read"),
            ("usage_records", "change"),
            ("usage_hours", "change"),
            ("usage_periods", "change"),
            ("events", "append"),
            ("outbox", "append"),
        ),
        sends_to=("usage",),
    ),
    Function(
        "usage",
        "close_hours",
        timeout_seconds=60,
        tables=(("usage_hours", "change"),),
        sends_to=("usage-reports",),
        reserved_concurrency=1,
    ),
)
