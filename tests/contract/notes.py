"""Items of the tables that every store is tried with."""

from typing import Any

from usher.ports.store import Item, Put, Store

KEY = {"note_id": "n1"}


def note(note_id: str = "n1", **attributes: Any) -> Item:
    return {"note_id": note_id, **attributes}


def put(store: Store, *items: Item, table: str = "notes") -> None:
    for item in items:
        store.write(Put(table, item))
