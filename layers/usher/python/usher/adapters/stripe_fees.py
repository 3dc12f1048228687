"""Stripe's fees, from its balance transactions (docs.stripe.com/api/balance_transactions, read 2026-11)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.stripe_fields import id_of, whole
from usher.ports.fees import Fee

_TYPES = ("charge", "payment")  # a card's, and everything else's


class StripeFees:
    """Fulfils ports/fees.py: one call tells a hundred payments' fees."""

    def __init__(self, calls: StripeCalls) -> None:
        self._calls = calls

    def charged(self, *, since: datetime, until: datetime) -> Iterator[Fee]:
        created = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
        for type in _TYPES:
            params: dict[str, Any] = {"type": type, "created": created, "expand": ["data.source"]}
            for moved in self._calls.pages("/v1/balance_transactions", params):
                charge = whole(moved, "source")
                payment_id = id_of(charge.get("payment_intent")) if charge else None
                if charge and payment_id and charge["currency"] == moved["currency"]:
                    yield Fee(payment_id, charge["id"], moved["fee"])
