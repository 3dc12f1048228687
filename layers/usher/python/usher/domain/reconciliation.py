"""Reconciliation: one object as the vendor has it and as we have it, and how both sides disagree."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from usher.domain import times

ObjectKind: TypeAlias = Literal["subscription", "invoice", "payment", "refund"]
MismatchKind: TypeAlias = Literal[
    "missing_local",
    "missing_remote",
    "unknown_account",
    "customer",
    "currency",
    "amount",
    "status",
    "terms",
]

SAFE: frozenset[str] = frozenset({"missing_local", "amount", "status", "terms"})
"""What a fresh look at the vendor settles. The rest waits for a person: what is not there cannot be fetched,
and at Stripe no object ever changes its customer or currency, so that a difference there is no late news."""

DAYS_OF_DAY_SLICES = (
    100  # a longer window is cut into months, so that no run has more than some hundred slices
)


@dataclass(frozen=True, slots=True)
class Compared:
    """Which fields of a kind of object are compared; `table` is where we keep it."""

    table: str
    id: str
    amounts: tuple[str, ...]
    terms: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All that a listing of ours must hold besides its keys."""
        return ("customer_id", "status", "currency", *self.amounts, *self.terms)


COMPARED: Mapping[ObjectKind, Compared] = {
    "subscription": Compared(
        "subscriptions",
        "subscription_id",
        ("amount_minor",),
        ("plan", "quantity", "current_period_end", "trial_end", "cancel_at_period_end"),
    ),
    "invoice": Compared("invoices", "invoice_id", ("amount_due_minor", "amount_paid_minor", "total_minor")),
    "payment": Compared("payments", "payment_id", ("amount_minor", "refunded_minor"), ("invoice_id",)),
    "refund": Compared("refunds", "refund_id", ("amount_minor",), ("payment_id",)),
}


class Side(BaseModel):
    """One object as one side has it. What a side does not know (None) contradicts nothing."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="ignore")

    object_id: str
    created_at: str
    status: str
    customer_id: str | None = None
    currency: str | None = None
    amounts: dict[str, int] = {}
    terms: dict[str, str | int | bool] = {}


class Difference(BaseModel):
    """How two sides disagree: the gravest kind of it, and every field that differs."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="ignore")

    kind: MismatchKind
    fields: tuple[str, ...] = ()
    there: Side | None
    here: Side | None

    @property
    def is_safe(self) -> bool:
        return self.kind in SAFE


def side(kind: ObjectKind, fields: Mapping[str, Any]) -> Side:
    """One side from the fields of a snapshot or of a row of ours."""
    compared = COMPARED[kind]
    return Side(
        object_id=fields[compared.id],
        created_at=_text(fields.get("created_at") or fields["started_at"]),
        status=fields["status"],
        customer_id=fields.get("customer_id"),
        currency=fields.get("currency"),
        amounts={name: fields[name] for name in compared.amounts if fields.get(name) is not None},
        terms={name: _text(fields[name]) for name in compared.terms if fields.get(name) is not None},
    )


def difference(there: Side | None, here: Side | None) -> Difference | None:
    """How the vendor's side and ours disagree; None when they do not."""
    if there is None or here is None:
        if there is here:
            return None
        return Difference(kind="missing_local" if here is None else "missing_remote", there=there, here=here)
    found: list[tuple[MismatchKind, str]] = []
    for kind in ("customer", "currency", "status"):
        name = "customer_id" if kind == "customer" else kind
        if _contradicts(getattr(there, name), getattr(here, name)):
            found.append((kind, name))
    found += [
        ("amount", name)
        for name, value in there.amounts.items()
        if _contradicts(value, here.amounts.get(name))
    ]
    found += [
        ("terms", name) for name, value in there.terms.items() if _contradicts(value, here.terms.get(name))
    ]
    if not found:
        return None
    gravest = min((kind for kind, _ in found), key=_GRAVITY.index)
    return Difference(kind=gravest, fields=tuple(name for _, name in found), there=there, here=here)


_GRAVITY: tuple[MismatchKind, ...] = ("customer", "currency", "amount", "status", "terms")


def _contradicts(there: Any, here: Any) -> bool:
    return there is not None and here is not None and there != here


def _text(value: Any) -> Any:
    return times.text(value) if isinstance(value, datetime) else value
