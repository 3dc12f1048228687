"""How an adjustment of the ledger is shown: to who asks for it, and in the audit log."""

from typing import Any

from usher.domain.ledger import Entry
from usher.records.ledger_adjustments import ProposedAdjustment


def told(entry: Entry) -> dict[str, Any]:
    """What the audit log keeps of an entry."""
    postings = [posting.model_dump(exclude_none=True) for posting in entry.postings]
    return {"entry": entry.fact, "currency": entry.currency, "postings": postings}


def entry_shown(entry: Entry) -> dict[str, Any]:
    """An entry as the API answers it."""
    more = {"account_id": entry.account_id, "date": entry.date.isoformat(), "reason": entry.reason}
    return {**told(entry), **more}


def shown(proposed: ProposedAdjustment) -> dict[str, Any]:
    """One that needed a second person, as the API answers it."""
    own = proposed.model_dump(exclude_none=True, exclude={"version", "wanted", "account_id", "reason"})
    why = {"rejected_because": proposed.reason} if proposed.reason else {}
    if proposed.state == "waiting_approval":
        why = {"approve_url": f"/v1/ledger/adjustments/{proposed.adjustment_id}/approve"}
    return {**proposed.wanted, **own, **why}
