"""Executions from outside: starting, naming, stopping, listing, redriving, and what is told of them."""

import json
import threading
from typing import Any

import pytest

from infra.local.engine import (
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    ExecutionNotRedrivable,
    InvalidExecutionInput,
    StateMachineDoesNotExist,
    TaskTimedOut,
)
from tests.unit.engine.world import World, scope, step, task, waiting_task


def broken(_: Any) -> Any:
    raise ValueError("broken")


def test_starting_the_same_twice_gives_the_same_execution(world: World) -> None:
    """AWS API StartExecution: same name and input while it runs succeeds with the original response."""
    world.register({"W": step("Wait", Seconds=9)})
    first = world.begin("machine", {"a": 1}, name="one")
    assert world.begin("machine", {"a": 1}, name="one") == first
    assert len(world.engine.list_executions()) == 1


def test_a_running_name_with_other_input_is_refused(world: World) -> None:
    """AWS API StartExecution: ExecutionAlreadyExists."""
    world.register({"W": step("Wait", Seconds=9)})
    world.begin("machine", {"a": 1}, name="one")
    with pytest.raises(ExecutionAlreadyExists):
        world.begin("machine", {"a": 2}, name="one")


def test_the_name_of_an_ended_execution_is_refused_whatever_the_input(world: World) -> None:
    """AWS API StartExecution: a closed execution's name is ExecutionAlreadyExists, also after a restart."""
    world.register({"A": step("Pass")})
    world.finish(world.begin("machine", {"a": 1}, name="one"))
    world.restart()
    world.register({"A": step("Pass")})
    with pytest.raises(ExecutionAlreadyExists):
        world.begin("machine", {"a": 1}, name="one")


def test_names_belong_to_their_machine(world: World) -> None:
    world.register({"A": step("Pass")})
    world.register({"B": step("Pass")}, name="other")
    assert world.begin("machine", name="one") != world.begin("other", name="one")


def test_twenty_starts_at_once_make_one_execution(world: World) -> None:
    world.register({"W": step("Wait", Seconds=9)})
    gate, ids = threading.Barrier(20), []

    def start() -> None:
        gate.wait()
        ids.append(world.engine.start_execution("machine", "one", {"a": 1}))

    threads = [threading.Thread(target=start) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.clock.settle()
    assert len(set(ids)) == 1
    assert len(ids) == 20
    assert len(world.engine.list_executions()) == 1
    assert world.kinds(ids[0]).count("ExecutionStarted") == 1


def test_unknown_machines_executions_and_bad_input_are_refused(world: World) -> None:
    world.register({"A": step("Pass")})
    with pytest.raises(StateMachineDoesNotExist):
        world.begin("nobody")
    with pytest.raises(InvalidExecutionInput):
        world.begin("machine", {"a": float("inf")})
    for call in (
        world.engine.describe,
        world.engine.history,
        world.engine.stop_execution,
        world.engine.redrive,
    ):
        with pytest.raises(ExecutionDoesNotExist):
            call("no-such-id")


def test_stopping_aborts_everything(world: World) -> None:
    """AWS API StopExecution: status ABORTED; the execution's tasks are over."""
    tokens: list[str] = []
    world.function("work", lambda payload: tokens.append(payload["token"]))
    id = world.begin(world.register({"P": step("Parallel", Branches=[scope({"A": waiting_task()})])}))
    world.engine.stop_execution(id, error="Operator", cause="asked to")
    world.clock.settle()
    ended = world.engine.describe(id)
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Operator", "asked to")
    with pytest.raises(TaskTimedOut):
        world.engine.send_task_success(tokens[0], {})
    world.engine.stop_execution(id)


def test_executions_are_listed_by_status_newest_first(world: World) -> None:
    world.function("work", broken)
    world.register({"A": task()})
    world.register({"W": step("Wait", Seconds=9)}, name="waits")
    failed = world.begin("machine")
    running = [world.begin("waits"), world.begin("waits")]
    assert [one["executionArn"] for one in world.engine.list_executions(status="RUNNING")] == running[::-1]
    assert [one["executionArn"] for one in world.engine.list_executions(status="FAILED")] == [failed]
    assert len(world.engine.list_executions(machine="waits", limit=1)) == 1


def test_the_end_is_told_as_eventbridge_tells_it(world: World) -> None:
    """AWS Step Functions, "EventBridge events": Step Functions Execution Status Change."""
    world.function("work", broken)
    machine = world.register({"A": task()})
    id = world.begin(machine, {"a": 1}, name="one")
    event = world.ended[id]
    assert event["source"] == "aws.states"
    assert event["detail-type"] == "Step Functions Execution Status Change"
    assert event["resources"] == [id]
    detail = event["detail"]
    assert (detail["name"], detail["status"], detail["error"]) == ("one", "FAILED", "ValueError")
    assert json.loads(detail["input"]) == {"a": 1}
    assert detail["startDate"] == 1_767_225_600_000
    assert detail["stateMachineArn"].endswith(":machine")


def test_an_end_that_could_not_be_told_is_told_at_the_next_start(world: World) -> None:
    """At least once: a crash between an execution's end and the news of it loses nothing."""

    def crash(event: dict[str, Any]) -> None:
        raise RuntimeError("the process dies here")

    world.engine._runtime.on_ended = crash
    id = world.begin(world.register({"A": step("Pass")}))
    assert id not in world.ended
    world.restart()
    world.clock.settle()
    assert world.ended[id]["detail"]["status"] == "SUCCEEDED"
    world.ended.clear()
    world.restart()
    world.clock.settle()
    assert world.ended == {}


def test_history_reads_like_that_of_aws(world: World) -> None:
    """AWS API GetExecutionHistory: event types, ids from 1, previousEventId."""
    world.function("work", lambda _: 1)
    ended = world.run({"A": task(Next="B"), "B": {"Type": "Succeed"}})
    history = world.engine.history(ended["executionArn"])
    assert [event["type"] for event in history] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "SucceedStateEntered",
        "SucceedStateExited",
        "ExecutionSucceeded",
    ]
    assert [event["id"] for event in history] == list(range(1, 10))
    assert [event["previousEventId"] for event in history] == list(range(9))
    assert history[2]["details"]["parameters"] == {"FunctionName": "work", "Payload": {}}
    assert history[5]["details"]["name"] == "A"


def test_a_redrive_goes_on_from_the_failed_state(world: World) -> None:
    """AWS Step Functions, "Restarting executions with redrive": finished states are not run again."""
    world.function("first", lambda _: {"n": 1})
    world.function("work", broken)
    states = {
        "A": task("first", Assign={"n": "{% $states.result.Payload.n %}"}, Next="B"),
        "B": task(payload="{% $n %}", Retry=[{"ErrorEquals": ["ValueError"], "MaxAttempts": 1}]),
    }
    id = world.begin(world.register(states))
    assert world.finish(id)["status"] == "FAILED"
    assert len(world.called("work")) == 2
    world.engine.redrive(id)
    world.clock.settle()
    assert world.finish(id)["status"] == "FAILED"
    assert len(world.called("work")) == 4, "retry counters start at zero after a redrive"
    world.function("work", lambda n: n + 1)
    world.restart()
    world.engine.redrive(id)
    ended = world.finish(id)
    assert (ended["status"], ended["output"]["Payload"], ended["redriveCount"]) == ("SUCCEEDED", 2, 2)
    assert len(world.called("first")) == 1
    assert world.kinds(id).count("ExecutionRedriven") == 2


def test_a_redriven_parallel_runs_its_unsuccessful_branches_only(world: World) -> None:
    """AWS Step Functions, "Redrive behavior of individual states": Parallel."""
    world.function("good", lambda _: "good")
    world.function("work", broken)
    branches = [
        scope({"Good": task("good", Output="{% $states.result.Payload %}")}),
        scope(
            {"Soon": step("Wait", Seconds=1, Next="Bad"), "Bad": task(Output="{% $states.result.Payload %}")}
        ),
        scope({"Slow": step("Wait", Seconds=100, Output="slow")}),
    ]
    id = world.begin(world.register({"P": step("Parallel", Branches=branches)}))
    assert world.finish(id)["error"] == "ValueError"
    world.function("work", lambda _: "mended")
    world.restart()
    world.engine.redrive(id)
    assert world.finish(id)["output"] == ["good", "mended", "slow"]
    assert len(world.called("good")) == 1


def test_a_redriven_map_runs_its_unsuccessful_items_only(world: World) -> None:
    """AWS Step Functions, "Redrive behavior of individual states": Inline Map."""
    broken_items = {2}

    def work(n: Any) -> Any:
        if n in broken_items:
            raise ValueError(n)
        return n * 10

    world.function("work", work)
    processor = scope({"W": task(payload="{% $states.input %}", Output="{% $states.result.Payload %}")})
    states = {"M": step("Map", Items="{% $states.input %}", MaxConcurrency=1, ItemProcessor=processor)}
    id = world.begin(world.register(states), [1, 2, 3])
    assert world.finish(id)["error"] == "ValueError"
    broken_items.clear()
    world.engine.redrive(id)
    assert world.finish(id)["output"] == [10, 20, 30]
    assert world.called("work") == [1, 2, 2, 3]


def test_a_redriven_distributed_map_redrives_its_failed_executions_only(world: World) -> None:
    """AWS Step Functions, "Redriving Map Runs": successful children keep their results."""
    broken_items = {2}

    def work(n: Any) -> Any:
        if n in broken_items:
            raise ValueError(n)
        return n * 10

    world.function("work", work)
    processor = {
        **scope({"W": task(payload="{% $states.input %}", Output="{% $states.result.Payload %}")}),
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    }
    states = {
        "M": step("Map", Items="{% $states.input %}", MaxConcurrency=1, ItemProcessor=processor, Label="Each")
    }
    id = world.begin(world.register(states), [1, 2, 3])
    assert world.finish(id)["error"] == "States.ExceedToleratedFailureThreshold"
    broken_items.clear()
    world.restart()
    world.engine.redrive(id)
    assert world.finish(id)["output"] == [10, 20, 30]
    assert world.called("work") == [1, 2, 2, 3]
    assert len(world.engine.list_executions(machine="machine.Each")) == 3


def test_what_succeeded_runs_or_is_long_over_is_not_redriven(world: World) -> None:
    """AWS API RedriveExecution: unsuccessful executions of the last 14 days."""
    world.function("work", broken)
    world.register({"A": step("Pass")})
    world.register({"W": step("Wait", Seconds=9)}, name="waits")
    world.register({"B": task()}, name="breaks")
    failed = world.begin("breaks")
    for id in (world.begin("machine"), world.begin("waits")):
        with pytest.raises(ExecutionNotRedrivable):
            world.engine.redrive(id)
    world.clock.advance(14 * 86_400 + 1)
    with pytest.raises(ExecutionNotRedrivable, match="14 days"):
        world.engine.redrive(failed)


def test_a_timed_out_execution_gets_its_whole_time_again(world: World) -> None:
    states = {"W": step("Wait", Seconds=50)}
    id = world.begin(world.register(states, TimeoutSeconds=40))
    assert world.finish(id)["status"] == "TIMED_OUT"
    world.engine.redrive(id)
    assert world.finish(id)["status"] == "TIMED_OUT"
    assert world.clock.timestamp() == 1_767_225_600 + 80


def test_an_execution_ends_on_the_text_it_began_with(world: World) -> None:
    """DESIGN.md: an execution runs on one version from start to end."""
    id = world.begin(
        world.register({"W": step("Wait", Seconds=9, Next="Old"), "Old": step("Pass", Output="old")})
    )
    world.restart()
    world.register({"W": step("Wait", Seconds=9, Next="New"), "New": step("Pass", Output="new")})
    assert world.finish(id)["output"] == "old"
    assert world.finish(world.begin("machine"))["output"] == "new"
