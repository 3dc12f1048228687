"""An AWS account in moto that holds what the synthesized templates say, deployed from their properties."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3

from tests.infra.assembly import REGION, Assembly, arn, rendered

_TABLE_FIELDS = (
    "TableName",
    "KeySchema",
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "DeletionProtectionEnabled",
)
_QUEUE_FIELDS = ("VisibilityTimeout", "RedrivePolicy", "FifoQueue", "MessageRetentionPeriod")


class MotoAccount:
    """Deploys on creation.

    Args:
        secrets: the values an operator would put, by catalog name.

    `real` maps an ARN as the templates are resolved to the one of this account, where moto chooses another:
    it makes secrets' ARNs up, and knows no aliases of state machines.
    """

    def __init__(self, assembly: Assembly, *, secrets: Mapping[str, str]) -> None:
        self.assembly = assembly
        self.client = cache(boto3.session.Session(region_name=REGION).client)
        self.real: dict[str, str] = {}
        self.rules = [rule for rule in assembly.properties("AWS::Events::Rule") if "EventBusName" in rule]
        self._secrets(secrets)
        self._tables()
        self._queues()
        self._bus()
        self._workflows()

    def _secrets(self, values: Mapping[str, str]) -> None:
        for secret in self.assembly.properties("AWS::SecretsManager::Secret"):
            name = secret["Name"]
            made = self.client("secretsmanager").create_secret(
                Name=name, SecretString=values[name.rsplit("/", 1)[1]]
            )
            self.real[arn("secretsmanager", f"secret:{name}-AbCdEf")] = made["ARN"]

    def _tables(self) -> None:
        for table in self.assembly.properties("AWS::DynamoDB::Table"):
            request = {name: table[name] for name in _TABLE_FIELDS if name in table}
            if "StreamSpecification" in table:
                request["StreamSpecification"] = {"StreamEnabled": True, **table["StreamSpecification"]}
            self.client("dynamodb").create_table(**request)
            if "TimeToLiveSpecification" in table:
                self.client("dynamodb").update_time_to_live(
                    TableName=table["TableName"], TimeToLiveSpecification=table["TimeToLiveSpecification"]
                )

    def _queues(self) -> None:
        queues = self.assembly.properties("AWS::SQS::Queue")
        for queue in sorted(queues, key=lambda queue: "RedrivePolicy" in queue):  # dead letters first
            attributes = {
                name: json.dumps(queue[name]) if isinstance(queue[name], dict) else str(queue[name]).lower()
                for name in _QUEUE_FIELDS
                if name in queue
            }
            self.client("sqs").create_queue(QueueName=queue["QueueName"], Attributes=attributes)

    def _bus(self) -> None:
        """Our bus, and each of its rules with a queue where the function is: moto delivers to no function."""
        for bus in self.assembly.properties("AWS::Events::EventBus"):
            self.client("events").create_event_bus(Name=bus["Name"])
        for rule in self.rules:
            heard = heard_by(rule)
            self.client("sqs").create_queue(QueueName=heard)
            place = {"EventBusName": rule["EventBusName"]}
            self.client("events").put_rule(
                Name=rule["Name"], EventPattern=json.dumps(rule["EventPattern"]), **place
            )
            targets = [{"Id": "heard", "Arn": arn("sqs", heard)}]
            self.client("events").put_targets(Rule=rule["Name"], Targets=targets, **place)

    def _workflows(self) -> None:
        for machine in self.assembly.properties("AWS::StepFunctions::StateMachine"):
            made = self.client("stepfunctions").create_state_machine(
                name=machine["StateMachineName"],
                definition=json.dumps(rendered(machine)),
                roleArn=machine["RoleArn"],
            )
            self.real[f"{made['stateMachineArn']}:live"] = made["stateMachineArn"]


def heard_by(rule: dict[str, Any]) -> str:
    """The queue that stands where a rule's function is."""
    return f"{rule['Name']}-heard"
