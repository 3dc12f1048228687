"""Rows turned into what callers read: descriptions of executions and their status-change events."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def machine_arn(name: str) -> str:
    return f"arn:aws:states:local:000000000000:stateMachine:{name}"


def execution_arn(machine: str, name: str) -> str:
    """The id that an execution of this name has or would have."""
    return f"arn:aws:states:local:000000000000:execution:{machine}:{name}"


def timestamp(moment: float) -> str:
    """RFC 3339 with milliseconds, as the context object writes times."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def description(row: Any) -> dict[str, Any]:
    """What the DescribeExecution API says, with input and output as data."""
    return {
        "executionArn": row["id"],
        "stateMachineArn": machine_arn(row["machine"]),
        "stateMachine": row["machine"],
        "name": row["name"],
        "status": row["status"],
        "startDate": timestamp(row["started"]),
        "stopDate": timestamp(row["stopped"]) if row["stopped"] is not None else None,
        "input": json.loads(row["input"]),
        "output": json.loads(row["output"]) if row["output"] is not None else None,
        "error": json.loads(row["error"]) if row["error"] is not None else None,
        "cause": json.loads(row["cause"]) if row["cause"] is not None else None,
        "redriveCount": row["redrives"],
    }


def status_change(described: Mapping[str, Any]) -> dict[str, Any]:
    """The EventBridge event "Step Functions Execution Status Change" of an execution that ended.

    Source: AWS Step Functions, "Automating Step Functions event delivery with EventBridge".
    """
    stopped = described["stopDate"]
    return {
        "version": "0",
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "time": stopped,
        "resources": [described["executionArn"]],
        "detail": {
            "executionArn": described["executionArn"],
            "stateMachineArn": described["stateMachineArn"],
            "name": described["name"],
            "status": described["status"],
            "startDate": _milliseconds(described["startDate"]),
            "stopDate": _milliseconds(stopped),
            "input": json.dumps(described["input"]),
            "output": json.dumps(described["output"]) if described["status"] == "SUCCEEDED" else None,
            "error": described["error"],
            "cause": described["cause"],
            "redriveCount": described["redriveCount"],
        },
    }


def sync_output(described: Mapping[str, Any]) -> dict[str, Any]:
    """What `.sync:2` gives its parent: the description, with input and output as data."""
    return {key[0].upper() + key[1:]: value for key, value in described.items() if value is not None}


def item_result(described: Mapping[str, Any]) -> Any:
    """An item's place in a distributed Map's result: its output, or its tolerated error."""
    if described["status"] == "SUCCEEDED":
        return described["output"]
    return {"Error": described["error"], "Cause": described["cause"]}


def _milliseconds(text: str | None) -> int | None:
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)
