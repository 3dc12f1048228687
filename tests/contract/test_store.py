"""What every Store promises: SQLite and DynamoDB (through moto) answer alike.

Where moto 5.2 is laxer than DynamoDB (types in comparisons and index keys, empty keys), the strict answer is
pinned for SQLite alone in tests/unit/local/test_sqlite_store.py.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.notes import (
    KEY,
    note,
    put,
)
from usher.ports.store import (
    Absent,
    Check,
    ConditionFailed,
    Delete,
    Equals,
    Key,
    Present,
    Put,
    Store,
    StoreRefused,
    Update,
)

# -- items ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Žofie 😀 \x00 \" ' \\ {% $x %}",
        0,
        -7,
        10**37,
        True,
        False,
        None,
        [],
        {},
        [1, "1", True, None, [2], {"a": 1}],
        {"a": {"b": [{"c": None}]}, "$x.y #n0 :v0": 1},
    ],
)
def test_an_item_comes_back_as_it_was_put(store: Store, value: Any) -> None:
    put(store, note(value=value))
    found = store.get("notes", KEY)
    assert found == note(value=value)
    assert found is not None
    assert type(found["value"]) is type(value)


def test_an_absent_item_is_none(store: Store) -> None:
    assert store.get("notes", {"note_id": "nobody"}) is None


@pytest.mark.parametrize("count", [0, 1, 3, 260])
def test_many_items_are_read_in_the_order_asked_for_and_absent_ones_are_none(
    store: Store, count: int
) -> None:
    names = [f"n{number}" for number in range(count)]
    for name in names[::2]:
        put(store, note(name, title=name))
    found = store.get_all("notes", [{"note_id": name} for name in reversed(names)])
    wanted = [note(name, title=name) if name in names[::2] else None for name in reversed(names)]
    assert found == wanted


def test_many_items_are_read_by_both_parts_of_their_keys(store: Store) -> None:
    put(store, {"owner": "ada", "sequence": 1, "text": "one"}, {"owner": "bob", "sequence": 2}, table="log")
    keys: list[Key] = [{"owner": "ada", "sequence": n} for n in (2, 1)]
    assert store.get_all("log", keys) == [None, {"owner": "ada", "sequence": 1, "text": "one"}]


def test_a_key_that_is_none_is_refused_among_many(store: Store) -> None:
    with pytest.raises(StoreRefused):
        store.get_all("notes", [{"note_id": "n1"}, {"title": "x"}])


def test_a_put_replaces_the_whole_item_and_answers_it(store: Store) -> None:
    put(store, note(old=1))
    assert store.write(Put("notes", note(new=2))) == note(new=2)
    assert store.get("notes", KEY) == note(new=2)


def test_what_is_done_to_a_returned_item_does_not_reach_the_store(store: Store) -> None:
    item = note(list=[1])
    put(store, item)
    item["list"].append(2)
    found = store.get("notes", KEY)
    assert found is not None
    found["list"].append(3)
    assert store.get("notes", KEY) == note(list=[1])


@pytest.mark.parametrize(
    "value",
    [1.5, float("nan"), {"price": [9.99]}, datetime(2026, 1, 1, tzinfo=UTC), (1, 2), {1, 2}, b"x", 10**38],
)
def test_what_no_item_may_hold_is_refused(store: Store, value: Any) -> None:
    for write in (Put("notes", note(value=value)), Update("notes", KEY, set={"value": value})):
        with pytest.raises(StoreRefused, match="value"):
            store.write(write)
        with pytest.raises(StoreRefused, match="value"):
            store.transact([write])
    assert store.get("notes", KEY) is None


def test_a_float_is_refused_with_advice(store: Store) -> None:
    with pytest.raises(
        StoreRefused, match="price: a float cannot be stored; keep integers of the smallest unit"
    ):
        put(store, note(price=9.99))


@pytest.mark.parametrize("name", [1, None, ""])
def test_a_name_that_is_no_text_is_refused(store: Store, name: Any) -> None:
    with pytest.raises(StoreRefused, match="names are"):
        put(store, note(value={name: "one"}))
    with pytest.raises(StoreRefused, match="names are"):
        put(store, {**note(), name: "one"})


def test_half_a_character_is_refused(store: Store) -> None:
    with pytest.raises(StoreRefused, match="Unicode"):
        put(store, note(value="\ud83d"))
    with pytest.raises(StoreRefused, match="Unicode"):
        store.get("notes", {"note_id": "\ud83d"})


def test_an_item_of_up_to_400_kb_is_taken_and_no_larger_one(store: Store) -> None:
    put(store, note(text="x" * 400_000))  # the exact byte is in the SQLite store's own test
    with pytest.raises(StoreRefused):
        put(store, note("n2", text="x" * 410_000))
    with pytest.raises(StoreRefused):
        put(store, note("n2", text="é" * 205_000))
    with pytest.raises(StoreRefused):
        store.write(Update("notes", KEY, set={"more": "x" * 10_000}))
    assert store.get("notes", {"note_id": "n2"}) is None


def test_nesting_of_32_levels_is_taken_and_no_deeper(store: Store) -> None:
    def nested(levels: int) -> list[Any]:
        return [nested(levels - 1)] if levels > 1 else []

    put(store, note(value=nested(32)))
    with pytest.raises(StoreRefused, match="32"):
        put(store, note(value=nested(33)))


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("notes", {"note_id": 1}),
        ("notes", {"note_id": None}),
        ("notes", {}),
        ("notes", {"other": "x"}),
        ("log", {"owner": "ada"}),
        ("log", {"owner": "ada", "sequence": "1"}),
        ("log", {"owner": "ada", "sequence": True}),
        ("shelf", {"room": "a", "title": 1}),
        ("notes", {"note_id": "x" * 2049}),
        ("shelf", {"room": "a", "title": "x" * 1025}),
    ],
)
def test_a_key_that_is_not_the_tables_is_refused(store: Store, table: str, key: Key) -> None:
    with pytest.raises(StoreRefused):
        store.write(Update(table, key, set={"a": 1}))
    with pytest.raises(StoreRefused):
        store.transact([Update(table, key, set={"a": 1})])


# -- updates and deletes -------------------------------------------------------------------------------------


def test_an_update_changes_only_what_it_names_and_answers_the_item(store: Store) -> None:
    put(store, note(kept=1, count=2, gone=3, replaced={"a": 1, "b": 2}))
    answer = store.write(
        Update(
            "notes",
            KEY,
            set={"replaced": {"c": 3}, "new": []},
            add={"count": 5, "fresh": -1},
            remove=("gone",),
        )
    )
    assert answer == note(kept=1, count=7, replaced={"c": 3}, new=[], fresh=-1)
    assert store.get("notes", KEY) == answer


def test_an_update_creates_what_is_not_there(store: Store) -> None:
    assert store.write(Update("log", {"owner": "ada", "sequence": 1}, add={"count": 1})) == {
        "owner": "ada",
        "sequence": 1,
        "count": 1,
    }


def test_removing_what_is_not_there_is_fine(store: Store) -> None:
    put(store, note(a=1))
    assert store.write(Update("notes", KEY, remove=("b",))) == note(a=1)


def test_only_integers_are_added_to(store: Store) -> None:
    put(store, note(text="5"))
    with pytest.raises(StoreRefused):
        store.write(Update("notes", KEY, add={"text": 1}))


@pytest.mark.parametrize(
    "change", [{"set": {"note_id": "n2"}}, {"add": {"note_id": 1}}, {"remove": ("note_id",)}]
)
def test_an_update_cannot_change_the_key(store: Store, change: dict[str, Any]) -> None:
    put(store, note(a=1))
    with pytest.raises(StoreRefused):
        store.write(Update("notes", KEY, **change))


@pytest.mark.parametrize(
    "change", [{}, {"set": {"a": 1}, "remove": ("a",)}, {"set": {"a": 1}, "add": {"a": 1}}]
)
def test_an_update_names_at_least_one_attribute_and_none_twice(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="none twice"):
        Update("notes", KEY, **change)


def test_a_delete_removes_and_removing_nothing_is_fine(store: Store) -> None:
    put(store, note(a=1))
    assert store.write(Delete("notes", KEY, if_=Equals("a", 1))) is None
    assert store.get("notes", KEY) is None
    assert store.write(Delete("notes", KEY)) is None


# -- transactions --------------------------------------------------------------------------------------------


def test_a_transaction_does_all_over_several_tables(store: Store) -> None:
    put(store, note("old", a=1), note("changed", a=1), note("checked", a=1))
    store.transact(
        [
            Put("notes", note("new"), if_=Absent("note_id")),
            Put("log", {"owner": "ada", "sequence": 1}, if_=Absent("owner")),
            Update("notes", {"note_id": "changed"}, add={"a": 1}),
            Delete("notes", {"note_id": "old"}, if_=Present("a")),
            Check("notes", {"note_id": "checked"}, if_=Equals("a", 1)),
        ]
    )
    assert store.get("notes", {"note_id": "new"}) == note("new")
    assert store.get("log", {"owner": "ada", "sequence": 1}) == {"owner": "ada", "sequence": 1}
    assert store.get("notes", {"note_id": "changed"}) == note("changed", a=2)
    assert store.get("notes", {"note_id": "old"}) is None
    assert store.get("notes", {"note_id": "checked"}) == note("checked", a=1)


def test_a_transaction_with_failed_conditions_does_nothing_and_names_them(store: Store) -> None:
    put(store, note("there", a=1))
    with pytest.raises(ConditionFailed) as caught:
        store.transact(
            [
                Put("notes", note("first")),
                Put("notes", note("there"), if_=Absent("note_id")),
                Update("log", {"owner": "ada", "sequence": 1}, add={"a": 1}),
                Check("notes", {"note_id": "nobody"}, if_=Present("note_id")),
                Put("notes", note("last"), if_=Absent("note_id")),
            ]
        )
    assert caught.value.failed == {1: note("there", a=1), 3: None}
    assert store.get("notes", {"note_id": "first"}) is None
    assert store.get("notes", {"note_id": "last"}) is None
    assert store.get("notes", {"note_id": "there"}) == note("there", a=1)
    assert store.get("log", {"owner": "ada", "sequence": 1}) is None


def test_a_transaction_takes_100_writes_and_no_more(store: Store) -> None:
    store.transact([Put("notes", note(f"n{number}")) for number in range(100)])
    assert store.get("notes", {"note_id": "n99"}) == note("n99")
    with pytest.raises(StoreRefused, match="100"):
        store.transact([Put("notes", note(f"m{number}")) for number in range(101)])
    assert store.get("notes", {"note_id": "m0"}) is None


def test_a_transaction_writes_each_item_once(store: Store) -> None:
    with pytest.raises(StoreRefused):
        store.transact([Put("notes", note(a=1)), Update("notes", KEY, set={"b": 1})])
    assert store.get("notes", KEY) is None


def test_an_empty_transaction_does_nothing(store: Store) -> None:
    store.transact([])


def test_a_refusal_inside_a_transaction_undoes_it(store: Store) -> None:
    put(store, note("text", a="5"))
    with pytest.raises(StoreRefused):
        store.transact([Put("notes", note("first")), Update("notes", {"note_id": "text"}, add={"a": 1})])
    assert store.get("notes", {"note_id": "first"}) is None
