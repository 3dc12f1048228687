"""The AWS platform: every port behind one object, nothing made before it is used, no retries in the SDK."""

import json
from typing import Any

import boto3

from infra import catalog
from tests.contract.aws import REGION, create_tables
from usher.adapters.aws_platform import CONFIG, AwsPlatform
from usher.ports.platform import Platform
from usher.ports.queue import Message
from usher.ports.store import Put
from usher.settings import Settings


def test_making_one_needs_no_settings_and_calls_nobody() -> None:
    platform: Platform = AwsPlatform(Settings())
    assert platform.clock.now().tzinfo is not None
    assert set(vars(platform)) == {"_settings", "client", "clock"}


def test_each_port_reaches_its_service(aws: boto3.session.Session, dynamodb: Any) -> None:
    tables = create_tables(dynamodb, catalog.TABLES, prefix="platform-").tables
    clients: dict[str, Any] = {name: aws.client(name) for name in ("sqs", "s3", "secretsmanager", "events")}
    queue = clients["sqs"].create_queue(QueueName="signups")["QueueUrl"]
    clients["s3"].create_bucket(Bucket="platform-blobs")
    secret = clients["secretsmanager"].create_secret(Name="platform", SecretString="hush")["ARN"]
    clients["events"].create_event_bus(Name="platform")
    settings = Settings(
        region=REGION,
        tables=tables,
        queues={"signups": queue},
        secrets={"access_tokens": secret},
        bucket="platform-blobs",
        bus="platform",
    )
    platform: Platform = AwsPlatform(settings)
    platform.store.write(Put("signups", {"signup_id": "s1"}))
    assert platform.store.get("signups", {"signup_id": "s1"}) == {"signup_id": "s1"}
    platform.queue.send("signups", [Message({"signup_id": "s1"})])
    (message,) = clients["sqs"].receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"]) == {"signup_id": "s1"}
    platform.blobs.put("a", b"x", content_type="text/plain")
    assert platform.blobs.get("a") == b"x"
    assert platform.secrets.get("access_tokens") == "hush"
    assert platform.bus.publish([{"type": "signup.completed", "id": "e1"}]) == []
    execution = f"arn:aws:states:{REGION}:123456789012:execution:onboarding:s1"
    assert platform.workflows.describe(execution) is None
    for client in clients.values():
        client.close()


def test_a_client_is_made_once_and_does_not_retry(aws: boto3.session.Session) -> None:
    platform = AwsPlatform(Settings(region=REGION))
    client = platform.client("dynamodb")
    assert platform.client("dynamodb") is client
    assert client.meta.config.retries["total_max_attempts"] == 1
    shortest = min(function.timeout_seconds for function in catalog.FUNCTIONS if function.tables)
    assert CONFIG.connect_timeout + CONFIG.read_timeout < shortest
    client.close()
