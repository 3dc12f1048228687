"""The events we publish."""

import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from usher.domain import account_events, event, events


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
        event.plan = "pro-monthly"  # type: ignore[misc]  # it may not


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
