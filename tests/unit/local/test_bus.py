"""Matching, delivery, retries and restarts of the local bus."""

import json
from dataclasses import replace
from typing import Any

import pytest

from infra.catalog import Rule
from infra.local.bus import LocalBus, matches
from infra.local.queues import LocalQueue
from tests.unit.local.conftest import Runtime
from usher.domain.errors import StoreUnavailable

WELCOME = Rule(
    "welcome", "a test's", "usher", "usher", ("account.created", "account.renamed"), "room/consume"
)
FAILED = Rule(
    "failed",
    "a test's",
    "default",
    "aws.states",
    ("Ended",),
    "room/consume",
    detail=(("status", ("FAILED",)),),
)


class Wired:
    """A bus whose rules all end at one consumer; `events` is what it got."""

    def __init__(self, runtime: Runtime, *rules: Rule) -> None:
        self.runtime, self.rules = runtime, rules
        self.events: list[dict[str, Any]] = []
        self.fails = 0
        self.open()

    def open(self) -> None:
        functions = self.runtime.functions(consume=self._consume)
        letters = [rule.dead_letters for rule in self.rules]
        self.queue = LocalQueue(self.runtime.database, (), self.runtime.clock, dead_letter_queues=letters)
        self.bus = LocalBus(
            self.runtime.database, self.rules, functions, self.queue, self.runtime.pool, self.runtime.clock
        )

    def crash(self) -> None:
        """End this process's part, and open what the next finds."""
        for lane in self.bus.lanes:
            lane.stop()
        self.runtime.reopen()
        self.open()

    def start(self) -> None:
        for lane in self.bus.lanes:
            lane.start()
        self.runtime.settle()

    def _consume(self, event: dict[str, Any], context: Any) -> None:
        self.events.append(event)
        if self.fails:
            self.fails -= 1
            raise RuntimeError("the consumer is down")


def created(n: int = 1) -> dict[str, Any]:
    return {"type": "account.created", "event_id": f"evt_{n}", "account_id": "acc_1"}


def test_an_event_reaches_its_rule_in_eventbridges_envelope(runtime: Runtime) -> None:
    wired = Wired(runtime, WELCOME)
    wired.start()
    assert wired.bus.publish([created(), {"type": "nobody.cares"}]) == []
    runtime.settle()
    [event] = wired.events
    assert event["detail"] == created()
    assert (event["source"], event["detail-type"], event["version"]) == ("usher", "account.created", "0")
    assert (event["time"], event["region"]) == ("2026-01-01T00:00:00Z", "local")
    assert wired.bus.pending() == 0


def test_every_rule_that_matches_gets_a_delivery_of_its_own(runtime: Runtime) -> None:
    other = Rule("other", "a test's", "usher", "usher", ("account.created",), "room/consume")
    wired = Wired(runtime, WELCOME, other)
    wired.start()
    wired.fails = 1
    wired.bus.publish([created()])
    runtime.advance(60)
    assert len(wired.events) == 3


def test_a_rule_with_a_queue_puts_the_event_s_detail_there_and_calls_nobody(runtime: Runtime) -> None:
    rule = replace(WELCOME, queue="welcome-dlq")  # any queue will do; this one has no consumer
    wired = Wired(runtime, rule)
    wired.start()
    wired.bus.publish([created()])
    runtime.settle()
    (message,) = wired.queue.dead_letters("welcome-dlq")
    assert json.loads(message.body) == created()
    assert (wired.events, wired.bus.pending()) == ([], 0)


def test_a_failing_consumer_is_tried_again_after_one_and_two_minutes(runtime: Runtime) -> None:
    wired = Wired(runtime, WELCOME)
    wired.start()
    wired.fails = 2
    wired.bus.publish([created()])
    runtime.advance(59)
    assert len(wired.events) == 1
    runtime.advance(1)
    assert len(wired.events) == 2
    runtime.advance(120)
    assert (len(wired.events), wired.bus.pending()) == (3, 0)
    assert wired.queue.dead_letters("welcome-dlq") == []


def test_after_three_failures_the_event_is_a_dead_letter_without_the_errors_text(runtime: Runtime) -> None:
    wired = Wired(runtime, WELCOME)
    wired.start()
    wired.fails = 99
    wired.bus.publish([created()])
    runtime.advance(60)
    runtime.advance(120)
    [letter] = wired.queue.dead_letters("welcome-dlq")
    assert json.loads(letter.body)["detail"] == created()
    assert letter.attributes == {
        "ERROR_CODE": "RuntimeError",
        "RULE_ARN": "arn:aws:events:local:000000000000:rule/usher/welcome",
    }
    assert (len(wired.events), wired.bus.pending()) == (3, 0)


def test_what_was_accepted_is_delivered_by_the_next_process(runtime: Runtime) -> None:
    wired = Wired(runtime, WELCOME)
    wired.bus.publish([created(1), created(2)])
    wired.crash()
    wired.start()
    assert {event["detail"]["event_id"] for event in wired.events} == {"evt_1", "evt_2"}
    wired.crash()
    assert wired.bus.pending() == 0


def test_a_retry_keeps_its_time_and_count_over_a_restart(runtime: Runtime) -> None:
    wired = Wired(runtime, WELCOME)
    wired.start()
    wired.fails = 99
    wired.bus.publish([created()])
    runtime.advance(30)
    wired.crash()
    wired.start()
    assert len(wired.events) == 1
    runtime.advance(30)
    assert len(wired.events) == 2
    runtime.advance(120)
    assert len(wired.queue.dead_letters("welcome-dlq")) == 1


def test_malformed_entries_are_refused_by_position(runtime: Runtime) -> None:
    wired = Wired(runtime, WELCOME)
    assert wired.bus.publish([{"no": "type"}, created(), {"type": ""}]) == [0, 2]
    assert wired.bus.pending() == 1


def test_put_events_takes_json_text_as_detail_and_bus_arns(runtime: Runtime) -> None:
    wired = Wired(runtime, WELCOME)
    entry = {
        "Source": "usher",
        "DetailType": "account.created",
        "Detail": '{"n": 1}',
        "EventBusName": "arn:aws:events:local:000000000000:event-bus/usher",
    }
    answer = wired.bus.put_events([entry, entry | {"Detail": "{"}])
    assert answer["FailedEntryCount"] == 1
    assert [sorted(each) for each in answer["Entries"]] == [["EventId"], ["ErrorCode", "ErrorMessage"]]
    assert wired.bus.pending() == 1


def test_the_platforms_own_events_come_on_the_default_bus(runtime: Runtime) -> None:
    wired = Wired(runtime, FAILED)
    wired.start()
    for status in ("SUCCEEDED", "FAILED"):
        wired.bus.put_own(
            {
                "source": "aws.states",
                "detail-type": "Ended",
                "resources": ["arn"],
                "detail": {"status": status},
            }
        )
    runtime.settle()
    assert [(event["detail"]["status"], event["resources"]) for event in wired.events] == [
        ("FAILED", ["arn"])
    ]


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"source": "usher"}, False),
        ({"detail-type": "Began"}, False),
        ({"detail": {"status": "SUCCEEDED"}}, False),
        ({"detail": {}}, False),
    ],
)
def test_a_rule_matches_on_every_part_of_its_pattern(change: dict[str, Any], fits: bool) -> None:
    event = {"source": "aws.states", "detail-type": "Ended", "detail": {"status": "FAILED"}} | change
    assert matches(FAILED, "default", event) is fits
    assert not matches(FAILED, "usher", event)


def test_a_closed_database_is_an_outage(runtime: Runtime) -> None:
    wired = Wired(runtime, WELCOME)
    runtime.database.close()
    with pytest.raises(StoreUnavailable):
        wired.bus.publish([created()])
