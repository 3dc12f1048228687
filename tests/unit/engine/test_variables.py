"""Assign, Output and variable scopes."""

from typing import Any

import pytest

from infra.state_machine_file import StateMachineFileError
from tests.unit.engine.world import World, scope, step, task


def test_assign_and_output_see_the_old_values_and_the_next_state_the_new(world: World) -> None:
    """AWS Step Functions, "Passing data between states with variables": order of evaluation."""
    states = {
        "A": step("Pass", Assign={"x": 1, "y": 10}, Next="B"),
        "B": step(
            "Pass",
            Assign={"x": "{% $y %}", "y": "{% $x %}"},
            Output={"x": "{% $x %}", "y": "{% $y %}"},
            Next="C",
        ),
        "C": step("Pass", Output={"before": "{% $states.input %}", "x": "{% $x %}", "y": "{% $y %}"}),
    }
    assert world.output(states) == {"before": {"x": 1, "y": 10}, "x": 10, "y": 1}


def test_arguments_of_the_same_state_do_not_see_its_assign(world: World) -> None:
    """States Language, "Assigning variables": they apply when the state completes."""
    world.function("work", lambda payload: payload)
    states = {"A": task(payload="{% $x %}", Assign={"x": 1}, Next="B"), "B": step("Pass")}
    assert world.error(states) == "States.QueryEvaluationError"


def test_a_catch_skips_the_assign_of_its_state_and_applies_its_own(world: World) -> None:
    """AWS Step Functions, "Variables": Assign of a state is not evaluated when a Catch applies."""

    def fail(_: Any) -> Any:
        raise ValueError("no")

    world.function("work", fail)
    catch = [
        {
            "ErrorEquals": ["ValueError"],
            "Assign": {"failure": "{% $states.errorOutput.Error %}", "before": "{% $x %}"},
            "Next": "B",
        }
    ]
    states = {
        "Start": step("Pass", Assign={"x": "old"}, Next="A"),
        "A": task(Assign={"x": "new"}, Catch=catch, Next="B"),
        "B": step("Pass", Output={"x": "{% $x %}", "failure": "{% $failure %}", "before": "{% $before %}"}),
    }
    assert world.output(states) == {"x": "old", "failure": "ValueError", "before": "old"}


def test_the_error_output_is_the_output_of_a_caught_state(world: World) -> None:
    """States Language, "Fallback states": without Output the catcher passes the Error Output on."""

    def fail(_: Any) -> Any:
        raise ValueError("no")

    world.function("work", fail)
    states = {"A": task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "B"}]), "B": step("Pass")}
    output = world.output(states)
    assert output["Error"] == "ValueError"
    assert set(output) == {"Error", "Cause"}


def test_a_catcher_output_can_combine_input_and_error(world: World) -> None:
    def fail(_: Any) -> Any:
        raise ValueError("no")

    world.function("work", fail)
    output = {"id": "{% $states.input.id %}", "error": "{% $states.errorOutput.Error %}"}
    states = {
        "A": task(Catch=[{"ErrorEquals": ["States.ALL"], "Output": output, "Next": "B"}]),
        "B": step("Pass"),
    }
    assert world.output(states, {"id": 7}) == {"id": 7, "error": "ValueError"}


def test_a_choice_rule_uses_its_own_assign_and_the_default_that_of_the_state(world: World) -> None:
    """AWS Step Functions, "Choice": Assign and Output per rule; the state's own go with Default."""
    states = {
        "A": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.n = 1 %}", "Assign": {"by": "rule"}, "Next": "B"}],
            "Assign": {"by": "default"},
            "Default": "B",
        },
        "B": step("Pass", Output="{% $by %}"),
    }
    assert world.output(states, {"n": 1}) == "rule"
    assert world.output(states, {"n": 2}) == "default"


def test_a_branch_reads_outer_variables_and_its_own_die_with_it(world: World) -> None:
    """AWS Step Functions, "Variables": inner scopes read outer ones; the outer cannot see the inner."""
    branch = scope(
        {
            "B": step("Pass", Assign={"inner": "{% $outer + 1 %}"}, Next="C"),
            "C": step("Pass", Output="{% $inner %}"),
        }
    )
    states = {
        "A": step("Pass", Assign={"outer": 1}, Next="P"),
        "P": step("Parallel", Branches=[branch], Next="After"),
        "After": step("Pass", Output="{% $inner %}"),
    }
    assert world.error(states) == "States.QueryEvaluationError"
    states["After"] = step("Pass", Output=["{% $states.input[0] %}", "{% $outer %}"])
    assert world.output(states) == [2, 1]


def test_two_branches_may_use_the_same_name(world: World) -> None:
    """AWS Step Functions, "Variables": sibling branches have scopes of their own."""

    def branch(n: int) -> dict[str, Any]:
        return scope(
            {
                f"Set{n}": step("Pass", Assign={"mine": n}, Next=f"Get{n}"),
                f"Get{n}": step("Pass", Output="{% $mine %}"),
            }
        )

    assert world.output({"P": step("Parallel", Branches=[branch(1), branch(2)])}) == [1, 2]


def test_a_branch_cannot_assign_an_outer_variable(world: World) -> None:
    """AWS Step Functions, "Variables": an inner scope cannot assign to a variable of the outer one."""
    branch = scope({"B": step("Pass", Assign={"outer": 2})})
    states = {
        "A": step("Pass", Assign={"outer": 1}, Next="P"),
        "P": step("Parallel", Branches=[branch]),
    }
    with pytest.raises(StateMachineFileError, match=r"state B: \$outer belongs to an outer scope"):
        world.register(states)


def test_a_parallel_assigns_in_the_outer_scope_from_its_result(world: World) -> None:
    states = {
        "P": step(
            "Parallel",
            Branches=[scope({"B": step("Pass", Output=5)})],
            Assign={"got": "{% $states.result[0] %}"},
            Next="C",
        ),
        "C": step("Pass", Output="{% $got %}"),
    }
    assert world.output(states) == 5


def test_the_context_object_has_its_documented_fields(world: World) -> None:
    """AWS Step Functions, "Accessing execution data from the Context object"."""
    machine = world.register({"A": step("Pass", Output="{% $states.context %}")})
    id = world.begin(machine, {"k": 1}, name="run")
    context = world.finish(id)["output"]
    assert context["Execution"]["Id"] == id
    assert context["Execution"]["Input"] == {"k": 1}
    assert context["Execution"]["Name"] == "run"
    assert context["Execution"]["StartTime"] == "2026-01-01T00:00:00.000Z"
    assert context["State"] == {"EnteredTime": "2026-01-01T00:00:00.000Z", "Name": "A", "RetryCount": 0}
    assert context["StateMachine"]["Name"] == machine
    assert context["StateMachine"]["Id"].endswith(":stateMachine:machine")


def test_retry_count_counts_the_retries_of_this_visit(world: World) -> None:
    """AWS Step Functions, "Context object": State.RetryCount."""
    seen: list[int] = []

    def work(payload: Any) -> Any:
        seen.append(payload)
        if len(seen) < 3:
            raise ValueError("again")

    world.function("work", work)
    retry = [{"ErrorEquals": ["ValueError"]}]
    world.output({"A": task(payload="{% $states.context.State.RetryCount %}", Retry=retry)})
    assert seen == [0, 1, 2]
