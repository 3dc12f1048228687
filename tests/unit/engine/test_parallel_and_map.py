"""Parallel and Map: joins, aborts, iterations, child executions."""

from typing import Any

import pytest

from infra.local.engine import TaskTimedOut
from tests.unit.engine.world import World, scope, step, task, waiting_task

INLINE = {"Mode": "INLINE"}
DISTRIBUTED = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


def over(processor: dict[str, Any], config: dict[str, str], **fields: Any) -> dict[str, Any]:
    body = {**scope(processor), "ProcessorConfig": config}
    return {"M": step("Map", Items="{% $states.input %}", ItemProcessor=body, **fields)}


def refuse(_: Any) -> Any:
    raise ValueError("refused")


def test_a_parallel_gives_its_outputs_in_the_order_of_its_branches(world: World) -> None:
    """States Language, "Parallel state": an array with one element per branch, in their order."""
    slow = scope({"A": step("Wait", Seconds=5, Output="slow")})
    fast = scope({"B": step("Pass", Output="fast")})
    assert world.output({"P": step("Parallel", Branches=[slow, fast])}) == ["slow", "fast"]


def test_every_branch_gets_the_input_or_the_arguments(world: World) -> None:
    branches = [scope({"A": step("Pass")}), scope({"B": step("Pass")})]
    assert world.output({"P": step("Parallel", Branches=branches)}, {"k": 1}) == [{"k": 1}, {"k": 1}]
    argued = step("Parallel", Branches=branches, Arguments={"n": "{% $states.input.k + 1 %}"})
    assert world.output({"P": argued}, {"k": 1}, name="second") == [{"n": 2}, {"n": 2}]


def test_a_failing_branch_aborts_its_sibling_and_the_parallel_fails_with_its_error(world: World) -> None:
    """States Language, "Parallel state": an unhandled error ends all branches; late answers are refused."""
    tokens: list[str] = []
    world.function("ask", lambda payload: tokens.append(payload["token"]))
    world.function("work", refuse)
    branches = [
        scope({"Ask": waiting_task(function="ask")}),
        scope({"Pause": step("Wait", Seconds=1, Next="Break"), "Break": task()}),
    ]
    catch = [{"ErrorEquals": ["ValueError"], "Next": "After"}]
    states = {"P": step("Parallel", Branches=branches, Catch=catch, Next="After"), "After": step("Pass")}
    ended = world.finish(world.begin(world.register(states)))
    assert ended["output"]["Error"] == "ValueError"
    with pytest.raises(TaskTimedOut):
        world.engine.send_task_success(tokens[0], {})


def test_a_caught_error_inside_a_branch_leaves_the_sibling_alone(world: World) -> None:
    """DESIGN.md: workflows catch inside each branch, because a branch that fails aborts its sibling."""
    world.function("work", refuse)
    catch = [{"ErrorEquals": ["ValueError"], "Output": "caught", "Next": "End1"}]
    branches = [
        scope({"Break": task(Catch=catch, Next="End1"), "End1": step("Pass")}),
        scope({"Pause": step("Wait", Seconds=9, Output="done")}),
    ]
    assert world.output({"P": step("Parallel", Branches=branches)}) == ["caught", "done"]


def test_parallels_nest(world: World) -> None:
    inner = step(
        "Parallel",
        Branches=[scope({"A": step("Pass", Output=1)}), scope({"B": step("Wait", Seconds=1, Output=2)})],
    )
    states = {"P": step("Parallel", Branches=[scope({"Q": inner}), scope({"C": step("Pass", Output=3)})])}
    assert world.output(states) == [[1, 2], 3]


@pytest.mark.parametrize("config", [INLINE, DISTRIBUTED])
def test_a_map_keeps_the_order_of_its_items(world: World, config: dict[str, str]) -> None:
    """States Language, "Map state": outputs in the order of the items, however long each takes."""
    processor = {"W": step("Wait", Seconds="{% $states.input %}", Output="{% $states.input * 10 %}")}
    assert world.output(over(processor, config), [3, 1, 2]) == [30, 10, 20]


@pytest.mark.parametrize("config", [INLINE, DISTRIBUTED])
def test_an_empty_map_gives_an_empty_array(world: World, config: dict[str, str]) -> None:
    assert world.output(over({"W": step("Pass")}, config), []) == []


@pytest.mark.parametrize("config", [INLINE, DISTRIBUTED])
def test_a_map_runs_no_more_items_at_once_than_it_may(world: World, config: dict[str, str]) -> None:
    """States Language, "Map state concurrency": MaxConcurrency bounds the iterations in flight."""
    processor = {"W": step("Wait", Seconds=10)}
    id = world.begin(world.register(over(processor, config, MaxConcurrency=2)), [1, 2, 3, 4, 5])
    begun = world.clock.now()
    assert world.finish(id)["output"] == [1, 2, 3, 4, 5]
    assert (world.clock.now() - begun).total_seconds() == 30


@pytest.mark.parametrize("config", [INLINE, DISTRIBUTED])
def test_an_item_selector_sees_item_and_input(world: World, config: dict[str, str]) -> None:
    """AWS Step Functions, "Context object data for Map states": Map.Item.Index and Map.Item.Value."""
    chosen = {
        "n": "{% $states.context.Map.Item.Index %}",
        "v": "{% $states.context.Map.Item.Value %}",
        "all": "{% $count($states.input) %}",
    }
    states = over({"W": step("Pass")}, config, ItemSelector=chosen)
    assert world.output(states, ["a", "b"]) == [{"n": 0, "v": "a", "all": 2}, {"n": 1, "v": "b", "all": 2}]


def test_an_inline_iteration_sees_its_item_and_the_outer_variables(world: World) -> None:
    inner = {"W": step("Pass", Output=["{% $states.context.Map.Item.Value %}", "{% $outer %}"])}
    states = {"A": step("Pass", Assign={"outer": "o"}, Next="M"), **over(inner, INLINE)}
    assert world.output(states, [1, 2]) == [[1, "o"], [2, "o"]]


def test_items_must_be_an_array(world: World) -> None:
    """AWS Step Functions, "Map": Items is an array or an expression that gives one."""
    assert world.error(over({"W": step("Pass")}, INLINE), {"a": 1}) == "States.QueryEvaluationError"


def test_a_failing_iteration_fails_the_map_and_aborts_the_others(world: World) -> None:
    world.function("work", refuse)
    processor = {
        "C": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input = 2 %}", "Next": "Break"}],
            "Default": "W",
        },
        "Break": task(),
        "W": step("Wait", Seconds=1000),
    }
    id = world.begin(world.register(over(processor, INLINE)), [1, 2, 3])
    assert world.engine.describe(id)["error"] == "ValueError"


def test_a_map_that_fails_by_itself_aborts_the_iterations_that_run(world: World) -> None:
    """States Language, "Map state": an error of the Map ends its iterations."""
    tokens: list[str] = []
    world.function("work", lambda payload: tokens.append(payload["token"]))
    states = over({"W": waiting_task()}, INLINE, ItemSelector="{% $states.context.Map.Item.Value.id %}")
    assert world.error(states, [{"id": 1}, {"id": 2}, {"name": "no id"}]) == "States.QueryEvaluationError"
    world.clock.settle()
    for token in tokens:
        with pytest.raises(TaskTimedOut):
            world.engine.send_task_success(token, {})


def test_a_distributed_map_runs_each_item_as_an_execution_of_its_own(world: World) -> None:
    """AWS Step Functions, "Distributed mode": child executions with their own history, no outer variables."""
    machine = world.register(over({"W": step("Pass")}, DISTRIBUTED, Label="Each"))
    world.finish(world.begin(machine, [1, 2, 3]))
    children = world.engine.list_executions(machine="machine.Each")
    assert sorted(child["input"] for child in children) == [1, 2, 3]


def test_a_distributed_map_fails_beyond_its_tolerance(world: World) -> None:
    """AWS Step Functions, "Failure thresholds": States.ExceedToleratedFailureThreshold."""

    def picky(n: Any) -> Any:
        if n > 1:
            raise ValueError(n)
        return n

    world.function("work", picky)
    processor = {"W": task(payload="{% $states.input %}", Output="{% $states.result.Payload %}")}
    tolerant = over(processor, DISTRIBUTED, ToleratedFailureCount=2)
    output = world.output(tolerant, [1, 2, 3])
    assert output[0] == 1
    assert [one["Error"] for one in output[1:]] == ["ValueError", "ValueError"]
    strict = over(processor, DISTRIBUTED, ToleratedFailurePercentage=50)
    assert world.error(strict, [1, 2, 3], name="second") == "States.ExceedToleratedFailureThreshold"


def test_a_batcher_groups_items(world: World) -> None:
    """AWS Step Functions, "ItemBatcher": a child gets Items and BatchInput."""
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"of": "{% $count($states.input) %}"}}
    states = over({"W": step("Pass")}, DISTRIBUTED, ItemBatcher=batcher)
    assert world.output(states, [1, 2, 3]) == [
        {"Items": [1, 2], "BatchInput": {"of": 3}},
        {"Items": [3], "BatchInput": {"of": 3}},
    ]
