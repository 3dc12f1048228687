"""The workflow file of reconciliation on moto's interpreter: its distributed Map, its loops, its wait."""

import json
import time
from collections import Counter
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.state_machine_file import lambda_steps, load, substitute
from tests.infra import moto_states
from tests.infra.assembly import ACCOUNT, REGION

SLICES = ["invoice#2026-11-01", "payment#2026-11-01"]


def test_every_slice_is_compared_to_its_end_and_looked_at_again_before_the_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: Counter[tuple[str, str | None]] = Counter()

    def invoke(arn: str, payload: dict[str, Any]) -> Any:
        name, slice = arn.rpartition(":")[2], payload.get("slice")
        calls[name, slice] += 1
        assert payload["run_id"] == "rec_1"
        if name == "PlanReconciliation":
            return {"outcome": "planned", "slices": SLICES}
        outcomes = {"ComparePage": ["more", "more", "done"], "LookAgain": ["wait", "more", "done"]}
        return {"outcome": outcomes.get(name, ["done"])[calls[name, slice] - 1], "wait_seconds": 1}

    with mock_aws(config=moto_states.CONFIG):
        moto_states.complete(monkeypatch, invoke, lambda **_: None)
        document = load("reconciliation")
        names = {
            name: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}" for name in lambda_steps(document)
        }
        client = boto3.client("stepfunctions", region_name=REGION)
        machine = client.create_state_machine(
            name="reconciliation",
            definition=json.dumps(substitute(document, names)),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/any",
        )
        given = json.dumps({"run_id": "rec_1", "correlation_id": "cor_1"})
        begun = client.start_execution(stateMachineArn=machine["stateMachineArn"], name="rec_1", input=given)
        until = time.monotonic() + 60
        while (
            found := client.describe_execution(executionArn=begun["executionArn"])["status"]
        ) == "RUNNING" and time.monotonic() < until:
            time.sleep(0.05)
    assert found == "SUCCEEDED"
    pages: dict[tuple[str, str | None], int] = {("ComparePage", slice): 3 for slice in SLICES}
    around = {("PlanReconciliation", None): 1, ("LookAgain", None): 3, ("ReportReconciliation", None): 1}
    assert calls == pages | around
