"""The events we publish, and which of them follow from a change of billing state."""

import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from usher.domain import account_events, event, events
from usher.domain.billing_changes import invoice_changes, payment_changes, subscription_changes


def descendants(kind: type[event.Event]) -> list[type[event.Event]]:
    return [found for child in kind.__subclasses__() for found in (child, *descendants(child))]


MODULES = {module.__name__ for module in events.MODULES}
PUBLISHED = [kind for kind in descendants(event.Event) if "type" in vars(kind) and kind.__module__ in MODULES]


def test_every_event_with_a_type_is_in_the_catalog_under_it() -> None:
    assert {kind.type: kind for kind in PUBLISHED} == events.CATALOG
    assert len({kind.type for kind in PUBLISHED}) == len(PUBLISHED)


@pytest.mark.parametrize("kind", PUBLISHED, ids=lambda kind: kind.type)
def test_every_event_is_named_and_versioned(kind: type[event.Event]) -> None:
    subject, _, fact = kind.type.partition(".")
    assert subject and fact and kind.type == kind.type.lower()
    assert kind.version >= 1


def _loose(annotation: Any) -> Iterator[Any]:
    """What within an annotation is no text, whole number, truth, one of some words, or a model of these."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from ((name, each) for each in _loose(field.annotation))
    elif typing.get_origin(annotation) is typing.Literal:
        yield from (word for word in typing.get_args(annotation) if not isinstance(word, str))
    elif parts := typing.get_args(annotation):
        yield from (each for part in parts if part is not ... for each in _loose(part))
    elif annotation not in {str, int, bool, type(None)}:
        yield annotation


@pytest.mark.parametrize("kind", PUBLISHED, ids=lambda kind: kind.type)
def test_no_event_carries_a_float_or_anything_loose(kind: type[event.Event]) -> None:
    assert list(_loose(kind)) == []
    for name, field in kind.model_fields.items():
        if name.endswith("_minor"):
            assert field.annotation in {int, int | None}, name


@pytest.mark.parametrize("kind", PUBLISHED, ids=lambda kind: kind.type)
def test_money_in_an_event_names_its_currency(kind: type[event.Event]) -> None:
    fields = kind.model_fields
    assert ("currency" in fields) == any(name.endswith("_minor") for name in fields)


@pytest.mark.parametrize("kind", PUBLISHED, ids=lambda kind: kind.type)
def test_no_event_carries_personal_data(kind: type[event.Event]) -> None:
    assert not set(kind.model_fields) & {"email", "name", "phone", "address", "company"}


def test_a_fact_does_not_change() -> None:
    event = account_events.PlanSelected(plan="free")
    with pytest.raises(ValidationError):
        event.plan = "pro-monthly"  # type: ignore[misc]


def test_a_reader_accepts_what_a_newer_writer_added() -> None:
    values: dict[str, Any] = {
        "event_id": "evt_a_1",
        "type": "plan.selected",
        "version": 1,
        "timestamp": "2026-11-21T12:00:00.000Z",
        "account_id": "acc_a",
        "sequence": 1,
        "correlation_id": "cor_a",
        "payload": {"plan": "free"},
        "context": {},
    }
    assert event.Envelope.model_validate(values | {"added_later": 1}) == event.Envelope(**values)


def subscription(before: str | None, after: str, trial_end: str | None = None) -> list[str]:
    happened = subscription_changes(
        before=before, after=after, subscription_id="sub_1", plan="free", trial_end=trial_end
    )
    assert {event.subscription_id for event in happened} <= {"sub_1"}
    return [event.type.removeprefix("subscription.") for event in happened]


@pytest.mark.parametrize(
    "before, after, told",
    [
        (None, "active", ["created", "activated"]),
        (None, "incomplete", ["created"]),
        (None, "canceled", ["created", "canceled"]),
        ("incomplete", "active", ["activated"]),
        ("incomplete", "incomplete_expired", ["canceled"]),
        ("trialing", "active", ["trial_converted", "activated"]),
        ("trialing", "paused", ["paused"]),
        ("active", "past_due", ["payment_failed"]),
        ("past_due", "active", ["activated"]),
        ("past_due", "canceled", ["canceled"]),
        ("active", "paused", ["paused"]),
        ("active", "active", []),
    ],
)
def test_a_subscription_tells_of_each_change_of_its_status(
    before: str | None, after: str, told: list[str]
) -> None:
    assert subscription(before, after) == told


def test_a_trial_starts_once_and_says_when_it_ends() -> None:
    end = "2026-12-05T12:00:00.000Z"
    assert subscription(None, "trialing", end) == ["created", "trial_started"]
    assert subscription("trialing", "trialing", end) == []


def invoice(*, known: bool, status: str) -> list[str]:
    happened = invoice_changes(
        known=known,
        status=status,
        invoice_id="in_1",
        subscription_id=None,
        amount_due_minor=1900,
        currency="usd",
    )
    return [event.type for event in happened]


def test_an_invoice_is_generated_when_it_stops_being_a_draft() -> None:
    assert invoice(known=False, status="draft") == []
    assert invoice(known=False, status="open") == ["invoice.generated"]
    assert invoice(known=True, status="paid") == []


def payment(before: str | None, after: str) -> list[str]:
    happened = payment_changes(
        before=before,
        after=after,
        payment_id="pi_1",
        invoice_id="in_1",
        amount_minor=1900,
        currency="usd",
        failure_code="card_declined",
    )
    return [event.type for event in happened]


@pytest.mark.parametrize(
    "before, after, told",
    [
        (None, "succeeded", ["payment.succeeded"]),
        (None, "failed", ["payment.failed"]),
        (None, "processing", []),
        ("processing", "succeeded", ["payment.succeeded"]),
        ("requires_action", "failed", ["payment.failed"]),
        ("failed", "succeeded", ["payment.succeeded"]),
        ("succeeded", "succeeded", []),
        ("failed", "failed", []),
        ("processing", "canceled", []),
    ],
)
def test_a_payment_succeeds_or_fails_once(before: str | None, after: str, told: list[str]) -> None:
    assert payment(before, after) == told
