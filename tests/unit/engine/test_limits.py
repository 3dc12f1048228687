"""Quotas: payloads, history, names; and errors that nothing catches."""

from typing import Any

import pytest

from infra.local.engine import InvalidExecutionInput, InvalidName
from infra.state_machine_file import StateMachineFileError
from tests.unit.engine.world import World, step, task

KIB_256 = 262_144
EVERYTHING = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]


def test_a_result_over_256_kib_is_not_caught_by_the_wildcard(world: World) -> None:
    """AWS Step Functions, "Handling errors": States.DataLimitExceeded is not matched by States.ALL."""
    world.function("work", lambda _: "x" * KIB_256)
    states = {"A": task(Catch=EVERYTHING, Next="Caught"), "Caught": step("Pass")}
    assert world.error(states) == "States.DataLimitExceeded"


def test_it_is_caught_by_its_own_name(world: World) -> None:
    world.function("work", lambda _: "x" * KIB_256)
    catch = [{"ErrorEquals": ["States.DataLimitExceeded"], "Next": "Caught"}]
    states = {"A": task(Catch=catch, Next="Caught"), "Caught": step("Pass", Output="caught")}
    assert world.output(states) == "caught"


def test_the_limit_counts_bytes_of_utf8(world: World) -> None:
    """AWS Step Functions, "Service quotas": 262,144 bytes of data as a UTF-8 encoded string."""
    two_byte_letters = KIB_256 // 2 - 1  # and the two quotes
    states = {"A": step("Pass", Output="{% $states.input %}")}
    assert world.output(states, "é" * two_byte_letters) == "é" * two_byte_letters
    with pytest.raises(InvalidExecutionInput):
        world.begin("machine", "é" * (two_byte_letters + 1))


@pytest.mark.parametrize("field", ["Arguments", "Output", "Assign"])
def test_arguments_output_and_assign_have_the_same_limit(world: World, field: str) -> None:
    big = "{% $states.input & $states.input %}"
    states: dict[str, Any] = {
        "A": task(payload=big) if field == "Arguments" else step("Pass", **{field: {"x": big}})
    }
    world.function("work", lambda payload: None)
    assert world.error(states, "x" * 140_000) == "States.DataLimitExceeded"


def test_a_history_of_25000_events_ends_the_execution(world: World) -> None:
    """AWS Step Functions, "Service quotas": 25,000 events; the execution fails and nothing catches it."""
    states = {
        "A": step("Pass", Next="B"),
        "B": {"Type": "Choice", "Choices": [{"Condition": False, "Next": "Out"}], "Default": "A"},
        "Out": {"Type": "Succeed"},
    }
    ended = world.run(states)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    history = world.engine.history(ended["executionArn"])
    assert len(history) == 25_000
    assert history[-1]["type"] == "ExecutionFailed"


@pytest.mark.parametrize("name", ["", "x" * 81, "with blank", "a/b", "a:b", "a*", "a\x00b"])
def test_execution_names_are_refused_as_on_aws(world: World, name: str) -> None:
    """AWS API StartExecution: 1 to 80 characters, no blanks, brackets, wildcards, special characters."""
    world.register({"A": step("Pass")})
    with pytest.raises(InvalidName):
        world.engine.start_execution("machine", name, {})


def test_a_name_of_80_characters_is_fine(world: World) -> None:
    world.register({"A": step("Pass")})
    assert world.finish(world.begin("machine", name="x" * 80))["status"] == "SUCCEEDED"


def test_a_state_name_over_80_characters_is_refused(world: World) -> None:
    """States Language, "States": names are at most 80 characters."""
    with pytest.raises(StateMachineFileError, match="longer than 80"):
        world.register({"A" * 81: step("Pass")})


def test_no_matching_choice_is_an_error(world: World) -> None:
    """States Language, "Choice state": States.NoChoiceMatched."""
    choices = [{"Condition": "{% $states.input.n = 1 %}", "Next": "B"}]
    states = {"A": {"Type": "Choice", "Choices": choices}, "B": step("Pass")}
    assert world.error(states, {"n": 2}) == "States.NoChoiceMatched"


def test_a_condition_that_is_no_boolean_is_an_error(world: World) -> None:
    """AWS Step Functions, "Choice": a Condition must evaluate to a boolean."""
    choices = [{"Condition": "{% $states.input.n %}", "Next": "B"}]
    states = {"A": {"Type": "Choice", "Choices": choices, "Default": "B"}, "B": step("Pass")}
    assert world.error(states, {"n": 1}) == "States.QueryEvaluationError"


def test_the_machine_timeout_ends_the_execution_and_nothing_catches_it(world: World) -> None:
    """AWS Step Functions, "State machine structure": TimeoutSeconds; the execution's status is TIMED_OUT."""
    inner = {"W": step("Wait", Seconds=1000)}
    states = {
        "P": step("Parallel", Branches=[{"StartAt": "W", "States": inner}], Catch=EVERYTHING, Next="Caught"),
        "Caught": step("Pass"),
    }
    ended = world.run(states, TimeoutSeconds=60)
    assert (ended["status"], ended["error"]) == ("TIMED_OUT", "States.Timeout")
    assert ended["stopDate"] == "2026-01-01T00:01:00.000Z"


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"Seconds": 90}, 90),
        ({"Seconds": "{% $states.input.n %}"}, 30),
        ({"Timestamp": "2026-01-01T00:02:00Z"}, 120),
        ({"Timestamp": "{% $states.input.at %}"}, 60),
        ({"Timestamp": "2020-01-01T00:00:00+02:00"}, 0),
    ],
)
def test_a_wait_ends_at_its_moment(world: World, fields: dict[str, Any], seconds: int) -> None:
    """States Language, "Wait state": Seconds or an RFC 3339 Timestamp; a past one does not wait."""
    world.run({"A": step("Wait", **fields)}, {"n": 30, "at": "2026-01-01T01:01:00+01:00"})
    assert world.clock.timestamp() == 1_767_225_600 + seconds


@pytest.mark.parametrize("value", ["-1", "1.5", "'10'", "true", "100000000"])
def test_seconds_must_be_a_whole_number_in_range(world: World, value: str) -> None:
    assert world.error({"A": step("Wait", Seconds=f"{{% {value} %}}")}) == "States.QueryEvaluationError"


@pytest.mark.parametrize("value", ["tomorrow", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z"])
def test_a_timestamp_must_be_rfc_3339(world: World, value: str) -> None:
    assert world.error({"A": step("Wait", Timestamp=f"{{% '{value}' %}}")}) == "States.QueryEvaluationError"
