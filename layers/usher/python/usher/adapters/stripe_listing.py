"""Stripe's lists for reconciliation. Source: docs.stripe.com/api/pagination, lists newest first (2026-11)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_reversals import refund_of
from usher.adapters.stripe_snapshots import facts_of, invoice_of, payment_of
from usher.domain.reconciliation import ObjectKind
from usher.ports.billing_facts import Snapshot
from usher.ports.billing_listing import VendorPage

_LARGEST = 100


def _subscription(found: Any) -> Snapshot:
    snapshot = facts_of(found).subscription
    assert snapshot is not None
    return snapshot


_LISTS: Mapping[ObjectKind, tuple[str, Mapping[str, Any], Callable[[Any], Snapshot]]] = {
    "subscription": ("/v1/subscriptions", {"status": "all"}, _subscription),
    "invoice": ("/v1/invoices", {}, lambda found: invoice_of(found).invoices[0]),
    "payment": ("/v1/payment_intents", {}, payment_of),
    "refund": ("/v1/refunds", {}, refund_of),
}


class StripeListing:
    """Fulfils ports/billing_listing.py: one call a page, of a hundred objects."""

    def __init__(self, calls: StripeCalls) -> None:
        self._calls = calls

    def page(
        self, kind: ObjectKind, *, since: datetime, upto: datetime, after: str | None = None
    ) -> VendorPage:
        path, filters, snapshot = _LISTS[kind]
        params: dict[str, Any] = {
            **filters,
            "created": {"gte": int(since.timestamp()), "lte": int(upto.timestamp())},
            "limit": _LARGEST,
        }
        if after is not None:
            params["starting_after"] = after
        answer = self._calls.call("get", path, params)
        return VendorPage(tuple(snapshot(each) for each in answer["data"]), bool(answer["has_more"]))
