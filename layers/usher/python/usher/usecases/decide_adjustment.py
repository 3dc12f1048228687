"""POST /v1/ledger/adjustments/{id}/approve and /reject: a second person decides on an entry by hand."""

import json
from typing import Any

from usher.domain.access import Caller
from usher.domain.errors import Conflict, NotFound
from usher.domain.problems import Problem
from usher.ports.store import ConditionFailed
from usher.records import audit
from usher.records.ledger_adjustments import ProposedAdjustment, State, changing
from usher.usecases.adjust_ledger import AdjustmentDesk, entry_of
from usher.usecases.adjustment_answers import entry_shown, shown, told
from usher.usecases.adjustment_request import Adjustment
from usher.usecases.fields import Body, Paged, Text
from usher.usecases.pages import page, reading_a_page


class Approval(Body):
    """Body of POST /v1/ledger/adjustments/{id}/approve."""

    reason: Text | None = None


class Rejection(Body):
    """Body of POST /v1/ledger/adjustments/{id}/reject."""

    reason: Text


class AdjustmentsQuery(Paged):
    """Query of GET /v1/ledger/adjustments."""

    state: State = "waiting_approval"


def approve_adjustment(id: str, body: Approval, *, by: Caller, desk: AdjustmentDesk) -> dict[str, Any]:
    """Post it; returns the entry. Audited; asked again by the same person it says the same.

    Raises NotFound, Problem 403 for who entered it, Conflict when it does not wait or cannot be posted now.
    """
    proposed = _found(id, desk)
    if proposed.state == "posted" and proposed.approved_by == by.subject:
        where = desk.ledger.posted(f"adjustment/{id}")
        made = desk.ledger.book(where.book).entry(f"adjustment/{id}") if where else None
        assert made is not None  # it is posted in the transaction that says so
        return entry_shown(made)
    _require_waiting(proposed)
    if proposed.entered_by == by.subject:
        raise Problem(403, "Forbidden", "A second person approves: not the one who entered it")
    entry, now = (
        entry_of(id, Adjustment.model_validate_json(json.dumps(proposed.wanted)), desk),
        desk.clock.now(),
    )
    posted = changing(proposed, {"state": "posted", "approved_by": by.subject}, now=now)
    noted = audit.entry(
        by,
        "ledger_adjustment.approve",
        subject=entry.account_id,
        now=now,
        before={"entered_by": proposed.entered_by},
        after=told(entry),
        reason=body.reason or entry.reason,
    )
    desk.ledger.add(entry, [posted, noted])
    return entry_shown(entry)


def reject_adjustment(id: str, body: Rejection, *, by: Caller, desk: AdjustmentDesk) -> dict[str, Any]:
    """Returns the rejected one; audited. Whoever entered it may take it back so.

    Raises NotFound, Conflict when it does not wait.
    """
    proposed = _found(id, desk)
    _require_waiting(proposed)
    now, values = desk.clock.now(), {"state": "rejected", "reason": body.reason}
    noted = audit.entry(
        by,
        "ledger_adjustment.reject",
        subject=proposed.account_id,
        now=now,
        before={"state": proposed.state, "adjustment_id": id},
        after={"state": "rejected"},
        reason=body.reason,
    )
    try:
        desk.store.transact([changing(proposed, values, now=now), noted])
    except ConditionFailed as error:
        raise Conflict("Somebody else decided on it at this moment; look at it again") from error
    return shown(proposed.model_copy(update=values))


def list_adjustments(query: AdjustmentsQuery, *, desk: AdjustmentDesk) -> dict[str, Any]:
    """A page of those in this state, oldest first."""
    with reading_a_page():
        found = desk.adjustments.in_state(query.state, limit=query.limit, cursor=query.cursor)
    return page([shown(ProposedAdjustment.model_validate(item)) for item in found.items], found.cursor)


def _found(id: str, desk: AdjustmentDesk) -> ProposedAdjustment:
    proposed = desk.adjustments.find(id)
    if proposed is None:
        raise NotFound("No adjustment of this id needed a second person")
    return proposed


def _require_waiting(proposed: ProposedAdjustment) -> None:
    if proposed.state != "waiting_approval":
        raise Conflict(f"This adjustment is {proposed.state}; it does not wait for anybody")
