"""The records a sign-up leaves, read through the store port and freed of what differs between two runs."""

import re
from typing import Any

from usher.domain import ids
from usher.ports.store import Equals, Item, Store
from usher.records.events import SHARDS

_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)")
_VENDOR_ID = re.compile(r"^(cus|sub|si|in|il|pi|ch|pm|py|inpay|price|prod|evt|req)_\w+$")
_INVOICE_PAGE = re.compile(r"^http://127\.0\.0\.1:\d+/invoice/\w+$")
_NUMBERS_OF_TIME = {"expires_at", "expiration", "milliseconds_to_active", "happened_at"}
_OUR_NAMES_FOR = (
    "customer_id",
    "subscription_id",
    "tenant_id",
    "identity_id",
    "api_key_id",
    "contact_id",
    "company_id",
    "subscription_object_id",
    "welcome_message_id",
)


def records(store: Store, signup_id: str, webhook_id: str) -> dict[str, list[Item]]:
    """Every item of every table that belongs to one sign-up."""
    account = {"account_id": ids.sibling("acc", signup_id)}
    signup = store.get("signups", {"signup_id": signup_id})
    found: dict[str, list[Item | None]] = {
        "signups": [signup],
        "inbox": [store.get("inbox", {"event_id": f"signup#{webhook_id}"})],
        "accounts": [store.get("accounts", account)],
        "users": [store.get("users", {"user_id": ids.sibling("usr", signup_id)})],
        "mails": [store.get("mails", {"mail_id": f"welcome/{signup_id}"})],
        "events": list(_of(store, "events", account["account_id"])),
    }
    for table in ("subscriptions", "invoices", "payments"):
        found[table] = list(_of(store, table, account["account_id"], index="by_account"))
    if signup and "customer_id" in signup:
        by_customer = Equals("customer_id", signup["customer_id"])
        found["accounts by customer"] = list(store.query("accounts", by_customer, index="by_customer").items)
    return {table: [item for item in items if item is not None] for table, items in found.items()}


def left_over(store: Store) -> list[Item]:
    """What still waits to be published or to be worked off."""
    waiting = [
        store.query("outbox", Equals("shard", f"shard#{n}"), index="by_shard").items for n in range(SHARDS)
    ]
    return [item for items in waiting for item in items]


def canonical(found: dict[str, list[Item]]) -> dict[str, list[Any]]:
    """The same records with vendors' ids named after what they are, and moments and durations left out."""
    signup = found["signups"][0]
    names = {signup[field]: f"<{field}>" for field in _OUR_NAMES_FOR if field in signup}
    return {
        table: sorted((_plain(item, names) for item in items), key=repr) for table, items in found.items()
    }


def _plain(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            key: "<time>" if key in _NUMBERS_OF_TIME else _plain(value, names)
            for key, value in sorted(node.items())
        }
    if isinstance(node, list):
        return [_plain(value, names) for value in node]
    if not isinstance(node, str):
        return node
    if node in names:
        return names[node]
    if match := _VENDOR_ID.match(node):
        return f"<{match.group(1)}>"
    if _INVOICE_PAGE.match(node):
        return "<invoice page>"
    return _TIME.sub("<time>", node)


def _of(store: Store, table: str, account_id: str, *, index: str | None = None) -> list[Item]:
    return store.query(table, Equals("account_id", account_id), index=index).items
