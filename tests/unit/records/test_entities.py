"""docs/records describes what tables hold, and the statuses of the workflow's text cover all of Stripe's.

Row C2 of docs/product.md.
"""

from typing import Any, get_args

import pytest

from infra import catalog
from infra.record_schemas import FOLDER, PAGE, files, with_table
from tests.fakes.steps import run_until
from tests.fakes.world import World
from usher.domain import plain_statuses
from usher.domain.plain_statuses import invoice_status, payment_status
from usher.ports import billing_facts
from usher.records.entities import ENTITIES, plan_rows

OF_THE_TEXT = {  # seed 4, section 4, in our names
    "accounts": ("account_id", "org_name", "created_at", "status"),
    "users": ("user_id", "account_id", "email", "role", "created_at"),
    "plans": ("plan_id", "name", "billing_period", "price_minor", "features", "is_metered"),
    "subscriptions": (
        "subscription_id",
        "account_id",
        "plan",
        "status",
        "started_at",
        "current_period_start",
        "current_period_end",
        "cancel_at_period_end",
    ),
    "invoices": (
        "invoice_id",
        "account_id",
        "subscription_id",
        "amount_due_minor",
        "status",
        "due_at",
        "paid_at",
    ),
    "payments": (
        "payment_id",
        "invoice_id",
        "amount_minor",
        "method",
        "status",
        "charge_id",
        "created_at",
    ),
    "usage_records": ("id", "account_id", "metric", "quantity", "recorded_at"),
    "events": ("event_id", "account_id", "type", "payload", "timestamp"),
    "audit_log": ("audit_id", "subject", "action", "actor", "before", "after", "at"),
    "ledger": ("fact", "account_id", "postings", "date"),
}


def test_each_file_is_what_the_code_keeps() -> None:
    stored = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert stored == files(), "run `python -m infra.record_schemas`"


def test_the_page_s_table_is_the_code_s() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert with_table(text) == text, "run `python -m infra.record_schemas`"


@pytest.mark.parametrize("entity", OF_THE_TEXT)
def test_every_column_of_the_text_is_a_field(entity: str) -> None:
    assert set(OF_THE_TEXT[entity]) <= ENTITIES[entity].model_fields.keys()
    assert entity in {table.name for table in catalog.TABLES} | {"plans", "audit_log"}


@pytest.mark.parametrize(
    "words, statuses",
    [
        (plain_statuses.SUBSCRIPTIONS, billing_facts.SubscriptionStatus),
        (plain_statuses.INVOICES, billing_facts.InvoiceStatus),
        (plain_statuses.PAYMENTS, billing_facts.PaymentStatus),
    ],
)
def test_every_status_of_the_vendor_has_a_plain_word(words: dict[str, str], statuses: Any) -> None:
    assert words.keys() == set(get_args(statuses))


def test_what_became_of_an_invoice_or_payment_is_told_in_a_word() -> None:
    paid = {"status": "paid", "amount_paid_minor": 1900}
    assert [invoice_status(paid, refunded_minor=n) for n in (0, 900, 1900)] == ["paid", "paid", "refunded"]
    assert invoice_status({"status": "paid", "amount_paid_minor": 0}) == "paid"
    unpaid = {"status": "open", "amount_paid_minor": 0}
    assert [invoice_status(unpaid | {"attempts": n}) for n in (0, 1)] == ["draft", "failed"]
    payment = {"status": "succeeded", "amount_minor": 1900, "refunded_minor": 1900}
    assert (payment_status(payment), payment_status(payment | {"refunded_minor": 1})) == (
        "refunded",
        "succeeded",
    )


@pytest.mark.parametrize("values", [{}, {"plan": "free"}, {"trial": True, "trial_days": 14}])
def test_what_a_sign_up_leaves_in_each_table_is_described(world: World, values: dict[str, Any]) -> None:
    run_until(world, "create_subscription", world.given_signup(**values))
    world.unbilled.begin("acc_1", "beta", correlation_id="cor", now=world.clock.now())
    for table in world.stored():
        for row in world.rows(table):
            name = "own_subscriptions" if "unbilled" in row else table
            if model := ENTITIES.get(name):
                model.model_validate(row)


def test_the_plans_of_the_file_are_rows(world: World) -> None:
    (pro,) = [row for row in plan_rows(world.plans) if row.plan_id == "pro-monthly"]
    assert (pro.price_minor, pro.currency, pro.billing_period) == (4900, "usd", "month")
