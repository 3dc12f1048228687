"""The records a sign-up leaves, read through the store port and freed of what differs between two runs."""

import re
from typing import Any

from usher.domain import ids
from usher.ports.store import Equals, Item, Store
from usher.records.events import SHARDS

_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)")
_VENDOR_ID = re.compile(r"^(cus|sub|si|in|il|pi|ch|pm|py|inpay|price|prod|evt|req|re|cs_test|plink)_\w+$")
_NUMBER = re.compile(r"^[0-9A-F]{8}-\d{4}$")  # of an invoice; its beginning is the customer's
_PAGE = re.compile(r"^http://127\.0\.0\.1:\d+/(invoice|checkout|pay)/\w+$")
_WAITS = ("confirmation", "review", "payment")
_LEFT_OUT = {  # numbers of time, the token of a task, the part of the feed that the account fell to
    "feed",
    "expires_at",
    "expiration",
    "milliseconds_to_active",
    "milliseconds_paid_to_active",
    "happened_at",
    "token",
}
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
    "team_id",
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
        "mails": [store.get("mails", {"mail_id": id}) for id in _welcomes(signup_id)],
        "waits": [store.get("waits", {"wait_id": f"{kind}#{signup_id}#1"}) for kind in _WAITS],
        "events": list(_of(store, "events", account["account_id"])),
    }
    for table in ("subscriptions", "invoices", "payments"):
        found[table] = list(_of(store, table, account["account_id"], index="by_account"))
    if signup and "customer_id" in signup:
        by_customer = Equals("customer_id", signup["customer_id"])
        found["accounts by customer"] = list(store.query("accounts", by_customer, index="by_customer").items)
    return {table: [item for item in items if item is not None] for table, items in found.items()}


def _welcomes(signup_id: str) -> tuple[str, ...]:
    return f"welcome/{signup_id}", f"link-welcome/{signup_id}/1"


def left_over(store: Store) -> list[Item]:
    """What still waits to be published or to be worked off."""
    waiting = [store.query("outbox", Equals("shard", f"shard#{n}")).items for n in range(SHARDS)]
    return [item for items in waiting for item in items]


def canonical(found: dict[str, list[Item]]) -> dict[str, list[Any]]:
    """The same records with vendors' ids named after what they are, and moments and durations left out."""
    signup = found["signups"][0]
    names = {signup[field]: f"<{field}>" for field in _OUR_NAMES_FOR if field in signup}
    names[signup["signup_id"].partition("_")[2]] = "<own>"  # what ids of ours share that belong together
    return {
        table: sorted((_plain(item, names) for item in items), key=repr) for table, items in found.items()
    }


def _plain(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            key: "<left out>" if key in _LEFT_OUT else _plain(value, names)
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
    if match := _PAGE.match(node):
        return f"<{match.group(1)} page>"
    if _NUMBER.match(node):
        return "<number>"
    own = next(key for key, name in names.items() if name == "<own>")
    return _TIME.sub("<time>", node).replace(own, "<own>")


def _of(store: Store, table: str, account_id: str, *, index: str | None = None) -> list[Item]:
    return store.query(table, Equals("account_id", account_id), index=index).items
