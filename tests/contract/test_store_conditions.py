"""What every Store promises of conditions: which hold, and what a write that fails on one tells."""

import pytest

from tests.contract.notes import KEY, note, put
from usher.domain.errors import PermanentError, RetryableError
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
    OneOf,
    Present,
    Put,
    Store,
    Update,
)

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
