"""Functions of the room `reporting`, which publishes what happened, and all each may touch."""

from infra.catalog_entries import Function
from infra.catalog_of.rights import LEDGER

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
    Function("reporting", "post_ledger", timeout_seconds=60, tables=LEDGER),
    Function("reporting", "recognize_revenue", timeout_seconds=600, tables=LEDGER, reserved_concurrency=1),
)
