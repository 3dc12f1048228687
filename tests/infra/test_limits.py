"""What AWS refuses for its size keeps away from its limits, so that the next entry of the catalog deploys.

Limits: the service quotas in AWS's documentation of CloudFormation, IAM, Lambda, EventBridge (read 2026-11).
"""

import json
from collections import Counter
from typing import Any

import pytest

from tests.infra.assembly import Assembly, rendered

ROOM = 0.75  # of a limit: what is nearer needs somebody's thought before it needs somebody's night


@pytest.mark.parametrize(("part", "limit"), [("Resources", 500), ("Outputs", 200), ("Parameters", 200)])
def test_no_stack_comes_near_its_limits(prod: Assembly, part: str, limit: int) -> None:
    counts = {stack: len(template.get(part, {})) for stack, template in prod.templates.items()}
    assert {stack: n for stack, n in counts.items() if n > ROOM * limit} == {}


def test_no_template_comes_near_a_megabyte(prod: Assembly) -> None:
    assert max(path.stat().st_size for path in prod.folder.glob("*.template.json")) < ROOM * 1_000_000


def test_no_role_s_policies_come_near_their_limits(prod: Assembly) -> None:
    """Ten thousand characters, and six thousand in each of ten managed ones, where CDK puts the rest."""
    sizes: Counter[str] = Counter()
    for policy in prod.all("AWS::IAM::Policy"):
        for role in policy.body["Properties"]["Roles"]:
            sizes[f"{policy.stack} {role}"] += _size(policy.properties["PolicyDocument"])
    assert {role: size for role, size in sizes.items() if size > ROOM * 10_240} == {}
    managed: Counter[str] = Counter()
    for policy in prod.all("AWS::IAM::ManagedPolicy"):
        assert _size(policy.properties["PolicyDocument"]) < ROOM * 6144, policy.where
        managed.update(f"{policy.stack} {role}" for role in policy.body["Properties"]["Roles"])
    assert {role: count for role, count in managed.items() if count > ROOM * 10} == {}


def test_no_function_s_environment_comes_near_four_kilobytes(prod: Assembly) -> None:
    for function in prod.properties("AWS::Lambda::Function"):
        variables = function["Environment"]["Variables"]
        assert sum(len(name) + len(value) for name, value in variables.items()) < ROOM * 4096
        assert len(function["Layers"]) <= 5


def test_a_function_s_callers_are_few_statements_of_its_policy(prod: Assembly) -> None:
    """Twenty kilobytes take about fifty statements; the API's routes are one together."""
    callers = Counter(each["FunctionName"] for each in prod.properties("AWS::Lambda::Permission"))
    assert max(callers.values()) < 10


def test_no_event_pattern_comes_near_two_thousand_characters(prod: Assembly) -> None:
    assert max(_size(rule["EventPattern"]) for rule in prod.properties("AWS::Events::Rule")) < ROOM * 2048


def test_no_workflow_comes_near_a_megabyte(prod: Assembly) -> None:
    machines = prod.properties("AWS::StepFunctions::StateMachine")
    assert max(_size(rendered(machine)) for machine in machines) < ROOM * 1_000_000


def _size(document: Any) -> int:
    return len(json.dumps(document, separators=(",", ":")))
