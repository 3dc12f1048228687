"""GET /v1/ledger/quarantine: facts that the ledger cannot post yet, why, and what they wait for."""

from typing import Any

from usher.records.ledger_quarantine import Quarantine, shown
from usher.usecases.fields import Paged
from usher.usecases.pages import page, reading_a_page


class QuarantineQuery(Paged):
    """The ones that wait longest first."""


def list_quarantine(query: QuarantineQuery, *, quarantine: Quarantine) -> dict[str, Any]:
    """`items` and `next_cursor`. Raises Problem 400 for a cursor that is not this list's."""
    with reading_a_page():
        found = quarantine.page(limit=query.limit, cursor=query.cursor)
    return page([shown(row) for row in found.items], found.cursor)
