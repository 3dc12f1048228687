"""The Stripe account that the stand-in is: its objects, its clock, the events that changes leave."""

import base64
import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any

from infra.local.stand_ins.clock import StandInClock
from infra.local.stand_ins.state import Object, State, as_text
from infra.local.stand_ins.stripe.errors import missing
from infra.local.stand_ins.stripe.events import Events
from infra.local.stand_ins.stripe.timers import LIVE, Timers

_LETTERS = bytes.maketrans(b"+/=", b"xyz")
PREFIXES = {
    "customer": ("cus_", 14),
    "payment_method": ("pm_1", 23),
    "product": ("prod_", 14),
    "price": ("price_1", 23),
    "subscription": ("sub_1", 23),
    "subscription_item": ("si_", 14),
    "invoice": ("in_1", 23),
    "line_item": ("il_1", 23),
    "invoice_payment": ("inpay_1", 23),
    "payment_intent": ("pi_3", 23),
    "setup_intent": ("seti_1", 23),
    "charge": ("ch_3", 23),
    "refund": ("re_3", 23),
    "dispute": ("du_1", 23),
    "credit_note": ("cn_1", 23),
    "credit_note_line_item": ("cnli_1", 23),
    "balance_transaction": ("txn_3", 23),
    "payment_record": ("pr_1", 23),
    "billing.meter": ("mtr_", 23),
    "billing_portal.configuration": ("bpc_1", 23),
    "billing_portal.session": ("bps_1", 23),
    "event": ("evt_1", 23),
    "webhook_endpoint": ("we_1", 23),
    "test_helpers.test_clock": ("clock_1", 23),
    "checkout.session": ("cs_test_a1", 34),
    "payment_link": ("plink_1", 23),
    "item": ("li_1", 23),
    "discount": ("di_1", 23),
    "promotion_code": ("promo_1", 23),
    "invoiceitem": ("ii_1", 23),
    "customer_balance_transaction": ("cbtxn_1", 23),
    "subscription_schedule": ("sub_sched_1", 23),
}
KIND_OF_PREFIX = {
    prefix.split("_")[0]: kind for kind, (prefix, _) in PREFIXES.items() if kind != "subscription_schedule"
}
TEST_CLOCK = "test_helpers.test_clock"


def new_id(kind: str) -> str:
    """A fresh id with Stripe's prefix for the kind; later ids sort later, which keeps SQLite's pages warm."""
    prefix, length = PREFIXES[kind]
    moment = f"{time.time_ns() // 100_000:x}"
    return prefix + (moment + base64.b64encode(os.urandom(16)).translate(_LETTERS).decode())[:length]


def kind_of(id: str) -> str | None:
    """The kind of object an id names, by its prefix."""
    if id.startswith("sub_sched_"):  # the only prefix of two words
        return "subscription_schedule"
    return KIND_OF_PREFIX.get(id.split("_", 1)[0])


def owner_and_label(value: Object) -> tuple[str | None, str | None]:
    """What an object is listed by, besides its kind."""
    kind = value["object"]
    if kind == "customer":
        return value["test_clock"], value["email"]
    if kind == "price":
        return value["product"], value["lookup_key"]
    if kind == "invoice":
        parent = value["parent"]
        return value["customer"], parent["subscription_details"]["subscription"] if parent else None
    if kind == "invoice_payment":
        paid = value["payment"]
        return value["invoice"], paid.get("payment_intent") or paid["payment_record"]
    if kind == "promotion_code":
        return value["promotion"]["coupon"], value["code"].upper()
    if kind == "checkout.session":
        return value["customer"], value["payment_link"]
    if kind == "balance_transaction":
        return value["source"], value["type"]
    if kind == "billing.meter":
        return value["event_name"], value["status"]
    if kind == "credit_note":
        return value["customer"], value["invoice"]
    if kind == "dispute":
        return value["charge"], value["payment_intent"]
    if kind == "customer_balance_transaction":
        return value["customer"], value["invoice"]
    if kind in ("charge", "refund"):
        return value.get("customer"), value["payment_intent"]
    if kind == "subscription_schedule":
        return value["customer"], value["subscription"]
    return value.get("customer"), value.get("status")


class Account:
    """Reads and writes objects; a write names the event it leaves.

    Attributes:
        base_url: where this stand-in is reached, for the pages it links to.
    """

    def __init__(self, state: State, clock: StandInClock, events: Events) -> None:
        self.state, self.events = state, events
        self.timers = Timers(state)
        self._clock = clock
        self._at: int | None = None
        self.base_url = "http://127.0.0.1"

    # -- time ------------------------------------------------------------------------------------

    def now(self) -> int:
        """Epoch seconds: of the customer's test clock or the due moment while one is in force."""
        return self._at if self._at is not None else int(self._clock.now())

    def use_clock_of(self, customer: Object) -> None:
        """For the rest of this call, time is what the customer's test clock says."""
        if customer["test_clock"]:
            self._at = self.need(TEST_CLOCK, customer["test_clock"])["frozen_time"]

    def use_live_clock(self) -> None:
        """Undo `use_clock_of`."""
        self._at = None

    @contextlib.contextmanager
    def at(self, moment: int) -> Iterator[None]:
        """Inside the block, time stands still at `moment`."""
        before, self._at = self._at, moment
        try:
            yield
        finally:
            self._at = before

    def set_timer(self, value: Object, due: int | None) -> None:
        """Have `value` looked at again at `due`; None: never."""
        if due is None:
            self.timers.clear(value["object"], value["id"])
        else:
            customer = self.state.get("customer", value["customer"]) or {}
            timeline = value.get("test_clock") or customer.get("test_clock") or LIVE
            self.timers.set(value["object"], value["id"], due, timeline)

    # -- objects ---------------------------------------------------------------------------------

    def find(self, kind: str, id: str | None) -> Object | None:
        """The object, or None."""
        return self.state.get(kind, id) if id else None

    def need(self, kind: str, id: str, param: str | None = None) -> Object:
        """The object; raises Stripe's resource_missing, as 400 when `param` named it."""
        found = self.state.get(kind, id)
        if found is None or found.get("deleted"):
            raise missing(kind, id, param=param or "id", status=400 if param else 404)
        return found

    def save(self, value: Object, *events: str | None, previous: dict[str, Any] | None = None) -> Object:
        """Store `value`, leave `events`; returns `value`.

        Args:
            previous: the former values of what changed, for `*.updated`.
        """
        owner, label = owner_and_label(value)
        text = as_text(value)
        self.state.put(value["object"], value, owner=owner, label=label, text=text)
        for event in filter(None, events):
            self.events.record(new_id("event"), event, text, previous, self.now())
        return value

    def update(self, value: Object, changes: dict[str, Any], event: str | None) -> Object:
        """Apply `changes`, store, and leave `event` only when something did change."""
        previous = {name: value.get(name) for name, new in changes.items() if value.get(name) != new}
        if not previous:
            return value
        value.update(changes)
        return self.save(value, event, previous=previous)

    def emit(self, type: str, value: Object, previous: dict[str, Any] | None = None) -> None:
        """Leave an event about `value` as it is now."""
        self.events.record(new_id("event"), type, as_text(value), previous, self.now())


def merge_metadata(old: dict[str, str], given: Any) -> dict[str, str]:
    """Stripe's rule: named keys are set, keys given as empty are removed, an empty value removes all."""
    if given == "":
        return {}
    merged = old | (given or {})
    return {name: value for name, value in merged.items() if value != ""}
