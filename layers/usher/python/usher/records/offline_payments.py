"""Payments that came past the vendor, by bank transfer: entered, approved or rejected, recorded."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from usher.domain import ids, times
from usher.ports.store import Absent, Equals, Item, Page, Put, Store, Update

TABLE = "offline_payments"
State = Literal["waiting_approval", "settling", "recorded", "rejected", "refused"]


class OfflinePayment(BaseModel):
    """One transfer: `settling` until vendor and records know it, `refused` when the vendor did not take it.

    `payment_id` is what the vendor calls it, and the payment's id in our records.
    """

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    offline_payment_id: str
    account_id: str
    invoice_id: str
    amount_minor: int
    currency: str
    reference: str
    received_at: str
    payer: str | None = None
    state: State
    entered_by: str
    entered_at: str
    approved_by: str | None = None
    reason: str | None = None
    payment_id: str | None = None
    attempt: int = 1
    version: int


class OfflinePayments:
    """Reads them and prepares their writes; a change is conditional on the version that was read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, id: str) -> OfflinePayment | None:
        item = self._store.get(TABLE, {"offline_payment_id": id})
        return None if item is None else OfflinePayment.model_validate(item)

    def in_state(self, state: str, *, limit: int, cursor: str | None) -> Page:
        """Those of a state, the oldest first; the index may lag. Raises InvalidCommand: a wrong cursor."""
        return self._store.query(TABLE, Equals("state", state), index="by_state", limit=limit, cursor=cursor)

    def of_account(self, account_id: str, *, limit: int, cursor: str | None) -> Page:
        """Those of an account, the oldest first; the index may lag. Raises InvalidCommand: a wrong cursor."""
        account = Equals("account_id", account_id)
        return self._store.query(TABLE, account, index="by_account", limit=limit, cursor=cursor)


def payment_id(account_id: str, reference: str, amount_minor: int, currency: str, received_at: str) -> str:
    """The id of a transfer: the same one entered twice is one."""
    return ids.derived("op", account_id, reference, str(amount_minor), currency, received_at)


def entering(payment: OfflinePayment) -> Put:
    """The write that enters a new one."""
    return Put(TABLE, payment.model_dump(exclude_none=True), if_=Absent("offline_payment_id"))


def changing(payment: OfflinePayment, values: Item, *, now: datetime) -> Update:
    """The write that sets `values`; it fails when somebody else was faster."""
    return Update(
        TABLE,
        {"offline_payment_id": payment.offline_payment_id},
        set={**values, "changed_at": times.text(now)},
        add={"version": 1},
        if_=Equals("version", payment.version),
    )
