"""How an event that nobody can deal with yet becomes known: a line in the log and a metric with an alarm."""

from usher.bootstrap.metrics import count
from usher.bootstrap.observe import logger

PARKED = "EventParked"


def tell_parked(event_id: str, kind: str, reason: str) -> None:
    """Warn of a parked event; its row in the inbox has the rest."""
    logger.warning("event parked", event_id=event_id, kind=kind, reason=reason)
    count(PARKED)
