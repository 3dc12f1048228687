"""The census of a mixed day: what lives at a vendor and belongs to nobody, and what is there twice."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.faults.census import ONCE, Records, living
from tests.faults.vendors import Objects

NAMED = {
    ("stripe", "customer"): "customer_id",
    ("stripe", "subscription"): "subscription_id",
    ("product", "identity"): "identity_id",
    ("product", "tenant"): "tenant_id",
    ("product", "team"): "team_id",
    ("hubspot", "contacts"): "contact_id",
    ("hubspot", "companies"): "company_id",
    ("hubspot", "subscription"): "subscription_object_id",
}
HANGS_ON = {"customer": "customer_id", "tenant_id": "tenant_id"}
OPEN = frozenset({"active", "degraded", "waiting_payment", "waiting_review", "waiting_confirmation"})
PAGES = ("checkout.session", "payment_link")
AT_MOST_ONE = {"charge": "customer", "credit": "grant", "api_key": "tenant_id", "subdomain": "tenant_id"}


def orphans(objects: Objects, records: Records) -> list[str]:
    """Live objects at vendors that no open master record names, as "vendor kind id"."""
    rows = [row for row in records["signups"] if row["status"] in OPEN]
    names = {name: {row.get(name) for row in rows} for name in (*NAMED.values(), *HANGS_ON.values())}
    alive = living(objects)
    alive.setdefault("product", {})["team"] = objects["product"].get("team", [])
    found = []
    for vendor, kinds in alive.items():
        for kind in (
            kind for kind in kinds if kind not in PAGES
        ):  # those are named by what they were made for, see below
            for each in kinds[kind]:
                if not _named(vendor, kind, each, names):
                    found.append(f"{vendor} {kind} {each['id']}")
    still = [page for kind in PAGES for page in objects["stripe"].get(kind, ()) if _can_be_paid(page)]
    asked = {row.get("checkout_id") for row in rows} | {row.get("link_id") for row in rows}
    return found + [f"stripe page {page['id']}" for page in still if page["id"] not in asked]


def doubles(objects: Objects, records: Records) -> list[str]:
    """What one sign-up has twice: objects at vendors, mails, events."""
    found = Counter[str](_claims(living(objects)))
    found.update(f"mail {each['Metadata']['mail_id']}" for each in objects["postmark"].get("message", ()))
    once = {*ONCE, "onboarding.rolled_back", "onboarding.rejected", "onboarding.expired"}
    again = {row["account_id"] for row in records["signups"] if row.get("redrives")}
    found.update(
        f"event {row['type']} of {row['account_id']}"
        for row in records["events"]
        if row["type"] in once and row["account_id"] not in again
    )
    return [name for name, number in found.items() if number > 1]


def _named(vendor: str, kind: str, each: dict[str, Any], names: dict[str, set[Any]]) -> bool:
    if (vendor, kind) in NAMED:
        return each["id"] in names[NAMED[vendor, kind]]
    return any(each.get(field) in names[name] for field, name in HANGS_ON.items() if each.get(field))


def _can_be_paid(page: dict[str, Any]) -> bool:
    return bool(page["status"] == "open" if "status" in page else page["active"])


def _claims(alive: Objects) -> Iterator[str]:
    """A line for each live object that says of whom it is; the same line twice is a double."""
    for vendor, kinds in alive.items():
        for kind, held in kinds.items():
            for each in held:
                owner = each.get("account_id") or each.get("metadata", {}).get("account_id")
                owner = owner or each.get("properties", {}).get("usher_account_id")
                owner = each.get(AT_MOST_ONE[kind]) if kind in AT_MOST_ONE else owner
                if owner:
                    yield f"{vendor} {kind} of {owner}"
