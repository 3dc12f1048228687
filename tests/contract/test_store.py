"""What every Store promises: SQLite and DynamoDB (through moto) answer alike.

Where moto 5.2 is laxer than DynamoDB (types in comparisons and index keys, empty keys), the strict answer is
pinned for SQLite alone in tests/unit/local/test_sqlite_store.py.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from usher.domain.errors import InvalidCommand, PermanentError, RetryableError
from usher.ports.store import (
    Absent,
    AtLeast,
    AtMost,
    BeginsWith,
    Both,
    Check,
    Condition,
    ConditionFailed,
    Delete,
    Either,
    Equals,
    Item,
    Key,
    OneOf,
    Page,
    Present,
    Put,
    Store,
    StoreRefused,
    Update,
)

KEY = {"note_id": "n1"}


def note(note_id: str = "n1", **attributes: Any) -> Item:
    return {"note_id": note_id, **attributes}


def put(store: Store, *items: Item, table: str = "notes") -> None:
    for item in items:
        store.write(Put(table, item))


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


# -- conditions ----------------------------------------------------------------------------------------------

STORED = note(text="ada", number=5, yes=True, nothing=None, list=[1, {"a": True}], map={"a": 1})


@pytest.mark.parametrize(
    "condition",
    [
        Equals("text", "ada"),
        Equals("number", 5),
        Equals("yes", True),
        Equals("nothing", None),
        Equals("list", [1, {"a": True}]),
        Equals("map", {"a": 1}),
        OneOf("text", ("bob", "ada")),
        OneOf("number", (5,)),
        Absent("other"),
        Present("text"),
        Present("nothing"),
        AtMost("number", 5),
        AtMost("text", "adb"),
        AtLeast("number", 5),
        AtLeast("text", "Z"),
        BeginsWith("text", "ad"),
        Both((Present("text"), AtLeast("number", -1), Absent("other"))),
        Either((Equals("text", "bob"), Equals("number", 5))),
        Both((Either((Absent("text"), Present("number"))), Equals("yes", True))),
    ],
)
def test_a_condition_that_holds_lets_the_write_through(store: Store, condition: Condition) -> None:
    put(store, STORED)
    store.write(Update("notes", KEY, set={"done": 1}, if_=condition))
    store.transact([Check("notes", KEY, if_=condition)])
    assert store.get("notes", KEY) == {**STORED, "done": 1}


@pytest.mark.parametrize(
    "condition",
    [
        Equals("text", "bob"),
        Equals("number", "5"),
        Equals("number", True),
        Equals("list", [1, {"a": "1"}]),
        OneOf("other", (1, "x")),
        OneOf("text", ("True", "Ada")),
        Absent("nothing"),
        Absent("note_id"),
        Present("other"),
        AtMost("number", 4),
        AtMost("other", 4),
        AtLeast("number", 6),
        AtLeast("text", "adaa"),
        BeginsWith("text", "b"),
        BeginsWith("number", "5"),
        BeginsWith("other", "5"),
        Both((Present("text"), Present("other"))),
        Either((Present("other"), Equals("number", 6))),
    ],
)
def test_a_condition_that_does_not_hold_stops_the_write_and_tells_what_is_there(
    store: Store, condition: Condition
) -> None:
    put(store, STORED)
    for write in (
        Put("notes", note(new=1), if_=condition),
        Update("notes", KEY, set={"done": 1}, if_=condition),
        Delete("notes", KEY, if_=condition),
    ):
        with pytest.raises(ConditionFailed) as caught:
            store.write(write)
        assert caught.value.failed == {0: STORED}
    with pytest.raises(ConditionFailed) as caught:
        store.transact([Check("notes", KEY, if_=condition)])
    assert caught.value.failed == {0: STORED}
    assert store.get("notes", KEY) == STORED


@pytest.mark.parametrize(
    "condition", [Present("note_id"), Equals("a", 1), AtMost("a", 1), BeginsWith("a", "b")]
)
def test_a_condition_on_nothing_fails_with_nothing(store: Store, condition: Condition) -> None:
    with pytest.raises(ConditionFailed) as caught:
        store.write(Update("notes", KEY, set={"a": 1}, if_=condition))
    assert caught.value.failed == {0: None}
    assert store.get("notes", KEY) is None


def test_a_put_of_what_must_not_exist_works_once(store: Store) -> None:
    store.write(Put("notes", note(winner=1), if_=Absent("note_id")))
    with pytest.raises(ConditionFailed) as caught:
        store.write(Put("notes", note(winner=2), if_=Absent("note_id")))
    assert caught.value.failed == {0: note(winner=1)}


def test_a_failed_condition_is_retryable_and_a_refusal_is_not(store: Store) -> None:
    with pytest.raises(RetryableError):
        store.write(Delete("notes", KEY, if_=Present("note_id")))
    with pytest.raises(PermanentError):
        put(store, note(price=1.5))


@pytest.mark.parametrize("values", [(), tuple(range(101))])
def test_one_of_nothing_or_too_many_is_a_mistake(values: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="1 to 100"):
        OneOf("a", values)


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


# -- queries -------------------------------------------------------------------------------------------------


def everything(store: Store, *arguments: Any, **options: Any) -> list[Item]:
    """All pages of a query, one after the other."""
    items: list[Item] = []
    page = Page([], None)
    while True:
        page = store.query(*arguments, **options, cursor=page.cursor)
        items += page.items
        if page.cursor is None:
            return items


def entries(*sequences: int, owner: str = "ada") -> list[Item]:
    return [{"owner": owner, "sequence": sequence} for sequence in sequences]


def test_numbers_sort_as_numbers(store: Store) -> None:
    put(store, *entries(10, 9, 100, -1, 2), *entries(5, owner="bob"), table="log")
    assert store.query("log", Equals("owner", "ada")).items == entries(-1, 2, 9, 10, 100)
    assert store.query("log", Equals("owner", "ada"), descending=True).items == entries(100, 10, 9, 2, -1)


def test_texts_sort_by_their_bytes(store: Store) -> None:
    titles = ["b", "a", "B", "é", "z", "10", "9", "￿", "😀", "aa"]
    put(store, *({"room": "r", "title": title} for title in titles), table="shelf")
    found = [item["title"] for item in store.query("shelf", Equals("room", "r")).items]
    assert found == sorted(titles, key=str.encode)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (Equals("sequence", 3), [3]),
        (AtMost("sequence", 3), [1, 2, 3]),
        (AtLeast("sequence", 3), [3, 4, 5]),
        (AtLeast("sequence", 6), []),
    ],
)
def test_a_query_can_be_bounded_by_its_sort_key(store: Store, sort: Any, expected: list[int]) -> None:
    put(store, *entries(1, 2, 3, 4, 5), table="log")
    assert store.query("log", Equals("owner", "ada"), sort=sort).items == entries(*expected)


def test_a_query_by_the_beginning_of_a_text(store: Store) -> None:
    titles = ["ab", "abc", "ab\U0001f600", "ac", "a", "b"]
    put(store, *({"room": "r", "title": title} for title in titles), table="shelf")
    page = store.query("shelf", Equals("room", "r"), sort=BeginsWith("title", "ab"))
    assert [item["title"] for item in page.items] == ["ab", "abc", "ab\U0001f600"]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
def test_pages_hold_every_item_once_in_order(store: Store, limit: int, descending: bool) -> None:
    put(store, *entries(*range(6)), *entries(1, owner="bob"), table="log")
    found = everything(store, "log", Equals("owner", "ada"), limit=limit, descending=descending)
    assert found == entries(*sorted(range(6), reverse=descending))


def test_a_page_holds_no_more_than_its_limit(store: Store) -> None:
    put(store, *entries(*range(5)), table="log")
    page = store.query("log", Equals("owner", "ada"), limit=2)
    assert page.items == entries(0, 1)
    assert page.cursor is not None


def test_paging_goes_on_behind_its_place_when_items_come_and_go(store: Store) -> None:
    put(store, *entries(1, 3, 5), table="log")
    page = store.query("log", Equals("owner", "ada"), limit=2)
    store.write(Delete("log", {"owner": "ada", "sequence": 3}))
    put(store, *entries(2, 4), table="log")
    rest = store.query("log", Equals("owner", "ada"), cursor=page.cursor)
    assert rest.items == entries(4, 5)


def test_a_page_ends_at_1_mb(store: Store) -> None:
    put(store, *({"owner": "ada", "sequence": n, "text": "x" * 300_000} for n in range(7)), table="log")
    page = store.query("log", Equals("owner", "ada"))
    assert len(page.items) < 7
    assert page.cursor is not None
    found = everything(store, "log", Equals("owner", "ada"))
    assert [item["sequence"] for item in found] == list(range(7))


def test_an_empty_partition_is_an_empty_page(store: Store) -> None:
    assert store.query("log", Equals("owner", "nobody")) == Page([])


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_an_index_sorts_by_its_own_sort_key_and_pages_through_equal_ones(store: Store, limit: int) -> None:
    times = ["2026-03", "2026-01", "2026-02", "2026-02", "2026-02"]
    put(store, *(note(f"n{n}", owner="ada", written_at=at) for n, at in enumerate(times)))
    put(store, note("other", owner="bob", written_at="2026-02"))
    found = everything(store, "notes", Equals("owner", "ada"), index="by_owner", limit=limit)
    assert [item["written_at"] for item in found] == sorted(times)
    assert {item["note_id"] for item in found} == {f"n{n}" for n in range(5)}
    late = store.query(
        "notes", Equals("owner", "ada"), index="by_owner", sort=AtMost("written_at", "2026-01")
    )
    assert [item["note_id"] for item in late.items] == ["n1"]


@pytest.mark.parametrize("limit", [1, 100])
def test_an_index_without_sort_key_holds_all_of_its_partition(store: Store, limit: int) -> None:
    put(store, note("n1", tag="red"), note("n2", tag="red"), note("n3", tag="blue"), note("n4"))
    found = everything(store, "notes", Equals("tag", "red"), index="by_tag", limit=limit)
    assert {item["note_id"] for item in found} == {"n1", "n2"}


def test_an_index_answers_its_keys_and_what_it_projects(store: Store) -> None:
    put(store, note("n1", shelf="a", colour="red", written_at="2026", title="t", text="long"))
    assert everything(store, "notes", Equals("shelf", "a"), index="by_shelf") == [
        {"note_id": "n1", "shelf": "a", "written_at": "2026", "title": "t"}
    ]
    assert everything(store, "notes", Equals("colour", "red"), index="by_colour") == [
        {"note_id": "n1", "colour": "red"}
    ]


def test_an_index_follows_its_keys_through_updates_of_some_of_them(store: Store) -> None:
    put(store, note("n1", shelf="a", colour="red", owner="ada", written_at="2026", title="t"))
    store.write(Update("notes", KEY, set={"title": "u"}))
    store.write(Update("notes", KEY, set={"shelf": "b"}))
    store.write(Update("notes", KEY, set={"written_at": "2027"}, remove=("colour",)))
    assert everything(store, "notes", Equals("shelf", "a"), index="by_shelf") == []
    assert everything(store, "notes", Equals("colour", "red"), index="by_colour") == []
    [found] = everything(store, "notes", Equals("shelf", "b"), index="by_shelf")
    assert found == {"note_id": "n1", "shelf": "b", "written_at": "2027", "title": "u"}
    [found] = everything(
        store, "notes", Equals("owner", "ada"), index="by_owner", sort=Equals("written_at", "2027")
    )
    assert found["title"] == "u"


@pytest.mark.parametrize("limit", [1, 2])
def test_an_index_of_keys_alone_is_paged_through_like_any_other(store: Store, limit: int) -> None:
    put(store, *(note(f"n{number}", colour="red") for number in range(5)))
    found = everything(store, "notes", Equals("colour", "red"), index="by_colour", limit=limit)
    assert sorted(item["note_id"] for item in found) == [f"n{number}" for number in range(5)]


def test_an_item_leaves_an_index_with_its_attributes(store: Store) -> None:
    put(store, note("n1", owner="ada", written_at="1"), note("n2", owner="ada"))
    assert len(store.query("notes", Equals("owner", "ada"), index="by_owner").items) == 1
    store.write(Update("notes", KEY, remove=("owner",)))
    assert store.query("notes", Equals("owner", "ada"), index="by_owner").items == []
    store.write(Update("notes", {"note_id": "n2"}, set={"written_at": "2"}))
    assert len(store.query("notes", Equals("owner", "ada"), index="by_owner").items) == 1
    store.write(Delete("notes", {"note_id": "n2"}))
    assert store.query("notes", Equals("owner", "ada"), index="by_owner").items == []


@pytest.mark.parametrize(
    ("table", "partition", "options"),
    [
        ("log", Equals("sequence", 1), {}),
        ("log", Equals("owner", "ada"), {"sort": Equals("other", 1)}),
        ("log", Equals("owner", "ada"), {"limit": 0}),
        ("notes", Equals("tag", "red"), {"index": "by_owner"}),
    ],
)
def test_a_query_that_fits_no_index_is_refused(
    store: Store, table: str, partition: Equals, options: dict[str, Any]
) -> None:
    with pytest.raises(StoreRefused):
        store.query(table, partition, **options)


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!", "bnVsbA", "e30", "eyJvd25lciI6ImFkYSIsInNlcXVlbmNlIjoxLjV9"]
)
def test_a_cursor_that_no_query_gave_is_the_callers_mistake(store: Store, cursor: str) -> None:
    with pytest.raises(InvalidCommand, match="cursor"):
        store.query("log", Equals("owner", "ada"), cursor=cursor)


def test_a_cursor_of_another_partition_is_the_callers_mistake(store: Store) -> None:
    put(store, *entries(1, 2), table="log")
    cursor = store.query("log", Equals("owner", "ada"), limit=1).cursor
    assert cursor is not None
    with pytest.raises(InvalidCommand, match="cursor"):
        store.query("log", Equals("owner", "bob"), cursor=cursor)
