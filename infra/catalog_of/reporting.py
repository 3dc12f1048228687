"""Functions of the room `reporting`, which publishes what happened, and all each may touch."""

from infra.catalog_entries import Function

FUNCTIONS = (
    Function(
        "reporting",
        "publish_events",
        timeout_seconds=60,
        tables=(("outbox", "all"),),
        publishes=True,
    ),
    Function(
        "reporting",
        "sweep_outbox",
        timeout_seconds=60,
        tables=(("outbox", "all"), ("events", "read")),
        publishes=True,
        reserved_concurrency=1,
    ),
)
