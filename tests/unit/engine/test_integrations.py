"""Service integrations: envelopes, queues, the bus, child executions."""

import json
from typing import Any

from infra.local.engine import TaskError
from tests.unit.engine.world import World, step, task


def child_task(kind: str = "startExecution.sync:2", **arguments: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::states:{kind}",
        "Arguments": {"StateMachineArn": "child", **arguments},
        "End": True,
    }


def service_task(resource: str, arguments: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Arguments": arguments,
        "End": True,
        **fields,
    }


def test_a_lambda_result_comes_in_its_envelope(world: World) -> None:
    """AWS Step Functions, "Invoke AWS Lambda": StatusCode, ExecutedVersion, Payload, Sdk metadata."""
    world.function("work", lambda payload: {"got": payload})
    output = world.output({"A": task(payload={"a": "{% $states.input.a %}"})}, {"a": 1})
    assert output["Payload"] == {"got": {"a": 1}}
    assert output["StatusCode"] == 200
    assert output["ExecutedVersion"] == "$LATEST"
    assert output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert output["SdkResponseMetadata"]["RequestId"]


def test_a_function_without_a_result_gives_null(world: World) -> None:
    world.function("work", lambda _: None)
    assert world.output({"A": task(Output="{% $states.result.Payload %}")}) is None


def test_an_integration_may_name_its_error(world: World) -> None:
    def throttled(_: Any) -> Any:
        raise TaskError("Lambda.TooManyRequestsException", "Rate Exceeded.")

    world.function("work", throttled)
    ended = world.run({"A": task()})
    assert (ended["error"], ended["cause"]) == ("Lambda.TooManyRequestsException", "Rate Exceeded.")


def test_a_message_is_sent(world: World) -> None:
    """AWS Step Functions, "Amazon SQS": the answer of SendMessage is the result."""
    states = {"A": service_task("sqs:sendMessage", {"QueueUrl": "q", "MessageBody": {"n": 1}})}
    output = world.output(states)
    assert output["MessageId"] == "message-1"
    assert world.services.messages == [{"queue": "q", "body": '{"n":1}', "group": None, "dedupe": None}]


def test_events_carry_the_execution_and_a_refused_entry_fails_the_task(world: World) -> None:
    """AWS Step Functions, "EventBridge": Resources gains the execution; EventBridge.FailedEntry."""
    entry = {"Source": "usher", "DetailType": "account.active", "Detail": {"id": 1}}
    states = {"A": service_task("events:putEvents", {"Entries": [entry]})}
    ended = world.run(states)
    assert ended["output"] == {"Entries": [{"EventId": "event-0"}], "FailedEntryCount": 0}
    assert world.services.events[0]["Resources"] == [ended["executionArn"]]
    world.services.refuse_events = True
    assert world.error(states, name="second") == "EventBridge.FailedEntry"


def test_a_synchronous_child_gives_its_description_with_output_as_data(world: World) -> None:
    """AWS Step Functions, "Start workflow executions": .sync:2 returns JSON, not a string."""
    world.register({"A": step("Pass", Output={"n": "{% $states.input.n + 1 %}"})}, name="child")
    output = world.output({"S": child_task(Input={"n": "{% $states.input.n %}"}, Name="kid")}, {"n": 1})
    assert output["Status"] == "SUCCEEDED"
    assert output["Output"] == {"n": 2}
    assert output["Input"] == {"n": 1}
    assert output["Name"] == "kid"


def test_a_failing_child_fails_its_parent_with_task_failed(world: World) -> None:
    """AWS Step Functions, "Start workflow executions": States.TaskFailed, the description as Cause."""
    world.register({"F": {"Type": "Fail", "Error": "Mine"}}, name="child")
    ended = world.run({"S": child_task()})
    assert ended["error"] == "States.TaskFailed"
    assert json.loads(ended["cause"])["Error"] == "Mine"


def test_a_child_that_is_only_started_is_not_waited_for(world: World) -> None:
    world.register({"W": step("Wait", Seconds=100)}, name="child")
    id = world.begin(world.register({"S": child_task("startExecution", Name="kid")}))
    output = world.engine.describe(id)["output"]
    assert set(output) == {"ExecutionArn", "StartDate"}
    assert world.engine.describe(output["ExecutionArn"])["status"] == "RUNNING"


def test_a_child_name_that_is_taken_is_an_error(world: World) -> None:
    """AWS Step Functions, "Start workflow executions": StepFunctions.ExecutionAlreadyExistsException."""
    world.register({"A": step("Pass")}, name="child")
    world.finish(world.begin("child", name="kid"))
    assert world.error({"S": child_task(Name="kid")}) == "StepFunctions.ExecutionAlreadyExistsException"
    unknown = {"S": child_task(StateMachineArn="nobody")}
    assert world.error(unknown, name="second") == "StepFunctions.StateMachineDoesNotExistException"


def test_a_child_is_stopped_with_its_parent(world: World) -> None:
    """AWS Step Functions, "Run a Job (.sync)": a stopped parent stops the job it waits for."""
    world.register({"W": step("Wait", Seconds=100)}, name="child")
    id = world.begin(world.register({"S": child_task(Name="kid")}))
    world.engine.stop_execution(id)
    world.clock.settle()
    assert [one["status"] for one in world.engine.list_executions(machine="child")] == ["ABORTED"]


def test_a_child_that_takes_too_long_is_stopped(world: World) -> None:
    world.register({"W": step("Wait", Seconds=100)}, name="child")
    parent = {"S": {**child_task(), "TimeoutSeconds": 10}}
    assert world.error(parent) == "States.Timeout"
    world.clock.settle()
    assert [one["status"] for one in world.engine.list_executions(machine="child")] == ["ABORTED"]
