"""POST /v1/ledger/quarantine/{id}/dismiss: what waits for a person is settled by one, and leaves the list."""

from typing import Any

from usher.domain.access import Caller
from usher.domain.errors import NotFound
from usher.domain.posting import NOBODY
from usher.ports.clock import Clock
from usher.ports.store import ConditionFailed
from usher.records import audit
from usher.records.ledger_quarantine import Quarantine
from usher.usecases.fields import Body, Text


class Dismissal(Body):
    """What was done about it, for the audit log."""

    reason: Text


def dismiss_quarantined(
    event_id: str, body: Dismissal, *, by: Caller, quarantine: Quarantine, clock: Clock
) -> dict[str, Any]:
    """Take an event off the list without posting it; the audit log keeps the whole of it.

    Raises NotFound: nothing of this id waits for a person. What waits for another fact is posted with that.
    """
    held = quarantine.find(NOBODY, event_id)
    if held is None:
        raise NotFound("No event of this id waits for a person")
    before = {"fact": held.fact, "why": held.reason, "event": held.event.model_dump(mode="json")}
    noted = audit.entry(
        by, "ledger.dismiss", subject=event_id, now=clock.now(), before=before, reason=body.reason
    )
    try:
        quarantine.dismiss(held, noted)
    except ConditionFailed as error:
        raise NotFound("Somebody else has just dismissed it") from error
    return {"event_id": event_id, "fact": held.fact, "dismissed": True}
