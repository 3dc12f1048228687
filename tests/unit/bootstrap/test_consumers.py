"""The wrapper of FIFO consumers: a group is done together and fails alone."""

import io
import json
from collections.abc import Sequence
from typing import Any

import pytest

from functions.billing.sync_stripe import handler as sync_handler
from functions.intake.receive_stripe import handler as receive_stripe
from tests.fakes.webhooks import stripe_post
from tests.fakes.world import World
from usher.bootstrap.consumers import group_consumer
from usher.domain.errors import RetryableError, VendorUnavailable


def batch(*messages: tuple[str, str]) -> dict[str, Any]:
    """SQS records of these (group, event id) pairs; a message is named after its event."""
    return {
        "Records": [
            {
                "messageId": event_id,
                "body": json.dumps({"event_id": event_id, "group": group}),
                "attributes": {"MessageGroupId": group},
            }
            for group, event_id in messages
        ]
    }


def failed(answer: dict[str, Any]) -> list[str]:
    return [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]


class Consumer:
    """Records the groups it is given and fails those it is told to."""

    def __init__(self, **errors: Exception) -> None:
        self.seen: list[tuple[str, list[str]]] = []
        self.errors = errors
        self.handler = group_consumer(self.run)

    def run(self, group: str, event_ids: Sequence[str]) -> None:
        self.seen.append((group, list(event_ids)))
        if group in self.errors:
            raise self.errors[group]


def test_a_group_s_messages_are_done_together_in_their_order() -> None:
    consumer = Consumer()
    answer = consumer.handler(batch(("a", "1"), ("b", "2"), ("a", "3"), ("a", "4")), None)
    assert failed(answer) == []
    assert consumer.seen == [("a", ["1", "3", "4"]), ("b", ["2"])]


@pytest.mark.parametrize("error", [VendorUnavailable("down"), RetryableError("later"), KeyError("a bug")])
def test_a_failing_group_keeps_all_its_messages_and_its_neighbours_pass(error: Exception) -> None:
    consumer = Consumer(a=error)
    answer = consumer.handler(batch(("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")), None)
    assert failed(answer) == ["1", "3"]
    assert [group for group, _ in consumer.seen] == ["a", "b", "c"]


@pytest.mark.parametrize("body", ["{", "null", "[]", "{}"])
def test_a_poison_message_holds_up_its_own_group_only(body: str) -> None:
    consumer = Consumer()
    event = batch(("a", "1"), ("a", "2"), ("b", "3"))
    event["Records"][0]["body"] = body
    assert failed(consumer.handler(event, None)) == ["1", "2"]
    assert consumer.seen == [("b", ["3"])]


def test_an_empty_batch_is_nothing_to_do() -> None:
    assert Consumer().handler({"Records": []}, None) == {"batchItemFailures": []}


def test_a_failure_is_logged_by_its_name_without_its_text(log: io.StringIO) -> None:
    Consumer(a=VendorUnavailable("canary@example.com")).handler(batch(("a", "1")), None)
    told = log.getvalue()
    assert "VendorUnavailable" in told
    assert "canary" not in told


def test_the_sync_function_finishes_what_it_was_given(world: World) -> None:
    receive_stripe(stripe_post(object={"id": "ch_1", "object": "charge", "customer": "cus_1"}), None)
    ((_, message),) = world.queue.take()
    event = batch((str(message.group), message.body["event_id"]))
    assert failed(sync_handler(event, None)) == []
    assert world.rows("inbox")[0]["state"] == "done"


def test_the_sync_function_keeps_a_group_whose_store_is_down(world: World) -> None:
    receive_stripe(stripe_post(object={"id": "ch_1", "object": "charge", "customer": "cus_1"}), None)
    world.store.is_down = True
    assert failed(sync_handler(batch(("cus_1", "stripe#evt_1")), None)) == ["stripe#evt_1"]
