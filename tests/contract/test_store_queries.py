"""What every Store promises of queries: order, bounds, pages, indexes, cursors."""

from typing import Any

import pytest

from tests.contract.notes import KEY, note, put
from usher.domain.errors import InvalidCommand
from usher.ports.store import (
    AtLeast,
    AtMost,
    BeginsWith,
    Delete,
    Equals,
    Item,
    Page,
    Store,
    StoreRefused,
    Update,
)


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
