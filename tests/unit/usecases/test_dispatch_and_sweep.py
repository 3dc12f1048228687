"""What moves a stored event on: dispatch starts its workflow once, sweepers find what was left lying."""

import io
import json
from typing import Any

import pytest

from functions.intake.dispatch_signup import handler as dispatch_handler
from functions.intake.receive_signup import handler as receive_signup
from functions.intake.receive_stripe import handler as receive_stripe
from functions.intake.sweep_inbox import handler as sweep_handler
from functions.reporting.sweep_outbox import handler as sweep_outbox_handler
from tests.fakes.steps import run
from tests.fakes.webhooks import signup_post, stripe_post
from tests.fakes.world import NOON, World
from usher.ports.queue import Message
from usher.usecases.sweep_inbox import MAX_SWEEPS, lease


class Context:
    """What powertools reads of a Lambda context."""

    function_name = "dispatch_signup"
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:dispatch_signup"
    aws_request_id = "req-1"
    memory_limit_in_mb = 512

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 30_000


def record(number: int, body: Any) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "messageId": f"m-{number}",
        "receiptHandle": f"r-{number}",
        "body": text,
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:signups",
        "awsRegion": "us-east-1",
    }


def dispatch(*bodies: Any) -> list[str]:
    """Hand the consumer one batch; returns the numbers of the messages that failed."""
    event = {"Records": [record(number, body) for number, body in enumerate(bodies)]}
    answer = dispatch_handler(event, Context())
    return [failure["itemIdentifier"].removeprefix("m-") for failure in answer["batchItemFailures"]]


def accepted(world: World, who: str = "ada", webhook_id: str = "") -> dict[str, Any]:
    """A sign-up through intake; returns the message it queued."""
    world.queue.take()
    receive_signup(signup_post(webhook_id=webhook_id or who, email=f"{who}@example.com"), None)
    ((_, message),) = world.queue.take()
    return dict(message.body)


# -- dispatch -----------------------------------------------------------------------------------------------


def test_a_sign_up_starts_its_workflow_named_after_it_with_ids_only(world: World) -> None:
    body = accepted(world)
    assert dispatch(body) == []
    ids = {"signup_id": body["signup_id"], "correlation_id": body["correlation_id"]}
    assert world.workflows.started == {f"signup-{body['signup_id']}": ("onboarding", ids)}
    assert len(f"signup-{body['signup_id']}") <= 80  # a name's limit in Step Functions
    (row,) = world.rows("inbox")
    assert (row["state"], "pending" in row) == ("done", False)


def test_a_message_that_comes_twice_starts_once(world: World) -> None:
    body = accepted(world)
    assert dispatch(body, body) == []
    assert dispatch(body) == []
    assert len(world.workflows.started) == 1


def test_a_failed_start_fails_its_message_alone_and_the_next_delivery_starts_it(world: World) -> None:
    one, other = accepted(world, "ada"), accepted(world, "bob")
    world.workflows.outages = 1
    assert dispatch(one, other) == ["0"]
    assert list(world.workflows.started) == [f"signup-{other['signup_id']}"]
    assert dispatch(one) == []
    assert len(world.workflows.started) == 2


def test_a_crash_between_start_and_note_starts_nothing_twice(world: World) -> None:
    body = accepted(world)
    world.store.fail("write", skip=1)  # the first write is the bucket's
    assert dispatch(body) == ["0"]
    assert world.rows("inbox")[0]["state"] == "claimed"
    assert dispatch(body) == []
    assert len(world.workflows.started) == 1
    assert world.rows("inbox")[0]["state"] == "done"


@pytest.mark.parametrize("poison", ["{", '"text"', "null", "[]", "{}", '{"signup_id": 5}'])
def test_a_poison_message_fails_alone(world: World, poison: str) -> None:
    body = accepted(world)
    assert dispatch(poison, body) == ["0"]
    assert len(world.workflows.started) == 1


def test_a_field_that_a_newer_sender_added_is_no_poison(world: World) -> None:
    assert dispatch(accepted(world) | {"added_later": 1}) == []


def test_both_webhooks_of_one_person_are_closed_though_one_workflow_starts(world: World) -> None:
    """The first message was lost, the repeat's was not: the first row must not wait for ever."""
    first = accepted(world, webhook_id="msg_1")
    second = accepted(world, webhook_id="msg_2")
    assert first["signup_id"] == second["signup_id"]
    assert dispatch(second) == []
    world.clock.advance(180)
    assert sweep_handler({}, None) == {"count": 1}
    ((_, message),) = world.queue.take()
    assert dispatch(dict(message.body)) == []
    assert {row["state"] for row in world.rows("inbox")} == {"done"}
    assert len(world.workflows.started) == 1


# -- the sweeper of the inbox -------------------------------------------------------------------------------


def let_lease_run_out(world: World, sweeps: int) -> None:
    world.clock.advance(lease(sweeps).total_seconds())


def test_what_was_claimed_and_never_finished_is_queued_again(world: World) -> None:
    body = accepted(world)
    assert sweep_handler({}, None) == {"count": 0}  # its lease has not run out
    world.clock.advance(121)
    assert sweep_handler({}, None) == {"count": 1}
    assert world.queue.take() == [("signups", Message(body))]
    assert sweep_handler({}, None) == {"count": 0}  # the lease was renewed


def test_what_is_done_is_left_alone(world: World) -> None:
    dispatch(accepted(world))
    world.clock.advance(3600)
    assert sweep_handler({}, None) == {"count": 0}


def test_a_stripe_event_is_queued_again_in_its_group_under_a_new_name(world: World) -> None:
    """Under its first name the FIFO queue would drop it as a duplicate."""
    receive_stripe(stripe_post(), None)
    ((_, first),) = world.queue.take()
    names = {first.deduplication_id}
    for sweeps in range(2):
        let_lease_run_out(world, sweeps)
        sweep_handler({}, None)
        ((queue, message),) = world.queue.take()
        assert (queue, message.group, message.body) == ("stripe-events", first.group, first.body)
        names.add(message.deduplication_id)
    assert len(names) == 3
    assert all(len(str(name)) <= 128 for name in names)


def test_what_was_swept_too_often_is_parked_with_the_reason_and_told(world: World, log: io.StringIO) -> None:
    accepted(world)
    for sweeps in range(MAX_SWEEPS):
        let_lease_run_out(world, sweeps)
        assert sweep_handler({}, None) == {"count": 1}
    let_lease_run_out(world, MAX_SWEEPS)
    assert sweep_handler({}, None) == {"count": 0}
    (row,) = world.rows("inbox")
    assert (row["state"], row["sweeps"], "pending" in row) == ("parked", MAX_SWEEPS, False)
    assert str(MAX_SWEEPS) in row["reason"]
    (line,) = [json.loads(line) for line in log.getvalue().splitlines() if "event parked" in line]
    assert (line["level"], line["event_id"], line["kind"]) == ("WARNING", row["event_id"], "signup")
    assert line["reason"] == row["reason"]
    assert "ada@example.com" not in log.getvalue()


def test_each_sweep_of_an_event_waits_twice_as_long_as_the_one_before(world: World) -> None:
    accepted(world)
    let_lease_run_out(world, 0)
    assert sweep_handler({}, None) == {"count": 1}
    world.clock.advance(lease(1).total_seconds() - 1)
    assert sweep_handler({}, None) == {"count": 0}
    world.clock.advance(1)
    assert sweep_handler({}, None) == {"count": 1}


def test_an_event_that_finishes_while_it_is_swept_stays_done(world: World, log: io.StringIO) -> None:
    body = accepted(world)
    for sweeps in range(MAX_SWEEPS):
        let_lease_run_out(world, sweeps)
        sweep_handler({}, None)
    let_lease_run_out(world, MAX_SWEEPS)
    world.store.meanwhile("transact", lambda: world.inbox.finish(body["event_id"], now=NOON))
    sweep_handler({}, None)
    (row,) = world.rows("inbox")
    assert row["state"] == "done"
    assert "event parked" not in log.getvalue()


def test_a_queue_that_is_down_costs_no_sweep(world: World) -> None:
    accepted(world)
    world.clock.advance(121)
    world.queue.outages = 1
    with pytest.raises(Exception, match="queue is down"):
        sweep_handler({}, None)
    assert "sweeps" not in world.rows("inbox")[0]
    assert sweep_handler({}, None) == {"count": 1}


def test_more_than_one_page_is_swept(world: World) -> None:
    for number in range(30):
        world.given_signup(f"p{number}")
        receive_stripe(stripe_post(id=f"evt_{number}", object={"id": "sub", "object": "subscription"}), None)
    world.queue.take()
    world.clock.advance(121)
    assert sweep_handler({}, None) == {"count": 30}
    assert len({message.body["event_id"] for _, message in world.queue.take()}) == 30


# -- the sweeper of the outbox ------------------------------------------------------------------------------


def test_events_that_the_stream_lost_are_published(world: World) -> None:
    run(world, "register_signup", world.given_signup())
    assert sweep_outbox_handler({}, None) == {"count": 0}  # the stream has its minute
    world.clock.advance(61)
    assert sweep_outbox_handler({}, None) == {"count": 2}
    assert [event["type"] for event in world.bus.published] == ["account.created", "plan.selected"]
    assert world.rows("outbox") == []
    assert sweep_outbox_handler({}, None) == {"count": 0}


def test_what_the_bus_refuses_stays_for_the_next_sweep_and_is_not_counted(world: World) -> None:
    run(world, "register_signup", world.given_signup())
    world.clock.advance(61)
    world.bus.refuses.add("plan.selected")
    assert sweep_outbox_handler({}, None) == {"count": 1}
    assert len(world.rows("outbox")) == 1
    world.bus.refuses.clear()
    assert sweep_outbox_handler({}, None) == {"count": 2}
    assert world.rows("outbox") == []
