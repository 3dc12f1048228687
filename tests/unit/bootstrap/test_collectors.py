"""The wrapper of collectors: every item of a batch answered through its own token, whatever the others do."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.fakes.steps import messages, payload
from tests.fakes.world import World
from usher.bootstrap.collectors import Run, collector
from usher.domain.errors import StoreUnavailable, VendorRejected, VendorUnavailable
from usher.records.signups import Signup
from usher.usecases.step import OK, StepCommand
from usher.usecases.step_batch import Outcome

STEP = "sync_crm"


class Collector:
    """A collector whose use case is the test's; `batches` holds the sign-ups of each of its runs."""

    def __init__(self, world: World, run: Run) -> None:
        self.world = world
        self.batches: list[list[str]] = []

        def recorded(commands: Sequence[StepCommand]) -> list[Outcome]:
            self.batches.append([command.signup_id for command in commands])
            return run(commands)

        recorded.__module__ = f"functions.crm.{STEP}"
        self._handler = collector(recorded)

    def take(self, *items: tuple[dict[str, Any], str]) -> set[str]:
        """Deliver one batch of (payload, token); returns the messages that failed."""
        return self.deliver(messages(STEP, *items))

    def deliver(self, event: dict[str, Any]) -> set[str]:
        return {each["itemIdentifier"] for each in self._handler(event, None)["batchItemFailures"]}


def people(world: World, *names: str) -> list[Signup]:
    return [world.given_signup(name) for name in names]


def by_person(world: World, outcomes: dict[str, Outcome | Exception]) -> Run:
    """A use case that ends for each person as said; an exception that is no outcome is raised."""
    named = {world.given_signup(name).signup_id: outcome for name, outcome in outcomes.items()}

    def run(commands: Sequence[StepCommand]) -> list[Outcome]:
        found = [named[command.signup_id] for command in commands]
        for outcome in found:
            if isinstance(outcome, ZeroDivisionError):
                raise outcome
        return found  # type: ignore[return-value]  # what is no outcome was raised

    return run


def test_each_item_is_answered_through_its_own_token(world: World) -> None:
    outcomes: dict[str, Outcome | Exception] = {
        "ada": OK,
        "bob": VendorUnavailable("answered 503"),
        "eve": VendorRejected("no such plan"),
    }
    run = by_person(world, outcomes)
    ada, bob, eve = people(world, *outcomes)
    crm = Collector(world, run)
    assert (
        crm.take((payload(world, ada), "a"), (payload(world, bob), "b"), (payload(world, eve), "e")) == set()
    )
    assert world.workflows.told["a"] == OK.model_dump(mode="json")
    assert world.workflows.told["b"] == ("RetryableError", f"{STEP}: VendorUnavailable: answered 503")
    assert world.workflows.told["e"] == ("PermanentError", f"{STEP}: VendorRejected: no such plan")
    assert len(crm.batches) == 1
    marks = [world.signups.get(s.signup_id).steps.get(STEP, {}).get("status") for s in (bob, eve)]
    assert marks == ["retrying", "failed"]


def test_one_item_s_bug_fails_no_neighbour(world: World) -> None:
    run = by_person(world, {"ada": OK, "bob": ZeroDivisionError(), "eve": VendorRejected("no")})
    ada, bob, eve = people(world, "ada", "bob", "eve")
    crm = Collector(world, run)
    assert (
        crm.take((payload(world, ada), "a"), (payload(world, bob), "b"), (payload(world, eve), "e")) == set()
    )
    assert world.workflows.told["a"] == OK.model_dump(mode="json")
    assert world.workflows.told["b"][0] == "ZeroDivisionError"  # no state catches it: it pages
    assert world.workflows.told["e"][0] == "PermanentError"
    assert [len(batch) for batch in crm.batches] == [3, 1, 2, 1, 1]


def test_one_item_s_bug_in_a_large_batch_is_found_by_halves(world: World) -> None:
    names = [f"p{number:02}" for number in range(16)]
    run = by_person(world, {name: OK for name in names} | {"p05": ZeroDivisionError()})
    crm = Collector(world, run)
    items = [(payload(world, each), each.signup_id) for each in people(world, *names)]
    assert crm.take(*items) == set()
    assert [item for item, told in world.workflows.told.items() if told != OK.model_dump(mode="json")] == [
        items[5][1]
    ]
    assert sum(len(batch) for batch in crm.batches) == 16 + 2 * (8 + 4 + 2 + 1)


def test_a_store_that_is_down_puts_all_off_and_is_asked_once(world: World) -> None:
    def run(commands: Sequence[StepCommand]) -> list[Outcome]:
        raise StoreUnavailable("down")

    ada, bob = people(world, "ada", "bob")
    crm = Collector(world, run)
    assert crm.take((payload(world, ada), "a"), (payload(world, bob), "b")) == set()
    assert {world.workflows.told[token][0] for token in "ab"} == {"RetryableError"}
    assert len(crm.batches) == 1


def test_two_tries_of_one_sign_up_in_a_batch_run_once_and_are_both_answered(world: World) -> None:
    (ada,) = people(world, "ada")
    first = payload(world, ada)
    world.clock.advance(60)
    second = payload(world, ada, retry_count=1)
    tries: list[int] = []

    def run(commands: Sequence[StepCommand]) -> list[Outcome]:
        tries.extend(command.retry_count for command in commands)
        return [OK] * len(commands)

    crm = Collector(world, run)
    assert crm.take((second, "new"), (first, "old")) == set()
    assert tries == [1]
    assert set(world.workflows.told) == {"old", "new"}


def test_a_message_whose_token_nobody_waits_for_is_done_with(world: World) -> None:
    (ada,) = people(world, "ada")
    world.workflows.nobody_waits.add("gone")
    crm = Collector(world, lambda commands: [OK] * len(commands))
    assert crm.take((payload(world, ada), "gone")) == set()


def test_a_token_that_cannot_be_answered_brings_its_message_again(world: World) -> None:
    ada, bob = people(world, "ada", "bob")
    world.workflows.outages = 1
    crm = Collector(world, lambda commands: [OK] * len(commands))
    items = [(payload(world, ada), "a"), (payload(world, bob), "b")]
    [failed] = crm.take(*items)
    assert failed in {"m0", "m1"}
    assert len(world.workflows.told) == 1
    assert crm.take(items[int(failed[1:])]) == set()
    assert set(world.workflows.told) == {"a", "b"}


@pytest.mark.parametrize("body", ["no json", "{}", json.dumps({"signup_id": "su_short"}), "[]"])
def test_a_message_that_cannot_be_read_becomes_a_dead_letter_alone(world: World, body: str) -> None:
    (ada,) = people(world, "ada")
    crm = Collector(world, lambda commands: [OK] * len(commands))
    event = messages(STEP, (payload(world, ada), "a"))
    event["Records"].append({"messageId": "odd", "body": body})
    assert crm.deliver(event) == {"odd"}
    assert set(world.workflows.told) == {"a"}
