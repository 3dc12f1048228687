"""Waits: a question and its answer meet in either order, once, and the first answer stands (B8)."""

import pytest

from tests.fakes.world import World
from usher.records.waits import Waits

ID = "review#su_1#1"
YES, NO = {"decision": "approve"}, {"decision": "reject"}
DEADLINE = "2026-11-24T12:00:00.000Z"


@pytest.fixture
def waits(world: World) -> Waits:
    return Waits(world.store)


def ask(world: World, waits: Waits, token: str) -> object:
    return waits.ask(ID, token=token, deadline=DEADLINE, now=world.clock.now())


def test_an_answer_gets_the_token_of_who_waits(world: World, waits: Waits) -> None:
    assert ask(world, waits, "t1") is None
    given = waits.answer(ID, YES, now=world.clock.now())
    assert (given.stands, given.token) == (True, "t1")


def test_an_answer_that_comes_before_the_question_is_found_by_it(world: World, waits: Waits) -> None:
    early = waits.answer(ID, YES, now=world.clock.now())
    assert (early.stands, early.token) == (True, None)
    assert ask(world, waits, "t1") == YES


def test_the_first_answer_stands_and_the_second_sees_it(world: World, waits: Waits) -> None:
    ask(world, waits, "t1")
    waits.answer(ID, YES, now=world.clock.now())
    second = waits.answer(ID, NO, now=world.clock.now())
    assert (second.stands, second.token, second.row["answer"]) == (False, "t1", YES)


def test_who_asks_again_takes_the_former_token_s_place(world: World, waits: Waits) -> None:
    """A retry, a reminder or a redrive: the former task is over, nobody must ring it."""
    ask(world, waits, "t1")
    ask(world, waits, "t2")
    assert waits.answer(ID, YES, now=world.clock.now()).token == "t2"


def test_a_deadline_closes_with_the_default_and_a_late_answer_changes_nothing(
    world: World, waits: Waits
) -> None:
    ask(world, waits, "t1")
    assert waits.close(ID, NO, now=world.clock.now()) == NO
    late = waits.answer(ID, YES, now=world.clock.now())
    assert (late.stands, late.row["state"], late.row["answer"]) == (False, "closed", NO)


def test_an_answer_stored_in_time_beats_the_deadline_s_default(world: World, waits: Waits) -> None:
    ask(world, waits, "t1")
    waits.answer(ID, YES, now=world.clock.now())
    assert waits.close(ID, NO, now=world.clock.now()) == YES


def test_closing_twice_gives_the_same_answer(world: World, waits: Waits) -> None:
    waits.close(ID, NO, now=world.clock.now())
    assert waits.close(ID, YES, now=world.clock.now()) == NO


def test_a_question_whose_truth_lies_elsewhere_is_asked_anew(world: World, waits: Waits) -> None:
    ask(world, waits, "t1")
    waits.answer(ID, YES, now=world.clock.now())
    waits.ask_anew(ID, token="t2", deadline=DEADLINE, now=world.clock.now())
    assert waits.answer(ID, NO, now=world.clock.now()).token == "t2"
