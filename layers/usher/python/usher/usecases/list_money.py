"""Lists of money for support: what an account owes, paid and got back, and bank transfers by state."""

from typing import Any, Literal

from usher.domain.errors import NotFound
from usher.domain.plain_statuses import invoice_status, payment_status
from usher.ports.store import Equals, Item, Page, Store
from usher.records.accounts import Accounts
from usher.records.offline_payments import OfflinePayment, OfflinePayments
from usher.usecases.fields import Paged
from usher.usecases.pages import page, reading_a_page
from usher.usecases.settle_offline_payment import shown

_OURS = frozenset({"version", "recorded_at"})
Kind = Literal["invoices", "payments", "refunds", "disputes"]


class OfflineQuery(Paged):
    """Query of GET /v1/payments/offline."""

    state: Literal["waiting_approval", "settling", "recorded", "rejected", "refused"] = "waiting_approval"


def list_money(
    account_id: str, kind: Kind, query: Paged, *, accounts: Accounts, store: Store
) -> dict[str, Any]:
    """A page of what we hold of this kind for an account, newest first. Raises NotFound.

    `plain_status` of an invoice or payment is its status in the workflow text's words (docs/records.md).
    """
    if accounts.find(account_id) is None:
        raise NotFound(f"no account {account_id}")
    with reading_a_page():
        found: Page = store.query(
            kind,
            Equals("account_id", account_id),
            index="by_account",
            limit=query.limit,
            cursor=query.cursor,
            descending=True,
        )
    return page([_in_plain_words(kind, _without_ours(item)) for item in found.items], found.cursor)


def list_offline_payments(query: OfflineQuery, *, payments: OfflinePayments) -> dict[str, Any]:
    """A page of bank transfers in this state, oldest first."""
    with reading_a_page():
        found = payments.in_state(query.state, limit=query.limit, cursor=query.cursor)
    return page([shown(OfflinePayment.model_validate(item)) for item in found.items], found.cursor)


def _in_plain_words(kind: Kind, item: Item) -> Item:
    if kind == "invoices":
        return {**item, "plain_status": invoice_status(item)}
    return {**item, "plain_status": payment_status(item)} if kind == "payments" else item


def _without_ours(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in _OURS}
