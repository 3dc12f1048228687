"""Tasks that wait for their token: answers, heartbeats, deadlines, and answers that come too late."""

import json
from typing import Any

import pytest

from infra.local.engine import TaskDoesNotExist, TaskTimedOut
from tests.unit.engine.world import World, step, task, waiting_task


@pytest.fixture
def tokens(world: World) -> list[str]:
    """The tokens handed out so far."""
    found: list[str] = []
    world.function("work", lambda payload: found.append(payload["token"]))
    return found


def test_the_answer_is_the_result_without_an_envelope(world: World, tokens: list[str]) -> None:
    """AWS Step Functions, "Wait for a Callback": the output of SendTaskSuccess is the result."""
    id = world.begin(world.register({"A": waiting_task(Assign={"got": "{% $states.result.approved %}"})}))
    world.engine.send_task_success(tokens[0], {"approved": True})
    assert world.finish(id)["output"] == {"approved": True}
    assert "TaskSubmitted" in world.kinds(id)


def test_a_failure_is_retried_with_a_new_token(world: World, tokens: list[str]) -> None:
    """AWS Step Functions, "Wait for a Callback": each attempt has a token of its own."""
    retry = [{"ErrorEquals": ["Mine"]}]
    id = world.begin(world.register({"A": waiting_task(Retry=retry)}))
    world.engine.send_task_failure(tokens[0], "Mine", "no")
    world.clock.settle()
    world.clock.advance(1)
    world.clock.settle()
    assert len(set(tokens)) == 2
    with pytest.raises(TaskTimedOut):
        world.engine.send_task_success(tokens[0], {})
    world.engine.send_task_success(tokens[1], "ok")
    assert world.finish(id)["output"] == "ok"


def test_an_answer_counts_once(world: World, tokens: list[str]) -> None:
    """AWS API SendTaskSuccess: TaskTimedOut when the task associated with the token has been closed."""
    id = world.begin(world.register({"A": waiting_task()}))
    world.engine.send_task_success(tokens[0], 1)
    with pytest.raises(TaskTimedOut):
        world.engine.send_task_success(tokens[0], 2)
    assert world.finish(id)["output"] == 1


def test_an_unknown_token_belongs_to_no_task(world: World) -> None:
    """AWS API SendTaskSuccess: TaskDoesNotExist."""
    for call in (
        lambda: world.engine.send_task_success("no-such-token", {}),
        lambda: world.engine.send_task_failure("no-such-token"),
        lambda: world.engine.send_task_heartbeat("no-such-token"),
    ):
        with pytest.raises(TaskDoesNotExist):
            call()


def test_an_answer_after_the_deadline_is_too_late(world: World, tokens: list[str]) -> None:
    """AWS API SendTaskSuccess: TaskTimedOut; States Language, "Timeouts": States.Timeout."""
    id = world.begin(world.register({"A": waiting_task(TimeoutSeconds=60)}))
    assert world.finish(id)["error"] == "States.Timeout"
    with pytest.raises(TaskTimedOut):
        world.engine.send_task_success(tokens[0], {})


def test_a_missing_heartbeat_times_out_and_a_heartbeat_puts_it_off(world: World, tokens: list[str]) -> None:
    """States Language, "Timeouts and heartbeats": each heartbeat starts the interval anew."""
    id = world.begin(world.register({"A": waiting_task(TimeoutSeconds=100, HeartbeatSeconds=10)}))
    begun = world.clock.now()
    for _ in range(3):
        world.clock.advance(8)
        world.engine.send_task_heartbeat(tokens[0])
        world.clock.settle()
    assert world.engine.describe(id)["status"] == "RUNNING"
    world.clock.advance(9)
    world.clock.settle()
    assert world.engine.describe(id)["status"] == "RUNNING"
    assert world.finish(id)["error"] == "States.HeartbeatTimeout"
    assert (world.clock.now() - begun).total_seconds() == 3 * 8 + 10


def test_a_heartbeat_does_not_put_off_the_timeout(world: World, tokens: list[str]) -> None:
    """States Language, "Timeouts and heartbeats": TimeoutSeconds bounds the whole."""
    id = world.begin(world.register({"A": waiting_task(TimeoutSeconds=20, HeartbeatSeconds=15)}))
    world.clock.advance(14)
    world.engine.send_task_heartbeat(tokens[0])
    assert world.finish(id)["error"] == "States.Timeout"


def test_an_answer_may_come_before_the_call_returns(world: World) -> None:
    """AWS Step Functions, "Wait for a Callback": the token is valid as soon as the task is scheduled."""

    def answer_at_once(payload: Any) -> None:
        world.engine.send_task_success(payload["token"], "early")

    world.function("work", answer_at_once)
    assert world.output({"A": waiting_task()}) == "early"


def test_a_function_that_fails_fails_the_waiting_task(world: World) -> None:
    """AWS Step Functions, "Wait for a Callback": an error of the call itself fails the task."""

    def fail(_: Any) -> Any:
        raise ValueError("not sent")

    world.function("work", fail)
    assert world.error({"A": waiting_task()}) == "ValueError"


def test_a_queue_message_carries_the_token(world: World) -> None:
    """AWS Step Functions, "Amazon SQS": an object as MessageBody is sent as JSON text."""
    states = {
        "A": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Arguments": {
                "QueueUrl": "mail",
                "MessageBody": {"token": "{% $states.context.Task.Token %}", "to": "ada"},
                "MessageGroupId": "g",
            },
            "End": True,
        }
    }
    id = world.begin(world.register(states))
    message = world.services.messages[0]
    assert (message["queue"], message["group"]) == ("mail", "g")
    token = json.loads(message["body"])["token"]
    world.engine.send_task_success(token, {"sent": 1})
    assert world.finish(id)["output"] == {"sent": 1}


def test_the_token_is_gone_in_the_next_state(world: World, tokens: list[str]) -> None:
    """AWS Step Functions, "Context object": Task.Token exists in the Task that waits for it only."""
    world.function("look", lambda payload: payload)
    states = {
        "A": waiting_task(Next="B"),
        "B": task("look", "{% $states.context %}"),
    }
    id = world.begin(world.register(states))
    world.engine.send_task_success(tokens[0], 1)
    assert "Task" not in world.finish(id)["output"]["Payload"]


def test_waiting_for_an_answer_needs_no_worker(world: World, tokens: list[str]) -> None:
    """Four workers, twelve waits: a waiting task is a row, not a thread."""
    machine = world.register({"A": waiting_task(Next="B"), "B": step("Pass")})
    ids = [world.begin(machine) for _ in range(12)]
    for n, token in enumerate(list(tokens)):
        world.engine.send_task_success(token, n)
    assert sorted(world.finish(id)["output"] for id in ids) == list(range(12))
