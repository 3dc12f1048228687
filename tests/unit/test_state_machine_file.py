"""Workflow files: anchors, placeholders, and complaints that name file and line."""

import json
from pathlib import Path

import pytest

from infra.state_machine_file import (
    StateMachineFileError,
    lambda_steps,
    load,
    names,
    queue_names,
    states,
    substitute,
)

GOOD = """\
QueryLanguage: JSONata
StartAt: Both
x-retry:
  vendor: &vendor
    - ErrorEquals: [RetryableError]
      MaxAttempts: 5
States:
  Both:
    Type: Parallel
    Branches:
      - StartAt: CreateCustomer
        States:
          CreateCustomer:
            Type: Task
            Resource: arn:aws:states:::lambda:invoke
            Arguments: {FunctionName: "${CreateCustomer}", Payload: {since: 2026-01-31}}
            Retry: *vendor
            End: true
      - StartAt: Each
        States:
          Each:
            Type: Map
            ItemProcessor:
              StartAt: Mail
              States:
                Mail:
                  Type: Task
                  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
                  Arguments: {QueueUrl: "${MailQueue}", MessageBody: {by: "${CreateCustomer}"}}
                  End: true
            End: true
    Next: Done
  Done:
    Type: Succeed
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.asl.yaml"
    path.write_text(GOOD)
    return path


def broken(tmp_path: Path, text: str) -> str:
    path = tmp_path / "broken.asl.yaml"
    path.write_text(text)
    with pytest.raises(StateMachineFileError) as caught:
        load(path)
    return str(caught.value).removeprefix(str(tmp_path) + "/")


def test_anchors_are_resolved_and_private_keys_are_gone(good: Path) -> None:
    document = load(good)
    customer = document["States"]["Both"]["Branches"][0]["States"]["CreateCustomer"]
    assert customer["Retry"] == [{"ErrorEquals": ["RetryableError"], "MaxAttempts": 5}]
    assert not [key for key in document if key.startswith("x-")]


def test_the_result_is_plain_json(good: Path) -> None:
    """YAML would turn the date into an object that no state machine can hold."""
    document = load(good)
    assert json.loads(json.dumps(document)) == document
    payload = document["States"]["Both"]["Branches"][0]["States"]["CreateCustomer"]["Arguments"]["Payload"]
    assert payload == {"since": "2026-01-31"}


def test_every_state_is_found_with_its_line(good: Path) -> None:
    document = load(good)
    assert [name for name, _ in states(document)] == ["Both", "CreateCustomer", "Each", "Mail", "Done"]
    assert document.lines == {"Both": 8, "CreateCustomer": 13, "Each": 21, "Mail": 26, "Done": 33}


def test_functions_are_told_from_other_names(good: Path) -> None:
    document = load(good)
    assert lambda_steps(document) == ["CreateCustomer"]
    assert queue_names(document) == ["MailQueue"]
    assert names(document) == []


def test_placeholders_are_substituted_everywhere(good: Path) -> None:
    mapping = {"CreateCustomer": "arn:fn", "MailQueue": "https://queue"}
    document = substitute(load(good), mapping)
    assert "${" not in json.dumps(document)
    assert "arn:fn" in json.dumps(document["States"]["Both"]["Branches"][1])
    assert document.lines == load(good).lines


def test_a_placeholder_nobody_knows_is_named_with_its_line(good: Path) -> None:
    with pytest.raises(StateMachineFileError, match=r"good\.asl\.yaml:26: state Mail: nothing .*MailQueue"):
        substitute(load(good), {"CreateCustomer": "arn:fn"})


def test_a_missing_file_is_named() -> None:
    with pytest.raises(StateMachineFileError, match=r"nobody\.asl\.yaml:1: cannot be read"):
        load("nobody")


HEAD = "QueryLanguage: JSONata\nStartAt: A\nStates:\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "broken.asl.yaml:1: must be a mapping"),
        ("- 1\n", "broken.asl.yaml:1: must be a mapping"),
        ("a: [1\n", "broken.asl.yaml:2: "),
        ("StartAt: A\nStates: {A: {Type: Succeed}}\n", "broken.asl.yaml:1: QueryLanguage must be JSONata"),
        ("QueryLanguage: JSONata\nStartAt: A\n", "broken.asl.yaml:1: States must name"),
        (HEAD + "  B: {Type: Succeed}\n", "broken.asl.yaml:1: StartAt names 'A'"),
        (HEAD + "  A: {Type: Succeed}\n  A: {Type: Succeed}\n", "broken.asl.yaml:5: key 'A' appears twice"),
        (HEAD + "  A: {Type: Pass, Next: Nowhere}\n", "broken.asl.yaml:4: state A goes to 'Nowhere'"),
        (HEAD + "  A: {Comment: none}\n", "broken.asl.yaml:4: state A needs a Type"),
        (HEAD + "  A: {Type: Succeed, Output: .nan}\n", "broken.asl.yaml:4: .nan is no JSON number"),
        (HEAD + "  A: {Type: Succeed, Output: {1: x}}\n", "broken.asl.yaml:4: key '1' must be a string"),
        (HEAD + "  A: {Type: Succeed, Output: !!python/name:os.system ''}\n", "broken.asl.yaml:4: "),
        (
            HEAD + "  A:\n    Type: Task\n    Catch: [{ErrorEquals: [E], Next: Lost}]\n    End: true\n",
            "broken.asl.yaml:4: state A goes to 'Lost'",
        ),
        (
            HEAD + "  A:\n    Type: Parallel\n    End: true\n    Branches:\n"
            "      - StartAt: A\n        States:\n          A: {Type: Succeed}\n",
            "state A appears twice",
        ),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaint in broken(tmp_path, text)
