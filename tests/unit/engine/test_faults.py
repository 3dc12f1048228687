"""Retry and Catch: which error meets which rule, how long a retry waits, what a timeout does."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.engine.definition import Retrier
from infra.local.engine.errors import TaskError
from infra.local.engine.faults import delay, matches
from tests.unit.engine.world import World, scope, step, task


def failing(*errors: str) -> Callable[[Any], Any]:
    """A function that fails with these error names in turn, then works."""
    left = list(errors)

    def work(payload: Any) -> Any:
        if left:
            raise TaskError(left.pop(0), "told to")
        return "worked"

    return work


@pytest.mark.parametrize(
    ("equals", "error", "expected"),
    [
        ("ValueError", "ValueError", True),
        ("Exception", "ValueError", False),
        ("States.ALL", "ValueError", True),
        ("States.ALL", "States.Timeout", True),
        ("States.ALL", "States.QueryEvaluationError", True),
        ("States.ALL", "States.DataLimitExceeded", False),
        ("States.ALL", "States.Runtime", False),
        ("States.DataLimitExceeded", "States.DataLimitExceeded", True),
        ("States.Runtime", "States.Runtime", False),
        ("States.TaskFailed", "ValueError", True),
        ("States.TaskFailed", "Lambda.Unknown", True),
        ("States.TaskFailed", "States.Timeout", False),
        ("States.TaskFailed", "States.HeartbeatTimeout", False),
        ("States.Timeout", "States.HeartbeatTimeout", True),
        ("States.HeartbeatTimeout", "States.Timeout", False),
    ],
)
def test_error_names_are_compared_exactly_but_for_the_wildcards(
    equals: str, error: str, expected: bool
) -> None:
    """AWS Step Functions, "Handling errors in Step Functions workflows": error names."""
    assert matches(frozenset([equals]), error) is expected


def retrier(**fields: Any) -> Retrier:
    known = {"errors": frozenset(["E"]), "interval": 1.0, "attempts": 3, "backoff": 2.0, "max_delay": None}
    return Retrier(**{**known, "jitter": False, **fields})


def test_the_delay_grows_by_the_backoff_rate_up_to_its_maximum() -> None:
    """States Language, "Retrying after error": IntervalSeconds, BackoffRate, MaxDelaySeconds."""
    steps = [delay(retrier(interval=3.0, max_delay=20), n) for n in range(5)]
    assert steps == [3, 6, 12, 20, 20]


def test_full_jitter_draws_from_nothing_up_to_the_delay() -> None:
    """States Language, "Retrying after error": JitterStrategy FULL."""
    draws = [delay(retrier(interval=8.0, jitter=True), 0) for _ in range(200)]
    assert all(0 <= draw <= 8 for draw in draws)
    assert len(set(draws)) > 100


def test_a_retry_waits_and_then_succeeds(world: World) -> None:
    """States Language, "Retrying after error": defaults are 1 s, 3 attempts, rate 2."""
    world.function("work", failing("E", "E", "E"))
    id = world.begin(world.register({"A": task(Retry=[{"ErrorEquals": ["E"]}])}))
    begun = world.clock.now()
    assert world.finish(id)["output"]["Payload"] == "worked"
    assert (world.clock.now() - begun).total_seconds() == 1 + 2 + 4


def test_more_errors_than_attempts_fail_the_state(world: World) -> None:
    world.function("work", failing(*["E"] * 4))
    assert world.error({"A": task(Retry=[{"ErrorEquals": ["E"]}])}) == "E"
    assert len(world.called("work")) == 4


def test_each_retrier_counts_for_itself_and_a_used_up_one_is_not_passed_over(world: World) -> None:
    """AWS Step Functions, "Complex retry scenarios": A, B, C, B, B ends in the catcher after four retries."""
    world.function("work", failing("ErrorA", "ErrorB", "ErrorC", "ErrorB", "ErrorB"))
    retry = [
        {"ErrorEquals": ["ErrorA", "ErrorB"], "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 3},
        {"ErrorEquals": ["ErrorC"], "IntervalSeconds": 5},
        {"ErrorEquals": ["States.ALL"], "MaxAttempts": 9},
    ]
    states = {"X": task(Retry=retry, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Z"}]), "Z": step("Pass")}
    id = world.begin(world.register(states))
    begun = world.clock.now()
    assert world.finish(id)["output"]["Error"] == "ErrorB"
    assert (world.clock.now() - begun).total_seconds() == 1 + 2 + 5 + 4


def test_no_attempts_means_never(world: World) -> None:
    """States Language, "Retrying after error": MaxAttempts 0 is never retried."""
    world.function("work", failing("E", "E"))
    retry = [{"ErrorEquals": ["E"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"]}]
    assert world.error({"A": task(Retry=retry)}) == "E"
    assert len(world.called("work")) == 1


def test_counters_start_anew_when_the_state_is_entered_again(world: World) -> None:
    """States Language, "Retrying after error": counts hold for one visit of the state."""
    world.function("work", failing("E", "F", "E"))
    catch = [{"ErrorEquals": ["F"], "Assign": {"again": True}, "Next": "A"}]
    states = {"A": task(Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 1}], Catch=catch)}
    assert world.output(states)["Payload"] == "worked"


def test_a_failing_output_is_retried_and_caught_like_the_task_itself(world: World) -> None:
    """AWS Step Functions, "Handling errors": States.QueryEvaluationError is an error of the state."""
    world.function("work", lambda payload: {"n": len(world.called("work"))})
    states = {
        "A": task(
            Output="{% $states.result.Payload.n > 1 ? 'second' : $states.result.nothing %}",
            Retry=[{"ErrorEquals": ["States.QueryEvaluationError"]}],
        )
    }
    assert world.output(states) == "second"


def test_a_failing_catcher_fails_the_execution(world: World) -> None:
    world.function("work", failing("E"))
    catch = [{"ErrorEquals": ["E"], "Output": "{% $nothing %}", "Next": "B"}]
    assert world.error({"A": task(Catch=catch, Next="B"), "B": step("Pass")}) == "States.QueryEvaluationError"


def test_an_exception_is_reported_as_lambda_reports_it(world: World) -> None:
    """AWS Lambda, "Python exceptions": errorType is the class name; Cause is its JSON as a string."""

    def work(_: Any) -> Any:
        raise KeyError("no such account")

    world.function("work", work)
    ended = world.run({"A": task()})
    assert ended["error"] == "KeyError"
    cause = json.loads(ended["cause"])
    assert cause["errorType"] == "KeyError"
    assert cause["errorMessage"] == "'no such account'"
    assert isinstance(cause["stackTrace"], list)


def test_a_result_that_is_no_json_is_a_marshal_error(world: World) -> None:
    """AWS Lambda, "Python handler": what cannot be serialised is Runtime.MarshalError."""
    world.function("work", lambda _: float("nan"))
    assert world.error({"A": task()}) == "Runtime.MarshalError"
    world.function("work", lambda _: object())
    assert world.error({"A": task()}, name="second") == "Runtime.MarshalError"


def test_a_task_that_runs_too_long_times_out_and_its_late_result_has_no_effect(world: World) -> None:
    """States Language, "Timeouts and heartbeats": States.Timeout; what the function still does is ignored."""
    release, begun, returned = threading.Event(), threading.Event(), threading.Event()

    def slow(_: Any) -> Any:
        begun.set()
        release.wait(20)
        returned.set()
        return "too late"

    world.function("work", slow)
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "B"}]
    states = {
        "A": task(TimeoutSeconds=5, Catch=catch, Assign={"x": "late"}, Next="B"),
        "B": step("Wait", Seconds=60, Output="{% $states.input.Error %}"),
    }
    id = world.engine.start_execution(world.register(states), "run", {})
    assert begun.wait(20)
    world.clock.advance(5)
    while "WaitStateEntered" not in world.kinds(id):
        assert world.engine.describe(id)["status"] == "RUNNING"
    before = world.kinds(id)
    release.set()
    assert returned.wait(20)
    world.clock.settle()
    assert world.kinds(id) == before
    assert world.finish(id)["output"] == "States.Timeout"


def test_a_fail_state_names_its_error(world: World) -> None:
    """States Language, "Fail state": Error and Cause may be expressions."""
    ended = world.run(
        {"F": {"Type": "Fail", "Error": "Mine", "Cause": "{% $states.input.why %}"}}, {"why": "so"}
    )
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "Mine", "so")


def test_a_retried_parallel_begins_again(world: World) -> None:
    world.function("work", failing("E"))
    states = {
        "P": step(
            "Parallel",
            Branches=[
                scope({"A": task(Output="{% $states.result.Payload %}")}),
                scope({"B": step("Pass", Output=2)}),
            ],
            Retry=[{"ErrorEquals": ["E"]}],
        )
    }
    assert world.output(states) == ["worked", 2]
