"""docs/events holds the schema of every event as it is published, and docs/events.md lists them."""

from typing import Any, get_args

import pytest
from pydantic import BaseModel

from infra import event_schemas
from infra.event_schemas import FOLDER, INDEX, files, said, with_table
from usher.domain import events
from usher.domain.event import Event

OF_THE_TEXT = {  # seed 4, sections 5 and 17
    "account": ("created",),
    "user": ("invited", "accepted"),
    "plan": ("selected",),
    "subscription": (
        "created",
        "trial_started",
        "activated",
        "payment_failed",
        "prorated_charge",
        "upgraded",
        "downgraded",
        "canceled",
        "reactivated",
        "payment_recovered",
        "escalated",
    ),
    "invoice": ("generated",),
    "payment": ("succeeded", "failed"),
    "usage": ("reported",),
    "refund": ("issued",),
}
KINDS = list(events.CATALOG.values())


def test_every_event_that_the_workflow_s_text_names_exists() -> None:
    named = {f"{subject}.{fact}" for subject, facts in OF_THE_TEXT.items() for fact in facts}
    assert named <= events.CATALOG.keys()


def test_each_file_is_what_the_code_publishes() -> None:
    stored = {
        name: (FOLDER / name).read_text(encoding="utf-8") for name in files() if (FOLDER / name).exists()
    }
    assert stored == files(), "run `python -m infra.event_schemas`"


def test_no_version_of_an_event_is_missing_and_none_is_of_an_event_that_is_not() -> None:
    expected = {f"{kind.type}.v{n}.json" for kind in KINDS for n in range(1, kind.version + 1)}
    assert {path.name for path in FOLDER.iterdir()} == expected


def test_the_index_lists_what_the_code_publishes() -> None:
    text = INDEX.read_text(encoding="utf-8")
    assert with_table(text) == text, "run `python -m infra.event_schemas`"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)
def test_every_event_says_what_it_tells_of(kind: type[Event]) -> None:
    assert said(kind)


def _example(annotation: Any, *, full: bool) -> Any:
    """A value of the annotation."""
    parts = get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _filled(annotation, full=full)
    if parts and annotation.__class__.__name__ != "_LiteralGenericAlias":
        if getattr(annotation, "__origin__", None) is tuple:
            return (_example(parts[0], full=full),)
        return _example(parts[0], full=full)  # what may be None comes first without it
    if parts:
        return parts[0]
    return {str: "x", int: 1, bool: True}[annotation]


def _filled(model: type[BaseModel], *, full: bool) -> BaseModel:
    values = {
        name: _example(field.annotation, full=full) if full or not _may_be_none(field.annotation) else None
        for name, field in model.model_fields.items()
        if full or field.is_required()
    }
    return model(**values)


def _may_be_none(annotation: Any) -> bool:
    return type(None) in get_args(annotation)


def _fits(value: Any, schema: dict[str, Any], path: str = "") -> None:
    kind = schema.get("type")
    if kind == "object":
        properties = schema["properties"]
        assert set(schema["required"]) <= value.keys() <= properties.keys(), path
        for name, held in value.items():
            _fits(held, properties[name], f"{path}.{name}")
    elif kind == "array":
        for each in value:
            _fits(each, schema["items"], f"{path}[]")
    elif "enum" in schema:
        assert value in schema["enum"], path
    else:
        assert {"string": str, "integer": int, "boolean": bool}[str(kind)] is type(value), path


@pytest.mark.parametrize("full", [True, False], ids=["full", "bare"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)
def test_what_is_stored_fits_its_schema_with_and_without_what_may_be_unknown(
    kind: type[Event], full: bool
) -> None:
    payload = _filled(kind, full=full).model_dump(mode="json", exclude_none=True)
    _fits(payload, event_schemas.schema(kind)["properties"]["payload"])
