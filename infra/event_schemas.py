"""Writes docs/events/ and docs/events.md: `python -m infra.event_schemas`.

A JSON Schema per event type and version describes the whole message on the bus: the envelope (seed 4,
section 7) with the payload of its type.
"""

import inspect
import json
from pathlib import Path
from typing import Any

from infra import catalog
from infra.json_schemas import schema_of
from usher.domain import events
from usher.domain.event import Event

DOCS = Path(__file__).resolve().parent.parent / "docs"
FOLDER, INDEX = DOCS / "events", DOCS / "events.md"
BEGIN, END = "<!-- events: python -m infra.event_schemas -->", "<!-- end of events -->"
_ROOMS = {
    "account": "Accounts and people",
    "user": "Accounts and people",
    "plan": "Accounts and people",
    "onboarding": "Onboardings",
    "trial": "Onboardings",
    "subscription": "Subscriptions",
    "mrr": "Subscriptions",
}


def files() -> dict[str, str]:
    """The present versions' schemas by their file names."""
    return {
        f"{kind.type}.v{kind.version}.json": json.dumps(schema(kind), indent=1) + "\n"
        for kind in events.CATALOG.values()
    }


def schema(kind: type[Event]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one event as it is published. Readers take fields that are added later."""
    text = {"type": "string"}
    known = {
        "user_id": "The person of the account whom it is about.",
        "tenant_id": "The account's tenant in the product.",
        "request_id": "The HTTP request that led to it.",
        "by": "`sync` when the payment vendor told us; absent when our own doing is what it tells of.",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{kind.type} version {kind.version}",
        "description": said(kind),
        "type": "object",
        "required": [
            "event_id",
            "type",
            "version",
            "timestamp",
            "account_id",
            "sequence",
            "correlation_id",
            "payload",
            "context",
        ],
        "properties": {
            "event_id": {**text, "description": "The same however often it is delivered."},
            "type": {"const": kind.type},
            "version": {"const": kind.version},
            "timestamp": {**text, "format": "date-time", "description": "When it was recorded, UTC."},
            "account_id": text,
            "sequence": {
                "type": "integer",
                "minimum": 1,
                "description": "Counts the account's events without gaps; the bus does not keep their order.",
            },
            "correlation_id": {**text, "description": "The same in all that one sign-up led to."},
            "payload": schema_of(kind),
            "context": {
                "type": "object",
                "properties": {name: {**text, "description": what} for name, what in known.items()},
                "additionalProperties": text,
            },
        },
    }


def said(kind: type[Event]) -> str:
    """What the event tells of, in the words of its class."""
    return inspect.cleandoc(vars(kind).get("__doc__") or "")


def table() -> str:
    """Every event by what it is about, with its schema and who of ours listens."""
    rooms: dict[str, list[type[Event]]] = {}
    for kind in events.CATALOG.values():
        rooms.setdefault(_ROOMS.get(kind.type.split(".")[0], "Money and usage"), []).append(kind)
    parts = []
    for room, kinds in sorted(rooms.items()):
        rows = [
            f"| [`{kind.type}`](events/{kind.type}.v{kind.version}.json) | {kind.version} |"
            f" {said(kind).split(chr(10) + chr(10))[0].replace(chr(10), ' ')} | {_listeners(kind.type)} |"
            for kind in sorted(kinds, key=lambda kind: kind.type)
        ]
        parts.append(
            "\n".join([f"### {room}\n", "| event | version | tells | told to |", "|---|---|---|---|", *rows])
        )
    return "\n\n".join(parts)


def with_table(text: str) -> str:
    """The index page with its tables as the code says. Raises ValueError when its marks are gone."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{INDEX.name} has lost the marks of its tables: {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{table()}\n\n{END}{tail}"


def _listeners(type: str) -> str:
    rules = [rule for rule in catalog.RULES if rule.bus == "usher" and type in rule.detail_types]
    return ", ".join(sorted({f"`{rule.name}`" for rule in rules}))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    INDEX.write_text(with_table(INDEX.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
