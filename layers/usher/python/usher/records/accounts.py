"""Accounts and their people."""

from collections.abc import Collection
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from usher.domain import times
from usher.domain.emails import unaliased
from usher.ports.billing_facts import CustomerSnapshot
from usher.ports.store import Absent, Equals, Item, Present, Put, Store, Update
from usher.records.signups import Signup

TABLE = "accounts"
USERS = "users"


class Account(BaseModel):
    """One customer. `status` is pending until activation, then active, suspended or closed."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    account_id: str
    org_name: str
    status: str
    plan: str
    signup_id: str
    correlation_id: str
    created_at: str
    customer_id: str | None = None
    subscription_id: str | None = None
    tenant_id: str | None = None
    has_payment_method: bool = False


class Accounts:
    """Reads accounts and prepares their writes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, account_id: str) -> Account | None:
        item = self._store.get(TABLE, {"account_id": account_id})
        return None if item is None else Account.model_validate(item)

    def find_by_customer(self, customer_id: str) -> Account | None:
        """The account of a payment vendor's customer; the index may lag a moment behind."""
        page = self._store.query(TABLE, Equals("customer_id", customer_id), index="by_customer", limit=1)
        return Account.model_validate(page.items[0]) if page.items else None

    def link_customer(self, account_id: str, customer_id: str, *, has_payment_method: bool = False) -> Update:
        """The write that names the account's customer at the vendor, and whether it can be charged."""
        known = {"has_payment_method": True} if has_payment_method else {}
        return Update(
            TABLE,
            {"account_id": account_id},
            set={"customer_id": customer_id, **known},
            add={"version": 1},
            if_=Present("account_id"),
        )


def opening(signup: Signup, *, account_id: str, user_id: str, created_at: str) -> tuple[Put, Put]:
    """The writes that open an account with its first person; they fail when the account exists."""
    account: Item = {
        "account_id": account_id,
        "org_name": signup.company_name,
        "status": "pending",
        "plan": signup.plan,
        "signup_id": signup.signup_id,
        "correlation_id": signup.correlation_id,
        "created_at": created_at,
        "billing_email": signup.email,  # what the payment vendor is told; sync keeps it as it is there
        "delinquent": False,
        "version": 1,
    }
    user: Item = {
        "user_id": user_id,
        "account_id": account_id,
        "email": signup.email,
        "email_unaliased": unaliased(signup.email),
        "name": signup.name,
        "role": "owner",
        "status": "accepted",
        "created_at": created_at,
    }
    if signup.sso_subject:
        user["sso_subject"] = signup.sso_subject
    return (
        Put(TABLE, account, if_=Absent("account_id")),
        Put(USERS, user, if_=Absent("user_id")),
    )


def following(before: Item, customer: CustomerSnapshot, *, now: datetime) -> tuple[Update, Collection[str]]:
    """The write that brings an account in step with its customer, and the names of what it changes.

    Conditional on the version of `before`, which it advances even when nothing changes. Another customer
    than the account's own changes nothing, and a deletion is noted once; what was known of who is gone stays.
    """
    wanted: Item = {"customer_id": customer.customer_id}
    if before.get("customer_id", customer.customer_id) != customer.customer_id:
        wanted = {}
    elif not customer.deleted:
        wanted |= {"billing_email": customer.email, "delinquent": customer.delinquent}
        owed = customer.credit_balance_minor or None
        wanted["has_payment_method"] = customer.has_payment_method or None  # absent is none
        wanted |= {
            "credit_balance_minor": owed,
            "credit_balance_currency": customer.currency if owed else None,
        }
    elif "customer_deleted_at" not in before:
        wanted["customer_deleted_at"] = times.text(now)
    changed = {name: value for name, value in wanted.items() if before.get(name) != value}
    write = Update(
        TABLE,
        {"account_id": before["account_id"]},
        set={name: value for name, value in changed.items() if value is not None},
        add={"version": 1},
        remove=tuple(name for name, value in changed.items() if value is None),
        if_=Equals("version", before["version"]),
    )
    return write, changed


def activating(signup: Signup, *, account_id: str, now_text: str) -> Update:
    """The write that opens the account for use and merges the ids its steps brought."""
    ids = {
        "customer_id": signup.customer_id,
        "subscription_id": signup.subscription_id,
        "tenant_id": signup.tenant_id,
        "subdomain": signup.subdomain,
        "api_key_id": signup.api_key_id,
    }
    values = {name: value for name, value in ids.items() if value is not None}
    return Update(
        TABLE,
        {"account_id": account_id},
        set={"status": "active", "activated_at": now_text, **values},
        add={"version": 1},
        if_=Present("account_id"),
    )


def adopting(account_id: str, *, subscription_id: str, plan: str) -> Update:
    """The write that names the subscription that the account has now, and its plan."""
    return Update(
        TABLE,
        {"account_id": account_id},
        set={"subscription_id": subscription_id, "plan": plan},
        add={"version": 1},
        if_=Present("account_id"),
    )


def closing(account_id: str, *, reason: str, now_text: str) -> Update:
    """The write that closes an account that never became active."""
    return Update(
        TABLE,
        {"account_id": account_id},
        set={"status": "closed", "closed_at": now_text, "closed_reason": reason},
        add={"version": 1},
        if_=Present("account_id"),
    )


def reopening(account_id: str) -> Update:
    """The write that makes a closed account pending again: its sign-up is tried anew."""
    return Update(
        TABLE,
        {"account_id": account_id},
        set={"status": "pending"},
        add={"version": 1},
        remove=("closed_at", "closed_reason", "customer_id", "subscription_id", "customer_deleted_at"),
        if_=Equals("status", "closed"),
    )
