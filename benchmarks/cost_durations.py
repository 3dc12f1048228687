"""How long a function is billed for: its own CPU, measured here, and what it waits for, assumed here.

    billed = (own CPU + the AWS SDK's CPU) / share of a core + waits for AWS + waits for vendors

The share is what Lambda gives: a core at 1,769 MB, less in proportion ("Configure Lambda function memory").
A core of Lambda's is taken to be as fast as this machine's. CPU is divided by the share in full, although
bursts of a few milliseconds are not throttled there.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.session import Session

from usher.adapters.aws_platform import UNCHECKED

FULL_CORE_MB = 1769
ROUNDING_SECONDS = 0.0005  # billed by the millisecond, rounded up: half of one on average
SOCKET_SECONDS = 0.0003  # CPU of TLS and the socket in a call of AWS, which no call measured here has
VENDOR_SOCKET_SECONDS = 0.001  # and in one of a vendor's, some of which begin with a handshake

# Seconds a call is waited for, from a function in the same region or to a vendor's data centre.
AWS_SECONDS = {
    "dynamodb": 0.005,
    "dynamodb_transaction": 0.015,
    "sqs": 0.010,
    "events": 0.015,
    "states": 0.020,
    "secretsmanager": 0.015,
}
VENDOR_SECONDS = {"stripe": 0.6, "hubspot": 0.3, "postmark": 0.3, "product": 0.15, "slack": 0.3}


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What cannot be counted here; each is varied in the report."""

    cpu: float = 1.0  # a core of Lambda's: seconds for one of ours
    vendors: float = 1.0  # times VENDOR_SECONDS
    aws: float = 1.0  # times AWS_SECONDS
    cold: float = 0.01  # the share of invocations that begin with a new environment
    cold_seconds: float = 1.0  # of its Init, billed since 2025-08


@dataclass(slots=True)
class Use:
    """What a function did so far, all its invocations together."""

    memory_mb: int
    invocations: int = 0
    cpu_seconds: float = 0.0
    aws_calls: Counter[str] = field(default_factory=Counter)
    vendor_calls: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    peak: int = 0


def seconds(use: Use, sdk_cpu: dict[str, float], given: Assumptions) -> float:
    """Billed seconds of all invocations of a function."""
    calls = use.aws_calls.items()
    cpu = use.cpu_seconds + sum((sdk_cpu[kind] + SOCKET_SECONDS) * count for kind, count in calls)
    cpu += VENDOR_SOCKET_SECONDS * sum(use.vendor_calls.values())
    waits = given.aws * sum(AWS_SECONDS[kind] * count for kind, count in calls)
    waits += given.vendors * sum(VENDOR_SECONDS[name] * count for name, count in use.vendor_calls.items())
    share = min(1.0, use.memory_mb / FULL_CORE_MB)
    each = ROUNDING_SECONDS + given.cold * given.cold_seconds
    return given.cpu * cpu / share + waits + use.invocations * each


def gb_seconds(use: Use, sdk_cpu: dict[str, float], given: Assumptions) -> float:
    """The same times the memory, in GB."""
    return seconds(use, sdk_cpu, given) * use.memory_mb / 1024


def sdk_cpu() -> dict[str, float]:
    """CPU seconds of one call of the AWS SDK by kind of call, measured: the median of some hundred.

    From the parameters to the signed request, and from the answer's bytes to the answer; nothing is sent.
    """
    text = {"S": "x" * 40}
    item = {name: text for name in ("id", "status", "stage", "account_id", "email", "name", "at", "by")}
    update = {
        "TableName": "t",
        "Key": {"id": text},
        "UpdateExpression": "SET #n0 = :v0, #n1 = :v1",
        "ConditionExpression": "#n2 = :v2",
        "ExpressionAttributeNames": {"#n0": "a", "#n1": "b", "#n2": "c"},
        "ExpressionAttributeValues": {":v0": text, ":v1": text, ":v2": text},
    }
    put = {"TableName": "t", "Item": item, "ConditionExpression": "attribute_not_exists(id)"}
    written = [{"Put": put}, {"Put": put}, {"Update": update}, {"Update": update}]
    message = {"Id": "0", "MessageBody": "x" * 300}
    calls: dict[str, tuple[str, str, dict[str, Any], bytes]] = {
        "dynamodb": ("dynamodb", "update_item", update, b'{"Attributes":{"id":{"S":"xxxxxxxx"}}}'),
        "dynamodb_transaction": ("dynamodb", "transact_write_items", {"TransactItems": written}, b"{}"),
        "sqs": ("sqs", "send_message_batch", {"QueueUrl": "https://q", "Entries": [message]}, b"{}"),
        "events": (
            "events",
            "put_events",
            {"Entries": [{"Source": "usher", "DetailType": "x", "Detail": "x" * 700}]},
            b'{"FailedEntryCount":0,"Entries":[{"EventId":"x"}]}',
        ),
        "states": ("stepfunctions", "send_task_success", {"taskToken": "x" * 600, "output": "{}"}, b"{}"),
        "secretsmanager": ("secretsmanager", "get_secret_value", {"SecretId": "x"}, b'{"SecretString":"x"}'),
    }
    return {kind: _measured(*call) for kind, call in calls.items()}


def _measured(service: str, operation: str, parameters: dict[str, Any], answer: bytes) -> float:
    session = Session()
    session.set_credentials("AKIDEXAMPLE", "a-secret-that-signs-nothing-real")
    client = session.create_client(service, region_name="us-east-1", config=UNCHECKED)

    def answered(request: Any, **_: Any) -> AWSResponse:
        response: Any = AWSResponse(request.url, 200, HTTPHeaders(), None)
        response._content = answer  # as if it had been read
        return response  # type: ignore[no-any-return]  # it is one

    answering: Any = answered  # what answers before the request is sent stands in for the service
    client.meta.events.register("before-send", answering)
    call: Callable[..., Any] = getattr(client, operation)
    took = []
    for _ in range(300):
        began = time.thread_time()
        call(**parameters)
        took.append(time.thread_time() - began)
    return statistics.median(took)
