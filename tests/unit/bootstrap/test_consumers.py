"""The wrapper of FIFO consumers: a group is done together and fails alone."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from functions.billing.sync_stripe import handler as sync_handler
from functions.intake.receive_stripe import handler as receive_stripe
from tests.fakes.links import RecordingLinks, desk_of
from tests.fakes.webhooks import stripe_post
from tests.fakes.world import World
from usher.bootstrap.consumers import group_consumer, queue_consumer
from usher.bootstrap.parking import tell_parked
from usher.domain.errors import RetryableError, VendorUnavailable
from usher.ports.store import Put
from usher.usecases.sync_billing import sync_billing

CANARY = "canary@example.com"


def batch(*messages: tuple[str, str], receives: int = 1) -> dict[str, Any]:
    """SQS records of these (group, event id) pairs; a message is named after its event."""
    return {
        "Records": [
            {
                "messageId": event_id,
                "receiptHandle": f"receipt of {event_id}",
                "body": json.dumps({"event_id": event_id, "group": group}),
                "attributes": {"MessageGroupId": group, "ApproximateReceiveCount": str(receives)},
            }
            for group, event_id in messages
        ]
    }


@dataclass
class Context:
    """What the wrapper asks of a Lambda context; `milliseconds` is what each question is answered with."""

    milliseconds: list[int] = field(default_factory=list)

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds.pop(0) if self.milliseconds else 30_000


def failed(answer: dict[str, Any]) -> list[str]:
    return [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]


class Consumer:
    """Records the groups it is given and fails those it is told to."""

    def __init__(self, **errors: Exception) -> None:
        self.seen: list[tuple[str, list[str]]] = []
        self.errors = errors
        self.handler = group_consumer("stripe-events")(self.run)

    def run(self, group: str, event_ids: Sequence[str]) -> None:
        self.seen.append((group, list(event_ids)))
        if group in self.errors:
            raise self.errors[group]


def test_a_group_s_messages_are_done_together_in_their_order() -> None:
    consumer = Consumer()
    answer = consumer.handler(batch(("a", "1"), ("b", "2"), ("a", "3"), ("a", "4")), Context())
    assert failed(answer) == []
    assert consumer.seen == [("a", ["1", "3", "4"]), ("b", ["2"])]


@pytest.mark.parametrize("error", [VendorUnavailable("down"), RetryableError("later"), KeyError("a bug")])
def test_a_failing_group_keeps_all_its_messages_and_its_neighbours_pass(
    world: World, error: Exception
) -> None:
    consumer = Consumer(a=error)
    answer = consumer.handler(batch(("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")), Context())
    assert failed(answer) == ["1", "3"]
    assert [group for group, _ in consumer.seen] == ["a", "b", "c"]


@pytest.mark.parametrize("body", ["{", "null", "[]", "{}"])
def test_a_poison_message_holds_up_its_own_group_only(world: World, body: str) -> None:
    consumer = Consumer()
    event = batch(("a", "1"), ("a", "2"), ("b", "3"))
    event["Records"][0]["body"] = body
    assert failed(consumer.handler(event, Context())) == ["1", "2"]
    assert consumer.seen == [("b", ["3"])]


def test_an_empty_batch_is_nothing_to_do() -> None:
    assert Consumer().handler({"Records": []}, Context()) == {"batchItemFailures": []}


def test_a_failure_is_logged_by_its_name_without_its_text(world: World, log: io.StringIO) -> None:
    Consumer(a=VendorUnavailable("canary@example.com")).handler(batch(("a", "1")), Context())
    told = log.getvalue()
    assert "VendorUnavailable" in told
    assert "canary" not in told


def test_the_sync_function_finishes_what_it_was_given(world: World) -> None:
    receive_stripe(stripe_post(object={"id": "po_1", "object": "payout", "customer": "cus_1"}), None)
    ((_, message),) = world.queue.take()
    event = batch((str(message.group), message.body["event_id"]))
    assert failed(sync_handler(event, Context())) == []
    assert world.rows("inbox")[0]["state"] == "done"


def test_the_sync_function_keeps_a_group_whose_store_is_down(world: World) -> None:
    receive_stripe(stripe_post(object={"id": "po_1", "object": "payout", "customer": "cus_1"}), None)
    world.store.is_down = True
    assert failed(sync_handler(batch(("cus_1", "stripe#evt_1")), Context())) == ["stripe#evt_1"]


# -- when it comes again ------------------------------------------------------------------------------------


@pytest.mark.parametrize("receives, seconds", [(1, 2), (2, 4), (5, 32), (7, 120), (10, 120)])
def test_a_failed_group_comes_again_soon_and_each_time_later(
    world: World, receives: int, seconds: int
) -> None:
    event = batch(("a", "1"), ("b", "2"), ("a", "3"), receives=receives)
    Consumer(a=VendorUnavailable("429")).handler(event, Context())
    assert world.queue.hurried == [("stripe-events", ["receipt of 1", "receipt of 3"], seconds)]


def test_a_queue_that_cannot_be_hurried_costs_nothing_but_time(world: World) -> None:
    world.queue.outages = 1
    consumer = Consumer(a=VendorUnavailable("429"))
    assert failed(consumer.handler(batch(("a", "1"), ("b", "2")), Context())) == ["1"]
    assert [group for group, _ in consumer.seen] == ["a", "b"]


def test_a_group_that_no_time_is_left_for_is_not_begun(world: World) -> None:
    consumer = Consumer()
    answer = consumer.handler(batch(("a", "1"), ("b", "2")), Context([30_000, 11_999]))
    assert failed(answer) == ["2"]
    assert consumer.seen == [("a", ["1"])]
    assert world.queue.hurried == [("stripe-events", ["receipt of 2"], 2)]


# -- what is told of a bug ----------------------------------------------------------------------------------


def test_a_bug_is_told_by_its_name_and_place_without_anybody_s_text(world: World, log: io.StringIO) -> None:
    world.store.write(Put("accounts", {"account_id": "acc_1", "customer_id": "cus_1", "org_name": CANARY}))
    receive_stripe(stripe_post(object={"id": "cus_1", "object": "customer"}), None)
    run = partial(
        sync_billing,
        billing=world.billing,
        inbox=world.inbox,
        accounts=world.accounts,
        records=world.records,
        failures=world.failures,
        clock=world.clock,
        on_parked=tell_parked,
        desk=desk_of(world, RecordingLinks()),
    )
    consumer = group_consumer("stripe-events")(lambda group, event_ids: run(event_ids))
    assert failed(consumer(batch(("cus_1", "stripe#evt_1")), Context())) == ["stripe#evt_1"]
    (line,) = [json.loads(line) for line in log.getvalue().splitlines() if "group failed" in line]
    assert (line["level"], line["error"]) == ("ERROR", "ValidationError")
    assert any("sync_billing.py" in place for place in line["place"])
    assert CANARY not in log.getvalue()


def test_a_bug_in_a_message_s_function_is_told_alike(world: World, log: io.StringIO) -> None:
    class Command(BaseModel):
        n: int

    def run(command: Command) -> str:
        raise KeyError(CANARY)

    record = {"messageId": "m", "body": json.dumps({"id": "1", "n": 1}), "eventSource": "aws:sqs"}
    handler = queue_consumer(Command, key="id")(run)
    answer = handler({"Records": [record]}, LambdaContext())
    assert failed(answer) == ["m"]
    (line,) = [json.loads(line) for line in log.getvalue().splitlines() if "message failed" in line]
    assert (line["level"], line["error"]) == ("ERROR", "KeyError")
    assert CANARY not in log.getvalue()
