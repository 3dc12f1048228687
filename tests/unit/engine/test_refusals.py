"""What the engine does not support is refused when the file is registered, with file, line and state."""

from pathlib import Path
from typing import Any

import pytest

from infra.state_machine_file import StateMachineFileError, load
from tests.unit.engine.world import World, scope, step, task, waiting_task

PROCESSOR = scope({"I": step("Pass")})


def with_fields(body: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"A": {**body, **fields}}


@pytest.mark.parametrize(
    ("states", "problem"),
    [
        ({"A": {"Type": "Activity"}}, "the type Activity is not supported"),
        (with_fields(task(), InputPath="$.a"), "cannot have the field InputPath"),
        (with_fields(task(), ResultPath="$.a"), "cannot have the field ResultPath"),
        (with_fields(task(), Parameters={}), "cannot have the field Parameters"),
        (with_fields(task(), Credentials={}), "cannot have the field Credentials"),
        (
            with_fields(task(), Resource="arn:aws:states:::dynamodb:getItem"),
            "dynamodb:getItem' is not supported",
        ),
        (with_fields(task(), Resource="arn:aws:states:::lambda:invoke.sync"), "is not supported"),
        (
            with_fields(task(), Resource="arn:aws:states:::events:putEvents.waitForTaskToken"),
            "is not supported",
        ),
        (with_fields(task(), Resource="arn:aws:states:::states:startExecution.sync"), "is not supported"),
        (with_fields(task(), Arguments={"Payload": {}}), "needs the argument FunctionName"),
        (with_fields(task(), Arguments={"FunctionName": "f", "LogType": "Tail"}), "the argument LogType"),
        (with_fields(task(), Arguments={"FunctionName": "f", "InvocationType": "Event"}), "InvocationType"),
        (with_fields(task(), TimeoutSeconds=0), "TimeoutSeconds must be"),
        (with_fields(task(), TimeoutSeconds=1.5), "TimeoutSeconds must be"),
        (with_fields(task(), HeartbeatSeconds=5), "needs .waitForTaskToken"),
        (with_fields(waiting_task(), HeartbeatSeconds=5, TimeoutSeconds=5), "smaller than TimeoutSeconds"),
        (with_fields(task(), QueryLanguage="JSONPath"), "QueryLanguage must be JSONata"),
        (with_fields(task(), Next="A"), "either Next or End"),
        ({"A": {"Type": "Pass"}}, "either Next or End"),
        (with_fields(step("Pass"), Result={}), "cannot have the field Result"),
        (with_fields(step("Pass"), Assign=[1]), "Assign must be a mapping"),
        (with_fields(step("Pass"), Assign={"states": 1}), "cannot name a variable"),
        (with_fields(step("Pass"), Assign={"a-b": 1}), "cannot name a variable"),
        (with_fields(step("Pass"), Output="{% $states.result %}"), r"\$states.result does not exist here"),
        (
            with_fields(task(), Output="{% $states.errorOutput %}"),
            r"\$states.errorOutput does not exist here",
        ),
        (with_fields(task(), Output="{% $now() %}"), r"the function \$now is not supported"),
        (with_fields(task(), Output="{% ( %}"), "is not JSONata"),
        ({"A": {"Type": "Succeed", "Assign": {"x": 1}}}, "cannot have the field Assign"),
        ({"A": {"Type": "Fail", "Output": 1}}, "cannot have the field Output"),
        ({"A": {"Type": "Fail", "ErrorPath": "$.a"}}, "cannot have the field ErrorPath"),
        (with_fields(step("Wait")), "either Seconds or Timestamp"),
        (with_fields(step("Wait"), Seconds=1, Timestamp="x"), "either Seconds or Timestamp"),
        (with_fields(step("Wait"), SecondsPath="$.a"), "cannot have the field SecondsPath"),
        (with_fields(step("Wait"), Seconds="5"), "Seconds must be a whole number"),
        ({"A": {"Type": "Choice", "Choices": []}}, "at least one rule"),
        ({"A": {"Type": "Choice", "Choices": [{"Variable": "$.a", "Next": "A"}]}}, "the field Variable"),
        ({"A": {"Type": "Choice", "Choices": [{"Next": "A"}]}}, "needs Condition and Next"),
        ({"A": {"Type": "Choice", "Choices": [{"Condition": "yes", "Next": "A"}]}}, "a Condition must be"),
        (with_fields(step("Parallel"), Branches=[]), "at least one branch"),
        (with_fields(step("Map")), "needs an ItemProcessor"),
        (
            with_fields(step("Map"), ItemProcessor=PROCESSOR, ItemsPath="$.a"),
            "cannot have the field ItemsPath",
        ),
        (with_fields(step("Map"), ItemProcessor=PROCESSOR, Iterator={}), "cannot have the field Iterator"),
        (
            with_fields(step("Map"), ItemProcessor=PROCESSOR, ItemReader={}),
            "cannot have the field ItemReader",
        ),
        (with_fields(step("Map"), ItemProcessor=PROCESSOR, Label="x"), "Label needs Mode: DISTRIBUTED"),
        (
            with_fields(step("Map"), ItemProcessor={**PROCESSOR, "ProcessorConfig": {"Mode": "DISTRIBUTED"}}),
            "must be STANDARD",
        ),
        (with_fields(task(), Retry=[{"ErrorEquals": []}]), "needs ErrorEquals"),
        (with_fields(task(), Retry=[{"ErrorEquals": ["E"], "Delay": 1}]), "cannot have the field Delay"),
        (with_fields(task(), Retry=[{"ErrorEquals": ["States.ALL", "E"]}]), "must stand alone"),
        (with_fields(task(), Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]), "last entry"),
        (with_fields(task(), Retry=[{"ErrorEquals": ["E"], "IntervalSeconds": 0}]), "IntervalSeconds"),
        (with_fields(task(), Retry=[{"ErrorEquals": ["E"], "BackoffRate": 0.5}]), "BackoffRate"),
        (with_fields(task(), Retry=[{"ErrorEquals": ["E"], "MaxAttempts": -1}]), "MaxAttempts"),
        (with_fields(task(), Retry=[{"ErrorEquals": ["E"], "MaxDelaySeconds": 1}]), "MaxDelaySeconds"),
        (with_fields(task(), Retry=[{"ErrorEquals": ["E"], "JitterStrategy": "HALF"}]), "JitterStrategy"),
        (with_fields(task(), Catch=[{"ErrorEquals": ["E"]}]), "a catcher needs Next"),
        (with_fields(task(), Catch=[{"ErrorEquals": ["E"], "Next": "A", "ResultPath": "$"}]), "ResultPath"),
        ({"A": step("Pass"), "Lonely": step("Pass")}, "state Lonely: nothing leads here"),
    ],
)
def test_a_definition_is_refused_for(world: World, states: dict[str, Any], problem: str) -> None:
    with pytest.raises(StateMachineFileError, match=problem) as caught:
        world.register(states)
    assert "machine.asl.yaml" in str(caught.value)
    assert "state " in str(caught.value)


def test_unknown_top_level_fields_are_refused(world: World) -> None:
    with pytest.raises(StateMachineFileError, match="the field Retries is not supported at the top"):
        world.register({"A": step("Pass")}, Retries=[])


def test_what_is_wrong_is_told_with_its_line(world: World, tmp_path: Path) -> None:
    path = tmp_path / "broken.asl.yaml"
    path.write_text(
        "QueryLanguage: JSONata\nStartAt: A\nStates:\n  A: {Type: Pass, Next: B}\n"
        "  B:\n    Type: Pass\n    Result: 1\n    End: true\n"
    )
    with pytest.raises(StateMachineFileError, match=r"broken\.asl\.yaml:5: state B: a Pass state cannot"):
        world.engine.register("broken", load(path))


def test_a_distributed_map_does_not_see_outer_variables_so_it_may_reuse_their_names(world: World) -> None:
    processor = {
        **scope({"I": step("Pass", Assign={"x": 2}, Next="J"), "J": step("Pass", Output="{% $x %}")}),
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    }
    states = {
        "A": step("Pass", Assign={"x": 1}, Next="M"),
        "M": step("Map", Items=[1], ItemProcessor=processor),
    }
    assert world.output(states) == [2]
