"""The entities of seed 4, section 4, and those beside them, as tables hold them: what every row may say (C2).

docs/records/ has their JSON Schemas (`python -m infra.record_schemas`), docs/records.md the text's words for
each column and status.
"""

from collections.abc import Iterator
from datetime import datetime
from types import GenericAlias
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model

from usher.domain.event import Envelope
from usher.domain.ledger import Entry
from usher.domain.plans import PlanCatalog
from usher.ports.billing_facts import (
    CreditNoteSnapshot,
    DisputeSnapshot,
    InvoiceSnapshot,
    PaymentSnapshot,
    RefundSnapshot,
    Snapshot,
    SubscriptionSnapshot,
)
from usher.records.unbilled import UnbilledPlan
from usher.records.usage_shares import UsageRecord

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""ISO 8601, UTC, with milliseconds (domain/times.py)."""


class Row(BaseModel):
    """Base of what a table holds. `version` rises with each write."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="forbid", frozen=True)


class AccountRow(Row):
    """A customer. `billing_email`, `delinquent` and the customer are as the payment vendor has them."""

    account_id: str
    org_name: str
    status: Literal["pending", "active", "suspended", "closed"]
    plan: str
    signup_id: str
    correlation_id: str
    created_at: Moment
    activated_at: Moment | None = None
    closed_at: Moment | None = None
    closed_reason: str | None = None
    customer_id: str | None = None
    customer_deleted_at: Moment | None = None
    subscription_id: str | None = None
    tenant_id: str | None = None
    subdomain: str | None = None
    api_key_id: str | None = None
    billing_email: str | None = None
    delinquent: bool = False
    has_payment_method: bool | None = None
    credit_balance_minor: int | None = None
    credit_balance_currency: str | None = None
    version: int


class UserRow(Row):
    """A person of an account."""

    user_id: str
    account_id: str
    email: str
    email_unaliased: str | None = None
    name: str
    role: str
    status: str
    sso_subject: str | None = None
    created_at: Moment
    expires_at: Moment | None = None
    accepted_at: Moment | None = None
    round: int | None = None
    version: int | None = None


class PlanRow(Row):
    """What can be bought; a plan is code (policies/plans.yaml), so no table holds it."""

    plan_id: str
    name: str
    billing_period: Literal["month", "year"]
    price_minor: int
    currency: str
    features: tuple[str, ...]
    is_metered: bool


class AuditRow(Row):
    """One act of somebody: `subject` is what it was done to, `before` and `after` what it changed of that."""

    day: str
    entry: str
    audit_id: str
    at: Moment
    actor: str
    role: str
    action: str
    subject: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str | None = None


class EventRow(Envelope):
    """One event. It is never changed; whether it is published, the table `outbox` knows."""

    feed: str | None = None
    outbox_id: str
    outbox_last: int


class MrrRow(Row):
    """What an account brings in a month, in minor units by currency, and since when it is a customer."""

    account_id: str
    totals: dict[str, int]
    since: Moment
    subscription_id: str
    version: int


def _stored(name: str, snapshot: type[Snapshot], **more: Any) -> type[BaseModel]:
    """The row that a snapshot becomes: moments as text, its account, and what is ours beside it."""
    fields: dict[str, Any] = {
        field: (_as_text(info.annotation), info.default if not info.is_required() else ...)
        for field, info in snapshot.model_fields.items()
    }
    ours: dict[str, Any] = {"account_id": (str, ...), "version": (int, ...), "recorded_at": (Moment, ...)}
    ours |= {"created_at": (Moment, ...), "created_month": (str, ...)}  # records/created.py
    return create_model(name, __base__=Row, __doc__=snapshot.__doc__, **fields | ours | more)


def _as_text(annotation: Any) -> Any:
    parts = get_args(annotation)
    if annotation is datetime:
        return Moment
    if isinstance(annotation, type) and issubclass(annotation, Snapshot):
        line: dict[str, Any] = {
            name: (_as_text(i.annotation), ... if i.is_required() else i.default)
            for name, i in annotation.model_fields.items()
        }
        return create_model(annotation.__name__, __base__=Row, __doc__=annotation.__doc__, **line)
    if not parts or get_origin(annotation) is Literal:
        return annotation
    if get_origin(annotation) is tuple:
        return GenericAlias(tuple, (_as_text(parts[0]), ...))
    return _as_text(parts[0]) | None  # ours are all "or None"


ENTITIES: dict[str, type[BaseModel]] = {
    "accounts": AccountRow,
    "users": UserRow,
    "plans": PlanRow,
    "subscriptions": _stored(
        "SubscriptionRow",
        SubscriptionSnapshot,
        mrr_minor=(int, ...),
        trial_end_told=(Moment | None, None),
    ),
    "own_subscriptions": UnbilledPlan,
    "invoices": _stored("InvoiceRow", InvoiceSnapshot),
    "payments": _stored("PaymentRow", PaymentSnapshot),
    "refunds": _stored("RefundRow", RefundSnapshot),
    "disputes": _stored("DisputeRow", DisputeSnapshot),
    "credit_notes": _stored("CreditNoteRow", CreditNoteSnapshot),
    "usage_records": UsageRecord,
    "events": EventRow,
    "audit_log": AuditRow,
    "ledger": Entry,
    "mrr": MrrRow,
}
"""By the text's names. Our table of the audit log is `audit`; `own_subscriptions`, to plans that nobody is
billed for, are in the table `subscriptions` beside the vendor's."""


def plan_rows(catalog: PlanCatalog) -> Iterator[PlanRow]:
    """The plans of the catalog, in its order."""
    for key, plan in catalog.plans.items():
        yield PlanRow(
            plan_id=key,
            name=plan.name,
            billing_period=plan.interval,
            price_minor=plan.amount_minor,
            currency=catalog.currency,
            features=catalog.product_of(key)[1].features,
            is_metered=bool(plan.metered),
        )
